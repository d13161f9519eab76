//! Round-trip time and retransmission timeout (RFC 6298), in microseconds.
//!
//! Karn's algorithm (§3) is the caller's part: it must not measure a segment that was sent more than once, unless
//! timestamps tell which copy was acknowledged.

use crate::time::{Duration, duration_micros};

/// Before anything is measured (§2.1).
const INITIAL_TIMEOUT: u64 = 1_000_000;
/// Before anything is measured, if the SYN had to be repeated (§5.7).
const TIMEOUT_AFTER_LOST_SYN: u64 = 3_000_000;
/// No measurement counts for more than an hour.
const LONGEST_MEASUREMENT: u64 = 3_600_000_000;

/// Measures one path.
#[derive(Clone, Copy, Debug)]
pub struct RoundTrip {
    /// SRTT and RTTVAR; `None` until the first measurement.
    smoothed: Option<(u64, u64)>,
    /// The shortest measurement: the path without a queue.
    shortest_measured: Option<u64>,
    /// RTO before back-off.
    timeout: u64,
    /// Times that the timeout was doubled.
    backoffs: u32,
    shortest: u64,
    longest: u64,
    granularity: u64,
}

impl RoundTrip {
    /// The timeout is at least `shortest` more than the average, and at most `longest`; `granularity` is the step of the clock (§2's G).
    #[must_use]
    pub fn new(shortest: Duration, longest: Duration, granularity: Duration) -> RoundTrip {
        let shortest = duration_micros(shortest);
        let longest = duration_micros(longest).max(shortest);
        RoundTrip {
            smoothed: None,
            shortest_measured: None,
            timeout: INITIAL_TIMEOUT.clamp(shortest, longest),
            backoffs: 0,
            shortest,
            longest,
            granularity: duration_micros(granularity),
        }
    }

    /// Takes a measurement: from sending a segment to the arrival of its acknowledgement.
    pub fn sample(&mut self, round_trip: Duration) {
        let measured = duration_micros(round_trip).min(LONGEST_MEASUREMENT);
        self.shortest_measured = Some(self.shortest_measured.map_or(measured, |s| s.min(measured)));
        let (average, variation) = match self.smoothed {
            // §2.2
            None => (measured, measured / 2),
            // §2.3: β = 1/4, α = 1/8; the variation first, with the old average.
            Some((average, variation)) => (
                (7 * average + measured) / 8,
                (3 * variation + average.abs_diff(measured)) / 4,
            ),
        };
        self.smoothed = Some((average, variation));
        // Deviation: `shortest` bounds the distance from the average, not the sum, as Linux has it. On a long path a queue that
        // fills, or acknowledgements that wait behind data the other way, delay the next one by more than any before.
        let margin = (4 * variation).max(self.granularity).max(self.shortest);
        self.timeout = (average + margin).min(self.longest);
        self.backoffs = 0;
    }

    /// The retransmission timer ran out: doubles the timeout (§5.5).
    pub fn back_off(&mut self) {
        self.backoffs = self.backoffs.saturating_add(1);
    }

    /// The SYN had to be repeated, and data begins to flow: without a measurement, 3 s (§5.7). The back-off ends.
    pub fn established_after_loss(&mut self) {
        if self.smoothed.is_none() {
            self.timeout = TIMEOUT_AFTER_LOST_SYN.clamp(self.shortest, self.longest);
            self.backoffs = 0;
        }
    }

    /// The timeout as it stands, back-off included.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        let factor = 1_u64.checked_shl(self.backoffs).unwrap_or(u64::MAX);
        Duration::from_micros(self.timeout.saturating_mul(factor).min(self.longest))
    }

    /// SRTT; `None` until the first measurement.
    #[must_use]
    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
            .map(|(average, _)| Duration::from_micros(average))
    }

    /// The shortest measurement; `None` until the first one.
    #[must_use]
    pub fn shortest_measured(&self) -> Option<Duration> {
        self.shortest_measured.map(Duration::from_micros)
    }

    /// Times that the timeout was doubled since the last measurement.
    #[must_use]
    pub fn backoffs(&self) -> u32 {
        self.backoffs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn fresh() -> RoundTrip {
        RoundTrip::new(milliseconds(200), milliseconds(60_000), milliseconds(1))
    }

    #[test]
    fn it_begins_with_one_second_and_with_three_after_a_lost_syn() {
        let mut path = fresh();
        assert_eq!(path.timeout(), milliseconds(1_000));
        path.back_off();
        assert_eq!(path.timeout(), milliseconds(2_000));
        path.established_after_loss();
        assert_eq!(path.timeout(), milliseconds(3_000));
    }

    #[test]
    fn the_first_measurement_sets_the_average_and_half_of_it_as_variation() {
        let mut path = fresh();
        path.sample(milliseconds(100));
        assert_eq!(path.smoothed(), Some(milliseconds(100)));
        assert_eq!(path.timeout(), milliseconds(300));
        // RTTVAR = 3/4 · 50 + 1/4 · 80 = 57.5; SRTT = 7/8 · 100 + 1/8 · 180 = 110
        path.sample(milliseconds(180));
        assert_eq!(path.smoothed(), Some(milliseconds(110)));
        assert_eq!(path.timeout(), milliseconds(340));
    }

    #[test]
    fn the_timeout_stays_within_its_bounds() {
        let mut path = fresh();
        (0..100).for_each(|_| path.sample(Duration::from_micros(300)));
        assert_eq!(path.timeout(), Duration::from_micros(200_300));
        (0..200).for_each(|_| path.back_off());
        assert_eq!(path.timeout(), milliseconds(60_000));
        path.sample(Duration::MAX);
        assert_eq!(path.timeout(), milliseconds(60_000));
    }

    #[test]
    fn a_steady_path_keeps_at_least_a_step_of_the_clock_above_its_average() {
        let mut path = RoundTrip::new(Duration::ZERO, milliseconds(60_000), milliseconds(5));
        (0..1_000).for_each(|_| path.sample(milliseconds(40)));
        assert_eq!(path.timeout(), milliseconds(45));
    }

    #[test]
    fn a_measurement_ends_the_back_off() {
        let mut path = fresh();
        path.sample(milliseconds(100));
        path.back_off();
        path.back_off();
        assert_eq!(path.backoffs(), 2);
        assert_eq!(path.timeout(), milliseconds(1_200));
        path.sample(milliseconds(100));
        assert_eq!(path.timeout(), milliseconds(300));
    }
}
