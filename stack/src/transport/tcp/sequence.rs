//! Sequence numbers (RFC 9293 §3.4): 32 bits that wrap, compared by which way round is shorter.

use core::cmp::Ordering;
use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// A sequence number. The order is meaningful between numbers less than 2³¹ apart, as all numbers of one
/// connection's windows are; it is not transitive beyond that, hence no [`Ord`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Seq(pub u32);

impl Seq {
    /// Bytes from `earlier` to `self`, modulo 2³².
    #[must_use]
    pub const fn since(self, earlier: Seq) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    /// Whether it is one of the `length` numbers from `start` on.
    #[must_use]
    pub const fn is_within(self, start: Seq, length: u32) -> bool {
        self.since(start) < length
    }

    /// The later of the two.
    #[must_use]
    pub fn later(self, other: Seq) -> Seq {
        if other > self { other } else { self }
    }

    /// The earlier of the two.
    #[must_use]
    pub fn earlier(self, other: Seq) -> Seq {
        if other < self { other } else { self }
    }
}

impl PartialOrd for Seq {
    #[inline]
    fn partial_cmp(&self, other: &Seq) -> Option<Ordering> {
        Some((*self - *other).cmp(&0))
    }
}

/// The signed distance: negative if `other` is later.
impl Sub<Seq> for Seq {
    type Output = i32;
    #[inline]
    fn sub(self, other: Seq) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }
}

impl Add<u32> for Seq {
    type Output = Seq;
    #[inline]
    fn add(self, count: u32) -> Seq {
        Seq(self.0.wrapping_add(count))
    }
}

impl Sub<u32> for Seq {
    type Output = Seq;
    #[inline]
    fn sub(self, count: u32) -> Seq {
        Seq(self.0.wrapping_sub(count))
    }
}

impl AddAssign<u32> for Seq {
    #[inline]
    fn add_assign(&mut self, count: u32) {
        *self = *self + count;
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_across_the_wrap() {
        let before = Seq(u32::MAX - 1);
        let after = before + 5;
        assert_eq!(after, Seq(3));
        assert!(before < after);
        assert!(after >= before);
        assert_eq!(after - before, 5);
        assert_eq!(before - after, -5);
        assert_eq!(after.since(before), 5);
        assert_eq!(before.later(after), after);
        assert_eq!(before.earlier(after), before);
    }

    #[test]
    fn a_window_of_zero_holds_nothing() {
        assert!(!Seq(7).is_within(Seq(7), 0));
        assert!(Seq(1).is_within(Seq(u32::MAX), 3));
        assert!(!Seq(2).is_within(Seq(u32::MAX), 3));
        assert!(!Seq(6).is_within(Seq(7), 100));
    }
}
