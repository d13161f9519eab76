//! ARP for IPv4 over Ethernet (RFC 826).
//!
//! | bytes | field | value |
//! |---|---|---|
//! | 0–1 | hardware type | 1 (Ethernet) |
//! | 2–3 | protocol type | 0x0800 |
//! | 4 | hardware address length | 6 |
//! | 5 | protocol address length | 4 |
//! | 6–7 | operation | 1 request, 2 reply |
//! | 8–13, 14–17 | sender hardware and protocol address | |
//! | 18–23, 24–27 | target hardware and protocol address | |

use super::address::MacAddress;
use core::net::Ipv4Addr;

/// Length of a packet.
pub const PACKET: usize = 28;

/// The fixed start: Ethernet, IPv4, and their address lengths.
const PREFIX: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// What an ARP packet wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpOperation {
    /// Who has the target address?
    Request,
    /// The sender address is at the sender's hardware address.
    Reply,
}

/// An ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpPacket {
    /// Request or reply.
    pub operation: ArpOperation,
    /// Who speaks.
    pub sender_hardware: MacAddress,
    /// The speaker's address; unspecified in a probe (RFC 5227 §1.1).
    pub sender_address: Ipv4Addr,
    /// Who is spoken to; not looked at in a request.
    pub target_hardware: MacAddress,
    /// The address that is asked for.
    pub target_address: Ipv4Addr,
}

impl ArpPacket {
    /// The packet; bytes behind it are padding. `None` if it is short, not about IPv4 over Ethernet, or neither
    /// request nor reply.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<ArpPacket> {
        let (packet, _padding) = payload.split_first_chunk::<PACKET>()?;
        let [p0, p1, p2, p3, p4, p5, o0, o1, addresses @ ..] = *packet;
        if [p0, p1, p2, p3, p4, p5] != PREFIX {
            return None;
        }
        let operation = match u16::from_be_bytes([o0, o1]) {
            1 => ArpOperation::Request,
            2 => ArpOperation::Reply,
            _ => return None,
        };
        let [
            a,
            b,
            c,
            d,
            e,
            f,
            s0,
            s1,
            s2,
            s3,
            g,
            h,
            i,
            j,
            k,
            l,
            t0,
            t1,
            t2,
            t3,
        ] = addresses;
        Some(ArpPacket {
            operation,
            sender_hardware: MacAddress([a, b, c, d, e, f]),
            sender_address: Ipv4Addr::new(s0, s1, s2, s3),
            target_hardware: MacAddress([g, h, i, j, k, l]),
            target_address: Ipv4Addr::new(t0, t1, t2, t3),
        })
    }

    /// Writes the packet and returns the room behind it; `None`, and nothing written, if there is too little.
    pub fn emit<'o>(&self, out: &'o mut [u8]) -> Option<&'o mut [u8]> {
        let (packet, rest) = out.split_first_chunk_mut::<PACKET>()?;
        packet[0..6].copy_from_slice(&PREFIX);
        let operation: u16 = match self.operation {
            ArpOperation::Request => 1,
            ArpOperation::Reply => 2,
        };
        packet[6..8].copy_from_slice(&operation.to_be_bytes());
        packet[8..14].copy_from_slice(&self.sender_hardware.0);
        packet[14..18].copy_from_slice(&self.sender_address.octets());
        packet[18..24].copy_from_slice(&self.target_hardware.0);
        packet[24..28].copy_from_slice(&self.target_address.octets());
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_emitted_is_parsed(
            reply: bool, sender_hardware: [u8; 6], sender: [u8; 4], target_hardware: [u8; 6], target: [u8; 4],
        ) {
            let packet = ArpPacket {
                operation: if reply { ArpOperation::Reply } else { ArpOperation::Request },
                sender_hardware: MacAddress(sender_hardware),
                sender_address: Ipv4Addr::from(sender),
                target_hardware: MacAddress(target_hardware),
                target_address: Ipv4Addr::from(target),
            };
            // Ethernet pads to 46 bytes.
            let mut payload = [0; 46];
            prop_assert!(packet.emit(&mut payload).is_some());
            prop_assert_eq!(ArpPacket::parse(&payload), Some(packet));
        }

        #[test]
        fn no_bytes_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = ArpPacket::parse(&bytes);
        }
    }

    #[test]
    fn other_hardware_protocols_and_operations_are_refused() {
        let packet = ArpPacket {
            operation: ArpOperation::Request,
            sender_hardware: MacAddress([2; 6]),
            sender_address: Ipv4Addr::new(10, 0, 0, 1),
            target_hardware: MacAddress::default(),
            target_address: Ipv4Addr::new(10, 0, 0, 2),
        };
        let mut bytes = [0; PACKET];
        packet.emit(&mut bytes);
        assert_eq!(ArpPacket::parse(&bytes), Some(packet));
        for (at, value) in [(1, 6), (2, 0x86), (4, 8), (5, 16), (7, 3), (7, 0)] {
            let mut changed = bytes;
            changed[at] = value;
            assert_eq!(ArpPacket::parse(&changed), None, "byte {at} = {value}");
        }
        assert_eq!(ArpPacket::parse(&bytes[..PACKET - 1]), None);
    }
}
