//! How large the receive buffer has to be: dynamic right-sizing (Fisk and Feng, "Dynamic Right-Sizing in TCP", 2001).
//!
//! What the program reads in a round trip is what the path and the program carry together; the window is twice as much. While
//! that grows it is more: what is announced now governs what comes in two round trips, and slow start has doubled twice by then.
//! A program that does not read gets no larger buffer, however fast its peer sends.

use crate::time::{Duration, Instant, duration_micros};

/// Round trips count as at least this long, in microseconds: no clock of a browser tells much shorter ones apart.
const SHORTEST_ROUND_TRIP: u64 = 1_000;

/// Rounds last at least this long, in microseconds: what is read in bursts says nothing of the rate in less.
const SHORTEST_ROUND: u64 = 10_000;

/// What the program reads, round by round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizing {
    /// No larger size is asked for.
    largest: usize,
    /// When the round began, and what the program had read then.
    began: Instant,
    read: u64,
    /// When it ends.
    until: Instant,
    /// Bytes of the round before.
    before: u64,
}

impl Sizing {
    /// Of a connection that has read nothing.
    pub(super) const fn new(largest: usize) -> Sizing {
        Sizing {
            largest,
            began: Instant::ZERO,
            read: 0,
            until: Instant::ZERO,
            before: 0,
        }
    }

    /// Whether the round is over.
    #[inline]
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Ends the round: `read` bytes were read in all. Gives the size that the buffer should have at least.
    pub(super) fn fit(
        &mut self,
        read: u64,
        round_trip: Option<Duration>,
        now: Instant,
    ) -> Option<usize> {
        let round_trip = duration_micros(round_trip?).max(SHORTEST_ROUND_TRIP);
        let took = now.micros_since(self.began).max(round_trip);
        let bytes = (read - self.read).saturating_mul(round_trip) / took;
        let more = bytes.saturating_sub(core::mem::replace(&mut self.before, bytes));
        self.began = now;
        self.read = read;
        self.until = now + Duration::from_micros(round_trip.max(SHORTEST_ROUND));
        let size = usize::try_from(2 * bytes + 6 * more).unwrap_or(usize::MAX);
        Some(size.min(self.largest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Option<Duration> = Some(Duration::from_millis(100));

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn it_is_twice_what_is_read_in_a_round_and_more_while_that_grows() {
        let mut sizing = Sizing::new(1 << 30);
        assert!(sizing.is_due(at(5_000)));
        assert_eq!(sizing.fit(0, ROUND, at(5_000)), Some(0));
        assert!(!sizing.is_due(at(5_099)) && sizing.is_due(at(5_100)));
        assert_eq!(sizing.fit(1_000, ROUND, at(5_100)), Some(8_000));
        assert_eq!(sizing.fit(3_000, ROUND, at(5_200)), Some(10_000));
        assert_eq!(sizing.fit(5_000, ROUND, at(5_300)), Some(4_000));
        assert_eq!(sizing.fit(5_500, ROUND, at(5_400)), Some(1_000));
    }

    #[test]
    fn a_pause_counts_as_a_slow_round() {
        let mut sizing = Sizing::new(1 << 30);
        sizing.fit(0, ROUND, at(1_000));
        assert_eq!(sizing.fit(100_000, ROUND, at(11_000)), Some(8_000));
    }

    #[test]
    fn on_a_short_path_bursts_even_out() {
        let mut sizing = Sizing::new(1 << 30);
        let short = Some(Duration::from_micros(10));
        sizing.fit(0, short, at(1_000));
        assert!(!sizing.is_due(at(1_009)) && sizing.is_due(at(1_010)));
        // All in one of ten milliseconds, a tenth of it for each.
        assert_eq!(sizing.fit(100_000, short, at(1_010)), Some(80_000));
        assert_eq!(sizing.fit(200_000, short, at(1_020)), Some(20_000));
    }

    #[test]
    fn sizes_have_a_limit() {
        let mut sizing = Sizing::new(50_000);
        sizing.fit(0, ROUND, at(1_000));
        assert_eq!(sizing.fit(u64::MAX / 8, ROUND, at(1_100)), Some(50_000));
    }

    #[test]
    fn without_a_measured_round_trip_it_says_nothing() {
        let mut sizing = Sizing::new(50_000);
        assert_eq!(sizing.fit(10_000, None, at(1_000)), None);
        assert!(sizing.is_due(at(1_000)));
    }
}
