//! Any bytes as a message of the tunnel's negotiated form: read as its specification says, by a second reading of that, and
//! written again as they were read.
#![no_main]

use ethertab_tunnel::v1::{
    OFFLOADED_OVERHEAD, Record, Records, frame_header, put_credit, put_hello, put_ping, put_pong,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &[u8]| {
    let mut records = Records::of(message);
    let mut rest = message;
    loop {
        let (expected, behind) = next(rest);
        let record = records.next();
        match (&expected, &record) {
            (Expected::End, None) => return,
            (Expected::Mistake, Some(Err(_))) => {
                assert!(records.next().is_none(), "a mistake ends the message");
                return;
            }
            (Expected::Record(kind, body), Some(Ok(record))) => {
                assert_eq!(records.rest(), behind);
                compare(*kind, body, record);
            }
            _ => panic!("{record:?} where {expected:?} is"),
        }
        rest = behind;
    }
});

#[derive(Debug)]
enum Expected<'m> {
    End,
    Mistake,
    Record(u8, &'m [u8]),
}

/// The next record of a known type, by the tables of the specification alone, and what is behind it.
fn next(mut rest: &[u8]) -> (Expected<'_>, &[u8]) {
    loop {
        if rest.is_empty() {
            return (Expected::End, rest);
        }
        let [kind, a, b, c, bodies @ ..] = rest else {
            return (Expected::Mistake, rest);
        };
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        if bodies.len() < length {
            return (Expected::Mistake, rest);
        }
        let (body, behind) = bodies.split_at(length);
        let is_right = match kind {
            0x01 => true,
            0x02 => offload_is_right(body),
            0x10 => length >= 42,
            0x11..=0x13 => length == 8,
            0x14 => length >= 2 && std::str::from_utf8(&body[2..]).is_ok(),
            _ => {
                rest = behind;
                continue;
            }
        };
        return match is_right {
            true => (Expected::Record(*kind, body), behind),
            false => (Expected::Mistake, behind),
        };
    }
}

fn offload_is_right(body: &[u8]) -> bool {
    let [flags, kind, high, low, _, _, _, _, ..] = body else {
        return false;
    };
    let cut = *kind != 0;
    *flags <= 2
        && matches!(kind, 0 | 1 | 4 | 5 | 0x81 | 0x84)
        && (!cut || *flags == 1 && (*high, *low) != (0, 0))
}

/// What was read stands in the body, and is written as it stood there where one way alone leads back.
fn compare(kind: u8, body: &[u8], record: &Record<'_>) {
    let wire = |written: &[u8]| written[4..].to_vec();
    match (kind, record) {
        (0x01, Record::Frame(offload, frame)) => {
            assert!(offload.is_none());
            assert_eq!(*frame, body);
        }
        (0x02, Record::Frame(offload, frame)) => {
            assert_eq!(*frame, &body[8..]);
            let mut header = [0; OFFLOADED_OVERHEAD];
            let length = frame_header(offload, frame.len(), &mut header);
            let message = [&header[..length], frame].concat();
            assert_eq!(Records::of(&message).next(), Some(Ok(*record)));
        }
        (0x10, Record::Hello(hello)) => {
            let written = put_hello(hello);
            // The largest message is brought into its range; all else stays.
            assert_eq!(written[4..18], body[..14]);
            assert_eq!(written[22..46], body[18..42]);
            assert_eq!(Records::of(&written).next(), Some(Ok(*record)));
        }
        (0x11, Record::Ping(stamp)) => assert_eq!(wire(&put_ping(*stamp)), body),
        (0x12, Record::Pong(stamp)) => assert_eq!(wire(&put_pong(*stamp)), body),
        (0x13, Record::Credit(total)) => assert_eq!(wire(&put_credit(*total)), body),
        (0x14, Record::Closing { code, text }) => {
            assert_eq!(body[..2], code.to_be_bytes());
            assert_eq!(&body[2..], text.as_bytes());
        }
        _ => panic!("{record:?} of type {kind}"),
    }
}
