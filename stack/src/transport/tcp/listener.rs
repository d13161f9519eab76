//! LISTEN: who waits for connections, which are still opening (the SYN queue), and which wait to be accepted.

use crate::config::{ListenOptions, TcpOptions};
use crate::event::ListenerId;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// Least and most that a backlog may be.
const BACKLOG: (usize, usize) = (1, 4_096);

/// One listener.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) local: SocketAddr,
    pub(super) accepted: TcpOptions,
    backlog: usize,
    /// Slots of connections in SYN-RECEIVED, the oldest first.
    opening: VecDeque<u32>,
    /// Slots of established connections that nobody took yet, the oldest first.
    waiting: VecDeque<u32>,
    /// It stands in the queue of those with an event.
    pub(super) in_event_queue: bool,
}

/// Where a new SYN finds its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Welcome,
    /// Every place is taken; this is the oldest that is still opening.
    FullSince(u32),
    /// Too many wait to be accepted.
    Full,
}

impl Listener {
    fn new(local: SocketAddr, options: &ListenOptions) -> Listener {
        Listener {
            local,
            accepted: TcpOptions {
                local_port: None,
                connect_timeout: None,
                ..options.accepted
            },
            backlog: options.backlog.clamp(BACKLOG.0, BACKLOG.1),
            opening: VecDeque::new(),
            waiting: VecDeque::new(),
            in_event_queue: false,
        }
    }

    /// Whether one more may open. Those that open while the program is slow to accept may then wait beyond the backlog, but
    /// never more than as many again.
    pub(super) fn admit(&self) -> Admission {
        match self.opening.front() {
            _ if self.waiting.len() >= self.backlog => Admission::Full,
            Some(&oldest) if self.opening.len() >= self.backlog => Admission::FullSince(oldest),
            _ => Admission::Welcome,
        }
    }

    /// A SYN came.
    pub(super) fn push_opening(&mut self, connection: u32) {
        self.opening.push_back(connection);
    }

    /// A connection is established.
    pub(super) fn push_waiting(&mut self, connection: u32) {
        self.forget(connection);
        self.waiting.push_back(connection);
    }

    /// The oldest that waits.
    pub(super) fn pop_waiting(&mut self) -> Option<u32> {
        self.waiting.pop_front()
    }

    /// A connection is gone, or no longer opening.
    pub(super) fn forget(&mut self, connection: u32) {
        for queue in [&mut self.opening, &mut self.waiting] {
            if let Some(place) = queue.iter().position(|&other| other == connection) {
                queue.remove(place);
                return;
            }
        }
    }

    /// All that the listener made and nobody took.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = u32> + use<> {
        let opening = core::mem::take(&mut self.opening);
        opening
            .into_iter()
            .chain(core::mem::take(&mut self.waiting))
    }
}

/// All listeners, by number. Numbers are not used twice.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    /// In rising order of their numbers.
    listeners: Vec<(u32, Listener)>,
    next: u32,
}

impl Listeners {
    /// Begins to listen.
    pub(super) fn insert(&mut self, local: SocketAddr, options: &ListenOptions) -> ListenerId {
        let number = self.next;
        self.next += 1;
        self.listeners.push((number, Listener::new(local, options)));
        ListenerId(number)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.listeners.len()
    }

    /// The number that the next one gets.
    pub(super) const fn next_number(&self) -> u32 {
        self.next
    }

    pub(super) fn at(&self, id: ListenerId) -> Option<&Listener> {
        let place = self.place(id)?;
        Some(&self.listeners[place].1)
    }

    pub(super) fn at_mut(&mut self, id: ListenerId) -> Option<&mut Listener> {
        let place = self.place(id)?;
        Some(&mut self.listeners[place].1)
    }

    /// Ends to listen.
    pub(super) fn remove(&mut self, id: ListenerId) -> Option<Listener> {
        let place = self.place(id)?;
        Some(self.listeners.remove(place).1)
    }

    fn place(&self, id: ListenerId) -> Option<usize> {
        self.listeners
            .binary_search_by_key(&id.0, |(number, _)| *number)
            .ok()
    }
}
