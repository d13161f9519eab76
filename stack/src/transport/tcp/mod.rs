//! TCP (RFC 9293): reliable streams.
//!
//! What enters: segments, ICMP errors, what programs write, and the passing of time. What leaves: segments, one a
//! [`transmit`](Tcp::transmit), each from the connection whose turn it is, and events.
//!
//! | room | what happens there |
//! |---|---|
//! | [`state`] | the eleven states and what moves between them, nothing else |
//! | `connection` | the parts of one connection, and the way to them |
//! | `arrival` | the way of a segment to its connection |
//! | `segment_arrives` | SEGMENT ARRIVES (RFC 9293 §3.10.7) step by step |
//! | `incoming` | a segment on its way through those steps |
//! | `receive` | what has come, in order and ahead of it |
//! | `acknowledge` | when we acknowledge: delayed, at once |
//! | `send` | what is to leave and what is in flight; the size of segments |
//! | `transmit` | the plan of the next segment: Nagle, silly windows; and its writing |
//! | `ecn` | congestion that routers mark instead of dropping |
//! | `sack` | selective acknowledgements: ours, and what the peer's tell (RFC 2018, RFC 6675) |
//! | `retransmit` | what acknowledgements tell; timeouts, loss recovery, probes of closed windows |
//! | `sizing` | how large the receive buffer has to be |
//! | `window` | flow control in both directions, scaling |
//! | `program` | OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS (RFC 9293 §3.10.1 to §3.10.6) |
//! | `liveness` | keep-alive, user timeout, what becomes of a connection that nobody holds |
//! | `complaint` | ICMP errors, checked against the sequence space (RFC 5927) |
//! | `listener` | SYN queue and accept queue |
//! | `time_wait` | connections that are over, in rows without buffers |
//! | `reply` | RSTs and other segments without a connection |
//! | `turns` | whose turn it is to send |
//! | `train` | full segments that leave right behind each other |
//! | `timer` | which connection is due next, without a scan |
//! | [`congestion`], [`rtt`], [`isn`], [`sequence`] | leaves: windows, round trips, initial numbers, arithmetic |
//!
//! Every connection that has something to send stands once in a queue, first come, first served, one segment a turn. A
//! connection that is idle stands nowhere.

mod acknowledge;
mod arrival;
mod complaint;
pub mod congestion;
mod connection;
mod ecn;
mod incoming;
mod info;
pub mod isn;
mod limit;
mod listener;
mod liveness;
mod program;
mod receive;
mod reply;
mod retransmit;
pub mod rtt;
mod sack;
mod segment_arrives;
mod send;
pub mod sequence;
mod shared;
mod sizing;
mod sockets;
pub mod state;
mod table;
mod time_wait;
mod timer;
mod train;
mod transmit;
mod turns;
mod window;

pub use info::TcpInfo;

use crate::config::{Config, LinkCapabilities};
use crate::counters::Counters;
use crate::event::{Event, ListenerId};
use crate::random::Random;
use crate::time::Instant;
use crate::timer::TimerQueue;
use crate::transport::TcpError;
use crate::transport::demux::{Bindings, Connections, FourTuple};
use crate::transport::port::EphemeralPorts;
use crate::wire::checksum::Checksum;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use connection::Connection;
use core::net::SocketAddr;
use isn::SequenceGenerator;
use listener::Listeners;
use shared::Shared;
use table::Table;
use time_wait::TimeWaitTable;
use train::Train;

/// All connections and listeners.
#[derive(Debug)]
pub struct Tcp {
    shared: Shared,
    table: Table,
    connections: Connections,
    /// Whose segment came last.
    last: Option<Last>,
    /// The connection that keeps the frame of the last segment.
    borrower: Option<u32>,
    /// The connection on which the last segment brought something new.
    progress: Option<u32>,
    listeners: Listeners,
    bindings: Bindings,
    time_waits: TimeWaitTable,
    timers: TimerQueue,
    /// Slots with something to send.
    ready: VecDeque<u32>,
    /// Segments that may follow the last one that left.
    train: Option<Train>,
    events: VecDeque<News>,
    numbers: SequenceGenerator,
    ports: EphemeralPorts,
}

/// The connection whose segment came last, and what the next one of it has in common.
#[derive(Clone, Copy, Debug)]
struct Last {
    connection: u32,
    /// Of addresses and protocol; the length is to be added.
    pseudo_header: Checksum,
    /// Its packet was marked by a router.
    is_marked: bool,
}

/// Who has something to tell.
#[derive(Clone, Copy, Debug)]
enum News {
    Connection(u32),
    Listener(ListenerId),
}

impl Tcp {
    /// No connection and no listener yet.
    #[must_use]
    pub fn new(config: &Config, random: &mut Random) -> Tcp {
        let limits = config.tcp;
        let ports = EphemeralPorts::new(limits.ephemeral_ports, random);
        // What is remembered occupies a port towards its peer: it never takes more than half of them.
        let time_waits = limits.time_waits.min(ports.count() / 2);
        Tcp {
            shared: Shared::new(limits, config.link, random),
            table: Table::new(limits.connections),
            connections: Connections::new(random),
            last: None,
            borrower: None,
            progress: None,
            listeners: Listeners::default(),
            bindings: Bindings::default(),
            time_waits: TimeWaitTable::new(time_waits, limits.time_wait, random),
            timers: TimerQueue::default(),
            ready: VecDeque::new(),
            train: None,
            events: VecDeque::new(),
            numbers: SequenceGenerator::new(random),
            ports,
        }
    }

    /// Takes a connection into all tables.
    fn enter(&mut self, connection: Connection) -> u32 {
        let tuple = connection.tuple;
        let index = self.table.insert(Box::new(connection));
        self.connections.insert(tuple, index);
        index
    }

    /// Takes a connection out of all tables.
    fn remove(&mut self, index: u32) {
        let Some(connection) = self.table.remove(index) else {
            return;
        };
        self.leave(index, &connection.tuple);
        if let Some(listener) = connection.listener
            && let Some(listener) = self.listeners.at_mut(listener)
        {
            listener.forget(index);
        }
    }

    /// A connection no longer takes segments; another of the same ends may.
    fn leave(&mut self, index: u32, tuple: &FourTuple) {
        if self.last.is_some_and(|last| last.connection == index) {
            self.last = None;
        }
        if self.connections.find(tuple) == Some(index) {
            self.connections.remove(tuple);
        }
        self.timers.remove(index);
    }

    /// After anything that happened to a connection: queues it where it has to be.
    fn attend(&mut self, index: u32, now: Instant) {
        self.train = None;
        let Some(connection) = self.table.at_mut(index) else {
            return;
        };
        connection.settle(&mut self.shared, now);
        if connection.state.is_closed() || connection.state.is_time_wait() {
            return self.attend_to_end(index, now);
        }
        if !connection.in_ready_queue && connection.has_segment(&self.shared) {
            connection.in_ready_queue = true;
            self.ready.push_back(index);
        }
        if let Some(at) = connection.timers.take_news() {
            self.timers.enter(index, at);
        }
        if connection.program.has_news() && !connection.program.in_event_queue {
            self.announce(index);
        }
    }

    /// After data that changed nothing else: what [`attend`](Self::attend) would come to.
    #[inline]
    fn attend_to_received(&mut self, index: u32) {
        self.train = None;
        let Some(connection) = self.table.at_mut(index) else {
            return;
        };
        if !connection.in_ready_queue && connection.acknowledgement.is_due() {
            connection.in_ready_queue = true;
            self.ready.push_back(index);
        }
        if let Some(at) = connection.timers.take_news() {
            self.timers.enter(index, at);
        }
        if connection.program.has_news() && !connection.program.in_event_queue {
            self.announce(index);
        }
    }

    /// A connection is over, or in TIME-WAIT.
    fn attend_to_end(&mut self, index: u32, now: Instant) {
        let Some(connection) = self.table.at(index) else {
            return;
        };
        let tuple = connection.tuple;
        let is_current = self.connections.find(&tuple) == Some(index);
        if connection.state.is_time_wait() && is_current {
            // The last acknowledgement leaves from the row.
            let remembered = connection.remembered();
            let owes = connection.acknowledgement.is_due();
            self.time_waits.insert(remembered, now);
            if owes {
                self.shared.reply(Some(remembered.acknowledgement()));
            }
        }
        let unclaimed = connection.program.has_let_go
            || (connection.listener.is_some() && connection.state.is_closed());
        self.leave(index, &tuple);
        if unclaimed {
            self.remove(index);
        } else {
            self.announce(index);
        }
    }

    /// Tells the program: of a connection that it holds, or through the listener of one that it may take.
    fn announce(&mut self, index: u32) {
        let Some(connection) = self.table.at_mut(index) else {
            return;
        };
        if connection.program.has_let_go {
            connection.program.take_readiness();
            return;
        }
        let Some(id) = connection.listener else {
            if !connection.program.in_event_queue && connection.program.has_news() {
                connection.program.in_event_queue = true;
                self.events.push_back(News::Connection(index));
            }
            return;
        };
        if connection.state.is_opening() || connection.program.in_event_queue {
            return;
        }
        connection.program.in_event_queue = true;
        if let Some(listener) = self.listeners.at_mut(id) {
            listener.push_waiting(index);
            if !listener.in_event_queue {
                listener.in_event_queue = true;
                self.events.push_back(News::Listener(id));
            }
        }
    }

    /// Whether something is to be sent now.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.shared.has_replies() || !self.ready.is_empty()
    }

    /// Connections in the table: those in TIME-WAIT have left it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.table.len()
    }

    /// STATUS of each of them, with our end and the peer's.
    pub fn status(&self) -> impl Iterator<Item = (SocketAddr, SocketAddr, TcpInfo)> {
        self.table.iter().map(|(_, connection)| {
            let FourTuple { local, remote } = connection.tuple;
            (local, remote, connection.info())
        })
    }

    /// Whether nothing that a program wrote is still on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        !self.has_work()
            && self.table.iter().all(|(_, connection)| {
                connection.send.buffer.is_empty() && !connection.state.fin_unacknowledged()
            })
    }

    /// When [`advance`](Tcp::advance) has something to do. It may turn out that it has not: timers that moved away are found
    /// out when they come up.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let remembered = self.time_waits.next_deadline();
        match (self.timers.next(), remembered) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Does what is due.
    pub fn advance(&mut self, now: Instant) {
        self.time_waits.advance(now);
        while let Some(index) = self.timers.pop_due(now) {
            if let Some(connection) = self.table.at_mut(index) {
                connection.advance(&mut self.shared, now);
                // The entry is taken out: the queue has to hear of all timers again.
                connection.timers.tell_again();
                self.attend(index, now);
            }
        }
    }

    /// Whether an event waits.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next connection or listener that the owner should look at.
    pub fn poll_event(&mut self) -> Option<Event> {
        while let Some(news) = self.events.pop_front() {
            match news {
                News::Connection(index) => {
                    let Some(connection) = self.table.at_mut(index) else {
                        continue;
                    };
                    if connection.program.in_event_queue && !connection.program.has_let_go {
                        let readiness = connection.program.take_readiness();
                        return Some(Event::Tcp(self.table.name(index), readiness));
                    }
                }
                News::Listener(id) => {
                    if let Some(listener) = self.listeners.at_mut(id) {
                        listener.in_event_queue = false;
                        return Some(Event::Listener(id));
                    }
                }
            }
        }
        None
    }

    /// The link changed what it can do.
    pub fn set_link_capabilities(&mut self, capabilities: LinkCapabilities) {
        self.train = None;
        self.shared.link = capabilities;
    }

    /// The link's MTU changed: connections opened from now on use it, and those that exist never exceed it.
    pub fn set_mtu(&mut self, mtu: usize) {
        self.train = None;
        self.shared.link.mtu = mtu;
        for index in self.indices() {
            if let Some(connection) = self.table.at_mut(index) {
                connection.lower_path_mtu(mtu);
            }
        }
    }

    /// Our address is gone: connections from it are over, without a word, for none could leave.
    pub fn address_lost(&mut self, now: Instant) {
        for index in self.indices() {
            if let Some(connection) = self.table.at_mut(index)
                && !connection.tuple.local.ip().is_loopback()
                && !connection.state.is_closed()
            {
                connection.die(Some(TcpError::Aborted));
                self.attend(index, now);
            }
        }
    }

    /// The link was away and is back: whoever waits for a timer to send again sends at once, and as if nothing had been
    /// sent in vain.
    pub fn link_restored(&mut self, now: Instant) {
        for index in self.indices() {
            if let Some(connection) = self.table.at_mut(index) {
                connection.on_link_restored(now);
                self.attend(index, now);
            }
        }
    }

    /// Every slot in use: for what is rare.
    fn indices(&self) -> alloc::vec::Vec<u32> {
        self.table.iter().map(|(index, _)| index).collect()
    }

    /// What was dropped, and TCP's totals.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }
}

#[cfg(test)]
mod tests;
