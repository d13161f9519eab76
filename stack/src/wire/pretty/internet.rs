//! IP and ICMP in words.

use super::PacketSummary;
use crate::wire::icmpv4::{self, ErrorKind, Icmpv4};
use crate::wire::ip::{Ecn, Protocol};
use crate::wire::ipv4::{Ipv4Error, Ipv4Header};
use alloc::format;
use alloc::string::String;
use core::net::Ipv6Addr;

impl PacketSummary {
    pub(super) fn ipv4(&mut self, packet: &[u8]) {
        let (header, payload, flaw) = match Ipv4Header::parse(packet) {
            Ok((header, payload)) => (header, payload, ""),
            // Tell what can be told of a packet that the stack would drop.
            Err(error) => match Ipv4Header::parse_quoted(packet) {
                Some((header, payload)) => (header, payload, flaw(error)),
                None => return self.layer("IPv4", "malformed".into()),
            },
        };
        self.between(&header.source, &header.destination);
        let name = protocol(header.protocol);
        let mut summary = format!("{name}, {} bytes", header.payload_length);
        if header.is_fragment() {
            let first = header.fragment_offset;
            let end = u32::from(first) + u32::from(header.payload_length);
            summary = format!(
                "fragment of {name} datagram 0x{:04x}: bytes {first} to {end}{}",
                header.identification,
                if header.more_fragments {
                    ", more follow"
                } else {
                    ", the last"
                }
            );
        }
        summary.push_str(flaw);
        let mut details = format!(", TTL {}", header.hop_limit);
        if header.dont_fragment {
            details.push_str(", DF");
        }
        match header.ecn {
            Ecn::NotCapable => {}
            Ecn::Capable0 | Ecn::Capable1 => details.push_str(", ECN-capable"),
            Ecn::CongestionExperienced => details.push_str(", congestion experienced"),
        }
        let (source, destination) = (header.source, header.destination);
        self.layer("IPv4", summary);
        if let Some(line) = self.layers.last_mut() {
            *line = format!("IPv4 {source} → {destination}, {}{details}", self.summary);
        }
        if header.is_fragment() {
            return;
        }
        match header.protocol {
            Protocol::ICMP => self.icmp(payload),
            Protocol::UDP => self.udp(payload),
            Protocol::TCP => self.tcp(payload),
            _ => {}
        }
    }

    /// RFC 8200 §3. Only named: the stack does not speak it yet.
    pub(super) fn ipv6(&mut self, packet: &[u8]) {
        let Some((header, _)) = packet.split_first_chunk::<40>() else {
            return self.layer("IPv6", "cut off".into());
        };
        let address = |at: usize| {
            let octets: [u8; 16] = core::array::from_fn(|i| header[at + i]);
            Ipv6Addr::from(octets)
        };
        self.between(&address(8), &address(24));
        let length = u16::from_be_bytes([header[4], header[5]]);
        let next = match header[6] {
            0 => "options".into(),
            58 => "ICMPv6".into(),
            number => protocol(Protocol(number)),
        };
        self.layer("IPv6", format!("{next}, {length} bytes"));
    }

    fn icmp(&mut self, message: &[u8]) {
        let Some(icmp) = Icmpv4::parse(message) else {
            let flaw = if message.len() < icmpv4::HEADER {
                "cut off"
            } else {
                "with a wrong checksum"
            };
            return self.layer("ICMP", flaw.into());
        };
        let summary = match icmp {
            Icmpv4::EchoRequest(echo) => format!(
                "Echo request {} of 0x{:04x}, {} bytes",
                echo.sequence,
                echo.identifier,
                echo.payload.len()
            ),
            Icmpv4::EchoReply(echo) => format!(
                "Echo reply {} of 0x{:04x}, {} bytes",
                echo.sequence,
                echo.identifier,
                echo.payload.len()
            ),
            Icmpv4::Error(error) => format!("{}{}", meaning(error.kind), about(error.quoted)),
            Icmpv4::Other { kind } => format!("type {kind}"),
        };
        self.layer("ICMP", summary);
    }
}

fn flaw(error: Ipv4Error) -> &'static str {
    match error {
        Ipv4Error::Malformed => ", cut off",
        Ipv4Error::Checksum => ", wrong header checksum",
    }
}

fn protocol(number: Protocol) -> String {
    match number {
        Protocol::ICMP => "ICMP".into(),
        Protocol::TCP => "TCP".into(),
        Protocol::UDP => "UDP".into(),
        Protocol(2) => "IGMP".into(),
        Protocol(number) => format!("protocol {number}"),
    }
}

/// RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
fn meaning(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::DestinationUnreachable { code, mtu } => match code {
            0 => "Network unreachable".into(),
            1 => "Host unreachable".into(),
            2 => "Protocol unreachable".into(),
            3 => "Port unreachable".into(),
            4 => format!("Too big for the next hop, which carries {mtu} bytes"),
            5 => "Source route failed".into(),
            6 => "Network unknown".into(),
            7 => "Host unknown".into(),
            8 => "Source host isolated".into(),
            9 => "Network prohibited".into(),
            10 => "Host prohibited".into(),
            11 | 12 => "Unreachable for this type of service".into(),
            13 => "Communication prohibited".into(),
            14 | 15 => "Precedence refused".into(),
            _ => format!("Unreachable, code {code}"),
        },
        ErrorKind::TimeExceeded { code: 0 } => "Time to live exceeded".into(),
        ErrorKind::TimeExceeded { .. } => "Reassembly time exceeded".into(),
        ErrorKind::ParameterProblem { pointer, .. } => {
            format!("Parameter problem at byte {pointer}")
        }
    }
}

/// The packet that an error is about.
fn about(quoted: &[u8]) -> String {
    let Some((header, payload)) = Ipv4Header::parse_quoted(quoted) else {
        return String::new();
    };
    let name = protocol(header.protocol);
    let ports = match (header.protocol, payload) {
        (Protocol::TCP | Protocol::UDP, &[a, b, c, d, ..]) if header.fragment_offset == 0 => {
            Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
        }
        _ => None,
    };
    let (source, destination) = (header.source, header.destination);
    match ports {
        Some((from, to)) => format!(", about {name} {source}:{from} → {destination}:{to}"),
        None => format!(", about {name} {source} → {destination}"),
    }
}
