extern crate std;

use super::*;
use crate::CloseReason;
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

/// Bytes that pin version 1, each with the record that they are.
const GOLDEN: &str = include_str!("golden.txt");

fn frame_record(offload: &Offload, frame: &[u8]) -> Vec<u8> {
    let mut header = [0; OFFLOADED_OVERHEAD];
    let length = frame_header(offload, frame.len(), &mut header);
    [&header[..length], frame].concat()
}

fn records(message: &[u8]) -> Vec<Result<Record<'_>, Malformed>> {
    Records::of(message).collect()
}

fn hello() -> Hello {
    Hello {
        versions: (1, 3),
        hardware: [2, 0, 0, 0x77, 0x88, 0x99],
        mtu: 1_500,
        features: Features::CHECKSUM | Features::TCP4 | Features::UDP,
        largest_message: 65_536,
        credit: 1 << 33,
        token: *b"sixteen bytes...",
    }
}

#[test]
fn the_golden_bytes_are_what_is_written_and_what_is_read() {
    let frame = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6];
    let segment = Offload {
        checksum: Checksum::Partial {
            start: 34,
            offset: 16,
        },
        segmentation: Some((Segmentation::Tcp4 { ecn: true }, 1_448)),
    };
    let verified = Offload {
        checksum: Checksum::Verified,
        segmentation: None,
    };
    let mut closing = [0; LARGEST_CLOSING];
    let length = put_closing(CloseReason::GoingAway, &mut closing);
    let text = CloseReason::GoingAway.text();
    let written: [(&str, Vec<u8>, Record<'_>); 8] = [
        (
            "frame",
            frame_record(&Offload::NONE, &frame),
            Record::Frame(Offload::NONE, &frame),
        ),
        (
            "verified frame",
            frame_record(&verified, &frame),
            Record::Frame(verified, &frame),
        ),
        (
            "segment to be cut",
            frame_record(&segment, &frame),
            Record::Frame(segment, &frame),
        ),
        (
            "hello",
            put_hello(&hello()).to_vec(),
            Record::Hello(hello()),
        ),
        (
            "ping",
            put_ping(Stamp(0x0102_0304_0506_0708)).to_vec(),
            Record::Ping(Stamp(0x0102_0304_0506_0708)),
        ),
        ("pong", put_pong(Stamp(7)).to_vec(), Record::Pong(Stamp(7))),
        (
            "credit",
            put_credit(1 << 40).to_vec(),
            Record::Credit(1 << 40),
        ),
        (
            "closing",
            closing[..length].to_vec(),
            Record::Closing { code: 1001, text },
        ),
    ];
    let mut golden = GOLDEN.lines().filter(|line| !line.starts_with('#'));
    for (name, bytes, record) in written {
        let hex: String = bytes
            .iter()
            .map(|byte| std::format!("{byte:02x}"))
            .collect();
        assert_eq!(golden.next(), Some(&*std::format!("{name}: {hex}")));
        assert_eq!(records(&bytes), [Ok(record)], "{name}");
    }
    assert_eq!(golden.next(), None);
}

#[test]
fn unknown_records_and_later_fields_are_skipped() {
    let mut message = std::vec![0x7f, 0, 0, 3, 1, 2, 3];
    let mut longer = put_hello(&hello()).to_vec();
    longer.extend([9; 5]);
    longer[3] += 5;
    message.extend(longer);
    message.extend([0xee, 0, 0, 0]);
    message.extend(put_credit(5));
    assert_eq!(
        records(&message),
        [Ok(Record::Hello(hello())), Ok(Record::Credit(5))]
    );
}

#[test]
fn a_mistake_ends_the_message_behind_what_was_right() {
    let good = put_credit(5);
    for bad in [
        &[1][..],
        &[1, 0, 0],
        &[1, 0, 0, 2, 9],
        &[1, 0xff, 0xff, 0xff, 9],
        &[0x02, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0],
        &[0x10, 0, 0, 1, 1],
        &[0x11, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0],
        &[0x13, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x14, 0, 0, 1, 0],
        &[0x14, 0, 0, 3, 0, 0, 0xff],
    ] {
        let message = [&good[..], bad, &good].concat();
        let read = records(&message);
        assert_eq!(read[0], Ok(Record::Credit(5)), "{bad:?}");
        assert_eq!(read.last(), Some(&Err(Malformed)), "{bad:?}");
    }
}

#[test]
fn an_offload_that_contradicts_itself_is_refused() {
    for bytes in [
        [3, 0, 0, 0, 0, 0, 0, 0],
        [4, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 5, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 34, 0, 16],
        [1, 2, 5, 0, 0, 34, 0, 16],
        [1, 0x80, 5, 0, 0, 34, 0, 16],
        [1, 0x85, 5, 0, 0, 34, 0, 16],
    ] {
        assert_eq!(Offload::parse(&bytes), None, "{bytes:?}");
    }
}

#[test]
fn a_message_size_out_of_range_counts_as_the_nearest() {
    for (said, counts) in [(0, 2_048), (70_000, 70_000), (u32::MAX, 1 << 20)] {
        let said = Hello {
            largest_message: said,
            ..hello()
        };
        let record = put_hello(&said);
        let Ok(Record::Hello(read)) = records(&record)[0] else {
            panic!("no hello");
        };
        assert_eq!(read.largest_message, counts);
    }
}

#[test]
fn the_least_message_holds_an_ordinary_frame_and_the_largest_single_one_any() {
    assert!(OFFLOADED_OVERHEAD + crate::largest_frame(1_500) <= LARGEST_MESSAGE_RANGE.0 as usize);
    assert_eq!(LARGEST_SINGLE, 65_565);
}

fn offload() -> impl Strategy<Value = Offload> {
    let kind = prop_oneof![
        any::<bool>().prop_map(|ecn| Segmentation::Tcp4 { ecn }),
        any::<bool>().prop_map(|ecn| Segmentation::Tcp6 { ecn }),
        Just(Segmentation::Udp),
    ];
    let partial = (any::<u16>(), any::<u16>())
        .prop_map(|(start, offset)| Checksum::Partial { start, offset });
    prop_oneof![
        Just(Offload::NONE),
        Just(Offload {
            checksum: Checksum::Verified,
            segmentation: None
        }),
        partial.clone().prop_map(|checksum| Offload {
            checksum,
            segmentation: None
        }),
        (partial, kind, 1_u16..).prop_map(|(checksum, kind, size)| Offload {
            checksum,
            segmentation: Some((kind, size)),
        }),
    ]
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in(
        frames in proptest::collection::vec((offload(), proptest::collection::vec(any::<u8>(), 0..100)), 0..20),
    ) {
        let message: Vec<u8> = frames.iter().flat_map(|(offload, frame)| frame_record(offload, frame)).collect();
        let read: Vec<_> = Records::of(&message)
            .map(|record| match record {
                Ok(Record::Frame(offload, frame)) => (offload, frame.to_vec()),
                other => panic!("{other:?}"),
            })
            .collect();
        prop_assert_eq!(read, frames);
    }

    #[test]
    fn no_bytes_make_it_panic_or_go_on_for_ever(message in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Records::of(&message).count() <= message.len() / RECORD_HEADER + 1);
    }

    #[test]
    fn what_is_read_is_written_the_same(bytes: [u8; 8]) {
        if let Some(offload) = Offload::parse(&bytes) {
            prop_assert_eq!(Offload::parse(&offload.emit()), Some(offload));
        }
    }
}
