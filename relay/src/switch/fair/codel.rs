//! CoDel (RFC 8289): how long frames wait decides what is dropped, not how many there are.

use std::time::Duration;
use tokio::time::Instant;

/// A standing queue of more than this is one too many (RFC 8289 §4.4).
pub(super) const TARGET: Duration = Duration::from_millis(5);

/// How long it may stand: a round trip of the slowest usual path (RFC 8289 §4.3).
pub(super) const INTERVAL: Duration = Duration::from_millis(100);

/// The state of one flow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Codel {
    /// When the wait will have been above the target for an interval.
    first_above: Option<Instant>,
    /// While dropping: when the next one is due.
    next: Option<Instant>,
    /// Drops, or marks, since the state of dropping was entered, and how many there were then.
    count: u32,
    last_count: u32,
    /// When the last one was due.
    last: Option<Instant>,
}

/// What is to become of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Pass,
    /// Its sender is to slow down: it is marked, or dropped.
    Slow,
}

impl Codel {
    /// Looks at the frame at the head, which waited so long; `alone`: hardly anything waits behind it.
    pub(super) fn judge(&mut self, waited: Duration, alone: bool, now: Instant) -> Verdict {
        let above = self.is_above(waited, alone, now);
        match self.next {
            Some(_) if !above => {
                self.next = None;
                Verdict::Pass
            }
            Some(next) if now >= next => {
                self.count += 1;
                self.schedule(next);
                Verdict::Slow
            }
            None if above => {
                // RFC 8289 §5.5: begins near the rate that was right, if that is not long ago.
                let delta = self.count.saturating_sub(self.last_count);
                let recent = self
                    .last
                    .is_some_and(|last| now.saturating_duration_since(last) < 16 * INTERVAL);
                self.count = if recent && delta > 1 { delta } else { 1 };
                self.last_count = self.count;
                self.schedule(now);
                Verdict::Slow
            }
            Some(_) | None => Verdict::Pass,
        }
    }

    /// Nothing waits.
    pub(super) fn rest(&mut self) {
        self.first_above = None;
        self.next = None;
    }

    fn is_above(&mut self, waited: Duration, alone: bool, now: Instant) -> bool {
        if waited < TARGET || alone {
            self.first_above = None;
            return false;
        }
        match self.first_above {
            Some(at) => now >= at,
            None => {
                self.first_above = Some(now + INTERVAL);
                false
            }
        }
    }

    /// RFC 8289 §3.3: the more were not enough, the sooner the next.
    fn schedule(&mut self, from: Instant) {
        let next = from + INTERVAL.div_f64(f64::from(self.count).sqrt());
        self.next = Some(next);
        self.last = Some(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments, in milliseconds, at which a flow that always waits so long is slowed, looked at every millisecond.
    fn slowed(
        codel: &mut Codel,
        waited: Duration,
        start: Instant,
        millis: std::ops::Range<u64>,
    ) -> Vec<u64> {
        millis
            .filter(|n| {
                codel.judge(waited, false, start + Duration::from_millis(*n)) == Verdict::Slow
            })
            .collect()
    }

    #[test]
    fn a_burst_passes_and_a_standing_queue_is_slowed_ever_more_often() {
        let (start, mut codel) = (Instant::now(), Codel::default());
        let long = Duration::from_millis(20);
        assert_eq!(slowed(&mut codel, long, start, 0..100), [0; 0]);
        assert_eq!(
            slowed(&mut codel, long, start, 100..450),
            [100, 200, 271, 329, 379, 424]
        );
        assert_eq!(
            slowed(&mut codel, Duration::from_millis(4), start, 450..2_000),
            [0; 0]
        );
    }

    #[test]
    fn it_goes_on_near_the_rate_that_was_right_if_that_is_not_long_ago() {
        let (start, mut codel) = (Instant::now(), Codel::default());
        let (long, short) = (Duration::from_millis(20), Duration::from_millis(1));
        let first = slowed(&mut codel, long, start, 0..1_000);
        slowed(&mut codel, short, start, 1_000..1_010);
        let again = slowed(&mut codel, long, start, 1_010..1_500);
        assert_eq!((first[0], first[1] - first[0]), (100, 100));
        assert!(again[0] == 1_110 && again[1] - again[0] < 40, "{again:?}");
    }

    #[test]
    fn what_waits_alone_is_left_alone() {
        let (start, mut codel) = (Instant::now(), Codel::default());
        for n in 0..1_000 {
            let now = start + Duration::from_millis(n);
            assert_eq!(
                codel.judge(Duration::from_secs(1), true, now),
                Verdict::Pass
            );
        }
    }
}
