//! The way up: Ethernet frame → link → internet → transport → socket.
//!
//! Only this file knows the order of the floors on the way up. Each floor answers with a value; what has to turn
//! round is put into the queue of the floor that it belongs to and leaves by [`egress`](crate::egress).

use crate::counters::DropReason;
use crate::internet::InternetArrival;
use crate::link::{LinkArrival, LinkEvent};
use crate::stack::Stack;
use crate::time::Instant;
use crate::train::ArrivingTrain;
use crate::transport::Received;
use crate::wire::ethernet::EtherType;
use crate::wire::ip::{Protocol, Unreachable};
use core::net::IpAddr;

impl Stack {
    /// One frame from the link.
    #[inline]
    pub(crate) fn climb(&mut self, frame: &[u8], verify_checksum: bool, now: Instant) {
        self.counters.frames_received += 1;
        self.counters.bytes_received += frame.len() as u64;
        if self.climb_in_train(frame, verify_checksum, now) {
            return;
        }
        self.arriving = None;
        self.transport.tcp.forget_last();
        if let Some(arrival) = self.link.receive(frame, now) {
            let is_ip = matches!(arrival.ether_type, EtherType::IPV4 | EtherType::IPV6);
            self.counters.packets_received += u64::from(is_ip);
            self.climb_from_internet(&arrival, verify_checksum, now);
            if self.transport.tcp.remembers_last() {
                self.arriving = ArrivingTrain::behind(frame);
            }
        } else {
            // It may have been ARP.
            self.confirms_nobody = None;
            self.heed_link(now);
        }
    }

    /// The short way up: a frame like the one before it, whose segment goes to the same connection. False, and nothing
    /// done: the ordinary way must find out.
    #[inline]
    fn climb_in_train(&mut self, frame: &[u8], verify_checksum: bool, now: Instant) -> bool {
        let Some(segment) = self.arriving.as_ref().and_then(|train| train.admit(frame)) else {
            return false;
        };
        let taken = self.link.carries(frame.len())
            && self
                .transport
                .tcp
                .receive_next(segment, verify_checksum, now);
        self.counters.packets_received += u64::from(taken);
        self.counters.segments_received += u64::from(taken);
        self.heed_progress(now);
        taken
    }

    /// A host acknowledged what we sent: so the neighbour is there that leads to it (RFC 4861 §7.3.1).
    #[inline]
    fn heed_progress(&mut self, now: Instant) {
        if self.link.has_doubts()
            && let Some(connection) = self.transport.tcp.progress()
            && self.confirms_nobody != Some(connection)
        {
            let host = self.transport.tcp.host_of(connection);
            let neighbor = host.and_then(|host| self.internet.neighbor_towards(host));
            let confirms = neighbor.is_some_and(|neighbor| self.link.confirm(neighbor, now));
            self.confirms_nobody = (!confirms).then_some(connection);
        }
    }

    /// Hosts that leave repetitions unanswered: the neighbours that lead to them may be gone (RFC 1122 §2.3.2.1 (4)).
    pub(crate) fn heed_doubts(&mut self, now: Instant) {
        while let Some(host) = self.transport.tcp.take_doubted() {
            if let Some(neighbor) = self.internet.neighbor_towards(host) {
                self.link.doubt(neighbor, now);
            }
        }
    }

    /// One packet that we sent to ourselves: other rules hold for its addresses. A reply that is larger than a frame comes in
    /// fragments.
    pub(crate) fn climb_loopback(&mut self, packet: &[u8], now: Instant) {
        self.arriving = None;
        match self.internet.receive_local(packet, now) {
            InternetArrival::Reassembled(whole) => {
                let arrival = self.internet.receive_local(&whole, now);
                self.climb_to_transport(arrival, &whole, false, now);
            }
            arrival => self.climb_to_transport(arrival, packet, false, now),
        }
    }

    #[inline]
    fn climb_from_internet(
        &mut self,
        frame: &LinkArrival<'_>,
        verify_checksum: bool,
        now: Instant,
    ) {
        let (ether_type, packet, cast) = (frame.ether_type, frame.packet, frame.cast);
        match self.internet.receive(ether_type, packet, cast, now) {
            // A datagram that fragments completed is a packet like any other; it holds no fragment, so once is enough.
            InternetArrival::Reassembled(whole) => {
                let arrival = self.internet.receive(ether_type, &whole, cast, now);
                // Each fragment's part of the datagram passed a wire of its own.
                self.climb_to_transport(arrival, &whole, self.config.link.verify_checksums, now);
            }
            arrival => self.climb_to_transport(arrival, packet, verify_checksum, now),
        }
    }

    #[inline]
    fn climb_to_transport(
        &mut self,
        mut arrival: InternetArrival<'_>,
        packet: &[u8],
        verify_checksum: bool,
        now: Instant,
    ) {
        // By reference: to copy what was only just written would wait for the writes.
        match &mut arrival {
            InternetArrival::Datagram(arrival) => {
                let is_segment = matches!(arrival.protocol, Protocol::TCP | Protocol::UDP);
                self.counters.segments_received += u64::from(is_segment);
                arrival.verify_checksum &= verify_checksum;
                match self.transport.receive(arrival, now) {
                    Received::Consumed => {}
                    Received::PortUnreachable => self.internet.port_unreachable(packet, now),
                    Received::ProtocolUnreachable => {
                        self.internet.protocol_unreachable(packet, now)
                    }
                }
                match arrival.protocol {
                    Protocol::TCP => self.heed_progress(now),
                    Protocol::UDP => self.run_dhcp(now),
                    _ => {}
                }
            }
            InternetArrival::Echo(echo) => self.transport.receive_echo(
                echo.source,
                echo.identifier,
                echo.sequence,
                echo.hop_limit,
                echo.payload,
                now,
            ),
            // RFC 5927 §7.2: the path is a matter of all who share it, so a stranger's word does not narrow it.
            InternetArrival::Error(error) => {
                if !self.transport.knows(error) || self.internet.heed_path_mtu(error, now) {
                    self.transport.error(error, now);
                }
            }
            InternetArrival::Reassembled(_) => self.counters.drop(DropReason::FragmentInvalid),
            InternetArrival::Nothing => {}
        }
    }

    /// What the link found out by itself: neighbours that never answered, probes that ended, addresses in dispute.
    pub(crate) fn heed_link(&mut self, now: Instant) {
        while let Some(event) = self.link.poll_event() {
            match event {
                LinkEvent::Unreachable { packet } => {
                    self.report_failure(&packet, Unreachable::Host, now)
                }
                LinkEvent::ProbeClear(address) => self.probe_clear(address, now),
                LinkEvent::Conflict {
                    address,
                    claimant,
                    while_probing,
                } => self.conflict(address, claimant, while_probing, now),
            }
        }
    }

    /// Tells the socket that sent `packet` that it cannot arrive, as an ICMP error from afar would.
    pub(crate) fn report_failure(&mut self, packet: &[u8], kind: Unreachable, now: Instant) {
        let reporter = self
            .internet
            .address()
            .map_or(IpAddr::from([0, 0, 0, 0]), |(address, _)| address);
        if let Some(error) = self.internet.quoted(packet, kind, reporter) {
            self.transport.error(&error, now);
        }
    }
}
