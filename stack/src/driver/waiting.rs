//! Who waits for what: wakers by socket and direction, and by time.

use crate::event::{EchoId, Event, ListenerId, TcpId, UdpId};
use crate::time::Instant;
use alloc::collections::BTreeMap;
use core::task::Waker;

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Interest {
    TcpRead(TcpId),
    TcpWrite(TcpId),
    Listener(ListenerId),
    Udp(UdpId),
    Echo(EchoId),
    /// The stack has an address.
    Configured,
    /// The host-event queue is not empty.
    HostEvent,
    /// Some lookup of a name has ended.
    Lookup,
}

/// One waiter among those with the same interest. A stream's own reader and writer are [`Key::ONLY`], so that a stream
/// moved to another task replaces its waker; calls on a shared reference take numbers, so that many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Key {
    /// For what only one task can wait for.
    pub(super) const ONLY: Key = Key(0);
}

/// Wakers that nobody needs. Dropping a task's last waker may drop the task, and with it sockets that take the lock: so
/// hold on to this until the lock is released.
#[must_use = "to be dropped after the lock is released"]
#[derive(Default)]
pub(super) struct Discarded(
    #[expect(dead_code, reason = "held only to be dropped late")] Vec<Waker>,
);

/// Every registered waker.
#[derive(Default)]
pub(super) struct Waiting {
    sockets: BTreeMap<Interest, Vec<(Key, Waker)>>,
    sleeps: BTreeMap<(Instant, Key), Waker>,
    last_key: u64,
}

impl Waiting {
    /// A key for one waiter.
    pub(super) fn key(&mut self) -> Key {
        self.last_key += 1;
        Key(self.last_key)
    }

    /// Notes that `waker` wants to hear of `interest`. Registered once, woken once.
    pub(super) fn register(&mut self, interest: Interest, key: Key, waker: &Waker) -> Discarded {
        let waiters = self.sockets.entry(interest).or_default();
        match waiters.iter_mut().find(|(other, _)| *other == key) {
            Some((_, known)) if known.will_wake(waker) => Discarded(Vec::new()),
            Some((_, known)) => Discarded(vec![core::mem::replace(known, waker.clone())]),
            None => {
                waiters.push((key, waker.clone()));
                Discarded(Vec::new())
            }
        }
    }

    /// Forgets one waiter.
    pub(super) fn remove(&mut self, interest: Interest, key: Key) -> Discarded {
        let waiters = self.sockets.get_mut(&interest);
        Discarded(waiters.map_or_else(Vec::new, |waiters| {
            let position = waiters.iter().position(|(other, _)| *other == key);
            position.map_or_else(Vec::new, |at| vec![waiters.swap_remove(at).1])
        }))
    }

    /// Forgets everybody who waits for `interest`: its socket is gone.
    pub(super) fn forget(&mut self, interest: Interest) -> Discarded {
        let waiters = self.sockets.remove(&interest).unwrap_or_default();
        Discarded(waiters.into_iter().map(|(_, waker)| waker).collect())
    }

    /// Moves the wakers of those who wait for `interest` to `woken`.
    pub(super) fn take(&mut self, interest: Interest, woken: &mut Vec<Waker>) {
        if let Some(waiters) = self.sockets.get_mut(&interest) {
            woken.extend(waiters.drain(..).map(|(_, waker)| waker));
        }
    }

    /// Moves the wakers of those whom `event` concerns to `woken`.
    pub(super) fn take_for(&mut self, event: &Event, woken: &mut Vec<Waker>) {
        match *event {
            Event::Tcp(id, readiness) => {
                if readiness.readable {
                    self.take(Interest::TcpRead(id), woken);
                }
                if readiness.writable {
                    self.take(Interest::TcpWrite(id), woken);
                }
            }
            Event::Listener(id) => self.take(Interest::Listener(id), woken),
            Event::Udp(id) => self.take(Interest::Udp(id), woken),
            Event::Echo(id) => self.take(Interest::Echo(id), woken),
            Event::Leased(_) => self.take(Interest::Configured, woken),
            Event::LeaseLost | Event::AddressConflict { .. } => {}
        }
    }

    /// Moves every waker to `woken`: the network is closed.
    pub(super) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        for (_, waiters) in core::mem::take(&mut self.sockets) {
            woken.extend(waiters.into_iter().map(|(_, waker)| waker));
        }
        woken.extend(core::mem::take(&mut self.sleeps).into_values());
    }

    /// Notes that `waker` wants to be woken at `deadline`.
    pub(super) fn sleep(&mut self, deadline: Instant, key: Key, waker: &Waker) -> Discarded {
        let replaced = self.sleeps.insert((deadline, key), waker.clone());
        Discarded(Vec::from_iter(replaced))
    }

    /// Forgets a sleep.
    pub(super) fn cancel_sleep(&mut self, deadline: Instant, key: Key) -> Discarded {
        Discarded(Vec::from_iter(self.sleeps.remove(&(deadline, key))))
    }

    /// When the first sleep ends.
    pub(super) fn next_sleep(&self) -> Option<Instant> {
        self.sleeps.keys().next().map(|&(at, _)| at)
    }

    /// Moves the wakers of sleeps that are over to `woken`.
    pub(super) fn take_slept(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        while let Some(entry) = self.sleeps.first_entry() {
            if entry.key().0 > now {
                break;
            }
            woken.push(entry.remove());
        }
    }

    /// Whether nobody waits; for tests that look for leaks.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.sleeps.is_empty() && self.sockets.values().all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Readiness;

    const ID: TcpId = TcpId {
        index: 1,
        generation: 1,
    };

    #[test]
    fn an_event_wakes_the_direction_it_names_and_no_other() {
        let mut waiting = Waiting::default();
        let waker = Waker::noop();
        let _ = waiting.register(Interest::TcpRead(ID), Key::ONLY, waker);
        let _ = waiting.register(Interest::TcpWrite(ID), Key::ONLY, waker);
        let mut woken = Vec::new();
        let readable = Readiness {
            readable: true,
            writable: false,
        };
        waiting.take_for(&Event::Tcp(ID, readable), &mut woken);
        assert_eq!(woken.len(), 1);
        assert!(!waiting.is_empty());
        let _ = waiting.forget(Interest::TcpWrite(ID));
        assert!(waiting.is_empty());
    }

    #[test]
    fn polling_again_does_not_register_twice() {
        let mut waiting = Waiting::default();
        let key = waiting.key();
        for _ in 0..3 {
            let _ = waiting.register(Interest::Listener(ListenerId(7)), key, Waker::noop());
        }
        let mut woken = Vec::new();
        waiting.take(Interest::Listener(ListenerId(7)), &mut woken);
        assert_eq!(woken.len(), 1);
    }

    #[test]
    fn sleeps_end_in_order_of_time_and_not_before() {
        let mut waiting = Waiting::default();
        for millis in [30, 10, 20] {
            let key = waiting.key();
            let _ = waiting.sleep(Instant::from_millis(millis), key, Waker::noop());
        }
        assert_eq!(waiting.next_sleep(), Some(Instant::from_millis(10)));
        let mut woken = Vec::new();
        waiting.take_slept(Instant::from_millis(20), &mut woken);
        assert_eq!(woken.len(), 2);
        assert_eq!(waiting.next_sleep(), Some(Instant::from_millis(30)));
    }
}
