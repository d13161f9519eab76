//! The transport floor: TCP (RFC 9293), UDP (RFC 768) and the identifiers of echo requests.
//!
//! What enters: whole, validated packets ([`Arrival`]), echo replies, and ICMP errors about what was sent. What leaves:
//! segments and datagrams with a [`Departure`] that says where to. The source address, which only the floor below
//! knows, is asked for when a datagram leaves.

pub mod demux;
pub mod echo;
mod error;
pub mod port;
mod queue;
pub mod tcp;
pub mod udp;

pub use error::{BindError, ConnectError, TcpError, UdpError};

use crate::config::{Config, LinkCapabilities};
use crate::counters::{Counters, DropReason};
use crate::event::Event;
use crate::random::Random;
use crate::time::Instant;
use crate::wire::ip::{Arrival, Cast, Departure, Headroom, PacketError, Protocol};
use alloc::vec::Vec;
use core::net::IpAddr;
use echo::Echo;
use tcp::Tcp;
use udp::Udp;

/// Asks the floor below which of our addresses packets for a destination leave from; `None`: no route.
pub type SourceFor<'c> = &'c dyn Fn(IpAddr) -> Option<IpAddr>;

/// All connections and sockets.
#[derive(Debug)]
pub struct Transport {
    /// Connections and listeners.
    pub(crate) tcp: Tcp,
    /// UDP sockets.
    pub(crate) udp: Udp,
    /// Echo sockets.
    pub(crate) echo: Echo,
    /// Whose turn it is to send.
    turn: usize,
    counters: Counters,
}

/// What became of a packet that came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Nothing is left to do.
    Consumed,
    /// Nobody listens on the port: the sender should be told by ICMP.
    PortUnreachable,
    /// Nobody speaks the protocol: the sender should be told by ICMP.
    ProtocolUnreachable,
}

/// What leaves.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// It was written to the caller's buffer, behind the headroom.
    Written(Departure),
    /// It is larger than the caller's buffer and must be cut into fragments.
    Large {
        /// Where to.
        departure: Departure,
        /// The transport header and data.
        payload: Vec<u8>,
    },
}

impl Transport {
    /// No connection and no socket yet.
    #[must_use]
    pub fn new(config: &Config, random: &mut Random) -> Transport {
        Transport {
            tcp: Tcp::new(config, random),
            udp: Udp::new(config, random),
            echo: Echo::new(config, random),
            turn: 0,
            counters: Counters::default(),
        }
    }

    /// Takes a packet for one of our addresses.
    #[inline]
    pub fn receive(&mut self, arrival: &Arrival<'_>, now: Instant) -> Received {
        match arrival.protocol {
            Protocol::TCP => {
                self.tcp.receive(arrival, now);
                Received::Consumed
            }
            Protocol::UDP => self.udp.receive(arrival),
            _ => {
                self.counters.drop(DropReason::UnknownProtocol);
                // RFC 1122 §3.2.2: no error about what was sent to many.
                if arrival.cast == Cast::Unicast {
                    Received::ProtocolUnreachable
                } else {
                    Received::Consumed
                }
            }
        }
    }

    /// Takes an echo reply.
    pub fn receive_echo(
        &mut self,
        source: IpAddr,
        identifier: u16,
        sequence: u16,
        hop_limit: u8,
        payload: &[u8],
        now: Instant,
    ) {
        self.echo
            .receive(source, identifier, sequence, hop_limit, payload, now);
    }

    /// Whether a socket may have sent what an error quotes: for TCP, whether it is in flight.
    #[must_use]
    pub fn knows(&mut self, error: &PacketError<'_>) -> bool {
        match error.protocol {
            Protocol::TCP => self.tcp.knows(error),
            Protocol::UDP => self.udp.knows(error),
            Protocol::ICMP => self.echo.knows(error),
            _ => false,
        }
    }

    /// Takes an error about something that we sent.
    pub fn error(&mut self, error: &PacketError<'_>, now: Instant) {
        match error.protocol {
            Protocol::TCP => self.tcp.error(error, now),
            Protocol::UDP => self.udp.error(error),
            Protocol::ICMP => self.echo.error(error),
            _ => self.counters.drop(DropReason::IcmpUnmatched),
        }
    }

    /// Writes the next segment or datagram behind the headroom of its destination; `None`: nothing to send now.
    /// TCP, UDP and echo take turns, so none waits for another to run dry. `streams_only`: UDP and echo have to wait.
    #[inline]
    pub fn transmit(
        &mut self,
        now: Instant,
        out: &mut [u8],
        headroom: Headroom,
        source_for: SourceFor<'_>,
        streams_only: bool,
    ) -> Option<Outgoing> {
        const KINDS: usize = 3;
        if streams_only || !(self.udp.has_work() || self.echo.has_work()) {
            return self.tcp.transmit(now, out, headroom).map(Outgoing::Written);
        }
        for _ in 0..KINDS {
            let turn = self.turn;
            self.turn = (turn + 1) % KINDS;
            let outgoing = match turn {
                0 => self.tcp.transmit(now, out, headroom).map(Outgoing::Written),
                1 if self.udp.has_work() => self.udp.transmit(out, headroom, source_for),
                2 if self.echo.has_work() => self.echo.transmit(out, headroom, source_for),
                _ => None,
            };
            if outgoing.is_some() {
                return outgoing;
            }
        }
        None
    }

    /// Whether segments follow the last one that left, whose headers below this floor are the same.
    #[must_use]
    pub fn has_train(&self) -> bool {
        self.tcp.has_train()
    }

    /// Writes the next segment of the train to the front of `out` and returns its length; `None`: the train is over, or
    /// somebody else has a turn.
    #[inline]
    pub fn follow(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        if self.udp.has_work() || self.echo.has_work() {
            return None;
        }
        self.tcp.follow(now, out)
    }

    /// Whether something is to be sent now.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.tcp.has_work() || self.udp.has_work() || self.echo.has_work()
    }

    /// Whether nothing that a program wrote is still on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        !self.has_work() && self.tcp.is_quiet()
    }

    /// When [`advance`](Transport::advance) has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.tcp.next_deadline()
    }

    /// Does what is due.
    pub fn advance(&mut self, now: Instant) {
        self.tcp.advance(now);
    }

    /// Whether an event waits.
    #[must_use]
    pub fn has_events(&self) -> bool {
        self.tcp.has_events() || self.udp.has_events() || self.echo.has_events()
    }

    /// The next socket that the owner should look at.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.tcp
            .poll_event()
            .or_else(|| self.udp.poll_event().map(Event::Udp))
            .or_else(|| self.echo.poll_event().map(Event::Echo))
    }

    /// The link changed what it can do.
    pub fn set_link_capabilities(&mut self, capabilities: LinkCapabilities) {
        self.tcp.set_link_capabilities(capabilities);
    }

    /// The link's MTU changed.
    pub fn set_mtu(&mut self, mtu: usize) {
        self.tcp.set_mtu(mtu);
    }

    /// We have another address, and what is bound to the one before is of no more use.
    pub fn address_changed(&mut self, before: Option<IpAddr>, after: Option<IpAddr>, now: Instant) {
        if before.is_some() {
            self.tcp.address_lost(now);
        }
        self.udp.address_changed(before, after);
    }

    /// The link was away and is back: what waits for a timer to be sent again goes at once.
    pub fn link_restored(&mut self, now: Instant) {
        self.tcp.link_restored(now);
        self.udp.link_restored();
    }

    /// What was dropped on this floor, and TCP's totals.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sum = self.counters.clone();
        sum += self.tcp.counters();
        sum += &self.udp.counters;
        sum += &self.echo.counters;
        sum
    }
}

#[cfg(test)]
mod tests;
