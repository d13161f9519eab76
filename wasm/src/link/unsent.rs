//! How much the browser may hold unsent.

/// What a pause sends on a path of some 100 MB/s; on a slow one it is little enough that TCP feels it.
const LEAST: usize = 256 * 1024;
/// No path that a browser fills needs more.
const MOST: usize = 2 * 1024 * 1024;

/// Bytes that the browser may hold unsent before the stack has to wait: as many as are sent while nobody looks, found out as
/// Linux's byte queue limits are. What ran empty was too little; what is hardly touched is more than is needed, and all that
/// it does is to delay whatever stands behind it.
#[derive(Debug)]
pub(super) struct UnsentLimit(usize);

impl Default for UnsentLimit {
    fn default() -> UnsentLimit {
        UnsentLimit(LEAST)
    }
}

impl UnsentLimit {
    pub(super) const fn bytes(&self) -> usize {
        self.0
    }

    /// After a pause that began with as many bytes unsent as are allowed, this many are.
    pub(super) fn adapt(&mut self, left: usize) {
        if left == 0 {
            self.0 = (2 * self.0).min(MOST);
        } else if left > self.0 / 2 {
            self.0 = (self.0 / 2).max(LEAST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_the_browser_runs_dry_and_shrinks_where_it_does_not() {
        let mut limit = UnsentLimit::default();
        limit.adapt(0);
        assert_eq!(limit.bytes(), 2 * LEAST);
        limit.adapt(LEAST / 2);
        assert_eq!(limit.bytes(), 2 * LEAST, "some was left, and not much");
        for _ in 0..9 {
            limit.adapt(0);
        }
        assert_eq!(limit.bytes(), MOST);
        for _ in 0..9 {
            limit.adapt(limit.bytes());
        }
        assert_eq!(limit.bytes(), LEAST);
    }
}
