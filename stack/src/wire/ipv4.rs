//! IPv4 headers (RFC 791 §3.1).
//!
//! | bytes | field |
//! |---|---|
//! | 0 | version (4), header length in 32-bit words |
//! | 1 | DSCP (RFC 2474), ECN (RFC 3168) |
//! | 2–3 | total length |
//! | 4–5 | identification |
//! | 6–7 | reserved, DF, MF, fragment offset in 8-byte units |
//! | 8, 9 | time to live, protocol |
//! | 10–11 | header checksum |
//! | 12–15, 16–19 | source, destination |
//! | 20– | options, skipped when parsed and never emitted |

use super::checksum;
use super::ip::{Ecn, Protocol};
use core::net::Ipv4Addr;

/// Length of a header without options.
pub const HEADER: usize = 20;

/// Every IPv4 link carries packets of this size (RFC 791 §3.2).
pub const LEAST_MTU: usize = 68;

/// Every IPv4 host takes packets of this size (RFC 791 §3.1).
pub const LEAST_REASSEMBLY: usize = 576;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// Why a header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv4Error {
    /// Version or lengths are wrong.
    Malformed,
    /// The header checksum is wrong (RFC 1122 §3.2.1.2: discard silently).
    Checksum,
}

/// An IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Who sent it.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// What the payload is.
    pub protocol: Protocol,
    /// Time to live.
    pub hop_limit: u8,
    /// Differentiated services code point: 0 to 63.
    pub dscp: u8,
    /// Congestion marks.
    pub ecn: Ecn,
    /// Tells fragments of one datagram from those of another.
    pub identification: u16,
    /// Routers must not fragment it.
    pub dont_fragment: bool,
    /// More fragments follow this one.
    pub more_fragments: bool,
    /// Where this fragment's payload stands in the whole: bytes, a multiple of 8.
    pub fragment_offset: u16,
    /// Bytes of payload.
    pub payload_length: u16,
}

impl Ipv4Header {
    /// Whether the packet is one part of several.
    #[must_use]
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }

    /// The header, and the payload without the link's padding.
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<(Ipv4Header, &[u8]), Ipv4Error> {
        let (fixed, _) = packet
            .split_first_chunk::<HEADER>()
            .ok_or(Ipv4Error::Malformed)?;
        let header_length = Self::header_length(fixed)?;
        let total_length = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        if total_length < header_length {
            return Err(Ipv4Error::Malformed);
        }
        let packet = packet.get(..total_length).ok_or(Ipv4Error::Malformed)?;
        let (header, payload) = packet
            .split_at_checked(header_length)
            .ok_or(Ipv4Error::Malformed)?;
        let is_sound = if header_length == HEADER {
            is_sound(fixed)
        } else {
            checksum::is_valid(header)
        };
        if !is_sound {
            return Err(Ipv4Error::Checksum);
        }
        Ok((Self::read(fixed, payload.len() as u16), payload))
    }

    /// The header that an ICMP error quotes, and as much of its payload as was quoted. Routers change the
    /// hop limit and some the length and the checksum, so these are not held against it.
    #[must_use]
    pub fn parse_quoted(quoted: &[u8]) -> Option<(Ipv4Header, &[u8])> {
        let (fixed, _) = quoted.split_first_chunk::<HEADER>()?;
        let header_length = Self::header_length(fixed).ok()?;
        let payload = quoted.get(header_length..)?;
        let total_length = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        let payload_length = total_length.saturating_sub(header_length) as u16;
        Some((Self::read(fixed, payload_length), payload))
    }

    fn header_length(fixed: &[u8; HEADER]) -> Result<usize, Ipv4Error> {
        let length = usize::from(fixed[0] & 0xf) * 4;
        if fixed[0] >> 4 != 4 || length < HEADER {
            return Err(Ipv4Error::Malformed);
        }
        Ok(length)
    }

    #[inline]
    fn read(fixed: &[u8; HEADER], payload_length: u16) -> Ipv4Header {
        let flags = u16::from_be_bytes([fixed[6], fixed[7]]);
        Ipv4Header {
            source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]),
            destination: Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]),
            protocol: Protocol(fixed[9]),
            hop_limit: fixed[8],
            dscp: fixed[1] >> 2,
            ecn: Ecn::from_bits(fixed[1]),
            identification: u16::from_be_bytes([fixed[4], fixed[5]]),
            dont_fragment: flags & DONT_FRAGMENT != 0,
            more_fragments: flags & MORE_FRAGMENTS != 0,
            fragment_offset: (flags & OFFSET) << 3,
            payload_length,
        }
    }

    /// Writes the header with its checksum and returns the room behind it; `None`, and nothing written, if there
    /// is too little or the total length would pass 65,535.
    #[inline]
    pub fn emit<'o>(&self, out: &'o mut [u8]) -> Option<&'o mut [u8]> {
        let total_length = self.payload_length.checked_add(HEADER as u16)?;
        let (header, rest) = out.split_first_chunk_mut::<HEADER>()?;
        let mut flags = self.fragment_offset >> 3;
        if self.dont_fragment {
            flags |= DONT_FRAGMENT;
        }
        if self.more_fragments {
            flags |= MORE_FRAGMENTS;
        }
        let pair = |high: u16, low: u16| u32::from(high) << 16 | u32::from(low);
        let service = (self.dscp << 2) | self.ecn.bits();
        let limit_and_protocol = u16::from_be_bytes([self.hop_limit, self.protocol.0]);
        let mut words = [
            pair(0x4500 | u16::from(service), total_length),
            pair(self.identification, flags),
            pair(limit_and_protocol, 0),
            self.source.to_bits(),
            self.destination.to_bits(),
        ];
        // Summed while they are numbers: reading back what was just written would wait for the writes.
        words[2] |= u32::from(checksum::of_words(words));
        for (bytes, word) in header.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *bytes = word.to_be_bytes();
        }
        Some(rest)
    }
}

/// What lies behind the header of a packet that is known to have no options, without the link's padding; `None` if the length
/// or the checksum is wrong.
#[inline]
#[must_use]
pub fn segment_without_options(packet: &[u8]) -> Option<&[u8]> {
    let (fixed, _) = packet.split_first_chunk::<HEADER>()?;
    let total_length = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    is_sound(fixed)
        .then(|| packet.get(HEADER..total_length))
        .flatten()
}

/// The checksum of a header without options.
#[inline]
fn is_sound(header: &[u8; HEADER]) -> bool {
    let words = header.as_chunks::<4>().0;
    checksum::of_words::<5>(core::array::from_fn(|at| u32::from_be_bytes(words[at]))) == 0
}

/// Whether a packet is an IPv4 packet without options, and no fragment.
#[must_use]
pub fn is_whole_and_plain(packet: &[u8]) -> bool {
    let Some((&[flags, offset], first)) = packet
        .get(6..8)
        .and_then(|pair| pair.first_chunk::<2>())
        .zip(packet.first())
    else {
        return false;
    };
    *first == 0x45 && u16::from_be_bytes([flags, offset]) & (MORE_FRAGMENTS | OFFSET) == 0
}

/// Whether a packet is whole and stays so: then its identification says nothing (RFC 6864 §4.1) and ours is 0.
#[must_use]
pub fn is_atomic(packet: &[u8]) -> bool {
    packet.get(4..8) == Some(&[0, 0, (DONT_FRAGMENT >> 8) as u8, 0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn header(payload_length: u16) -> Ipv4Header {
        Ipv4Header {
            source: Ipv4Addr::new(10, 0, 0, 1),
            destination: Ipv4Addr::new(10, 0, 0, 2),
            protocol: Protocol::UDP,
            hop_limit: 64,
            dscp: 10,
            ecn: Ecn::Capable0,
            identification: 0x1234,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            payload_length,
        }
    }

    fn packet(payload: &[u8]) -> Vec<u8> {
        let mut packet = alloc::vec![0; HEADER];
        header(payload.len() as u16).emit(&mut packet);
        packet.extend(payload);
        packet
    }

    proptest! {
        #[test]
        fn what_was_emitted_is_parsed(
            source: [u8; 4], destination: [u8; 4], protocol: u8, hop_limit: u8, dscp in 0_u8..64, ecn in 0_u8..4,
            identification: u16, dont_fragment: bool, more_fragments: bool, offset in 0_u16..0x2000,
            payload in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let header = Ipv4Header {
                source: source.into(), destination: destination.into(), protocol: Protocol(protocol), hop_limit, dscp,
                ecn: Ecn::from_bits(ecn), identification, dont_fragment, more_fragments, fragment_offset: offset * 8,
                payload_length: payload.len() as u16,
            };
            let mut packet = alloc::vec![0; HEADER];
            prop_assert!(header.emit(&mut packet).is_some());
            packet.extend(&payload);
            packet.extend([0xee; 5]); // the link's padding
            prop_assert_eq!(Ipv4Header::parse(&packet), Ok((header, &payload[..])));
            prop_assert_eq!(Ipv4Header::parse_quoted(&packet[..HEADER + payload.len()]), Some((header, &payload[..])));
        }

        #[test]
        fn no_bytes_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Ipv4Header::parse(&bytes);
            let _ = Ipv4Header::parse_quoted(&bytes);
        }
    }

    #[test]
    fn options_are_skipped() {
        let mut bytes = packet(&[1, 1, 1, 1, 7, 8]);
        bytes[0] = 0x46; // four bytes of the payload become options
        bytes[10..12].fill(0);
        let sum = checksum::of(&bytes[..24]);
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        let (header, payload) = Ipv4Header::parse(&bytes).expect("valid");
        assert_eq!((header.payload_length, payload), (2, &[7, 8][..]));
    }

    #[test]
    fn wrong_versions_lengths_and_checksums_are_refused() {
        let good = packet(&[1, 2, 3]);
        assert!(Ipv4Header::parse(&good).is_ok());
        for (at, value) in [(0, 0x65), (0, 0x44), (0, 0x4f), (3, 19), (3, 24)] {
            let mut bad = good.clone();
            bad[at] = value;
            let error = Ipv4Header::parse(&bad).map(|_| ());
            assert_eq!(error, Err(Ipv4Error::Malformed), "byte {at} = {value}");
        }
        let mut bad = good.clone();
        bad[8] = 63;
        assert_eq!(Ipv4Header::parse(&bad), Err(Ipv4Error::Checksum));
        assert_eq!(
            Ipv4Header::parse(&good[..HEADER - 1]),
            Err(Ipv4Error::Malformed)
        );
    }

    #[test]
    fn a_payload_that_passes_the_total_length_is_not_written() {
        assert!(header(65_516).emit(&mut [0; HEADER]).is_none());
        assert!(header(65_515).emit(&mut [0; HEADER]).is_some());
    }
}
