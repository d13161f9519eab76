//! What crosses the line between internet and transport, for either address family.
//!
//! Neither floor imports the other: both speak in these plain values.

use super::offload::Offload;
use core::net::IpAddr;

/// An upper-layer protocol number (IANA "protocol numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4 (RFC 792).
    pub const ICMP: Protocol = Protocol(1);
    /// TCP (RFC 9293).
    pub const TCP: Protocol = Protocol(6);
    /// UDP (RFC 768).
    pub const UDP: Protocol = Protocol(17);
}

/// The two ECN bits of an IP header (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ecn {
    /// The sender does not do ECN.
    #[default]
    NotCapable,
    /// ECT(1).
    Capable1,
    /// ECT(0).
    Capable0,
    /// A router met congestion.
    CongestionExperienced,
}

impl Ecn {
    /// From the low two bits of the traffic class.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Ecn {
        match bits & 3 {
            0 => Ecn::NotCapable,
            1 => Ecn::Capable1,
            2 => Ecn::Capable0,
            _ => Ecn::CongestionExperienced,
        }
    }

    /// The low two bits of the traffic class.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// How a packet's destination address concerned us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cast {
    /// One of our own addresses.
    Unicast,
    /// The limited or a directed broadcast, or a frame sent to all.
    Broadcast,
    /// A multicast group.
    Multicast,
}

/// A whole, validated packet on its way up to transport.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'p> {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom: one of our addresses, or a broadcast.
    pub destination: IpAddr,
    /// Whether the destination was ours alone.
    pub cast: Cast,
    /// What the payload is.
    pub protocol: Protocol,
    /// TTL or hop limit as it arrived.
    pub hop_limit: u8,
    /// Congestion marks.
    pub ecn: Ecn,
    /// The transport header and what follows.
    pub payload: &'p [u8],
    /// False if the payload's checksum needs no check: it never left this machine, or the link checked it.
    pub verify_checksum: bool,
}

/// A transport segment or datagram, already written, on its way down to internet.
#[derive(Clone, Copy, Debug)]
pub struct Departure {
    /// Our address; unspecified only before there is a lease.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// What the payload is.
    pub protocol: Protocol,
    /// Bytes of transport header and data that were written.
    pub length: usize,
    /// TTL or hop limit; `None` for the stack's default.
    pub hop_limit: Option<u8>,
    /// The differentiated services codepoint (RFC 2474 §3): 0 to 63.
    pub dscp: u8,
    /// Congestion marks.
    pub ecn: Ecn,
    /// What the link is to do to it; the checksum counts from the transport header.
    pub offload: Offload,
    /// True if routers must not fragment it: path MTU discovery at work (RFC 1191 §3).
    pub dont_fragment: bool,
}

/// Where in the caller's buffer transport writes, so that the headers below fit in front.
#[derive(Clone, Copy, Debug)]
pub struct Headroom {
    /// Bytes that link and internet put in front of an IPv4 payload.
    pub v4: usize,
    /// Bytes that link and internet put in front of an IPv6 payload.
    pub v6: usize,
}

impl Headroom {
    /// The room needed in front of a payload for `destination`.
    #[must_use]
    pub const fn before(self, destination: IpAddr) -> usize {
        match destination {
            IpAddr::V4(_) => self.v4,
            IpAddr::V6(_) => self.v6,
        }
    }
}

/// What an ICMP error says went wrong, whichever family said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// No route to the network, or none to the host (types 3/0, 3/1, 3/5–3/7, 3/11, 3/12; or our own ARP gave up).
    Host,
    /// The host does not speak the protocol (3/2).
    Protocol,
    /// Nobody listens on the port (3/3).
    Port,
    /// Filtered by an administrator (3/9, 3/10, 3/13).
    Prohibited,
    /// The packet is larger than the next hop carries (3/4); the value is the next hop's MTU, 0 if it was not told.
    TooBig {
        /// The next hop's MTU in bytes, IP header included (RFC 1191 §4).
        mtu: u16,
    },
    /// The hop limit ran out on the way, or reassembly did (11/0, 11/1).
    TimeExceeded,
    /// A header field was found wrong (12).
    ParameterProblem,
}

impl Unreachable {
    /// Whether a connection may be aborted for it while it is being opened (RFC 1122 §4.2.3.9, RFC 5461 §4.1).
    #[must_use]
    pub const fn is_hard(self) -> bool {
        matches!(
            self,
            Unreachable::Protocol | Unreachable::Port | Unreachable::Prohibited
        )
    }
}

/// An ICMP error, or our own finding of the same kind, about a packet that we sent.
#[derive(Clone, Copy, Debug)]
pub struct PacketError<'p> {
    /// What went wrong.
    pub kind: Unreachable,
    /// Who says so.
    pub reporter: IpAddr,
    /// Source of the packet that it is about: must be ours.
    pub source: IpAddr,
    /// Destination of the packet that it is about.
    pub destination: IpAddr,
    /// Protocol of the packet that it is about.
    pub protocol: Protocol,
    /// Total length in bytes of the packet that it is about.
    pub length: usize,
    /// The quoted start of its transport header: at least 8 bytes.
    pub quoted: &'p [u8],
}

impl Unreachable {
    /// What went wrong, in words.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            Unreachable::Host => "host unreachable",
            Unreachable::Protocol => "protocol unreachable",
            Unreachable::Port => "port unreachable",
            Unreachable::Prohibited => "communication prohibited",
            Unreachable::TooBig { .. } => "packet too big",
            Unreachable::TimeExceeded => "time to live exceeded",
            Unreachable::ParameterProblem => "parameter problem",
        }
    }
}

impl core::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}
