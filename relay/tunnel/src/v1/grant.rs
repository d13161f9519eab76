//! Credit that a side gives (rule 4): always a window ahead of what it has taken, and the window follows the path.

use super::Stamp;

/// No window is larger, in bytes: 5 Gbit/s over 100 ms.
pub const LARGEST_WINDOW: u64 = 64 * 1024 * 1024;

/// Credit is told once this much of it is new, in bytes, or a quarter of the window. What a large window gives by the quarter comes in
/// bursts: who waits for it overflows meanwhile, and sends them then.
const TOLD_BY: u64 = 1024 * 1024;

/// The window is at least this many times what comes in a round trip. Of a sender in slow start that has just enough: what is
/// granted now is used a round trip later, by what was measured in the round before, and each round doubles; some more is due
/// because credit is told by the quarter.
const ROUND_TRIPS: u64 = 8;

/// Round trips count as at least this long, in microseconds: no clock of a browser tells much shorter ones apart.
const SHORTEST_ROUND_TRIP: u64 = 1_000;

/// Rounds last at least this long, in microseconds: what passes in bursts says nothing of the rate in less.
const SHORTEST_ROUND: u64 = 10_000;

/// Between pings that measure the round trip, in microseconds.
const PING_INTERVAL: u64 = 1_000_000;

/// What a side lets the other send. Times are microseconds on any clock.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The window at first, and on every short path.
    least: u64,
    window: u64,
    granted: u64,
    taken: u64,
    /// The shortest that was measured: the path without a queue.
    round_trip: Option<u64>,
    /// When the last ping left.
    pinged: Option<u64>,
    /// When the round began, and what was taken until then.
    began: (u64, u64),
}

impl Grant {
    /// A window of so many bytes, which the hello gave.
    #[must_use]
    pub const fn new(window: u64) -> Grant {
        Grant {
            least: window,
            window,
            granted: window,
            taken: 0,
            round_trip: None,
            pinged: None,
            began: (0, 0),
        }
    }

    /// The total credit that was given.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.granted
    }

    /// So many bytes of messages were taken, in all. Gives the new total credit once that is a quarter of the window more, or a mebibyte.
    pub fn take(&mut self, taken: u64, now: u64) -> Option<u64> {
        self.taken = taken;
        self.follow(now);
        let total = taken + self.window;
        (total >= self.granted + (self.window / 4).min(TOLD_BY)).then(|| {
            self.granted = total;
            total
        })
    }

    /// A ping to be sent, if it is time for one: its pong measures the round trip.
    pub fn ping(&mut self, now: u64) -> Option<Stamp> {
        let is_due = self
            .pinged
            .is_none_or(|at| now.saturating_sub(at) >= PING_INTERVAL);
        is_due.then(|| {
            self.pinged = Some(now);
            Stamp(now)
        })
    }

    /// A pong came.
    pub fn pong(&mut self, stamp: Stamp, now: u64) {
        // Who answers what was never asked measures nothing.
        if self.pinged == Some(stamp.0) {
            let measured = now.saturating_sub(stamp.0).max(SHORTEST_ROUND_TRIP);
            self.round_trip = Some(
                self.round_trip
                    .map_or(measured, |least| least.min(measured)),
            );
        }
    }

    /// Once a round, fits the window to what was taken in a round trip of it. It grows at once and shrinks slowly.
    fn follow(&mut self, now: u64) {
        let Some(round_trip) = self.round_trip else {
            return;
        };
        let (began, before) = self.began;
        let took = now.saturating_sub(began);
        if took < round_trip.max(SHORTEST_ROUND) {
            return;
        }
        let bytes = (self.taken - before).saturating_mul(round_trip) / took;
        let wanted = ROUND_TRIPS
            .saturating_mul(bytes)
            .max(self.window - self.window / 8);
        self.window = wanted.clamp(self.least, LARGEST_WINDOW.max(self.least));
        self.began = (now, self.taken);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    const KIB: u64 = 1_024;
    const MILLISECOND: u64 = 1_000;

    /// Credit of 100 KiB, with a round trip measured.
    fn over(round_trip: u64) -> Grant {
        let mut grant = Grant::new(100 * KIB);
        let stamp = grant.ping(0).unwrap();
        grant.pong(stamp, round_trip);
        grant
    }

    /// Takes `rate` bytes a millisecond for so long; gives the window at the end.
    fn run(grant: &mut Grant, from: u64, millis: u64, rate: u64) -> u64 {
        for n in 0..millis {
            let taken = grant.taken + rate;
            if let Some(total) = grant.take(taken, from + n * MILLISECOND) {
                assert!(total > taken, "it never runs dry");
            }
        }
        grant.window
    }

    #[test]
    fn credit_comes_by_the_quarter() {
        let mut grant = Grant::new(1_000);
        let given: std::vec::Vec<_> = (1..=12).filter_map(|n| grant.take(n * 100, 0)).collect();
        assert_eq!(given, [1_300, 1_600, 1_900, 2_200]);
        assert_eq!(grant.total(), 2_200);
    }

    #[test]
    fn of_a_large_window_credit_comes_by_the_mebibyte() {
        const MIB: u64 = 1_024 * KIB;
        let mut grant = Grant::new(64 * MIB);
        assert_eq!(grant.take(MIB - 1, 0), None);
        assert_eq!(grant.take(MIB, 0), Some(65 * MIB));
        assert_eq!(grant.take(2 * MIB + 5, 0), Some(66 * MIB + 5));
    }

    #[test]
    fn the_window_is_some_round_trips_of_what_comes() {
        let mut grant = over(50 * MILLISECOND);
        assert_eq!(run(&mut grant, 0, 500, 10 * KIB), 8 * 50 * 10 * KIB);
        let mut short = over(MILLISECOND);
        assert_eq!(run(&mut short, 0, 500, 10 * KIB), 100 * KIB);
    }

    #[test]
    fn it_shrinks_slowly_and_never_takes_credit_back() {
        let mut grant = over(50 * MILLISECOND);
        let most = run(&mut grant, 0, 500, 100 * KIB);
        let total = grant.total();
        let after = run(&mut grant, 500 * MILLISECOND, 52, KIB);
        assert!((most / 2..most).contains(&after), "{after} after {most}");
        assert_eq!(run(&mut grant, 552 * MILLISECOND, 5_000, KIB), 8 * 50 * KIB);
        assert!(grant.total() >= total);
    }

    #[test]
    fn it_has_a_limit_and_no_arithmetic_overflows() {
        let mut grant = over(MILLISECOND);
        grant.take(u64::MAX / 2, 20 * MILLISECOND);
        assert_eq!(grant.window, LARGEST_WINDOW);
        let mut slow = over(u64::MAX);
        slow.take(u64::MAX / 2, u64::MAX);
        assert_eq!(slow.window, 100 * KIB);
    }

    #[test]
    fn only_its_own_last_ping_measures_and_the_shortest_counts() {
        let mut grant = Grant::new(KIB);
        grant.pong(Stamp(0), 70 * MILLISECOND);
        assert_eq!(grant.round_trip, None);
        let first = grant.ping(5 * MILLISECOND).unwrap();
        grant.pong(first, 25 * MILLISECOND);
        assert_eq!(grant.round_trip, Some(20 * MILLISECOND));
        assert_eq!(grant.ping(900 * MILLISECOND), None);
        let second = grant.ping(1_005 * MILLISECOND).unwrap();
        grant.pong(first, 1_006 * MILLISECOND);
        grant.pong(second, 1_305 * MILLISECOND);
        assert_eq!(grant.round_trip, Some(20 * MILLISECOND));
    }
}
