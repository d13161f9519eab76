//! Who waits for what: wakers by socket and direction, and by time.

use crate::event::{EchoId, Event, ListenerId, TcpId, UdpId};
use crate::random;
use crate::table::{Index, Slots};
use crate::time::Instant;
use crate::timer::TimerQueue;
use core::hash::Hasher;
use core::task::Waker;

/// A socket that a program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    Tcp(TcpId),
    Listener(ListenerId),
    Udp(UdpId),
    Echo(EchoId),
}

impl Socket {
    fn hash(self, key: random::Key) -> u64 {
        let (kind, index, generation) = match self {
            Socket::Tcp(id) => (0, id.index, id.generation),
            Socket::Listener(id) => (1, id.0, 0),
            Socket::Udp(id) => (2, id.0, 0),
            Socket::Echo(id) => (3, id.0, 0),
        };
        let mut hash = key.hash();
        hash.write_u64(u64::from(generation) << 32 | u64::from(index));
        hash.write_u64(kind);
        hash.finish()
    }
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// A TCP connection has something to read; of other sockets, anything that they tell.
    Read(Socket),
    /// A TCP connection has room for what goes out.
    Write(Socket),
    /// The stack has an address.
    Configured,
    /// The host-event queue is not empty.
    HostEvent,
    /// Some lookup of a name has ended.
    Lookup,
}

/// One waiter among those with the same interest. A stream's own reader and writer are [`Key::ONLY`], so that a stream
/// moved to another task replaces its waker; calls on a shared reference take numbers, so that many may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    /// For what only one task can wait for.
    pub(super) const ONLY: Key = Key(0);
}

/// Wakers that nobody needs. Dropping a task's last waker may drop the task, and with it sockets that take the lock: so
/// hold on to this until the lock is released.
#[must_use = "to be dropped after the lock is released"]
#[derive(Default)]
pub(super) struct Discarded(Vec<Waker>);

/// Those who wait for one thing. Registered once, woken once.
#[derive(Default)]
struct Waiters(Vec<(Key, Waker)>);

impl Waiters {
    fn register(&mut self, key: Key, waker: &Waker) -> Discarded {
        match self.0.iter_mut().find(|(other, _)| *other == key) {
            Some((_, known)) if known.will_wake(waker) => Discarded::default(),
            Some((_, known)) => Discarded(vec![core::mem::replace(known, waker.clone())]),
            None => {
                self.0.push((key, waker.clone()));
                Discarded::default()
            }
        }
    }

    fn remove(&mut self, key: Key) -> Option<Waker> {
        let at = self.0.iter().position(|(other, _)| *other == key)?;
        Some(self.0.swap_remove(at).1)
    }

    fn take(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(self.0.drain(..).map(|(_, waker)| waker));
    }
}

/// A socket that is held, and who waits for it.
struct Held {
    socket: Socket,
    readers: Waiters,
    writers: Waiters,
}

/// One sleep, from its beginning until it is cancelled.
#[derive(Clone, Copy, Debug)]
pub(super) struct SleepId(u32);

/// Every socket that is held and every registered waker.
pub(super) struct Waiting {
    key: random::Key,
    sockets: Index,
    /// By the index's numbers.
    held: Slots<Held>,
    configured: Waiters,
    host_event: Waiters,
    lookup: Waiters,
    /// By [`SleepId`]; `None`: woken, or free.
    sleepers: Vec<Option<Waker>>,
    free_sleeps: Vec<u32>,
    sleeps: TimerQueue,
    last_key: u64,
}

impl Waiting {
    pub(super) fn new(key: random::Key) -> Waiting {
        Waiting {
            key,
            sockets: Index::default(),
            held: Slots::default(),
            configured: Waiters::default(),
            host_event: Waiters::default(),
            lookup: Waiters::default(),
            sleepers: Vec::new(),
            free_sleeps: Vec::new(),
            sleeps: TimerQueue::default(),
            last_key: 0,
        }
    }

    /// A key for one waiter.
    pub(super) fn key(&mut self) -> Key {
        self.last_key += 1;
        Key(self.last_key)
    }

    /// Notes a socket that a program now holds.
    pub(super) fn hold(&mut self, socket: Socket) {
        let key = self.key;
        let held = Held {
            socket,
            readers: Waiters::default(),
            writers: Waiters::default(),
        };
        let number = self.held.insert(held);
        let all = &self.held;
        self.sockets.insert(socket.hash(key), number, &|number| {
            all.get(number).map_or(0, |held| held.socket.hash(key))
        });
    }

    /// The number of a socket that is held, which has this hash.
    fn number(&self, socket: Socket, hash: u64) -> Option<u32> {
        let found = |number: u32| {
            let held = self.held.get(number);
            held.is_some_and(|held| held.socket == socket)
        };
        self.sockets.find(hash, &found)
    }

    /// Forgets every socket, and moves the wakers of those who wait for it to `woken`.
    pub(super) fn forget_all(&mut self, woken: &mut Vec<Waker>) -> impl Iterator<Item = Socket> {
        self.sockets = Index::default();
        core::mem::take(&mut self.held).into_iter().map(|mut held| {
            held.readers.take(woken);
            held.writers.take(woken);
            held.socket
        })
    }

    /// Forgets a socket and everybody who waits for it, unless that was done already.
    pub(super) fn forget(&mut self, socket: Socket) -> Option<Discarded> {
        let hash = socket.hash(self.key);
        let number = self.number(socket, hash)?;
        self.sockets.remove(hash, number);
        let mut held = self.held.remove(number)?;
        let mut discarded = Discarded::default();
        held.readers.take(&mut discarded.0);
        held.writers.take(&mut discarded.0);
        Some(discarded)
    }

    /// Who waits for `interest`; `None` if it is in a socket that nobody holds.
    fn waiters(&mut self, interest: Interest) -> Option<&mut Waiters> {
        let socket = match interest {
            Interest::Read(socket) | Interest::Write(socket) => socket,
            Interest::Configured => return Some(&mut self.configured),
            Interest::HostEvent => return Some(&mut self.host_event),
            Interest::Lookup => return Some(&mut self.lookup),
        };
        let number = self.number(socket, socket.hash(self.key))?;
        let held = self.held.get_mut(number)?;
        Some(match interest {
            Interest::Write(_) => &mut held.writers,
            _ => &mut held.readers,
        })
    }

    /// Notes that `waker` wants to hear of `interest`, whose socket must be held.
    pub(super) fn register(&mut self, interest: Interest, key: Key, waker: &Waker) -> Discarded {
        match self.waiters(interest) {
            Some(waiters) => waiters.register(key, waker),
            None => Discarded::default(),
        }
    }

    /// Forgets one waiter.
    pub(super) fn remove(&mut self, interest: Interest, key: Key) -> Discarded {
        let waiters = self.waiters(interest);
        Discarded(Vec::from_iter(
            waiters.and_then(|waiters| waiters.remove(key)),
        ))
    }

    /// Moves the wakers of those who wait for `interest` to `woken`.
    pub(super) fn take(&mut self, interest: Interest, woken: &mut Vec<Waker>) {
        if let Some(waiters) = self.waiters(interest) {
            waiters.take(woken);
        }
    }

    /// Moves the wakers of those whom `event` concerns to `woken`.
    pub(super) fn take_for(&mut self, event: &Event, woken: &mut Vec<Waker>) {
        match *event {
            Event::Tcp(id, readiness) => {
                if readiness.readable {
                    self.take(Interest::Read(Socket::Tcp(id)), woken);
                }
                if readiness.writable {
                    self.take(Interest::Write(Socket::Tcp(id)), woken);
                }
            }
            Event::Listener(id) => self.take(Interest::Read(Socket::Listener(id)), woken),
            Event::Udp(id) => self.take(Interest::Read(Socket::Udp(id)), woken),
            Event::Echo(id) => self.take(Interest::Read(Socket::Echo(id)), woken),
            Event::Leased(_) => self.take(Interest::Configured, woken),
            Event::LeaseLost | Event::AddressConflict { .. } => {}
        }
    }

    /// Moves every waker to `woken`: the network is closed.
    pub(super) fn take_all(&mut self, woken: &mut Vec<Waker>) {
        for held in self.held.values_mut() {
            held.readers.take(woken);
            held.writers.take(woken);
        }
        self.configured.take(woken);
        self.host_event.take(woken);
        self.lookup.take(woken);
        woken.extend(self.sleepers.iter_mut().filter_map(Option::take));
        self.sleeps = TimerQueue::default();
    }

    /// Notes that `waker` wants to be woken at `deadline`. `sleep` is `None` at first; give back what it becomes, to
    /// [`cancel_sleep`](Self::cancel_sleep).
    pub(super) fn sleep(
        &mut self,
        sleep: &mut Option<SleepId>,
        deadline: Instant,
        waker: &Waker,
    ) -> Discarded {
        let SleepId(slot) = *sleep.get_or_insert_with(|| {
            SleepId(self.free_sleeps.pop().unwrap_or_else(|| {
                self.sleepers.push(None);
                self.sleepers.len() as u32 - 1
            }))
        });
        self.sleeps.enter(slot, deadline);
        let sleeper = self.sleepers.get_mut(slot as usize);
        let replaced = sleeper.and_then(|sleeper| sleeper.replace(waker.clone()));
        Discarded(Vec::from_iter(replaced))
    }

    /// Forgets a sleep, whether or not it has ended.
    pub(super) fn cancel_sleep(&mut self, SleepId(slot): SleepId) -> Discarded {
        self.sleeps.remove(slot);
        self.free_sleeps.push(slot);
        let sleeper = self.sleepers.get_mut(slot as usize);
        Discarded(Vec::from_iter(sleeper.and_then(Option::take)))
    }

    /// When the first sleep ends.
    pub(super) fn next_sleep(&self) -> Option<Instant> {
        self.sleeps.next()
    }

    /// Moves the wakers of sleeps that are over to `woken`.
    pub(super) fn take_slept(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        while let Some(slot) = self.sleeps.pop_due(now) {
            let sleeper = self.sleepers.get_mut(slot as usize);
            woken.extend(sleeper.and_then(Option::take));
        }
    }

    /// Whether nobody waits; for tests that look for leaks.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let sockets = self.held.iter().map(|(_, held)| held);
        let mut waiters = sockets
            .flat_map(|held| [&held.readers, &held.writers])
            .chain([&self.configured, &self.host_event, &self.lookup]);
        self.sleepers.iter().all(Option::is_none) && waiters.all(|waiters| waiters.0.is_empty())
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
    const TCP: Socket = Socket::Tcp(ID);

    fn waiting_for(socket: Socket) -> Waiting {
        let mut waiting = Waiting::new(random::Random::new([7; 32]).key());
        waiting.hold(socket);
        waiting
    }

    #[test]
    fn an_event_wakes_the_direction_it_names_and_no_other() {
        let mut waiting = waiting_for(TCP);
        let waker = Waker::noop();
        let _ = waiting.register(Interest::Read(TCP), Key::ONLY, waker);
        let _ = waiting.register(Interest::Write(TCP), Key::ONLY, waker);
        let mut woken = Vec::new();
        let readable = Readiness {
            readable: true,
            writable: false,
        };
        waiting.take_for(&Event::Tcp(ID, readable), &mut woken);
        assert_eq!(woken.len(), 1);
        assert!(!waiting.is_empty());
        assert!(waiting.forget(TCP).is_some());
        assert!(waiting.is_empty());
        assert!(waiting.forget(TCP).is_none(), "once");
    }

    #[test]
    fn polling_again_does_not_register_twice() {
        const LISTENER: Socket = Socket::Listener(ListenerId(7));
        let mut waiting = waiting_for(LISTENER);
        let key = waiting.key();
        for _ in 0..3 {
            let _ = waiting.register(Interest::Read(LISTENER), key, Waker::noop());
        }
        let mut woken = Vec::new();
        waiting.take(Interest::Read(LISTENER), &mut woken);
        assert_eq!(woken.len(), 1);
    }

    #[test]
    fn sleeps_end_in_order_of_time_and_not_before() {
        let mut waiting = waiting_for(TCP);
        for millis in [30, 10, 20] {
            let _ = waiting.sleep(&mut None, Instant::from_millis(millis), Waker::noop());
        }
        assert_eq!(waiting.next_sleep(), Some(Instant::from_millis(10)));
        let mut woken = Vec::new();
        waiting.take_slept(Instant::from_millis(20), &mut woken);
        assert_eq!(woken.len(), 2);
        assert_eq!(waiting.next_sleep(), Some(Instant::from_millis(30)));
    }

    #[test]
    fn a_cancelled_sleep_wakes_nobody_and_its_place_is_used_again() {
        let mut waiting = waiting_for(TCP);
        let (mut first, mut second) = (None, None);
        let _ = waiting.sleep(&mut first, Instant::from_millis(10), Waker::noop());
        let _ = waiting.cancel_sleep(first.expect("a sleep"));
        assert_eq!(waiting.next_sleep(), None);
        let _ = waiting.sleep(&mut second, Instant::from_millis(20), Waker::noop());
        assert_eq!(waiting.sleepers.len(), 1);
        let mut woken = Vec::new();
        waiting.take_slept(Instant::from_millis(20), &mut woken);
        assert_eq!(woken.len(), 1);
    }
}
