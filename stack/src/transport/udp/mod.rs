//! UDP (RFC 768; RFC 1122 §4.1): sockets, their queues, and what leaves from them in turn.

mod socket;

use super::demux::Bindings;
use super::port::EphemeralPorts;
use super::queue::MessageQueue;
use super::{BindError, Outgoing, Received, SourceFor, UdpError};
use crate::config::{Config, UdpConfig};
use crate::counters::{Counters, DropReason};
use crate::event::UdpId;
use crate::random::Random;
use crate::table::Sorted;
use crate::wire::checksum::Checksum;
use crate::wire::ip::{Arrival, Cast, Headroom, PacketError, Protocol, Unreachable};
use crate::wire::udp::UdpDatagram;
use alloc::collections::VecDeque;
use core::net::{IpAddr, SocketAddr};
use core::task::Poll;
use socket::Socket;

/// Largest payload over IPv4 (RFC 791 §3.1: 65,535 bytes in all) and over IPv6 (RFC 8200 §3: 65,535 after its header).
const LARGEST_V4: usize = 65_507;
const LARGEST_V6: usize = 65_527;

/// What one read took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Bytes written to the caller's buffer.
    pub length: usize,
    /// Bytes that the datagram had; larger than `length` if the buffer was too small.
    pub full_length: usize,
    /// Who sent it.
    pub source: SocketAddr,
    /// To which of our addresses, or which broadcast.
    pub destination: SocketAddr,
}

/// All UDP sockets.
#[derive(Debug)]
pub struct Udp {
    sockets: Sorted<Socket>,
    last_id: u32,
    bindings: Bindings,
    ports: EphemeralPorts,
    /// Sockets with something to send, each once: they take turns.
    sending: VecDeque<u32>,
    /// Closed sockets that have something to send, the oldest first.
    closed: VecDeque<u32>,
    /// Sockets that the owner should look at, each once.
    events: VecDeque<u32>,
    config: UdpConfig,
    /// What was dropped.
    pub counters: Counters,
}

impl Udp {
    /// No socket yet.
    #[must_use]
    pub fn new(config: &Config, random: &mut Random) -> Udp {
        Udp {
            sockets: Sorted::default(),
            last_id: 0,
            bindings: Bindings::default(),
            ports: EphemeralPorts::new(config.tcp.ephemeral_ports, random),
            sending: VecDeque::new(),
            closed: VecDeque::new(),
            events: VecDeque::new(),
            config: config.udp,
            counters: Counters::default(),
        }
    }

    /// Opens a socket. Port 0 draws one at random (RFC 6056 §3.3.1). That the address is ours, the caller has checked.
    ///
    /// # Errors
    /// If the port is taken, no ephemeral port is free, or there are too many sockets.
    pub fn bind(&mut self, mut local: SocketAddr) -> Result<UdpId, BindError> {
        if self.sockets.len() - self.closed.len() >= self.config.sockets {
            return Err(BindError::TooMany);
        }
        if local.port() == 0 {
            let bindings = &self.bindings;
            let port = self
                .ports
                .at_random(|port| bindings.is_free(SocketAddr::new(local.ip(), port)))
                .ok_or(BindError::PortInUse)?;
            local.set_port(port);
        }
        let mut id = self.last_id;
        loop {
            id = id.wrapping_add(1);
            if self.sockets.get(id).is_none() {
                break;
            }
        }
        if !self.bindings.insert(local, id) {
            return Err(BindError::PortInUse);
        }
        self.last_id = id;
        self.sockets.insert(id, Socket::new(local, &self.config));
        Ok(UdpId(id))
    }

    /// Fixes the peer.
    ///
    /// # Errors
    /// If the peer is no destination, or the socket is closed.
    pub fn connect(&mut self, id: UdpId, remote: SocketAddr) -> Result<(), UdpError> {
        let socket = self.open_mut(id)?;
        if !socket.can_reach(remote) {
            return Err(UdpError::Destination);
        }
        socket.remote = Some(remote);
        Ok(())
    }

    /// Queues a datagram; pending while the queue is full.
    pub fn send(
        &mut self,
        id: UdpId,
        payload: &[u8],
        destination: Option<SocketAddr>,
    ) -> Poll<Result<(), UdpError>> {
        let socket = self.open_mut(id)?;
        if socket.stranded {
            return Poll::Ready(Err(UdpError::NoRoute));
        }
        let destination = match (socket.remote, destination) {
            (Some(remote), None) => remote,
            (None, Some(destination)) if socket.can_reach(destination) => destination,
            _ => return Poll::Ready(Err(UdpError::Destination)),
        };
        let largest = if destination.is_ipv4() {
            LARGEST_V4
        } else {
            LARGEST_V6
        };
        if payload.len() > largest {
            return Poll::Ready(Err(UdpError::TooLong));
        }
        let idle = socket.outgoing.is_empty();
        if !socket
            .outgoing
            .push((destination, socket.hop_limit), payload)
        {
            socket.blocked = Some(payload.len());
            return Poll::Pending;
        }
        if idle {
            self.sending.push_back(id.0);
        }
        Poll::Ready(Ok(()))
    }

    /// Drops what is queued and has not left.
    pub fn discard_unsent(&mut self, id: UdpId) {
        let bytes = self.config.send_bytes;
        if let Ok(socket) = self.open_mut(id) {
            socket.outgoing = MessageQueue::new(bytes);
            self.sending.retain(|&waiting| waiting != id.0);
        }
    }

    /// Takes the oldest datagram, or the error that was reported.
    pub fn take(&mut self, id: UdpId, buffer: &mut [u8]) -> Poll<Result<Datagram, UdpError>> {
        let socket = self.open_mut(id)?;
        if let Some(error) = socket.error.take() {
            return Poll::Ready(Err(error));
        }
        let Some(message) = socket.incoming.front() else {
            return Poll::Pending;
        };
        let &(source, destination) = message.head;
        let datagram = Datagram {
            length: message.copy_to(buffer),
            full_length: message.length(),
            source,
            destination,
        };
        socket.incoming.pop();
        Poll::Ready(Ok(datagram))
    }

    /// Our end.
    ///
    /// # Errors
    /// If the socket is closed.
    pub fn local_address(&self, id: UdpId) -> Result<SocketAddr, UdpError> {
        Ok(self.open(id)?.local)
    }

    /// The connected peer.
    #[must_use]
    pub fn remote_address(&self, id: UdpId) -> Option<SocketAddr> {
        self.open(id).ok()?.remote
    }

    /// Hop limit of datagrams queued from now on.
    pub fn set_hop_limit(&mut self, id: UdpId, hop_limit: Option<u8>) {
        if let Ok(socket) = self.open_mut(id) {
            socket.hop_limit = hop_limit;
        }
    }

    /// Closes a socket. Its port is free at once; what was queued still leaves.
    pub fn close(&mut self, id: UdpId) {
        let Ok(socket) = self.open_mut(id) else {
            return;
        };
        socket.closed = true;
        let (local, announced, done) = (socket.local, socket.announced, socket.outgoing.is_empty());
        socket.incoming = MessageQueue::new(0);
        self.bindings.remove(local);
        if announced {
            self.events.retain(|&waiting| waiting != id.0);
        }
        if done {
            self.sockets.remove(id.0);
        } else {
            self.closed.push_back(id.0);
            self.drop_closed(self.config.closed_sockets);
        }
    }

    /// The link was away and is back: nobody waits any more for what closed sockets had to say.
    pub fn link_restored(&mut self) {
        self.drop_closed(0);
    }

    /// Keeps no more than so many closed sockets: while the link takes nothing, their datagrams only grow old.
    fn drop_closed(&mut self, most: usize) {
        while self.closed.len() > most
            && let Some(id) = self.closed.pop_front()
        {
            let held = self
                .sockets
                .get(id)
                .map_or(0, |socket| socket.outgoing.len());
            for _datagram in 0..held {
                self.counters.drop(DropReason::UdpQueueFull);
            }
            self.sockets.remove(id);
            self.sending.retain(|&waiting| waiting != id);
        }
    }

    /// A datagram arrived.
    pub fn receive(&mut self, arrival: &Arrival<'_>) -> Received {
        let Ok(datagram) = UdpDatagram::parse(arrival.payload) else {
            self.counters.drop(DropReason::MalformedUdp);
            return Received::Consumed;
        };
        if !is_intact(arrival, &datagram) {
            self.counters.drop(DropReason::UdpChecksum);
            return Received::Consumed;
        }
        let source = SocketAddr::new(arrival.source, datagram.header.source_port);
        let destination = SocketAddr::new(arrival.destination, datagram.header.destination_port);
        let found = self.find(destination, source);
        let found = found.and_then(|id| Some((id, self.sockets.get_mut(id)?)));
        let Some((id, socket)) = found else {
            self.counters.drop(DropReason::UdpNoSocket);
            // RFC 1122 §4.1.3.1: port unreachable; never for what was sent to many (§3.2.2).
            return if arrival.cast == Cast::Unicast {
                Received::PortUnreachable
            } else {
                Received::Consumed
            };
        };
        if socket
            .incoming
            .push((source, destination), datagram.payload)
        {
            self.announce(id);
        } else {
            self.counters.drop(DropReason::UdpQueueFull);
        }
        Received::Consumed
    }

    /// ICMP, or our own floor below, reports about a datagram that we sent. Connected sockets learn of it
    /// (RFC 1122 §4.1.3.3); for others nobody could tell which datagram was meant.
    pub fn error(&mut self, error: &PacketError<'_>) {
        match self.complains_of(error) {
            // The path MTU is known below, and the next datagram will be cut to it.
            Some(_) if matches!(error.kind, Unreachable::TooBig { .. }) => {}
            Some(id) => {
                if let Some(socket) = self.sockets.get_mut(id)
                    && socket.remote.is_some()
                {
                    socket.error = Some(UdpError::Unreachable(error.kind));
                    self.announce(id);
                }
            }
            None => self.counters.drop(DropReason::IcmpUnmatched),
        }
    }

    /// Whether a socket may have sent the datagram that an error quotes.
    #[must_use]
    pub fn knows(&self, error: &PacketError<'_>) -> bool {
        self.complains_of(error).is_some()
    }

    fn complains_of(&self, error: &PacketError<'_>) -> Option<u32> {
        let &[a, b, c, d] = error.quoted.first_chunk::<4>()?;
        self.find(
            SocketAddr::new(error.source, u16::from_be_bytes([a, b])),
            SocketAddr::new(error.destination, u16::from_be_bytes([c, d])),
        )
    }

    /// The host has another address. Sockets bound to the one before learn that nothing leaves or reaches them any more.
    pub fn address_changed(&mut self, before: Option<IpAddr>, after: Option<IpAddr>) {
        for (id, socket) in self.sockets.iter_mut() {
            let local = Some(socket.local.ip());
            if local == before {
                socket.stranded = true;
                socket.error = Some(UdpError::NoRoute);
                socket.announce(id, &mut self.events);
            } else if local == after {
                socket.stranded = false;
            }
        }
    }

    /// Whether a datagram waits to be sent.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.sending.is_empty()
    }

    /// Writes the next datagram; the sockets take turns, one datagram each.
    pub fn transmit(
        &mut self,
        out: &mut [u8],
        headroom: Headroom,
        source_for: SourceFor<'_>,
    ) -> Option<Outgoing> {
        while let Some(id) = self.sending.pop_front() {
            let Some(socket) = self.sockets.get_mut(id) else {
                continue;
            };
            let outgoing = socket.write_next(out, headroom, source_for);
            socket.outgoing.pop();
            if outgoing.is_none() {
                socket.error = Some(UdpError::NoRoute);
                self.counters.drop(DropReason::NoRoute);
            }
            let room = socket
                .blocked
                .is_some_and(|length| socket.outgoing.accepts(length));
            let more = !socket.outgoing.is_empty();
            let gone = socket.closed && !more;
            if room {
                socket.blocked = None;
            }
            if more {
                self.sending.push_back(id);
            }
            if gone {
                self.sockets.remove(id);
                self.closed.retain(|&closed| closed != id);
            } else if room || outgoing.is_none() {
                self.announce(id);
            }
            if outgoing.is_some() {
                return outgoing;
            }
        }
        None
    }

    /// Whether an event waits.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next socket that the owner should look at.
    pub fn poll_event(&mut self) -> Option<UdpId> {
        let id = self.events.pop_front()?;
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.announced = false;
        }
        Some(UdpId(id))
    }

    /// The open socket at `local`, unless it is connected to another peer than `remote`.
    fn find(&self, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
        let id = self.bindings.find(local)?;
        let socket = self.sockets.get(id)?;
        let wanted = socket.remote.is_none_or(|peer| peer == remote);
        wanted.then_some(id)
    }

    fn announce(&mut self, id: u32) {
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.announce(id, &mut self.events);
        }
    }

    fn open(&self, id: UdpId) -> Result<&Socket, UdpError> {
        self.sockets
            .get(id.0)
            .filter(|socket| !socket.closed)
            .ok_or(UdpError::Closed)
    }

    fn open_mut(&mut self, id: UdpId) -> Result<&mut Socket, UdpError> {
        self.sockets
            .get_mut(id.0)
            .filter(|socket| !socket.closed)
            .ok_or(UdpError::Closed)
    }
}

/// Whether the checksum is right or may be missing: RFC 768 for IPv4; RFC 8200 §8.1 wants one for IPv6.
fn is_intact(arrival: &Arrival<'_>, datagram: &UdpDatagram<'_>) -> bool {
    if !arrival.verify_checksum {
        return true;
    }
    if datagram.checksum == 0 {
        return arrival.source.is_ipv4();
    }
    Checksum::pseudo_header(
        arrival.source,
        arrival.destination,
        Protocol::UDP,
        datagram.whole.len(),
    )
    .with(datagram.whole)
    .is_valid()
}

#[cfg(test)]
mod tests;
