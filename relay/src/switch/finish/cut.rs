//! Cuts what is too long for the wire.

use super::headers::{Headers, Transport, Version};
use ethertab_stack::wire::checksum::{self, Checksum};

/// FIN and PSH belong to the end of what was sent (RFC 9293 §3.8.6, §3.9.1): to the last segment alone.
const OF_THE_LAST: u8 = 0x01 | 0x08;

/// CWR answers once (RFC 3168 §6.1.2): in the first segment alone.
const OF_THE_FIRST: u8 = 0x80;

/// Hands `each` frames with `size` bytes of payload, the last one with what is left.
pub(super) fn cut(frame: &[u8], headers: &Headers, size: usize, mut each: impl FnMut(&[u8])) {
    let header = &frame[..headers.payload.0];
    let payload = &frame[headers.payload()];
    let (source, destination) = headers.addresses(frame);
    let last = payload.len().div_ceil(size).saturating_sub(1);
    let mut segment = Vec::with_capacity(header.len() + size.min(payload.len()));
    for (number, part) in payload.chunks(size).enumerate() {
        segment.clear();
        segment.extend_from_slice(header);
        segment.extend_from_slice(part);
        packet_header(&mut segment, headers, number);
        transport_header(
            &mut segment[headers.segment..],
            headers.transport,
            number * size,
            (number == 0, number == last),
        );
        let transport = &mut segment[headers.segment..];
        let protocol = headers.transport.protocol();
        let sum = Checksum::pseudo_header(source, destination, protocol, transport.len())
            .with(transport)
            .finish();
        let sum = headers.transport.written(sum);
        put(transport, headers.transport.checksum(), sum);
        each(&segment);
    }
}

/// Length, identification and checksum.
fn packet_header(frame: &mut [u8], headers: &Headers, number: usize) {
    let length = frame.len() - headers.network;
    let packet = &mut frame[headers.network..];
    match headers.version {
        Version::V4 => {
            put(packet, 2, length as u16);
            let identification = u16::from_be_bytes([packet[4], packet[5]]);
            put(packet, 4, identification.wrapping_add(number as u16));
            put(packet, 10, 0);
            let header = headers.segment - headers.network;
            put(packet, 10, checksum::of(&packet[..header]));
        }
        Version::V6 => put(packet, 4, (length - 40) as u16),
    }
}

/// All but the checksum, which is zero behind this.
fn transport_header(
    segment: &mut [u8],
    kind: Transport,
    skipped: usize,
    (first, last): (bool, bool),
) {
    match kind {
        Transport::Tcp => {
            if let Some(sequence) = segment[4..8].first_chunk_mut::<4>() {
                let number = u32::from_be_bytes(*sequence).wrapping_add(skipped as u32);
                *sequence = number.to_be_bytes();
            }
            if !last {
                segment[13] &= !OF_THE_LAST;
            }
            if !first {
                segment[13] &= !OF_THE_FIRST;
            }
        }
        Transport::Udp => put(segment, 4, segment.len() as u16),
    }
    put(segment, kind.checksum(), 0);
}

fn put(bytes: &mut [u8], at: usize, number: u16) {
    bytes[at..at + 2].copy_from_slice(&number.to_be_bytes());
}
