//! The internet floor: hosts and paths.
//!
//! - **Enters** from below: a packet. [`Internet::receive`] checks it, puts fragments together, answers ICMP, and
//!   says what it was: an [`InternetArrival`]. Enters from above: a [`Departure`], whose payload stands behind the
//!   room for our header; [`Internet::send`] writes that header and says where the packet goes.
//! - **Leaves** by [`Internet::transmit`]: what this floor says on its own account, and datagrams cut into
//!   fragments.
//!
//! | room | holds | RFCs |
//! |---|---|---|
//! | `ipv4` | validation, headers, fragments out | 791, 1122 §3.2.1, 6864 |
//! | `address` | our address, and kinds of others | 1122 §3.2.1.3, 3021 |
//! | `route` | longest prefix, gateway | 1122 §3.3.1 |
//! | `fragment` | reassembly | 791 §3.2, 815, 5722 |
//! | `icmp` | echo, errors in and out | 792, 1122 §3.2.2, 1812 §4.3 |
//! | `path_mtu` | how large a packet a path carries | 1191 |
//! | `reply` | what waits to leave on our own account | |
//!
//! Signatures speak [`IpAddr`]; what only IPv4 knows has its own files, beside which IPv6's will stand.

mod address;
mod fragment;
mod icmp;
mod ipv4;
mod path_mtu;
mod reply;
mod route;
#[cfg(test)]
mod tests;

use crate::config::InternetConfig;
use crate::counters::{Counters, DropReason};
use crate::link::NextHop;
use crate::random::Random;
use crate::time::Instant;
use crate::wire::ethernet::EtherType;
use crate::wire::icmpv4::ErrorKind;
use crate::wire::ip::{Arrival, Cast, Departure, PacketError, Unreachable};
use address::Addresses;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
use fragment::Reassemblies;
use icmp::RateLimit;
use ipv4::{Identifications, Origin, Train};
use path_mtu::PathMtu;
use reply::{Replies, Reply};
use route::Routes;

pub use address::Prefix;

/// What a packet was.
#[derive(Debug)]
pub enum InternetArrival<'p> {
    /// A whole packet for transport.
    Datagram(Arrival<'p>),
    /// An echo reply.
    Echo(EchoArrival<'p>),
    /// An ICMP error about a packet that we may have sent. If a socket knows it: [`Internet::heed_path_mtu`].
    Error(PacketError<'p>),
    /// The last missing fragment came: a whole packet, to be received like any other.
    Reassembled(Vec<u8>),
    /// Nothing for the floors above: answered here, waiting for more fragments, or dropped and counted.
    Nothing,
}

/// An echo reply (RFC 792).
#[derive(Clone, Copy, Debug)]
pub struct EchoArrival<'p> {
    /// Who answered.
    pub source: IpAddr,
    /// The identifier of the request.
    pub identifier: u16,
    /// The sequence number of the request.
    pub sequence: u16,
    /// TTL or hop limit as it arrived.
    pub hop_limit: u8,
    /// What the request carried.
    pub payload: &'p [u8],
}

/// How to reach a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Our address towards it; unspecified for a broadcast before there is one.
    pub source: IpAddr,
    /// Who takes it from here.
    pub next_hop: NextHop,
    /// Largest packet that arrives unfragmented, in bytes with its IP header.
    pub mtu: usize,
    /// Whether the destination is ourselves: it must not reach the link.
    pub local: bool,
}

/// What became of a departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent<'i> {
    /// The packet is written and may leave.
    Ready {
        /// Its length, header included.
        length: usize,
        /// Where it goes.
        next_hop: &'i NextHop,
        /// Whether it is for ourselves: to be handed to [`Internet::receive_local`].
        local: bool,
    },
    /// It leaves in fragments, by [`Internet::transmit`].
    Queued,
    /// It must not be fragmented and is larger than the path carries: dropped and counted. Its header is written.
    TooBig {
        /// What the path carries, in bytes with the IP header.
        mtu: usize,
    },
    /// There is no way to the destination, or the source is not ours: dropped and counted.
    NoRoute,
}

/// One host's internet layer.
#[derive(Debug)]
pub struct Internet {
    /// What was dropped on this floor.
    pub counters: Counters,
    mtu: usize,
    hop_limit: u8,
    addresses: Addresses,
    gateway: Option<IpAddr>,
    routes: Routes,
    path_mtu: PathMtu,
    reassemblies: Reassemblies,
    replies: Replies,
    icmp_limit: RateLimit,
    /// The way that the last packet took: packets come in trains. Forgotten whenever anything that it follows from changes.
    recent: Option<Train>,
    identifications: Identifications,
}

impl Internet {
    /// Bytes in front of an IPv4 payload.
    pub const HEADER: usize = crate::wire::ipv4::HEADER;

    /// A host without an address, on a link that carries packets of `mtu` bytes.
    #[must_use]
    pub fn new(config: &InternetConfig, mtu: usize, hop_limit: u8, mut random: Random) -> Internet {
        Internet {
            counters: Counters::default(),
            mtu,
            hop_limit,
            addresses: Addresses::default(),
            gateway: None,
            routes: Routes::new(config.routes),
            path_mtu: PathMtu::new(config),
            reassemblies: Reassemblies::new(config),
            replies: Replies::new(config.reply_queue, config.reply_bytes),
            identifications: Identifications::new(&mut random),
            icmp_limit: RateLimit::new(config.icmp_errors_per_second, random),
            recent: None,
        }
    }

    /// Takes a packet that a frame with a destination of kind `cast` brought.
    #[inline]
    pub fn receive<'p>(
        &mut self,
        ether_type: EtherType,
        packet: &'p [u8],
        cast: Cast,
        now: Instant,
    ) -> InternetArrival<'p> {
        if ether_type == EtherType::IPV4 {
            self.receive_v4(packet, Origin::Link(cast), now)
        } else {
            self.counters.drop(DropReason::UnknownEtherType);
            InternetArrival::Nothing
        }
    }

    /// Takes a packet that we sent to ourselves.
    pub fn receive_local<'p>(&mut self, packet: &'p [u8], now: Instant) -> InternetArrival<'p> {
        self.receive_v4(packet, Origin::Loopback, now)
    }

    /// How to reach `destination`; `None`: there is no way.
    #[must_use]
    pub fn route(&self, destination: IpAddr) -> Option<Path> {
        match destination {
            IpAddr::V4(destination) => self.route_v4(destination),
            IpAddr::V6(_) => None,
        }
    }

    /// The neighbour that packets for `destination` are handed to; `None`: there is none, or they stay on this machine.
    #[must_use]
    pub fn neighbor_towards(&self, destination: IpAddr) -> Option<IpAddr> {
        match self.route(destination)? {
            Path {
                next_hop: NextHop::Neighbor(neighbor),
                local: false,
                ..
            } => Some(neighbor),
            _ => None,
        }
    }

    /// Writes the header in front of the payload at `packet[HEADER..]` and says where the packet goes.
    #[inline]
    pub fn send(&mut self, departure: &Departure, packet: &mut [u8], _now: Instant) -> Sent<'_> {
        match departure.destination {
            IpAddr::V4(destination) => self.send_v4(departure, destination, packet),
            IpAddr::V6(_) => {
                self.counters.drop(DropReason::NoRoute);
                Sent::NoRoute
            }
        }
    }

    /// Writes the next packet that this floor has to send: its length, where it goes, and whether it is for
    /// ourselves.
    #[inline]
    pub fn transmit(&mut self, _now: Instant, packet: &mut [u8]) -> Option<(usize, NextHop, bool)> {
        if self.replies.is_empty() {
            return None;
        }
        self.transmit_replies(packet)
    }

    /// Whether a program's datagram is being cut into fragments. The next one, if it is to be cut too, had better wait.
    #[inline]
    #[must_use]
    pub fn is_cutting(&self) -> bool {
        self.replies.holds_datagram()
    }

    fn transmit_replies(&mut self, packet: &mut [u8]) -> Option<(usize, NextHop, bool)> {
        loop {
            let mut reply = self.replies.pop()?;
            let (leaving, done) = self.transmit_v4(&mut reply, packet);
            if !done {
                self.replies.push_front(reply);
            }
            if leaving.is_some() {
                return leaving;
            }
        }
    }

    fn queue_reply(&mut self, departure: Departure, payload: Vec<u8>) {
        self.replies.push(Reply::new(departure, payload));
    }

    /// When [`advance`](Internet::advance) has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let reassemblies = self.reassemblies.next_deadline();
        let path_mtu = self.path_mtu.next_deadline();
        reassemblies.into_iter().chain(path_mtu).min()
    }

    /// Gives up incomplete datagrams whose time is up, and forgets path MTUs that were lowered long ago.
    pub fn advance(&mut self, now: Instant) {
        while let Some(expired) = self.reassemblies.advance(now, &mut self.counters) {
            if let Some((hop_limit, bytes)) = &expired.first {
                self.fragment_expired_v4(&expired.key, (*hop_limit, bytes), now);
            }
        }
        if self.path_mtu.advance(now) {
            self.recent = None;
        }
    }

    /// Sets our address with the length of its network's prefix, and the default gateway. Routes start afresh:
    /// the network itself, and the gateway for the rest.
    pub fn set_address(&mut self, address: Option<(Ipv4Addr, u8)>, gateway: Option<Ipv4Addr>) {
        self.recent = None;
        self.addresses.set_v4(address);
        self.gateway = gateway.map(IpAddr::V4);
        self.routes.clear();
        if let Some((address, length)) = self.addresses.v4() {
            self.routes.add(Prefix::new(address.into(), length), None);
            if self.gateway.is_some() {
                let everything = Prefix::new(Ipv4Addr::UNSPECIFIED.into(), 0);
                self.routes.add(everything, self.gateway);
            }
        }
    }

    /// Adds a route through `gateway`, or on the link if there is none, until the address is set again. False if
    /// the table is full.
    pub fn add_route(&mut self, prefix: Prefix, gateway: Option<IpAddr>) -> bool {
        self.recent = None;
        self.routes.add(prefix, gateway)
    }

    /// Sets the largest packet, in bytes, that the link carries.
    pub fn set_mtu(&mut self, mtu: usize) {
        self.recent = None;
        self.mtu = mtu;
    }

    /// Our address and the length of its network's prefix.
    #[must_use]
    pub fn address(&self) -> Option<(IpAddr, u8)> {
        let (address, length) = self.addresses.v4()?;
        Some((address.into(), length))
    }

    /// The default gateway.
    #[must_use]
    pub fn gateway(&self) -> Option<IpAddr> {
        self.gateway
    }

    /// Whether packets for `address` stay on this machine: ours, or a loopback address.
    #[must_use]
    pub fn is_local(&self, address: IpAddr) -> bool {
        self.addresses.is_local(address)
    }

    /// Tells the sender of `original`, a packet that we received, that nobody listens on its port.
    pub fn port_unreachable(&mut self, original: &[u8], now: Instant) {
        self.queue_error_v4(ErrorKind::PORT_UNREACHABLE, original, now);
    }

    /// Tells the sender of `original`, a packet that we received, that nobody speaks its protocol.
    pub fn protocol_unreachable(&mut self, original: &[u8], now: Instant) {
        self.counters.drop(DropReason::UnknownProtocol);
        self.queue_error_v4(ErrorKind::PROTOCOL_UNREACHABLE, original, now);
    }

    /// Describes one of our own packets that could not be sent, as an ICMP error would. `packet` starts with its
    /// IP header.
    #[must_use]
    pub fn quoted<'p>(
        &self,
        packet: &'p [u8],
        kind: Unreachable,
        reporter: IpAddr,
    ) -> Option<PacketError<'p>> {
        self.quoted_v4(packet, kind, reporter)
    }
}
