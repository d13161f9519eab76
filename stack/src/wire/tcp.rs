//! The TCP header (RFC 9293 §3.1).
//!
//! | bytes | field |
//! |---|---|
//! | 0–1 | source port |
//! | 2–3 | destination port |
//! | 4–7 | sequence number |
//! | 8–11 | acknowledgement number |
//! | 12 | data offset in 32-bit words (high four bits), reserved |
//! | 13 | control bits: CWR ECE URG ACK PSH RST SYN FIN |
//! | 14–15 | window |
//! | 16–17 | checksum |
//! | 18–19 | urgent pointer |
//! | 20… | options up to the data offset, see [`tcp_options`](super::tcp_options) |

use super::tcp_options::SegmentOptions;
use core::ops::{BitOr, BitOrAssign};

/// Bytes of a header without options.
pub const HEADER_LENGTH: usize = 20;
/// Bytes of the longest header.
pub const MAX_HEADER_LENGTH: usize = 60;
/// Where in the header the sequence number is.
pub const SEQUENCE_OFFSET: usize = 4;
/// Where in the header the checksum is.
pub const CHECKSUM_OFFSET: usize = 16;

/// The control bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// The sender will send no more.
    pub const FIN: Flags = Flags(0x01);
    /// Sequence numbers are being agreed on.
    pub const SYN: Flags = Flags(0x02);
    /// The connection is gone.
    pub const RST: Flags = Flags(0x04);
    /// The receiver should hand the data on at once.
    pub const PSH: Flags = Flags(0x08);
    /// The acknowledgement number counts.
    pub const ACK: Flags = Flags(0x10);
    /// The urgent pointer counts.
    pub const URG: Flags = Flags(0x20);
    /// ECN echo (RFC 3168 §6.1).
    pub const ECE: Flags = Flags(0x40);
    /// Congestion window reduced (RFC 3168 §6.1).
    pub const CWR: Flags = Flags(0x80);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    #[must_use]
    pub const fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

/// The fixed part of the header. Data offset and checksum are not in it: they follow from the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpHeader {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// Number of the first byte of data, or of the SYN.
    pub sequence: u32,
    /// The next number that the sender awaits; counts if [`Flags::ACK`] is set.
    pub acknowledgement: u32,
    /// The control bits.
    pub flags: Flags,
    /// The sender's window, not yet scaled.
    pub window: u16,
    /// Urgent pointer; counts if [`Flags::URG`] is set.
    pub urgent: u16,
}

/// A segment taken apart.
#[derive(Clone, Copy, Debug)]
pub struct TcpSegment<'p> {
    /// The fixed header.
    pub header: TcpHeader,
    /// The bytes of the options, not looked at yet: [`SegmentOptions::parse`].
    pub options: &'p [u8],
    /// The data.
    pub payload: &'p [u8],
}

/// The segment is shorter than its header, or its data offset is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedTcp;

impl<'p> TcpSegment<'p> {
    /// Takes a segment apart. The checksum is not looked at.
    ///
    /// # Errors
    /// If the header does not fit or its length is below 20 bytes.
    #[inline]
    pub fn parse(segment: &'p [u8]) -> Result<TcpSegment<'p>, MalformedTcp> {
        let (fixed, rest) = segment
            .split_first_chunk::<HEADER_LENGTH>()
            .ok_or(MalformedTcp)?;
        let options_length = (usize::from(fixed[12] >> 4) * 4)
            .checked_sub(HEADER_LENGTH)
            .ok_or(MalformedTcp)?;
        let (options, payload) = rest.split_at_checked(options_length).ok_or(MalformedTcp)?;
        let header = TcpHeader {
            source_port: u16::from_be_bytes([fixed[0], fixed[1]]),
            destination_port: u16::from_be_bytes([fixed[2], fixed[3]]),
            sequence: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            acknowledgement: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            flags: Flags(fixed[13]),
            window: u16::from_be_bytes([fixed[14], fixed[15]]),
            urgent: u16::from_be_bytes([fixed[18], fixed[19]]),
        };
        Ok(TcpSegment {
            header,
            options,
            payload,
        })
    }
}

impl TcpHeader {
    /// Writes header and options to the front of `out`, with a checksum of 0, and returns their length: a multiple of
    /// four, at most [`MAX_HEADER_LENGTH`]. Writes nothing and returns 0 if `out` is too short.
    #[inline]
    pub fn emit(&self, options: &SegmentOptions, out: &mut [u8]) -> usize {
        let length = HEADER_LENGTH + options.length();
        let Some((fixed, rest)) = out
            .get_mut(..length)
            .and_then(<[u8]>::split_first_chunk_mut::<HEADER_LENGTH>)
        else {
            return 0;
        };
        let pair = |high: u16, low: u16| u32::from(high) << 16 | u32::from(low);
        let control = u16::from_be_bytes([((length / 4) as u8) << 4, self.flags.0]);
        let words = [
            pair(self.source_port, self.destination_port),
            self.sequence,
            self.acknowledgement,
            pair(control, self.window),
            pair(0, self.urgent),
        ];
        for (bytes, word) in fixed.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *bytes = word.to_be_bytes();
        }
        if !rest.is_empty() {
            options.emit(rest);
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_emitted_is_parsed(
            source_port: u16, destination_port: u16, sequence: u32, acknowledgement: u32, flags: u8, window: u16,
            urgent: u16, mss: Option<u16>, payload in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let header = TcpHeader {
                source_port, destination_port, sequence, acknowledgement, flags: Flags(flags), window, urgent,
            };
            let options = SegmentOptions { maximum_segment: mss, ..SegmentOptions::default() };
            let mut out = [0xaa; 128];
            let length = header.emit(&options, &mut out);
            prop_assert_eq!(length, HEADER_LENGTH + options.length());
            out[length..length + payload.len()].copy_from_slice(&payload);
            let segment = TcpSegment::parse(&out[..length + payload.len()]).unwrap();
            prop_assert_eq!(segment.header, header);
            prop_assert_eq!(SegmentOptions::parse(segment.options), options);
            prop_assert_eq!(segment.payload, &payload[..]);
            prop_assert_eq!(header.emit(&options, &mut out[..length - 1]), 0);
        }

        #[test]
        fn no_bytes_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(segment) = TcpSegment::parse(&bytes) {
                let parts = HEADER_LENGTH + segment.options.len() + segment.payload.len();
                prop_assert_eq!(parts, bytes.len());
            }
        }
    }

    #[test]
    fn an_impossible_data_offset_is_refused() {
        let mut bytes = [0_u8; 24];
        for (offset, fits) in [(0, false), (4, false), (5, true), (6, true), (7, false)] {
            bytes[12] = offset << 4;
            assert_eq!(TcpSegment::parse(&bytes).is_ok(), fits, "offset {offset}");
        }
        assert!(TcpSegment::parse(&bytes[..19]).is_err());
    }

    #[test]
    fn the_bytes_are_those_of_rfc_9293() {
        let header = TcpHeader {
            source_port: 0x0102,
            destination_port: 0x0304,
            sequence: 0x0506_0708,
            acknowledgement: 0x090a_0b0c,
            flags: Flags::SYN | Flags::ACK,
            window: 0x0d0e,
            urgent: 0x0f10,
        };
        let mut out = [0xff; 20];
        assert_eq!(header.emit(&SegmentOptions::default(), &mut out), 20);
        let wanted = [
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x50, 0x12, 13, 14, 0, 0, 15, 16,
        ];
        assert_eq!(out, wanted);
    }
}
