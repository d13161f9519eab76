//! What fair queueing looks at in a frame: to which flow it belongs, and whether its sender listens to marks.

use std::hash::{BuildHasher, Hasher};

const VLAN: [u8; 2] = [0x81, 0x00];
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// ECN-capable transport, either codepoint, and congestion experienced (RFC 3168 §5).
const CAPABLE: [u8; 2] = [1, 2];
const EXPERIENCED: u8 = 3;

/// Where the packet begins, and the type of the frame. Tags are looked behind.
fn packet(frame: &[u8]) -> Option<(usize, [u8; 2])> {
    let mut at = 12;
    while frame.get(at..at + 2)? == VLAN {
        at += 4;
    }
    Some((at + 2, [*frame.get(at)?, *frame.get(at + 1)?]))
}

/// A number for the flow of a frame (RFC 8290 §4.1.1: addresses, protocol, ports), by a key of the queue's own, so that nobody can
/// choose to collide with somebody else.
pub(super) fn flow(frame: &[u8], key: &impl BuildHasher) -> u64 {
    let mut hash = key.build_hasher();
    let parts = packet(frame).and_then(|(at, kind)| match kind {
        IPV4 => {
            let packet = frame.get(at..)?;
            let header = packet.first_chunk::<20>()?;
            let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
            let ports = usize::from(header[0] & 0x0f) * 4;
            Some((
                at + 12..at + 20,
                header[9],
                (!fragment).then_some(at + ports),
            ))
        }
        IPV6 => {
            let header = frame.get(at..)?.first_chunk::<40>()?;
            Some((at + 8..at + 40, header[6], Some(at + 40)))
        }
        _ => None,
    });
    match parts {
        Some((addresses, protocol, ports)) => {
            hash.write(&frame[addresses]);
            hash.write_u8(protocol);
            let has_ports = matches!(protocol, 6 | 17);
            if let Some(ports) = ports.filter(|_| has_ports)
                && let Some(ports) = frame.get(ports..ports + 4)
            {
                hash.write(ports);
            }
        }
        None => hash.write(frame.get(..14).unwrap_or(frame)),
    }
    hash.finish()
}

/// Tells the receiver of a frame that it met congestion (RFC 3168 §5); false if its sender would not hear of it.
pub(super) fn mark(frame: &mut [u8]) -> bool {
    let Some((at, kind)) = packet(frame) else {
        return false;
    };
    let Some(packet) = frame.get_mut(at..) else {
        return false;
    };
    match kind {
        IPV4 if packet.len() >= 20 => {
            let before = packet[1];
            if before & 3 != EXPERIENCED && !CAPABLE.contains(&(before & 3)) {
                return false;
            }
            packet[1] = before | EXPERIENCED;
            // RFC 1624 §3: HC' = ~(~HC + ~m + m').
            let word = |low: u8| u32::from(u16::from_be_bytes([packet[0], low]));
            let checksum = u32::from(!u16::from_be_bytes([packet[10], packet[11]]));
            let mut sum = checksum + (!word(before) & 0xffff) + word(packet[1]);
            while sum > 0xffff {
                sum = (sum & 0xffff) + (sum >> 16);
            }
            packet[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
            true
        }
        IPV6 if packet.len() >= 40 => {
            let class = packet[1] >> 4 & 3;
            if class != EXPERIENCED && !CAPABLE.contains(&class) {
                return false;
            }
            packet[1] |= EXPERIENCED << 4;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethertab_stack::wire::checksum;
    use std::hash::RandomState;

    fn ipv4(protocol: u8, ports: [u8; 4], service: u8) -> Vec<u8> {
        let mut frame = vec![2; 12];
        frame.extend([
            8, 0, 0x45, service, 0, 28, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ]);
        let sum = checksum::of(&frame[14..34]);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        frame.extend(ports);
        frame.extend([0; 4]);
        frame
    }

    #[test]
    fn a_flow_is_addresses_protocol_and_ports_and_nothing_else() {
        let key = RandomState::new();
        let of = |frame: &[u8]| flow(frame, &key);
        let one = ipv4(6, [0, 80, 1, 0], 0);
        assert_eq!(of(&one), of(&[&one[..], b"more"].concat()));
        assert_eq!(of(&one), of(&ipv4(6, [0, 80, 1, 0], 3)));
        assert_ne!(of(&one), of(&ipv4(6, [0, 80, 1, 1], 0)));
        assert_ne!(of(&one), of(&ipv4(17, [0, 80, 1, 0], 0)));
        // Echoes have no ports: what stands there differs from one to the next.
        assert_eq!(of(&ipv4(1, [8, 0, 1, 2], 0)), of(&ipv4(1, [8, 0, 3, 4], 0)));
        for length in 0..one.len() {
            let _ = of(&one[..length]);
        }
    }

    #[test]
    fn a_mark_keeps_the_checksum_right_and_only_who_listens_gets_one() {
        for service in 0..=255 {
            let mut frame = ipv4(6, [0; 4], service);
            let marked = mark(&mut frame);
            assert_eq!(marked, service & 3 != 0);
            assert_eq!(frame[15], if marked { service | 3 } else { service });
            assert!(checksum::is_valid(&frame[14..34]));
        }
        let mut frame = vec![2; 12];
        frame.extend([0x86, 0xdd, 0x60, 0x20]);
        frame.resize(54, 0);
        assert!(mark(&mut frame));
        assert_eq!(frame[14..16], [0x60, 0x30]);
        assert!(!mark(&mut [2; 14]));
    }
}
