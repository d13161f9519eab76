//! How many acknowledgements leave in a second that nobody's data is owed.

use crate::random::Random;
use crate::time::{Duration, Instant};

/// What is left of the current second's number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EachSecond {
    since: Option<Instant>,
    left: u32,
}

impl EachSecond {
    /// Whether one more may leave; `most` gives how many may in a second that begins.
    pub(super) fn take(&mut self, now: Instant, most: impl FnOnce() -> u32) -> bool {
        let is_over = |since: Instant| now.since(since) >= Duration::from_secs(1);
        if self.since.is_none_or(is_over) {
            self.since = Some(now);
            self.left = most();
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

/// How many challenge acknowledgements leave in a second. The number differs from second to second, so that nobody can
/// count them to learn whether a guess was right.
#[derive(Debug)]
pub(super) struct ChallengeLimit {
    per_second: u32,
    left: EachSecond,
    random: Random,
}

impl ChallengeLimit {
    pub(super) fn new(per_second: u32, random: &mut Random) -> ChallengeLimit {
        ChallengeLimit {
            per_second,
            left: EachSecond::default(),
            random: random.fork(),
        }
    }

    pub(super) fn take(&mut self, now: Instant) -> bool {
        let (per_second, random) = (self.per_second, &mut self.random);
        self.left
            .take(now, || per_second / 2 + random.below(per_second + 1))
    }
}
