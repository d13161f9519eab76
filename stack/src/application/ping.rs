//! Ping: which request a reply belongs to, and what many of them say together.

use crate::time::{Duration, Instant, duration_micros};
use alloc::collections::VecDeque;

/// Requests whose answers are awaited or would be recognised as duplicates; older ones count as lost.
const REMEMBERED: usize = 1_024;

/// What a reply was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingOutcome {
    /// The first answer to a request, after this long.
    Reply(Duration),
    /// Another answer to the same request.
    Duplicate,
    /// An answer to nothing that we remember.
    Unknown,
}

/// A series of echo requests to one destination.
#[derive(Clone, Debug, Default)]
pub struct PingSeries {
    next: u16,
    waiting: VecDeque<Request>,
    statistics: PingStatistics,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    sequence: u16,
    sent: Instant,
    answered: bool,
}

impl PingSeries {
    /// A series that begins with sequence number 1, as ping programs do.
    #[must_use]
    pub fn new() -> PingSeries {
        PingSeries {
            next: 1,
            ..PingSeries::default()
        }
    }

    /// Notes a request that is sent now and returns its sequence number.
    pub fn request(&mut self, now: Instant) -> u16 {
        let sequence = self.next;
        self.next = self.next.wrapping_add(1);
        if self.waiting.len() >= REMEMBERED {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Request {
            sequence,
            sent: now,
            answered: false,
        });
        self.statistics.sent += 1;
        sequence
    }

    /// Notes a reply that arrived now.
    pub fn reply(&mut self, sequence: u16, now: Instant) -> PingOutcome {
        let request = self
            .waiting
            .iter_mut()
            .rev()
            .find(|request| request.sequence == sequence);
        let Some(request) = request else {
            return PingOutcome::Unknown;
        };
        if core::mem::replace(&mut request.answered, true) {
            self.statistics.duplicates += 1;
            return PingOutcome::Duplicate;
        }
        let round_trip = now.since(request.sent);
        self.statistics.note(round_trip);
        PingOutcome::Reply(round_trip)
    }

    /// What has been seen so far.
    #[must_use]
    pub fn statistics(&self) -> &PingStatistics {
        &self.statistics
    }
}

/// What many round trips say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PingStatistics {
    /// Requests sent.
    pub sent: u64,
    /// Requests answered.
    pub received: u64,
    /// Answers beyond the first.
    pub duplicates: u64,
    shortest: u64,
    longest: u64,
    sum: u64,
    /// Of squares, in square microseconds: needs more than 64 bits after some hours.
    sum_of_squares: u128,
}

impl PingStatistics {
    /// Adds one round trip.
    pub fn note(&mut self, round_trip: Duration) {
        let micros = duration_micros(round_trip);
        self.shortest = match self.received {
            0 => micros,
            _ => self.shortest.min(micros),
        };
        self.longest = self.longest.max(micros);
        self.received += 1;
        self.sum = self.sum.saturating_add(micros);
        let square = u128::from(micros).saturating_mul(u128::from(micros));
        self.sum_of_squares = self.sum_of_squares.saturating_add(square);
    }

    /// The shortest round trip.
    #[must_use]
    pub fn minimum(&self) -> Option<Duration> {
        self.if_any(self.shortest)
    }

    /// The mean of all round trips.
    #[must_use]
    pub fn average(&self) -> Option<Duration> {
        self.if_any(self.sum / self.received.max(1))
    }

    /// The longest round trip.
    #[must_use]
    pub fn maximum(&self) -> Option<Duration> {
        self.if_any(self.longest)
    }

    /// The standard deviation of the round trips, which ping programs call mdev.
    #[must_use]
    pub fn deviation(&self) -> Option<Duration> {
        let count = u128::from(self.received.max(1));
        let sum = u128::from(self.sum);
        // n·Σx² − (Σx)² loses nothing to rounding before the root.
        let scaled = self
            .sum_of_squares
            .saturating_mul(count)
            .saturating_sub(sum.saturating_mul(sum));
        let deviation = scaled.isqrt() / count;
        self.if_any(u64::try_from(deviation).unwrap_or(u64::MAX))
    }

    /// The share of requests without an answer: 0 to 1; 0 if none were sent. Requests still on their way count as lost.
    #[must_use]
    pub fn loss(&self) -> f64 {
        if self.sent == 0 {
            return 0.0;
        }
        self.sent.saturating_sub(self.received) as f64 / self.sent as f64
    }

    fn if_any(&self, micros: u64) -> Option<Duration> {
        (self.received > 0).then_some(Duration::from_micros(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn replies_are_matched_to_requests_in_any_order() {
        let mut series = PingSeries::new();
        assert_eq!(series.request(millis(0)), 1);
        assert_eq!(series.request(millis(1_000)), 2);
        let ten = Duration::from_millis(10);
        assert_eq!(series.reply(2, millis(1_010)), PingOutcome::Reply(ten));
        let late = Duration::from_millis(1_020);
        assert_eq!(series.reply(1, millis(1_020)), PingOutcome::Reply(late));
        assert_eq!(series.reply(1, millis(1_030)), PingOutcome::Duplicate);
        assert_eq!(series.reply(3, millis(1_030)), PingOutcome::Unknown);
        assert_eq!(series.statistics().duplicates, 1);
        assert_eq!(series.statistics().received, 2);
    }

    #[test]
    fn statistics_agree_with_those_of_a_ping_program() {
        let mut series = PingSeries::new();
        for (second, round_trip) in [(0, 10), (1, 20), (2, 30), (3, 20)] {
            let sequence = series.request(millis(second * 1_000));
            series.reply(sequence, millis(second * 1_000 + round_trip));
        }
        series.request(millis(5_000));
        let statistics = series.statistics();
        assert_eq!(statistics.minimum(), Some(Duration::from_millis(10)));
        assert_eq!(statistics.average(), Some(Duration::from_millis(20)));
        assert_eq!(statistics.maximum(), Some(Duration::from_millis(30)));
        // The root of 50 ms².
        assert_eq!(statistics.deviation(), Some(Duration::from_micros(7_071)));
        assert!((statistics.loss() - 0.2).abs() < 1e-9);
    }

    #[test]
    fn without_replies_there_is_nothing_to_say_but_the_loss() {
        let mut series = PingSeries::new();
        assert!(series.statistics().loss().abs() < 1e-9);
        series.request(millis(0));
        let statistics = series.statistics();
        assert_eq!(statistics.minimum(), None);
        assert_eq!(statistics.average(), None);
        assert_eq!(statistics.deviation(), None);
        assert!((statistics.loss() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn sequence_numbers_wrap_and_only_recent_requests_are_remembered() {
        let mut series = PingSeries::new();
        for number in 0..70_000_u64 {
            series.request(millis(number));
        }
        assert_eq!(series.reply(1, millis(80_000)), PingOutcome::Unknown);
        let last = (70_000 % 65_536) as u16;
        let round_trip = Duration::from_millis(10_001);
        assert_eq!(
            series.reply(last, millis(80_000)),
            PingOutcome::Reply(round_trip)
        );
        assert_eq!(series.waiting.len(), REMEMBERED);
    }

    #[test]
    fn absurd_round_trips_do_not_overflow() {
        let mut statistics = PingStatistics::default();
        for _ in 0..3 {
            statistics.note(Duration::MAX);
        }
        assert!(statistics.deviation().is_some());
        assert!(statistics.average().is_some());
    }
}
