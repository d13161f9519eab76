//! When something is due: a connection's timers.

use crate::time::{Duration, Instant};

/// What a connection may be waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Retransmission (RFC 6298 §5), or, while nothing is in flight, the persist timer (RFC 9293 §3.8.6.1) and the
    /// override of silly window avoidance (§3.8.6.2.1). They exclude each other.
    Retransmit,
    /// The delayed acknowledgement (RFC 9293 §3.8.6.3).
    DelayedAck,
    /// The next keep-alive probe (RFC 9293 §3.8.4).
    KeepAlive,
    /// Connecting has taken as long as it may.
    Connect,
    /// Nobody holds the connection any more, and it has stayed as long as it may.
    Orphan,
}

const TIMERS: usize = 5;
/// No timer is ever set for the end of time.
const NEVER: Instant = Instant::from_micros(u64::MAX);

/// A connection's timers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    due: [Instant; TIMERS],
    /// One was set since [`take_news`](Self::take_news).
    is_news: bool,
}

impl Timers {
    /// None is set.
    pub(super) const fn new() -> Timers {
        Timers {
            due: [NEVER; TIMERS],
            is_news: false,
        }
    }

    /// Sets a timer, in place of its earlier setting.
    pub(super) const fn set(&mut self, timer: Timer, at: Instant) {
        self.due[timer as usize] = at;
        self.is_news = true;
    }

    /// Sets a timer that is set already to an earlier moment, or leaves it.
    pub(super) fn set_earlier(&mut self, timer: Timer, at: Instant) {
        let due = &mut self.due[timer as usize];
        *due = at.min(*due);
        self.is_news = true;
    }

    /// Stops a timer.
    pub(super) const fn stop(&mut self, timer: Timer) {
        self.due[timer as usize] = NEVER;
    }

    /// Stops all.
    pub(super) const fn stop_all(&mut self) {
        *self = Timers::new();
    }

    /// Whether it is set.
    #[inline]
    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.due[timer as usize] != NEVER
    }

    /// By how much it is overdue.
    pub(super) fn lateness(&self, timer: Timer, now: Instant) -> Duration {
        now.since(self.due[timer as usize])
    }

    /// Stops it if it is due, and says whether it was.
    pub(super) fn take_if_due(&mut self, timer: Timer, now: Instant) -> bool {
        let is_due = self.due[timer as usize] <= now;
        if is_due {
            self.stop(timer);
        }
        is_due
    }

    /// Makes [`take_news`](Self::take_news) tell of all timers again.
    pub(super) const fn tell_again(&mut self) {
        self.is_news = true;
    }

    /// When the first is due, if one was set since this was last asked: only then can it be sooner than the [`TimerQueue`](crate::timer::TimerQueue)
    /// knows.
    #[inline]
    pub(super) fn take_news(&mut self) -> Option<Instant> {
        if core::mem::take(&mut self.is_news) {
            self.first()
        } else {
            None
        }
    }

    /// When the first is due.
    #[inline]
    pub(super) fn first(&self) -> Option<Instant> {
        let first = self.due.iter().copied().fold(NEVER, Instant::min);
        (first != NEVER).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn timers_that_are_due_are_taken_once() {
        let mut timers = Timers::new();
        timers.set(Timer::DelayedAck, at(40));
        timers.set(Timer::Retransmit, at(200));
        assert_eq!(timers.first(), Some(at(40)));
        assert!(!timers.take_if_due(Timer::DelayedAck, at(39)));
        assert_eq!(timers.lateness(Timer::DelayedAck, at(39)), Duration::ZERO);
        assert_eq!(
            timers.lateness(Timer::DelayedAck, at(43)),
            at(43).since(at(40))
        );
        assert!(timers.take_if_due(Timer::DelayedAck, at(40)));
        assert!(!timers.take_if_due(Timer::DelayedAck, at(41)));
        assert_eq!(timers.first(), Some(at(200)));
    }
}
