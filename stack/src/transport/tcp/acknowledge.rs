//! When we acknowledge what arrived (RFC 9293 §3.8.6.3, RFC 5681 §4.2).

use super::limit::EachSecond;
use super::timer::{Timer, Timers};
use crate::time::{Duration, Instant};

/// Answers in a second to segments of one peer that take no sequence space and are not acceptable: keep-alives and probes of a closed
/// window are among them, and two ends that disagree would go on for ever.
const ANSWERS: u32 = 10;

/// RFC 9293 §3.8.6.3, MUST-40: less than half a second.
const LONGEST_DELAY: Duration = Duration::from_millis(499);

/// Whether, and how soon, the peer is owed an acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Owed {
    #[default]
    Nothing,
    /// With the next data that we send, or when the timer runs out.
    Soon,
    /// At once.
    Now,
}

/// The acknowledgement that we owe.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Acknowledgement {
    owed: Owed,
    /// Bytes that arrived in order since the last one.
    bytes: usize,
    /// The largest segment that came: what a full one is for this peer.
    full_segment: usize,
    answers: EachSecond,
}

impl Acknowledgement {
    /// It must leave now, even without data.
    pub(super) const fn is_due(&self) -> bool {
        matches!(self.owed, Owed::Now)
    }

    /// Something must be acknowledged at once: a segment out of order, one that fills a gap (RFC 5681 §4.2), a FIN, an
    /// unacceptable one, or a window that opens.
    pub(super) const fn at_once(&mut self) {
        self.owed = Owed::Now;
    }

    /// An empty segment that is not acceptable is answered, within limits (RFC 9293 §3.10.7.4, first).
    pub(super) fn answer(&mut self, now: Instant) {
        if self.answers.take(now, || ANSWERS) {
            self.at_once();
        }
    }

    /// `length` bytes came in order. Every second full segment is acknowledged at once (SHLD-19), others after a delay.
    #[inline]
    pub(super) fn for_data(
        &mut self,
        length: usize,
        maximum_segment: usize,
        timers: &mut Timers,
        delay: Duration,
        now: Instant,
    ) {
        self.full_segment = self.full_segment.max(length.min(maximum_segment));
        self.bytes += length;
        if self.bytes >= 2 * self.full_segment {
            self.owed = Owed::Now;
        } else if self.owed == Owed::Nothing {
            self.owed = Owed::Soon;
            timers.set(Timer::DelayedAck, now + delay.min(LONGEST_DELAY));
        }
    }

    /// A segment that carries an acknowledgement was sent.
    #[inline]
    pub(super) fn sent(&mut self, timers: &mut Timers) {
        self.bytes = 0;
        if self.owed != Owed::Nothing {
            self.owed = Owed::Nothing;
            timers.stop(Timer::DelayedAck);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(owed: &mut Acknowledgement, timers: &mut Timers, length: usize) -> bool {
        let delay = Duration::from_millis(40);
        owed.for_data(length, 1_460, timers, delay, Instant::ZERO);
        owed.is_due()
    }

    #[test]
    fn every_second_full_segment_is_acknowledged_at_once() {
        let (mut owed, mut timers) = (Acknowledgement::default(), Timers::new());
        for _ in 0..3 {
            assert!(!arrive(&mut owed, &mut timers, 1_460));
            assert!(arrive(&mut owed, &mut timers, 1_460));
            owed.sent(&mut timers);
        }
    }

    #[test]
    fn a_small_segment_waits_for_the_timer() {
        let (mut owed, mut timers) = (Acknowledgement::default(), Timers::new());
        assert!(!arrive(&mut owed, &mut timers, 1_460));
        owed.sent(&mut timers);
        assert!(!arrive(&mut owed, &mut timers, 100));
        assert_eq!(timers.first(), Some(Instant::from_millis(40)));
        assert!(!arrive(&mut owed, &mut timers, 100));
        owed.sent(&mut timers);
        assert_eq!(timers.first(), None);
    }

    #[test]
    fn a_segment_larger_than_the_link_carries_counts_as_several() {
        let (mut owed, mut timers) = (Acknowledgement::default(), Timers::new());
        assert!(arrive(&mut owed, &mut timers, 14_600));
    }

    #[test]
    fn a_peer_with_small_full_segments_is_answered_every_second_time_too() {
        let (mut owed, mut timers) = (Acknowledgement::default(), Timers::new());
        assert!(!arrive(&mut owed, &mut timers, 536));
        assert!(arrive(&mut owed, &mut timers, 536));
    }

    #[test]
    fn no_delay_reaches_half_a_second() {
        let (mut owed, mut timers) = (Acknowledgement::default(), Timers::new());
        owed.for_data(1, 1_460, &mut timers, Duration::from_secs(5), Instant::ZERO);
        assert!(timers.first().unwrap() < Instant::from_millis(500));
    }
}
