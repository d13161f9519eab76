//! IPv4, in and out (RFC 791; RFC 1122 §3.2.1).

use super::address::Kind;
use super::fragment::{Fragment, FragmentKey};
use super::path_mtu::Limit;
use super::reply::Reply;
use super::{Internet, InternetArrival, Path, Sent};
use crate::counters::DropReason;
use crate::link::NextHop;
use crate::random::Random;
use crate::time::Instant;
use crate::wire::icmpv4::ErrorKind;
use crate::wire::ip::{Arrival, Cast, Departure, Protocol};
use crate::wire::ipv4::{HEADER, Ipv4Error, Ipv4Header};
use core::net::{IpAddr, Ipv4Addr};

/// Largest packet, and largest payload.
const LONGEST: usize = u16::MAX as usize;
const LONGEST_PAYLOAD: usize = LONGEST - HEADER;

/// Where a packet came from: other rules hold for what never left this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A frame with this kind of destination.
    Link(Cast),
    /// Ourselves.
    Loopback,
}

/// Counters of identifications; each destination uses one of them.
#[derive(Debug)]
pub(super) struct Identifications {
    counters: [u16; Identifications::COUNTERS],
    /// Decides which.
    spread: u32,
}

impl Identifications {
    const COUNTERS: usize = 64;

    pub(super) fn new(random: &mut Random) -> Identifications {
        Identifications {
            counters: core::array::from_fn(|_| random.next_u16()),
            spread: random.next_u32(),
        }
    }

    /// RFC 6864 §4: not repeated towards one destination soon, and not to be guessed from another (RFC 7739 §5).
    fn next(&mut self, destination: Ipv4Addr) -> u16 {
        let spread = destination.to_bits().wrapping_mul(self.spread | 1);
        let index = spread as usize >> (32 - Self::COUNTERS.ilog2());
        let Some(counter) = self.counters.get_mut(index) else {
            return 0;
        };
        *counter = counter.wrapping_add(1);
        *counter
    }
}

/// What all packets between the same two ends have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Train {
    /// Source and destination as transport gave them.
    ends: (IpAddr, IpAddr),
    path: Path,
    source: Ipv4Addr,
    limit: Limit,
}

/// The length of the longest packet that `packet` of this length will be: the link may cut it.
#[inline]
fn longest_piece(departure: &Departure, length: usize, packet: &[u8]) -> usize {
    match departure.offload.segment_size {
        0 => length,
        size => tcp_data_offset(packet).map_or(length, |data| data + usize::from(size)),
    }
}

/// Where the data begins in an IPv4 packet without options that holds a TCP segment.
fn tcp_data_offset(packet: &[u8]) -> Option<usize> {
    Some(HEADER + usize::from(packet.get(HEADER + 12)? >> 4) * 4)
}

impl Train {
    #[inline]
    fn carries(&self, departure: &Departure) -> bool {
        self.ends == (departure.source, departure.destination)
    }
}

impl Internet {
    #[inline]
    pub(super) fn receive_v4<'p>(
        &mut self,
        packet: &'p [u8],
        origin: Origin,
        now: Instant,
    ) -> InternetArrival<'p> {
        let (header, payload) = match Ipv4Header::parse(packet) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.counters.drop(match error {
                    Ipv4Error::Malformed => DropReason::MalformedIp,
                    Ipv4Error::Checksum => DropReason::IpChecksum,
                });
                return InternetArrival::Nothing;
            }
        };
        let cast = match self.admit_v4(&header, origin) {
            Ok(cast) => cast,
            Err(reason) => {
                self.counters.drop(reason);
                return InternetArrival::Nothing;
            }
        };
        if header.is_fragment() {
            return self.receive_fragment_v4(&header, payload, now);
        }
        if header.protocol == Protocol::ICMP {
            return self.receive_icmpv4(&header, cast, payload);
        }
        InternetArrival::Datagram(Arrival {
            source: header.source.into(),
            destination: header.destination.into(),
            cast,
            protocol: header.protocol,
            hop_limit: header.hop_limit,
            ecn: header.ecn,
            payload,
            verify_checksum: origin != Origin::Loopback,
        })
    }

    /// Whether a packet may come from where it says it does, and is for us.
    #[inline]
    fn admit_v4(&self, header: &Ipv4Header, origin: Origin) -> Result<Cast, DropReason> {
        let destination = self.addresses.kind_v4(header.destination);
        let source = self.addresses.kind_v4(header.source);
        let Origin::Link(frame) = origin else {
            return match destination {
                Kind::Ours | Kind::Loopback => Ok(Cast::Unicast),
                _ => Err(DropReason::NotOurAddress),
            };
        };
        let believable = match source {
            Kind::Foreign => true,
            // RFC 1122 §3.2.1.3 (a): only a host that asks for its address has none.
            Kind::ThisNetwork => {
                header.source.is_unspecified()
                    && header.protocol == Protocol::UDP
                    && destination == Kind::Broadcast
            }
            Kind::Ours | Kind::Loopback | Kind::Broadcast | Kind::Multicast => false,
        };
        if !believable {
            return Err(DropReason::MartianSource);
        }
        match destination {
            // RFC 1122 §3.3.6: what is for one host does not come in a frame for all.
            Kind::Ours if frame == Cast::Unicast => Ok(Cast::Unicast),
            Kind::Broadcast => Ok(Cast::Broadcast),
            // RFC 2131 §4.1: a DHCP server may send to the address that it is about to grant.
            Kind::Foreign
                if frame == Cast::Unicast
                    && header.protocol == Protocol::UDP
                    && self.addresses.v4().is_none() =>
            {
                Ok(Cast::Unicast)
            }
            // Loopback never comes by wire (RFC 1122 §3.2.1.3 (g)), and we join no groups.
            _ => Err(DropReason::NotOurAddress),
        }
    }

    fn receive_fragment_v4<'p>(
        &mut self,
        header: &Ipv4Header,
        payload: &'p [u8],
        now: Instant,
    ) -> InternetArrival<'p> {
        let fragment = Fragment {
            key: FragmentKey {
                source: header.source.into(),
                destination: header.destination.into(),
                protocol: header.protocol,
                identification: header.identification.into(),
            },
            offset: header.fragment_offset.into(),
            more: header.more_fragments,
            bytes: payload,
            longest: LONGEST_PAYLOAD,
            ecn: header.ecn,
            hop_limit: header.hop_limit,
        };
        let whole = self
            .reassemblies
            .receive(&fragment, HEADER, now, &mut self.counters);
        let Some(mut whole) = whole else {
            return InternetArrival::Nothing;
        };
        let header = Ipv4Header {
            hop_limit: whole.hop_limit,
            ecn: whole.ecn,
            more_fragments: false,
            fragment_offset: 0,
            payload_length: (whole.packet.len() - HEADER) as u16,
            ..*header
        };
        header.emit(&mut whole.packet);
        InternetArrival::Reassembled(whole.packet)
    }

    /// RFC 1122 §3.3.2: whose first fragment came is told that the rest did not.
    pub(super) fn fragment_expired_v4(
        &mut self,
        key: &FragmentKey,
        (hop_limit, bytes): (u8, &[u8]),
        now: Instant,
    ) {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (key.source, key.destination) else {
            return;
        };
        let header = Ipv4Header {
            source,
            destination,
            protocol: key.protocol,
            hop_limit,
            dscp: 0,
            ecn: Default::default(),
            identification: key.identification as u16,
            dont_fragment: false,
            more_fragments: true,
            fragment_offset: 0,
            payload_length: bytes.len() as u16,
        };
        let mut packet = alloc::vec![0; HEADER];
        header.emit(&mut packet);
        packet.extend_from_slice(bytes);
        self.queue_error_v4(ErrorKind::REASSEMBLY_TIME_EXCEEDED, &packet, now);
    }

    pub(super) fn route_v4(&self, destination: Ipv4Addr) -> Option<Path> {
        let address = IpAddr::V4(destination);
        let ours = self.addresses.v4().map(|(ours, _)| ours);
        let local = |source: Ipv4Addr| Path {
            source: source.into(),
            next_hop: NextHop::Neighbor(address),
            mtu: self.mtu,
            local: true,
        };
        let remote = |source: Ipv4Addr, next_hop| Path {
            source: source.into(),
            next_hop,
            mtu: self.path_mtu.limit(address, self.mtu).mtu,
            local: false,
        };
        match self.addresses.kind_v4(destination) {
            Kind::Ours => Some(local(destination)),
            Kind::Loopback => Some(local(Ipv4Addr::LOCALHOST)),
            // DHCP asks everybody before there is an address.
            Kind::Broadcast => Some(remote(
                ours.unwrap_or(Ipv4Addr::UNSPECIFIED),
                NextHop::Broadcast,
            )),
            Kind::Multicast => Some(remote(ours?, NextHop::Multicast(address))),
            Kind::ThisNetwork => None,
            Kind::Foreign => {
                let neighbor = self.routes.neighbor_for(address)?;
                Some(remote(ours?, NextHop::Neighbor(neighbor)))
            }
        }
    }

    #[inline]
    pub(super) fn send_v4(
        &mut self,
        departure: &Departure,
        destination: Ipv4Addr,
        packet: &mut [u8],
    ) -> Sent<'_> {
        if !self
            .recent
            .as_ref()
            .is_some_and(|last| last.carries(departure))
        {
            self.recent = self.train_v4(departure, destination);
        }
        let Some(train) = &self.recent else {
            self.counters.drop(DropReason::NoRoute);
            return Sent::NoRoute;
        };
        let (path, source, limit) = (&train.path, train.source, train.limit);
        let length = HEADER.saturating_add(departure.length);
        let Some(packet) = packet.get_mut(..length) else {
            self.counters.drop(DropReason::MalformedIp);
            return Sent::NoRoute;
        };
        let dont_fragment = departure.dont_fragment && !limit.fragment;
        let fits = path.local || longest_piece(departure, length, packet) <= limit.mtu;
        let header = Ipv4Header {
            source,
            destination,
            protocol: departure.protocol,
            hop_limit: departure.hop_limit.unwrap_or(self.hop_limit),
            dscp: departure.dscp & 0x3f,
            ecn: departure.ecn,
            // RFC 6864 §4.1: what is never fragmented needs no identification.
            identification: if dont_fragment || !fits {
                0
            } else {
                self.identifications.next(destination)
            },
            dont_fragment,
            more_fragments: false,
            fragment_offset: 0,
            payload_length: departure.length.min(LONGEST_PAYLOAD) as u16,
        };
        header.emit(packet);
        if fits && length <= LONGEST {
            Sent::Ready {
                length,
                next_hop: &path.next_hop,
                local: path.local,
            }
        } else if dont_fragment || length > LONGEST {
            self.counters.drop(DropReason::TooBig);
            Sent::TooBig {
                mtu: limit.mtu.min(LONGEST),
            }
        } else {
            let payload = packet.get(HEADER..).unwrap_or_default();
            // A flood of pings that fills the queue does not keep a datagram out.
            if !self.replies.holds_datagram() || self.replies.has_room(payload.len()) {
                let departure = Departure {
                    source: source.into(),
                    ..*departure
                };
                let payload = payload.to_vec();
                self.replies.push(Reply::datagram(departure, payload));
            } else {
                self.counters.drop(DropReason::ReplyQueueFull);
            }
            Sent::Queued
        }
    }

    /// The way from here to there; `None`: there is none.
    fn train_v4(&self, departure: &Departure, destination: Ipv4Addr) -> Option<Train> {
        let path = self.route_v4(destination)?;
        Some(Train {
            ends: (departure.source, departure.destination),
            path,
            source: self.source_v4(departure, &path)?,
            limit: self.path_mtu.limit(departure.destination, self.mtu),
        })
    }

    /// Our address for this packet; `None` if it names one that is not ours.
    fn source_v4(&self, departure: &Departure, path: &Path) -> Option<Ipv4Addr> {
        match (departure.source, path.source) {
            (source, IpAddr::V4(ours)) if source.is_unspecified() => Some(ours),
            (IpAddr::V4(source), _) => match self.addresses.kind_v4(source) {
                Kind::Ours => Some(source),
                Kind::Loopback if path.local => Some(source),
                _ => None,
            },
            _ => None,
        }
    }

    /// Writes the next packet of a reply; true: all of it has left.
    pub(super) fn transmit_v4(
        &mut self,
        reply: &mut Reply,
        packet: &mut [u8],
    ) -> (Option<(usize, NextHop, bool)>, bool) {
        let (IpAddr::V4(source), IpAddr::V4(destination)) =
            (reply.departure.source, reply.departure.destination)
        else {
            return (None, true);
        };
        let Some(path) = self.route_v4(destination) else {
            self.counters.drop(DropReason::NoRoute);
            return (None, true);
        };
        let Limit { mtu, .. } = self.path_mtu.limit(reply.departure.destination, self.mtu);
        let room = mtu.min(packet.len()).saturating_sub(HEADER);
        let rest = reply.payload.get(reply.sent..).unwrap_or_default();
        let whole = reply.sent == 0 && rest.len() <= room;
        // All fragments but the last hold a multiple of eight bytes (RFC 791 §3.2).
        let length = if rest.len() <= room {
            rest.len()
        } else {
            room & !7
        };
        if length == 0 && !rest.is_empty() {
            self.counters.drop(DropReason::TooBig);
            return (None, true);
        }
        if reply.sent == 0 {
            reply.identification = self.identifications.next(destination);
        }
        let header = Ipv4Header {
            source,
            destination,
            protocol: reply.departure.protocol,
            hop_limit: reply.departure.hop_limit.unwrap_or(self.hop_limit),
            dscp: reply.departure.dscp & 0x3f,
            ecn: reply.departure.ecn,
            identification: reply.identification,
            dont_fragment: false,
            more_fragments: !whole && length < rest.len(),
            fragment_offset: reply.sent.min(LONGEST) as u16,
            payload_length: length as u16,
        };
        let room = header
            .emit(packet)
            .and_then(|packet| packet.get_mut(..length));
        let (Some(room), Some(bytes)) = (room, rest.get(..length)) else {
            self.counters.drop(DropReason::TooBig);
            return (None, true);
        };
        room.copy_from_slice(bytes);
        let done = length == rest.len();
        reply.sent += length;
        let leaving = (HEADER + length, path.next_hop, path.local);
        (Some(leaving), done)
    }
}
