//! The UDP header (RFC 768).
//!
//! | bytes | field |
//! |---|---|
//! | 0–1 | source port; 0 if no reply is wanted |
//! | 2–3 | destination port |
//! | 4–5 | length of header and data |
//! | 6–7 | checksum; 0 over IPv4: none was made |

/// Bytes of the header.
pub const HEADER_LENGTH: usize = 8;
/// Where in the header the checksum is.
pub const CHECKSUM_OFFSET: usize = 6;

/// The ports. Length and checksum follow from the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpHeader {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
}

/// A datagram taken apart.
#[derive(Clone, Copy, Debug)]
pub struct UdpDatagram<'p> {
    /// The ports.
    pub header: UdpHeader,
    /// The checksum as it stood; 0: the sender made none (RFC 768).
    pub checksum: u16,
    /// Header and data, without what followed them in the packet: what the checksum is made of.
    pub whole: &'p [u8],
    /// The data.
    pub payload: &'p [u8],
}

/// The datagram is shorter than its header or than it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedUdp;

impl<'p> UdpDatagram<'p> {
    /// Takes a datagram apart. The checksum is not verified; bytes behind the stated length are cut off.
    ///
    /// # Errors
    /// If the length field is below 8 or beyond the packet.
    pub fn parse(packet: &'p [u8]) -> Result<UdpDatagram<'p>, MalformedUdp> {
        let fixed = packet.first_chunk::<HEADER_LENGTH>().ok_or(MalformedUdp)?;
        let length = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
        let whole = packet.get(..length).ok_or(MalformedUdp)?;
        let payload = whole.get(HEADER_LENGTH..).ok_or(MalformedUdp)?;
        Ok(UdpDatagram {
            header: UdpHeader {
                source_port: u16::from_be_bytes([fixed[0], fixed[1]]),
                destination_port: u16::from_be_bytes([fixed[2], fixed[3]]),
            },
            checksum: u16::from_be_bytes([fixed[6], fixed[7]]),
            whole,
            payload,
        })
    }
}

impl UdpHeader {
    /// Writes the header of a datagram with `payload_length` bytes of data to the front of `out`, with a checksum of 0;
    /// returns 8, or 0 if `out` is too short or the datagram too long for its length field.
    pub fn emit(self, payload_length: usize, out: &mut [u8]) -> usize {
        let Ok(length) = u16::try_from(payload_length.saturating_add(HEADER_LENGTH)) else {
            return 0;
        };
        let Some(fixed) = out.first_chunk_mut::<HEADER_LENGTH>() else {
            return 0;
        };
        fixed[0..2].copy_from_slice(&self.source_port.to_be_bytes());
        fixed[2..4].copy_from_slice(&self.destination_port.to_be_bytes());
        fixed[4..6].copy_from_slice(&length.to_be_bytes());
        fixed[6..8].copy_from_slice(&[0, 0]);
        HEADER_LENGTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_emitted_is_parsed(
            source_port: u16, destination_port: u16, payload in proptest::collection::vec(any::<u8>(), 0..40),
            padding in 0_usize..20,
        ) {
            let header = UdpHeader { source_port, destination_port };
            let mut out = [0xaa; 80];
            let end = HEADER_LENGTH + payload.len();
            prop_assert_eq!(header.emit(payload.len(), &mut out), HEADER_LENGTH);
            out[HEADER_LENGTH..end].copy_from_slice(&payload);
            let datagram = UdpDatagram::parse(&out[..end + padding]).unwrap();
            prop_assert_eq!(datagram.header, header);
            prop_assert_eq!(datagram.payload, &payload[..]);
            prop_assert_eq!(datagram.whole, &out[..end]);
            prop_assert_eq!(datagram.checksum, 0);
        }

        #[test]
        fn no_bytes_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = UdpDatagram::parse(&bytes);
        }
    }

    #[test]
    fn a_length_below_the_header_or_beyond_the_packet_is_refused() {
        let mut bytes = [0_u8; 12];
        for (length, fits) in [(0, false), (7, false), (8, true), (12, true), (13, false)] {
            bytes[5] = length;
            assert_eq!(UdpDatagram::parse(&bytes).is_ok(), fits, "length {length}");
        }
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        let header = UdpHeader::default();
        assert_eq!(header.emit(0, &mut [0; 7]), 0);
        assert_eq!(header.emit(65_528, &mut [0; 8]), 0);
        assert_eq!(header.emit(usize::MAX, &mut [0; 8]), 0);
    }
}
