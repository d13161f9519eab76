//! What is cut can be put together again, every checksum adds up by an independent sum, and nothing odd makes it panic.

use super::*;
use proptest::prelude::*;

const MTU: usize = 1_500;

/// The folded one's complement sum, word by word, as RFC 1071 §4.1 has it.
fn naive_sum(parts: &[&[u8]]) -> u16 {
    let bytes = parts.concat();
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// What a frame is made from.
#[derive(Clone, Debug)]
struct Shape {
    tagged: bool,
    version: Version,
    transport: Transport,
    ip_options: usize,
    tcp_options: usize,
    flags: u8,
    sequence: u32,
    identification: u16,
    payload: Vec<u8>,
}

/// A frame whose transport checksum is the sum of its pseudo-header, and the offload that says so.
fn build(shape: &Shape, size: Option<u16>) -> (Vec<u8>, Offload) {
    let mut transport = match shape.transport {
        Transport::Tcp => {
            let mut header = vec![0, 80, 0x12, 0x34];
            header.extend(shape.sequence.to_be_bytes());
            header.extend([
                0,
                0,
                0,
                9,
                ((20 + shape.tcp_options) << 2) as u8,
                shape.flags,
            ]);
            header.extend([0xff, 0xff, 0, 0, 0, 0]);
            header.resize(20 + shape.tcp_options, 1);
            header
        }
        Transport::Udp => {
            let length = 8 + shape.payload.len() as u16;
            [&[0, 53, 0x12, 0x34][..], &length.to_be_bytes(), &[0, 0]].concat()
        }
    };
    transport.extend(&shape.payload);
    let protocol = shape.transport.protocol().0;
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    if shape.tagged {
        frame.extend([0x81, 0, 0, 7]);
    }
    let network = frame.len() + 2;
    let length = transport.len() as u16;
    match shape.version {
        Version::V4 => {
            let header = 20 + shape.ip_options;
            let mut packet = vec![0x40 | (header / 4) as u8, 0];
            packet.extend((header as u16 + length).to_be_bytes());
            packet.extend(shape.identification.to_be_bytes());
            packet.extend([0x40, 0, 64, protocol, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2]);
            packet.resize(header, 1);
            let sum = !naive_sum(&[&packet]);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            frame.extend([8, 0]);
            frame.extend(packet);
        }
        Version::V6 => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend(length.to_be_bytes());
            frame.extend([protocol, 64]);
            frame.extend([0xfd; 16]);
            frame.extend([0xfe; 16]);
        }
    }
    let start = frame.len();
    let pseudo = pseudo_header(&frame[network..], protocol, transport.len());
    let at = shape.transport.checksum();
    transport[at..at + 2].copy_from_slice(&naive_sum(&[&pseudo]).to_be_bytes());
    frame.extend(transport);
    let kind = match (shape.transport, shape.version) {
        (Transport::Udp, _) => Segmentation::Udp,
        (Transport::Tcp, Version::V4) => Segmentation::Tcp4 { ecn: false },
        (Transport::Tcp, Version::V6) => Segmentation::Tcp6 { ecn: false },
    };
    let offload = Offload {
        checksum: Checksum::Partial {
            start: start as u16,
            offset: at as u16,
        },
        segmentation: size.map(|size| (kind, size)),
    };
    (frame, offload)
}

fn pseudo_header(packet: &[u8], protocol: u8, length: usize) -> Vec<u8> {
    let addresses = if packet[0] >> 4 == 4 {
        &packet[12..20]
    } else {
        &packet[8..40]
    };
    [
        addresses,
        &[0, 0],
        &(length as u16).to_be_bytes(),
        &[0, protocol],
    ]
    .concat()
}

/// Panics unless lengths and checksums of a frame are right.
fn assert_complete(frame: &[u8]) -> Headers {
    let headers = Headers::of(frame).expect("headers");
    assert_eq!(headers.payload.1, frame.len(), "the length");
    let packet = &frame[headers.network..];
    if headers.version == Version::V4 {
        assert_eq!(
            naive_sum(&[&packet[..headers.segment - headers.network]]),
            0xffff
        );
    }
    let segment = &frame[headers.segment..];
    let protocol = headers.transport.protocol().0;
    let pseudo = pseudo_header(packet, protocol, segment.len());
    assert_eq!(naive_sum(&[&pseudo, segment]), 0xffff, "the checksum");
    if headers.transport == Transport::Udp {
        assert_eq!(segment[4..6], (segment.len() as u16).to_be_bytes());
        assert_ne!(segment[6..8], [0, 0], "zero means none");
    }
    headers
}

fn finished(frame: &[u8], offload: Offload, takes: Features) -> Vec<(Vec<u8>, Offload)> {
    let mut out = Vec::new();
    finish(frame, offload, takes, |frame, offload| {
        out.push((frame.to_vec(), offload))
    });
    out
}

fn shape() -> impl Strategy<Value = Shape> {
    let version = prop_oneof![Just(Version::V4), Just(Version::V6)];
    let transport = prop_oneof![Just(Transport::Tcp), Just(Transport::Udp)];
    let options = (0..=10_usize, 0..=10_usize);
    let numbers = (any::<u8>(), any::<u32>(), any::<u16>());
    let payload = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..300),
        (1..60_000_usize, any::<u8>())
            .prop_map(|(length, seed)| { (0..length).map(|n| (n * 31) as u8 ^ seed).collect() }),
    ];
    (any::<bool>(), version, transport, options, numbers, payload).prop_map(
        |(tagged, version, transport, (ip, tcp), (flags, sequence, identification), payload)| {
            Shape {
                tagged,
                version,
                transport,
                ip_options: ip * 4,
                tcp_options: tcp * 4,
                flags: flags & !SYN_OR_RST,
                sequence,
                identification,
                payload,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_was_cut_is_the_same_put_together(shape in shape(), size in 48_u16..=1_360) {
        // A train holds no more than so many datagrams.
        let least = shape.payload.len().div_ceil(MOST_DATAGRAMS) as u16;
        let size = if shape.transport == Transport::Udp { size.max(least) } else { size };
        let (frame, offload) = build(&shape, Some(size));
        prop_assert_eq!(admit(&frame, offload, MTU, false), Ok(()));
        let pieces = finished(&frame, offload, Features::NONE);
        let mut payload = Vec::new();
        for (number, (piece, offload)) in pieces.iter().enumerate() {
            prop_assert!(offload.is_none());
            let headers = assert_complete(piece);
            prop_assert!(piece.len() - headers.network <= MTU);
            prop_assert_eq!(admit(piece, *offload, MTU, false), Ok(()));
            let (first, last) = (number == 0, number + 1 == pieces.len());
            prop_assert_eq!(headers.payload().len() == usize::from(size), !last || shape.payload.len().is_multiple_of(size.into()));
            prop_assert_eq!(&piece[..headers.network], &frame[..headers.network]);
            let segment = &piece[headers.segment..];
            if shape.transport == Transport::Tcp {
                let sequence = shape.sequence.wrapping_add(payload.len() as u32);
                prop_assert_eq!(&segment[4..8], &sequence.to_be_bytes());
                let not_here = if first { 0 } else { 0x80 } | if last { 0 } else { 0x09 };
                prop_assert_eq!(segment[13], shape.flags & !not_here);
                prop_assert_eq!(&segment[20..20 + shape.tcp_options], &vec![1; shape.tcp_options][..]);
            }
            if shape.version == Version::V4 {
                let identification = shape.identification.wrapping_add(number as u16);
                prop_assert_eq!(&piece[headers.network + 4..][..2], &identification.to_be_bytes());
            }
            payload.extend_from_slice(&piece[headers.payload()]);
        }
        prop_assert!(payload == shape.payload);
    }

    #[test]
    fn a_partial_checksum_is_completed_over_the_packet_and_not_its_padding(shape in shape(), padding in 0..20_usize) {
        let shape = Shape { payload: shape.payload.into_iter().take(1_300).collect(), ..shape };
        let (mut frame, offload) = build(&shape, None);
        let length = frame.len();
        frame.resize(length + padding, 0xa5);
        prop_assert_eq!(admit(&frame, offload, MTU, false), Ok(()));
        let done = finished(&frame, offload, Features::NONE);
        prop_assert_eq!(done.len(), 1);
        assert_complete(&done[0].0[..length]);
        prop_assert_eq!(&done[0].0[length..], &frame[length..]);
        // Who takes it as it is gets it as it is.
        prop_assert_eq!(finished(&frame, offload, Features::CHECKSUM), [(frame, offload)]);
    }

    #[test]
    fn nothing_that_is_said_about_any_frame_makes_it_panic(
        shape in shape(),
        broken in proptest::collection::vec((0..120_usize, any::<u8>()), 0..4),
        cut_off in 0..2_000_usize,
        said: [u8; 8],
        trusted: bool,
    ) {
        let (mut frame, own) = build(&shape, Some(1_000));
        for (at, byte) in broken {
            if let Some(old) = frame.get_mut(at) {
                *old = byte;
            }
        }
        frame.truncate(cut_off.max(14));
        let said = Offload::parse(&said).unwrap_or(own);
        for offload in [own, said, Offload { segmentation: None, ..own }, Offload { segmentation: None, ..said }] {
            if admit(&frame, offload, MTU, trusted).is_ok() {
                for (piece, _) in finished(&frame, offload, Features::NONE) {
                    prop_assert!(piece.len() <= largest_frame(MTU) + VLAN_TAG);
                }
            }
        }
    }
}

fn plain_segment(payload: usize) -> Shape {
    Shape {
        tagged: false,
        version: Version::V4,
        transport: Transport::Tcp,
        ip_options: 0,
        tcp_options: 0,
        flags: 0x10,
        sequence: 1,
        identification: 1,
        payload: vec![1; payload],
    }
}

#[test]
fn what_does_not_fit_together_is_refused_with_its_reason() {
    let (frame, offload) = build(&plain_segment(3_000), Some(1_460));
    let refused = |frame: &[u8], offload| admit(frame, offload, MTU, true).unwrap_err();
    let sized = |size| Offload {
        segmentation: Some((Segmentation::Tcp4 { ecn: false }, size)),
        ..offload
    };
    let bad = DropReason::BadOffload;
    assert_eq!(refused(&frame, Offload::NONE), DropReason::Oversized);
    assert_eq!(refused(&frame, sized(1_461)), DropReason::Oversized);
    assert_eq!(refused(&frame, sized(47)), bad, "a thousand frames for one");
    let other = |kind| Offload {
        segmentation: Some((kind, 1_460)),
        ..offload
    };
    assert_eq!(refused(&frame, other(Segmentation::Udp)), bad);
    assert_eq!(
        refused(&frame, other(Segmentation::Tcp6 { ecn: false })),
        bad
    );
    assert_eq!(refused(&frame[..2_000], offload), bad, "cut off");
    let tags = [0x81, 0, 0, 7].repeat(1_000);
    let tagged = [&frame[..12], &tags, &frame[12..]].concat();
    let Checksum::Partial { start, offset } = offload.checksum else {
        unreachable!("{offload:?}");
    };
    let tagged_offload = Offload {
        checksum: Checksum::Partial {
            start: start + 4_000,
            offset,
        },
        ..offload
    };
    let many = "a copy of the tags for each";
    assert_eq!(
        refused(&tagged, tagged_offload),
        DropReason::Oversized,
        "{many}"
    );
    let padded = [&frame[..], &[0]].concat();
    assert_eq!(refused(&padded, offload), bad, "longer than its packet");
    let changed = |at: usize, byte: u8| {
        let mut frame = frame.clone();
        frame[at] = byte;
        frame
    };
    assert_eq!(
        refused(&changed(22, 1), offload),
        bad,
        "the header's checksum"
    );
    assert_eq!(refused(&changed(20, 0x20), offload), bad, "a fragment");
    assert_eq!(refused(&changed(47, 0x12), offload), bad, "a SYN");
    assert_eq!(refused(&changed(46, 0x40), offload), bad, "no TCP header");
}

#[test]
fn a_train_of_too_many_datagrams_is_refused() {
    let shape = Shape {
        transport: Transport::Udp,
        ..plain_segment(1_290)
    };
    let (frame, offload) = build(&shape, Some(10));
    assert_eq!(
        admit(&frame, offload, MTU, true),
        Err(DropReason::BadOffload)
    );
}

#[test]
fn a_checksum_that_was_verified_is_forgotten_by_who_cannot_be_told() {
    let verified = Offload {
        checksum: Checksum::Verified,
        segmentation: None,
    };
    let frame = [0; 60];
    assert_eq!(
        finished(&frame, verified, Features::NONE)[0].1,
        Offload::NONE
    );
    assert_eq!(
        finished(&frame, verified, Features::CHECKSUM)[0].1,
        verified
    );
}

#[test]
fn a_checksum_of_zero_is_written_as_its_transport_has_it() {
    for (transport, written) in [(Transport::Tcp, [0, 0]), (Transport::Udp, [0xff, 0xff])] {
        let mut shape = Shape {
            transport,
            ..plain_segment(0)
        };
        // The sum with no data is the data with which the sum is zero.
        let sum_of = |shape: &Shape, size| {
            let (frame, offload) = build(shape, size);
            let done = finished(&frame, offload, Features::NONE).remove(0).0;
            assert_complete(&done);
            let at = 34 + transport.checksum();
            [done[at], done[at + 1]]
        };
        shape.payload = vec![0, 0];
        shape.payload = sum_of(&shape, None).to_vec();
        assert_eq!(sum_of(&shape, None), written);
        assert_eq!(sum_of(&shape, Some(1_000)), written);
    }
}

#[test]
fn what_will_be_cut_counts_as_often_as_it_is_cut() {
    let (frame, offload) = build(&plain_segment(3_000), Some(1_000));
    assert_eq!(count(&frame, offload), 3);
    assert_eq!(finished(&frame, offload, Features::NONE).len(), 3);
    let (frame, offload) = build(&plain_segment(100), None);
    assert_eq!(count(&frame, offload), 1);
}
