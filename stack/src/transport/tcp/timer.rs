//! When something is due: a connection's timers, and the queue that finds the first due connection without a scan.

use crate::time::Instant;
use alloc::vec::Vec;

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

    /// When the first is due, if one was set since this was last asked: only then can it be sooner than the [`TimerQueue`]
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

const ABSENT: u32 = u32::MAX;

/// Which connection is due next: a binary heap that knows where each connection stands in it.
///
/// One entry a connection, and a lazy one: a deadline that moves away leaves the entry alone. When the entry comes up too
/// early, the connection is asked and entered again. So the moves that happen with each segment cost one comparison.
#[derive(Debug, Default)]
pub(super) struct TimerQueue {
    heap: Vec<(Instant, u32)>,
    /// By connection: its index in the heap, or [`ABSENT`].
    places: Vec<u32>,
}

impl TimerQueue {
    /// When to look again, at the latest.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|&(at, _)| at)
    }

    /// Makes sure that `connection` comes up at `at` or before.
    #[inline]
    pub(super) fn enter(&mut self, connection: u32, at: Instant) {
        let slot = connection as usize;
        if self.places.len() <= slot {
            self.places.resize(slot + 1, ABSENT);
        }
        let place = self.places[slot];
        if place == ABSENT {
            self.heap.push((at, connection));
            self.rise(self.heap.len() - 1);
        } else if at < self.heap[place as usize].0 {
            self.heap[place as usize].0 = at;
            self.rise(place as usize);
        }
    }

    /// Takes out the first connection whose entry is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let &(at, connection) = self.heap.first()?;
        if at > now {
            return None;
        }
        self.remove(connection);
        Some(connection)
    }

    /// Takes out a connection that is gone.
    pub(super) fn remove(&mut self, connection: u32) {
        let Some(place) = self.places.get_mut(connection as usize) else {
            return;
        };
        let place = core::mem::replace(place, ABSENT);
        if place == ABSENT {
            return;
        }
        let place = place as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.places[self.heap[place].1 as usize] = place as u32;
            self.rise(place);
            self.sink(place);
        }
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.heap[place].0 < self.heap[(place - 1) / 2].0 {
            self.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
        self.places[self.heap[place].1 as usize] = place as u32;
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let first = [2 * place + 1, 2 * place + 2]
                .into_iter()
                .filter(|&child| child < self.heap.len())
                .min_by_key(|&child| self.heap[child].0);
            match first {
                Some(child) if self.heap[child].0 < self.heap[place].0 => {
                    self.swap(place, child);
                    place = child;
                }
                _ => return,
            }
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.places[self.heap[one].1 as usize] = one as u32;
        self.places[self.heap[other].1 as usize] = other as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn a_connection_comes_up_at_its_earliest_setting() {
        let mut queue = TimerQueue::default();
        queue.enter(3, at(50));
        queue.enter(3, at(20));
        queue.enter(3, at(90));
        assert_eq!(queue.next(), Some(at(20)));
        assert_eq!(queue.pop_due(at(19)), None);
        assert_eq!(queue.pop_due(at(20)), Some(3));
        assert_eq!(queue.pop_due(at(1_000)), None, "one entry a connection");
    }

    #[test]
    fn timers_that_are_due_are_taken_once() {
        let mut timers = Timers::new();
        timers.set(Timer::DelayedAck, at(40));
        timers.set(Timer::Retransmit, at(200));
        assert_eq!(timers.first(), Some(at(40)));
        assert!(!timers.take_if_due(Timer::DelayedAck, at(39)));
        assert!(timers.take_if_due(Timer::DelayedAck, at(40)));
        assert!(!timers.take_if_due(Timer::DelayedAck, at(41)));
        assert_eq!(timers.first(), Some(at(200)));
    }

    proptest! {
        #[test]
        fn the_queue_agrees_with_a_sorted_map(
            steps in proptest::collection::vec((0_u8..4, 0_u32..12, 0_u64..100), 1..200),
        ) {
            let mut queue = TimerQueue::default();
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            for (kind, connection, when) in steps {
                match kind {
                    0 | 1 => {
                        queue.enter(connection, at(when));
                        let due = model.entry(connection).or_insert(when);
                        *due = when.min(*due);
                    }
                    2 => {
                        queue.remove(connection);
                        model.remove(&connection);
                    }
                    _ => {
                        let first = model.values().copied().min().filter(|&due| due <= when);
                        let popped = queue.pop_due(at(when));
                        prop_assert_eq!(popped.is_some(), first.is_some());
                        if let Some(popped) = popped {
                            prop_assert_eq!(model.remove(&popped), first);
                        }
                    }
                }
                prop_assert_eq!(queue.next(), model.values().min().map(|&due| at(due)));
            }
        }
    }
}
