//! UDP and TCP in words.

use super::PacketSummary;
use crate::wire::tcp::{Flags, TcpSegment};
use crate::wire::tcp_options::SegmentOptions;
use crate::wire::udp::UdpDatagram;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;

impl PacketSummary {
    pub(super) fn udp(&mut self, packet: &[u8]) {
        let Ok(datagram) = UdpDatagram::parse(packet) else {
            return self.layer("UDP", "cut off".into());
        };
        let (from, to) = (
            datagram.header.source_port,
            datagram.header.destination_port,
        );
        self.ports(from, to);
        let length = datagram.payload.len();
        self.layer("UDP", format!("{from} → {to} Len={length}"));
        self.datagram(from, to, datagram.payload);
    }

    pub(super) fn tcp(&mut self, packet: &[u8]) {
        let Ok(segment) = TcpSegment::parse(packet) else {
            return self.layer("TCP", "cut off".into());
        };
        let header = &segment.header;
        let (from, to) = (header.source_port, header.destination_port);
        self.ports(from, to);
        let mut summary = format!(
            "{from} → {to} [{}] Seq={}",
            names(header.flags),
            header.sequence
        );
        // A String takes any writing.
        if header.flags.contains(Flags::ACK) {
            let _ = write!(summary, " Ack={}", header.acknowledgement);
        }
        let _ = write!(
            summary,
            " Win={} Len={}",
            header.window,
            segment.payload.len()
        );
        options(&SegmentOptions::parse(segment.options), &mut summary);
        self.layer("TCP", summary);
        self.stream(from, to, segment.payload);
    }

    fn ports(&mut self, from: u16, to: u16) {
        // As with any list of packets, IPv6 addresses would need brackets; nothing here speaks it above IP yet.
        self.source = format!("{}:{from}", self.source);
        self.destination = format!("{}:{to}", self.destination);
    }
}

fn names(flags: Flags) -> String {
    const NAMES: [(Flags, &str); 8] = [
        (Flags::SYN, "SYN"),
        (Flags::FIN, "FIN"),
        (Flags::RST, "RST"),
        (Flags::PSH, "PSH"),
        (Flags::ACK, "ACK"),
        (Flags::URG, "URG"),
        (Flags::ECE, "ECE"),
        (Flags::CWR, "CWR"),
    ];
    let mut text = String::new();
    for (_, name) in NAMES.iter().filter(|(flag, _)| flags.contains(*flag)) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(name);
    }
    text
}

fn options(options: &SegmentOptions, summary: &mut String) {
    if let Some(size) = options.maximum_segment {
        let _ = write!(summary, " MSS={size}");
    }
    if let Some(shift) = options.window_scale {
        let _ = write!(summary, " WS={}", 1_u32 << shift.min(14));
    }
    if options.sack_permitted {
        summary.push_str(" SACK_PERM");
    }
    if let Some(timestamps) = options.timestamps {
        let _ = write!(
            summary,
            " TSval={} TSecr={}",
            timestamps.value, timestamps.echo
        );
    }
    for (left, right) in options.sack.as_slice() {
        let _ = write!(summary, " SACK={left}-{right}");
    }
}
