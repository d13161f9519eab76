//! How long to wait before the relay is tried again.

use ethertab_stack::Duration;
use ethertab_stack::random::Random;

/// Doubling delays with jitter: after the n-th failure in a row between one half and the whole of
/// `FIRST` · 2ⁿ, at most `LONGEST`. The jitter keeps a thousand tabs from coming back in the same instant.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    random: Random,
}

const FIRST_MILLIS: u64 = 250;
const LONGEST_MILLIS: u64 = 10_000;

impl Backoff {
    pub(super) fn new(random: Random) -> Backoff {
        Backoff {
            failures: 0,
            random,
        }
    }

    /// The connection proved itself: the next failure is the first again.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// One more failure: how long to wait now.
    pub(super) fn failed(&mut self) -> Duration {
        let whole = FIRST_MILLIS
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST_MILLIS);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        Duration::from_millis(half + u64::from(self.random.below(half as u32 + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_with_jitter_up_to_a_bound_and_begin_again_after_success() {
        let mut backoff = Backoff::new(Random::new([7; 32]));
        let mut whole = FIRST_MILLIS;
        for _ in 0..20 {
            let delay = backoff.failed().as_millis() as u64;
            assert!((whole / 2..=whole).contains(&delay), "{delay} of {whole}");
            whole = (whole * 2).min(LONGEST_MILLIS);
        }
        backoff.succeeded();
        assert!(backoff.failed().as_millis() as u64 <= FIRST_MILLIS);
    }

    #[test]
    fn two_tabs_do_not_come_back_together() {
        let delay = |seed| {
            let mut backoff = Backoff::new(Random::new([seed; 32]));
            for _ in 0..6 {
                backoff.failed();
            }
            backoff.failed()
        };
        assert_ne!(delay(1), delay(2));
    }
}
