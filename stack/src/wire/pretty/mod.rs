//! A frame in words: one line for lists of packets, and one for each layer. Reads, never judges: what is cut off or
//! wrong is said to be so. No state is kept, so sequence numbers are as on the wire.

mod application;
mod internet;
#[cfg(test)]
mod tests;
mod transport;

use super::address::MacAddress;
use super::arp::{ArpOperation, ArpPacket};
use super::ethernet::{EtherType, EthernetHeader};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Characters shown of what comes from the network as text.
const LONGEST_TEXT: usize = 120;

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketSummary {
    /// Bytes of the frame.
    pub length: usize,
    /// The highest protocol recognised: "Ethernet", "ARP", "IPv4", "IPv6", "ICMP", "UDP", "TCP", "DHCP", "DNS", "HTTP".
    pub protocol: &'static str,
    /// Who sent it: the IP address, with the port if there is one, or else the hardware address.
    pub source: String,
    /// To whom, written the same way.
    pub destination: String,
    /// One line, without addresses.
    pub summary: String,
    /// One line a layer, the lowest first; the first is always Ethernet.
    pub layers: Vec<String>,
}

impl PacketSummary {
    /// Reads a frame, however broken.
    #[must_use]
    pub fn of(frame: &[u8]) -> PacketSummary {
        let mut packet = PacketSummary {
            length: frame.len(),
            protocol: "Ethernet",
            source: String::new(),
            destination: String::new(),
            summary: format!("{} bytes, too short for Ethernet", frame.len()),
            layers: Vec::new(),
        };
        let Some((header, payload)) = EthernetHeader::parse(frame) else {
            packet.layers.push("Ethernet, cut off".into());
            return packet;
        };
        packet.between(&header.source, &header.destination);
        let kind = match header.ether_type {
            EtherType::IPV4 => "IPv4".into(),
            EtherType::IPV6 => "IPv6".into(),
            EtherType::ARP => "ARP".into(),
            // IEEE 802.3 §3.2.6: below 1,536 it is a length.
            EtherType(length) if length < 0x600 => format!("802.3, {length} bytes"),
            EtherType(number) => format!("type 0x{number:04x}"),
        };
        let (source, destination) = (header.source, station(header.destination));
        packet
            .layers
            .push(format!("Ethernet {source} → {destination}, {kind}"));
        match header.ether_type {
            EtherType::IPV4 => packet.ipv4(payload),
            EtherType::IPV6 => packet.ipv6(payload),
            EtherType::ARP => packet.arp(payload),
            _ => packet.summary = kind,
        }
        packet
    }

    fn arp(&mut self, payload: &[u8]) {
        let Some(arp) = ArpPacket::parse(payload) else {
            return self.layer("ARP", "malformed".into());
        };
        let (hardware, sender, target) =
            (arp.sender_hardware, arp.sender_address, arp.target_address);
        let summary = match arp.operation {
            // RFC 5227 §1.1 tells the four kinds apart.
            ArpOperation::Request if sender.is_unspecified() => {
                format!("Does anybody use {target}? (probe)")
            }
            _ if sender == target => format!("{sender} is at {hardware} (announcement)"),
            ArpOperation::Request => format!("Who has {target}? Tell {sender}"),
            ArpOperation::Reply => format!("{sender} is at {hardware}"),
        };
        self.layer("ARP", summary);
    }

    /// Goes one layer up: `summary` is about the protocol found there.
    fn layer(&mut self, protocol: &'static str, summary: String) {
        self.protocol = protocol;
        self.layers.push(format!("{protocol} {summary}"));
        self.summary = summary;
    }

    fn between(&mut self, source: &dyn fmt::Display, destination: &dyn fmt::Display) {
        self.source = source.to_string();
        self.destination = destination.to_string();
    }
}

/// The whole as one line.
impl fmt::Display for PacketSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} → {} {} {}",
            self.source, self.destination, self.protocol, self.summary
        )
    }
}

fn station(address: MacAddress) -> String {
    if address.is_broadcast() {
        "everybody".into()
    } else {
        address.to_string()
    }
}

/// The first line of a text, if it is one; at most [`LONGEST_TEXT`] characters, printable ASCII alone.
fn first_line(bytes: &[u8]) -> String {
    let line = bytes
        .split(|&byte| byte == b'\r' || byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut text: String = line
        .iter()
        .take(LONGEST_TEXT)
        .map(|&byte| match byte {
            0x20..=0x7e => char::from(byte),
            _ => '·',
        })
        .collect();
    if line.len() > LONGEST_TEXT {
        text.push('…');
    }
    text
}
