//! Ethernet II frames (RFC 894; IEEE 802.3 §3.1), without preamble and check sequence.
//!
//! | bytes | field |
//! |---|---|
//! | 0–5 | destination |
//! | 6–11 | source |
//! | 12–13 | EtherType |

use super::address::MacAddress;

/// Length of the header.
pub const HEADER: usize = 14;

/// What a frame carries (IANA "IEEE 802 numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// IPv4 (RFC 894).
    pub const IPV4: EtherType = EtherType(0x0800);
    /// ARP (RFC 826).
    pub const ARP: EtherType = EtherType(0x0806);
    /// IPv6 (RFC 2464).
    pub const IPV6: EtherType = EtherType(0x86dd);
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EthernetHeader {
    /// To whom.
    pub destination: MacAddress,
    /// From whom.
    pub source: MacAddress,
    /// What follows.
    pub ether_type: EtherType,
}

impl EthernetHeader {
    /// The header and what follows, padding included; `None` if the frame is too short.
    #[inline]
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<(EthernetHeader, &[u8])> {
        let (header, payload) = frame.split_first_chunk::<HEADER>()?;
        let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1] = *header;
        let header = EthernetHeader {
            destination: MacAddress([d0, d1, d2, d3, d4, d5]),
            source: MacAddress([s0, s1, s2, s3, s4, s5]),
            ether_type: EtherType(u16::from_be_bytes([t0, t1])),
        };
        Some((header, payload))
    }

    /// Writes the header and returns the room behind it; `None`, and nothing written, if there is too little.
    #[inline]
    pub fn emit<'o>(&self, out: &'o mut [u8]) -> Option<&'o mut [u8]> {
        let (header, rest) = out.split_first_chunk_mut::<HEADER>()?;
        header[0..6].copy_from_slice(&self.destination.0);
        header[6..12].copy_from_slice(&self.source.0);
        header[12..14].copy_from_slice(&self.ether_type.0.to_be_bytes());
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_emitted_is_parsed(destination: [u8; 6], source: [u8; 6], ether_type: u16) {
            let header = EthernetHeader {
                destination: MacAddress(destination),
                source: MacAddress(source),
                ether_type: EtherType(ether_type),
            };
            let mut frame = [9; 20];
            prop_assert_eq!(header.emit(&mut frame).map(|rest| rest.len()), Some(6));
            prop_assert_eq!(EthernetHeader::parse(&frame), Some((header, &[9; 6][..])));
        }
    }

    #[test]
    fn too_short_a_frame_is_neither_parsed_nor_written() {
        let header = EthernetHeader {
            destination: MacAddress::BROADCAST,
            source: MacAddress([2; 6]),
            ether_type: EtherType::ARP,
        };
        let mut short = [0; HEADER - 1];
        assert!(header.emit(&mut short).is_none());
        assert_eq!(short, [0; HEADER - 1]);
        assert!(EthernetHeader::parse(&short).is_none());
    }
}
