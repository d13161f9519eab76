//! Echo requests (RFC 792): identifiers tell the sockets apart as ports do elsewhere.

use super::queue::MessageQueue;
use super::{BindError, Outgoing, SourceFor, UdpError};
use crate::config::{Config, UdpConfig};
use crate::counters::{Counters, DropReason};
use crate::event::EchoId;
use crate::random::Random;
use crate::table::Sorted;
use crate::time::Instant;
use crate::wire::icmpv4::{self, Icmpv4};
use crate::wire::ip::{Departure, Ecn, Headroom, PacketError, Protocol, Unreachable};
use crate::wire::offload::Offload;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use core::task::Poll;

/// The type of our requests, as an error quotes it.
const ECHO_REQUEST: u8 = 8;
/// Largest payload over IPv4.
const LARGEST: usize = 65_507;
/// Sockets in all, so that a free identifier is found at random soon.
const MOST_SOCKETS: usize = 4_096;

/// An answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EchoReply {
    /// Which request it answers.
    pub sequence: u16,
    /// Who answered.
    pub source: IpAddr,
    /// The TTL or hop limit it arrived with.
    pub hop_limit: u8,
    /// The payload that came back.
    pub payload: Vec<u8>,
    /// When its frame arrived.
    pub at: Instant,
}

/// All echo sockets.
#[derive(Debug)]
pub struct Echo {
    /// By identifier; the other half of the id says which use of the identifier it is.
    sockets: Sorted<Socket>,
    random: Random,
    opened: u16,
    /// Sockets with something to send, each once: they take turns.
    sending: VecDeque<EchoId>,
    /// Sockets that the owner should look at, each once.
    events: VecDeque<EchoId>,
    config: UdpConfig,
    /// What was dropped.
    pub counters: Counters,
}

#[derive(Debug)]
struct Socket {
    id: EchoId,
    destination: IpAddr,
    hop_limit: Option<u8>,
    incoming: MessageQueue<Incoming>,
    /// Sequence number and hop limit of each.
    outgoing: MessageQueue<(u16, Option<u8>)>,
    blocked: Option<usize>,
    announced: bool,
}

#[derive(Clone, Copy, Debug)]
enum Incoming {
    Reply {
        sequence: u16,
        source: IpAddr,
        hop_limit: u8,
        at: Instant,
    },
    Failed(u16, UdpError),
}

impl Echo {
    /// No socket yet.
    #[must_use]
    pub fn new(config: &Config, random: &mut Random) -> Echo {
        Echo {
            sockets: Sorted::default(),
            random: random.fork(),
            opened: 0,
            sending: VecDeque::new(),
            events: VecDeque::new(),
            config: config.udp,
            counters: Counters::default(),
        }
    }

    /// Opens a socket for one destination, with an identifier that nobody can guess.
    ///
    /// # Errors
    /// If there are too many sockets.
    pub fn open(&mut self, destination: IpAddr) -> Result<EchoId, BindError> {
        if self.sockets.len() >= MOST_SOCKETS.min(self.config.sockets) {
            return Err(BindError::TooMany);
        }
        let mut identifier = self.random.next_u16();
        while self.sockets.get(identifier.into()).is_some() {
            identifier = identifier.wrapping_add(1);
        }
        self.opened = self.opened.wrapping_add(1);
        let id = EchoId(u32::from(self.opened) << 16 | u32::from(identifier));
        self.sockets.insert(
            identifier.into(),
            Socket {
                id,
                destination,
                hop_limit: None,
                incoming: MessageQueue::new(self.config.receive_bytes),
                outgoing: MessageQueue::new(self.config.send_bytes),
                blocked: None,
                announced: false,
            },
        );
        Ok(id)
    }

    /// Queues a request; pending while the queue is full.
    pub fn send(
        &mut self,
        id: EchoId,
        sequence: u16,
        payload: &[u8],
    ) -> Poll<Result<(), UdpError>> {
        let socket = self.socket(id)?;
        if payload.len() > LARGEST {
            return Poll::Ready(Err(UdpError::TooLong));
        }
        if !socket.destination.is_ipv4() || socket.destination.is_unspecified() {
            return Poll::Ready(Err(UdpError::Destination));
        }
        let idle = socket.outgoing.is_empty();
        if !socket.outgoing.push((sequence, socket.hop_limit), payload) {
            socket.blocked = Some(payload.len());
            return Poll::Pending;
        }
        if idle {
            self.sending.push_back(id);
        }
        Poll::Ready(Ok(()))
    }

    /// Takes the oldest reply, or the error about a request and that request's sequence number.
    pub fn take(&mut self, id: EchoId) -> Poll<Result<EchoReply, (u16, UdpError)>> {
        let socket = self.socket(id).map_err(|error| (0, error))?;
        let Some(message) = socket.incoming.front() else {
            return Poll::Pending;
        };
        let taken = match *message.head {
            Incoming::Reply {
                sequence,
                source,
                hop_limit,
                at,
            } => Ok(EchoReply {
                sequence,
                source,
                hop_limit,
                payload: [message.pieces.0, message.pieces.1].concat(),
                at,
            }),
            Incoming::Failed(sequence, error) => Err((sequence, error)),
        };
        socket.incoming.pop();
        Poll::Ready(taken)
    }

    /// Hop limit of requests queued from now on.
    pub fn set_hop_limit(&mut self, id: EchoId, hop_limit: Option<u8>) {
        if let Ok(socket) = self.socket(id) {
            socket.hop_limit = hop_limit;
        }
    }

    /// Closes a socket; requests that wait are not sent.
    pub fn close(&mut self, id: EchoId) {
        if self.socket(id).is_ok() {
            self.sockets.remove(id.identifier());
            self.sending.retain(|&waiting| waiting != id);
            self.events.retain(|&waiting| waiting != id);
        }
    }

    /// An echo reply arrived.
    pub fn receive(
        &mut self,
        source: IpAddr,
        identifier: u16,
        sequence: u16,
        hop_limit: u8,
        payload: &[u8],
        now: Instant,
    ) {
        let reply = Incoming::Reply {
            sequence,
            source,
            hop_limit,
            at: now,
        };
        let socket = self.sockets.get_mut(identifier.into());
        if let Some(socket) = socket.filter(|socket| socket.expects(source))
            && socket.incoming.push(reply, payload)
        {
            socket.announce(&mut self.events);
        } else {
            self.counters.drop(DropReason::EchoNoSocket);
        }
    }

    /// ICMP, or our own floor below, reports about a request that we sent.
    pub fn error(&mut self, error: &PacketError<'_>) {
        match self.complains_of(error) {
            // The path MTU is known below, and the next request will be cut to it.
            Some(_) if matches!(error.kind, Unreachable::TooBig { .. }) => {}
            Some((identifier, sequence)) => {
                if let Some(socket) = self.sockets.get_mut(identifier) {
                    let failed = UdpError::Unreachable(error.kind);
                    socket.fail(sequence, failed, &mut self.events);
                }
            }
            None => self.counters.drop(DropReason::IcmpUnmatched),
        }
    }

    /// Whether a socket may have sent the request that an error quotes.
    #[must_use]
    pub fn knows(&self, error: &PacketError<'_>) -> bool {
        self.complains_of(error).is_some()
    }

    /// Identifier and sequence number of the request that an error quotes.
    fn complains_of(&self, error: &PacketError<'_>) -> Option<(u32, u16)> {
        let &[ECHO_REQUEST, _, _, _, a, b, c, d] = error.quoted.first_chunk::<8>()? else {
            return None;
        };
        let identifier = u16::from_be_bytes([a, b]).into();
        let socket = self.sockets.get(identifier)?;
        let sequence = u16::from_be_bytes([c, d]);
        (socket.destination == error.destination).then_some((identifier, sequence))
    }

    /// Whether a request waits to be sent.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.sending.is_empty()
    }

    /// Writes the next request; the sockets take turns, one request each.
    pub fn transmit(
        &mut self,
        out: &mut [u8],
        headroom: Headroom,
        source_for: SourceFor<'_>,
    ) -> Option<Outgoing> {
        while let Some(id) = self.sending.pop_front() {
            let Ok(socket) = self.socket(id) else {
                continue;
            };
            let Some(&(sequence, _)) = socket.outgoing.front().map(|message| message.head) else {
                continue;
            };
            let outgoing = socket.write_next(out, headroom, source_for);
            socket.outgoing.pop();
            let more = !socket.outgoing.is_empty();
            let room = socket
                .blocked
                .take_if(|length| socket.outgoing.accepts(*length))
                .is_some();
            if let Some(socket) = self.sockets.get_mut(id.identifier()) {
                if outgoing.is_none() {
                    socket.fail(sequence, UdpError::NoRoute, &mut self.events);
                } else if room {
                    socket.announce(&mut self.events);
                }
            }
            if more {
                self.sending.push_back(id);
            }
            if outgoing.is_some() {
                return outgoing;
            }
            self.counters.drop(DropReason::NoRoute);
        }
        None
    }

    /// Whether an event waits.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next socket that the owner should look at.
    pub fn poll_event(&mut self) -> Option<EchoId> {
        let id = self.events.pop_front()?;
        if let Ok(socket) = self.socket(id) {
            socket.announced = false;
        }
        Some(id)
    }

    fn socket(&mut self, id: EchoId) -> Result<&mut Socket, UdpError> {
        self.sockets
            .get_mut(id.identifier())
            .filter(|socket| socket.id == id)
            .ok_or(UdpError::Closed)
    }
}

impl Socket {
    /// Whether a reply may come from there: from the destination, or from anybody if it was a broadcast or a group.
    fn expects(&self, source: IpAddr) -> bool {
        source == self.destination
            || self.destination.is_multicast()
            || self.destination == IpAddr::V4(Ipv4Addr::BROADCAST)
    }

    fn announce(&mut self, events: &mut VecDeque<EchoId>) {
        if !self.announced {
            self.announced = true;
            events.push_back(self.id);
        }
    }

    fn fail(&mut self, sequence: u16, error: UdpError, events: &mut VecDeque<EchoId>) {
        if self.incoming.push(Incoming::Failed(sequence, error), &[]) {
            self.announce(events);
        }
    }

    /// Writes the oldest queued request; `None` if nothing leads to the destination.
    fn write_next(
        &self,
        out: &mut [u8],
        headroom: Headroom,
        source_for: SourceFor<'_>,
    ) -> Option<Outgoing> {
        let message = self.outgoing.front()?;
        let &(sequence, hop_limit) = message.head;
        let payload = [message.pieces.0, message.pieces.1].concat();
        let request = Icmpv4::EchoRequest(icmpv4::Echo {
            identifier: self.id.0 as u16,
            sequence,
            payload: &payload,
        });
        let departure = Departure {
            source: source_for(self.destination)?,
            destination: self.destination,
            protocol: Protocol::ICMP,
            length: request.length(),
            hop_limit,
            dscp: 0,
            ecn: Ecn::NotCapable,
            offload: Offload::NONE,
            dont_fragment: false,
        };
        let written = out
            .get_mut(headroom.before(self.destination)..)
            .and_then(|rest| request.emit(rest));
        Some(match written {
            Some(_) => Outgoing::Written(departure),
            None => {
                let mut payload = vec![0; request.length()];
                request.emit(&mut payload);
                Outgoing::Large { departure, payload }
            }
        })
    }
}

#[cfg(test)]
#[path = "echo_tests.rs"]
mod tests;
