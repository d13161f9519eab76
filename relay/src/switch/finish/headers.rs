//! Where the headers of a frame are.

use ethertab_stack::wire::{checksum, ip::Protocol};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

const VLAN: [u8; 2] = [0x81, 0x00];
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

/// Extension headers that may stand between IPv6 and transport (RFC 8200 §4): hop-by-hop and destination options. A routing
/// header would change the pseudo-header, and a fragment is no whole datagram, so neither passes.
const OPTIONS: [u8; 2] = [0, 60];

/// As many of them as anybody has use for: hop-by-hop once, destination twice.
const MOST_OPTIONS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V6,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    pub(super) const fn protocol(self) -> Protocol {
        match self {
            Transport::Tcp => Protocol::TCP,
            Transport::Udp => Protocol::UDP,
        }
    }

    /// A checksum as it is written. RFC 768: a zero would mean that there is none, so UDP has its other form; TCP, which must have
    /// one, leaves it, and tools take the other form for a mistake.
    pub(super) const fn written(self, sum: u16) -> u16 {
        match self {
            Transport::Udp if sum == 0 => 0xffff,
            Transport::Udp | Transport::Tcp => sum,
        }
    }

    /// Where its checksum is, from its start.
    pub(super) const fn checksum(self) -> usize {
        match self {
            Transport::Tcp => 16,
            Transport::Udp => 6,
        }
    }
}

/// Positions in a frame, each from its start, of a whole TCP segment or UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) version: Version,
    pub(super) transport: Transport,
    /// The IP header.
    pub(super) network: usize,
    /// The transport header.
    pub(super) segment: usize,
    /// What it carries; behind it, padding perhaps.
    pub(super) payload: (usize, usize),
}

impl Headers {
    /// Finds them; `None`: it is something else, a fragment, or broken.
    pub(super) fn of(frame: &[u8]) -> Option<Headers> {
        let mut kind = 12;
        while frame.get(kind..kind + 2)? == VLAN {
            kind += 4;
        }
        let network = kind + 2;
        let packet = frame.get(network..)?;
        let (version, protocol, segment, end) = match frame[kind..network].try_into().ok()? {
            IPV4 => ipv4(packet)?,
            IPV6 => ipv6(packet)?,
            _ => return None,
        };
        let body = packet.get(segment..end)?;
        let (transport, header) = match protocol {
            6 => {
                let length = usize::from(body.get(12)? >> 4) * 4;
                (Transport::Tcp, (length >= TCP_HEADER).then_some(length)?)
            }
            17 => (Transport::Udp, UDP_HEADER),
            _ => return None,
        };
        (body.len() >= header).then_some(Headers {
            version,
            transport,
            network,
            segment: network + segment,
            payload: (network + segment + header, network + end),
        })
    }

    pub(super) fn payload(&self) -> Range<usize> {
        self.payload.0..self.payload.1
    }

    /// The IP header, with what stands between it and transport.
    pub(super) fn packet_header(&self) -> Range<usize> {
        self.network..self.segment
    }

    /// Whether the checksum of the IP header is right; IPv6 has none.
    pub(super) fn is_intact(&self, frame: &[u8]) -> bool {
        self.version == Version::V6 || checksum::is_valid(&frame[self.packet_header()])
    }

    /// Source and destination.
    pub(super) fn addresses(&self, frame: &[u8]) -> (IpAddr, IpAddr) {
        let (at, length) = match self.version {
            Version::V4 => (self.network + 12, 4),
            Version::V6 => (self.network + 8, 16),
        };
        let address = |at: usize| match frame[at..at + length] {
            [a, b, c, d] => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            ref long => {
                let mut octets = [0; 16];
                octets.copy_from_slice(long);
                IpAddr::V6(Ipv6Addr::from(octets))
            }
        };
        (address(at), address(at + length))
    }
}

/// Version, protocol, and where in the packet its body begins and ends.
type Body = (Version, u8, usize, usize);

fn ipv4(packet: &[u8]) -> Option<Body> {
    let header = packet.first_chunk::<IPV4_HEADER>()?;
    let length = usize::from(header[0] & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let right = header[0] >> 4 == 4
        && length >= IPV4_HEADER
        && total >= length
        && total <= packet.len()
        && !fragment;
    right.then_some((Version::V4, header[9], length, total))
}

fn ipv6(packet: &[u8]) -> Option<Body> {
    let header = packet.first_chunk::<IPV6_HEADER>()?;
    let end = IPV6_HEADER + usize::from(u16::from_be_bytes([header[4], header[5]]));
    if header[0] >> 4 != 6 || end > packet.len() {
        return None;
    }
    let (mut next, mut at) = (header[6], IPV6_HEADER);
    for _ in 0..MOST_OPTIONS {
        if !OPTIONS.contains(&next) {
            break;
        }
        let option = packet.get(at..at + 2)?;
        next = option[0];
        at += 8 + usize::from(option[1]) * 8;
    }
    (at <= end).then_some((Version::V6, next, at, end))
}
