//! What a client may not say: frames that would make others take it for the host, the gateway or the DHCP server, and
//! requests for addresses in the name of another station.

use ethertab_tunnel::v1::{Offload, Segmentation};
use std::net::Ipv4Addr;

const ARP: [u8; 2] = [0x08, 0x06];
const IPV4: [u8; 2] = [0x08, 0x00];
/// Tags of IEEE 802.1Q and 802.1ad.
const TAGS: [[u8; 2]; 2] = [[0x81, 0x00], [0x88, 0xa8]];
const UDP: u8 = 17;
const DHCP_SERVER_PORT: [u8; 2] = [0, 67];

/// Where a DHCP message says whose it is (RFC 2131 §2), counted from the UDP header.
const DHCP_HARDWARE: std::ops::Range<usize> = 36..42;

/// The IP addresses that belong to the relay.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Addresses that no client may claim by ARP or send from.
    pub protected: Vec<Ipv4Addr>,
}

impl Guard {
    /// Whether a client may send this frame, which is at least as long as an Ethernet header.
    #[must_use]
    pub fn permits(&self, frame: &[u8], offload: Offload) -> bool {
        // A tag would hide everything below from us, and Linux strips a tag of priority alone: look behind it.
        let mut rest = &frame[12..];
        while rest.len() >= 6 && TAGS.iter().any(|tag| rest.starts_with(tag)) {
            rest = &rest[4..];
        }
        let (ether_type, payload) = rest.split_at(2);
        if ether_type == ARP {
            // RFC 826: the sender's protocol address follows 8 bytes of header and its hardware address.
            payload
                .get(14..18)
                .is_none_or(|sender| !self.is_protected(sender))
        } else if ether_type == IPV4 {
            let train = matches!(offload.segmentation, Some((Segmentation::Udp, _)));
            self.permits_ipv4(payload, &frame[6..12], train)
        } else {
            true
        }
    }

    fn permits_ipv4(&self, packet: &[u8], station: &[u8], train: bool) -> bool {
        let Some(header) = packet.first_chunk::<20>() else {
            return true;
        };
        if self.is_protected(&header[12..16]) {
            return false;
        }
        let first_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff == 0;
        if header[9] != UDP || !first_fragment {
            return true;
        }
        let datagram = packet.get(usize::from(header[0] & 0x0f) * 4..);
        let datagram = datagram.unwrap_or_default();
        if datagram.starts_with(&DHCP_SERVER_PORT) {
            return false;
        }
        // The switch bounds the hardware addresses of a client and the DHCP server the leases of each: whoever could ask in
        // the name of others would be bound by neither. Cutting the message so that the name comes later is no way round.
        // Nor is a train, of which only the first datagram stands where it is looked at.
        let to_server = datagram.get(2..4) == Some(&DHCP_SERVER_PORT);
        !to_server || !train && datagram.get(DHCP_HARDWARE) == Some(station)
    }

    fn is_protected(&self, address: &[u8]) -> bool {
        self.protected.iter().any(|own| own.octets() == address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
    const TAB: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 100);

    /// Whether it lets a complete frame pass.
    fn permits(frame: &[u8]) -> bool {
        guard().permits(frame, Offload::NONE)
    }

    fn guard() -> Guard {
        Guard {
            protected: vec![HOST],
        }
    }

    fn frame(ether_type: [u8; 2], payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xff; 6];
        frame.extend([2, 0, 0, 0, 0, 9]);
        frame.extend(ether_type);
        frame.extend(payload);
        frame
    }

    fn arp(sender: Ipv4Addr) -> Vec<u8> {
        let mut payload = vec![0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 9];
        payload.extend(sender.octets());
        payload.extend([0; 10]);
        payload
    }

    fn udp(source: Ipv4Addr, port: u16) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, UDP, 0, 0];
        packet.extend(source.octets());
        packet.extend([255; 4]);
        packet.extend(port.to_be_bytes());
        packet.extend([0; 6]);
        packet
    }

    #[test]
    fn a_client_may_speak_for_itself() {
        assert!(permits(&frame(ARP, &arp(TAB))));
        assert!(permits(&frame(IPV4, &udp(TAB, 68))));
        assert!(permits(&frame([0x86, 0xdd], &[0; 40])));
    }

    #[test]
    fn a_client_may_not_claim_the_hosts_address() {
        assert!(!permits(&frame(ARP, &arp(HOST))));
        assert!(!permits(&frame(IPV4, &udp(HOST, 1_234))));
    }

    #[test]
    fn a_client_may_not_hand_out_leases() {
        assert!(!permits(&frame(IPV4, &udp(TAB, 67))));
    }

    #[test]
    fn a_client_may_ask_for_an_address_in_its_own_name_only() {
        let asking = |name: [u8; 6], length: usize| {
            let mut packet = udp(Ipv4Addr::UNSPECIFIED, 68);
            packet[22..24].copy_from_slice(&DHCP_SERVER_PORT);
            packet.resize(20 + 8 + 28, 0);
            packet.extend(name);
            packet.resize(20 + length, 0);
            frame(IPV4, &packet)
        };
        assert!(permits(&asking([2, 0, 0, 0, 0, 9], 300)));
        assert!(!permits(&asking([2, 0, 0, 0, 0, 8], 300)));
        assert!(!permits(&asking([2, 0, 0, 0, 0, 9], 41)), "cut off");
    }

    #[test]
    fn a_train_of_requests_is_no_way_to_ask_in_other_names() {
        let mut packet = udp(Ipv4Addr::UNSPECIFIED, 68);
        packet[22..24].copy_from_slice(&DHCP_SERVER_PORT);
        packet.resize(20 + 8 + 28, 0);
        packet.extend([2, 0, 0, 0, 0, 9]);
        packet.resize(20 + 600, 0);
        let frame = frame(IPV4, &packet);
        assert!(permits(&frame));
        let train = Offload {
            segmentation: Some((Segmentation::Udp, 300)),
            ..Offload::NONE
        };
        assert!(!guard().permits(&frame, train));
    }

    #[test]
    fn a_tag_does_not_hide_it() {
        for outer in TAGS {
            for inner in TAGS {
                let mut tagged = vec![0, 0];
                tagged.extend(ARP);
                tagged.extend(arp(HOST));
                assert!(!permits(&frame(outer, &tagged)));
                let twice = [&[0, 0], &inner[..], &tagged].concat();
                assert!(!permits(&frame(outer, &twice)));
            }
        }
    }

    #[test]
    fn no_cut_off_frame_upsets_it() {
        for whole in [
            frame(ARP, &arp(HOST)),
            frame(IPV4, &udp(HOST, 67)),
            frame(TAGS[0], &[0; 9]),
        ] {
            for length in 14..=whole.len() {
                let _ = permits(&whole[..length]);
            }
        }
    }
}
