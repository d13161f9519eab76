//! Hand-made frames, and messages of them.

use ethertab_stack::wire::checksum;
use ethertab_tests::tunnel::Form;
use ethertab_tunnel::v1::{
    Checksum, LARGEST_MESSAGE, OFFLOADED_OVERHEAD, Offload, Record, Records, Segmentation,
    frame_header,
};
use std::net::Ipv4Addr;
use tokio_tungstenite::tungstenite::Bytes;

/// How the hardware addresses of all begin that send frames of ours.
const OURS: [u8; 4] = [2, 0, 0, 2];

/// Hardware addresses of two tabs.
pub(crate) const SENDER: [u8; 6] = hardware(1);
pub(crate) const RECEIVER: [u8; 6] = hardware(2);

/// The host's on the TAP, which follows from its address.
pub(crate) const HOST_HARDWARE: [u8; 6] = [2, 0x45, 0x54, 77, 0, 1];

/// An Ethernet type for experiments (IEEE 802 §9.2): nobody looks further.
const EXPERIMENTAL: [u8; 2] = [0x88, 0xb5];

const TCP: u8 = 6;

/// From where packets say they come.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 7, 1);

const ETHERNET: usize = 14;
const HEADERS: usize = ETHERNET + 20 + 20;

/// Bytes of payload in each segment of an MTU of 1,500, and in one that the relay's side is to cut: 43 of them, below 64 KiB.
const SEGMENT: usize = 1_460;
const SEGMENTS: usize = 43 * SEGMENT;

/// The hardware address of the tab with this number.
pub(crate) const fn hardware(number: u16) -> [u8; 6] {
    let ([a, b, c, d], [high, low]) = (OURS, number.to_be_bytes());
    [a, b, c, d, high, low]
}

/// A message that is sent again and again.
pub(crate) struct Frames {
    pub(crate) form: Form,
    pub(crate) message: Bytes,
    /// Frames in it, and bytes of them.
    pub(crate) each: u64,
    pub(crate) bytes: u64,
}

impl Frames {
    /// Frames of so many bytes that are no packets: one, or as many as a message holds.
    pub(crate) fn complete(form: Form, to: [u8; 6], from: [u8; 6], length: usize) -> Frames {
        Frames::many(form, &frame(to, from, length), Offload::NONE)
    }

    /// A short frame that is nothing but a sign of life.
    pub(crate) fn one(form: Form, to: [u8; 6], from: [u8; 6]) -> Bytes {
        let frame = frame(to, from, 60);
        match form {
            Form::Plain => frame.into(),
            Form::Negotiated => record(&frame, Offload::NONE).into(),
        }
    }

    /// TCP segments of nearly 64 KiB, to be cut by whoever must, one in a message as they come from a stack.
    pub(crate) fn segments(to: [u8; 6], address: Ipv4Addr, port: u16) -> Frames {
        let offload = Offload {
            checksum: Checksum::Partial {
                start: 34,
                offset: 16,
            },
            segmentation: Some((Segmentation::Tcp4 { ecn: false }, SEGMENT as u16)),
        };
        Frames::many(Form::Negotiated, &segment(to, address, port), offload)
    }

    fn many(form: Form, frame: &[u8], offload: Offload) -> Frames {
        let (each, message) = match form {
            Form::Plain => (1, frame.to_vec()),
            Form::Negotiated => {
                let record = record(frame, offload);
                let each = LARGEST_MESSAGE as usize / record.len();
                (each, record.repeat(each))
            }
        };
        Frames {
            form,
            message: message.into(),
            each: each as u64,
            bytes: (each * frame.len()) as u64,
        }
    }
}

/// Frames of ours in a message, and bytes of them; the gateway's announcements are none.
pub(crate) fn count(form: Form, message: &[u8]) -> (u64, u64) {
    let is_ours = |frame: &[u8]| frame.get(6..10) == Some(&OURS);
    match form {
        Form::Plain if is_ours(message) => (1, message.len() as u64),
        Form::Plain => (0, 0),
        Form::Negotiated => {
            let frames = Records::of(message).filter_map(|record| match record {
                Ok(Record::Frame(_, frame)) if is_ours(frame) => Some(frame.len() as u64),
                _ => None,
            });
            frames.fold((0, 0), |(count, bytes), length| (count + 1, bytes + length))
        }
    }
}

/// The total credit that a message gives, if it does.
pub(crate) fn credit(message: &[u8]) -> Option<u64> {
    let credits = Records::of(message).filter_map(|record| match record {
        Ok(Record::Credit(total)) => Some(total),
        _ => None,
    });
    credits.last()
}

fn record(frame: &[u8], offload: Offload) -> Vec<u8> {
    let mut header = [0; OFFLOADED_OVERHEAD];
    let length = frame_header(&offload, frame.len(), &mut header);
    [&header[..length], frame].concat()
}

fn frame(to: [u8; 6], from: [u8; 6], length: usize) -> Vec<u8> {
    let mut frame = [&to[..], &from, &EXPERIMENTAL].concat();
    frame.resize(length, 0x5a);
    frame
}

/// The header of an IPv4 packet of so many bytes that holds a TCP segment.
fn internet_header(to: Ipv4Addr, length: u16) -> [u8; 20] {
    let mut ip = [0; 20];
    (ip[0], ip[8], ip[9]) = (0x45, 64, TCP);
    ip[2..4].copy_from_slice(&length.to_be_bytes());
    ip[12..16].copy_from_slice(&ADDRESS.octets());
    ip[16..20].copy_from_slice(&to.octets());
    let sum = checksum::of(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip
}

/// A segment without flags, whose checksum holds the sum of the pseudo-header.
fn segment(to: [u8; 6], address: Ipv4Addr, port: u16) -> Vec<u8> {
    let mut frame = frame(to, SENDER, HEADERS + SEGMENTS);
    frame[12..14].copy_from_slice(&[8, 0]);
    let length = (HEADERS - ETHERNET + SEGMENTS) as u16;
    let ip = internet_header(address, length);
    frame[ETHERNET..ETHERNET + 20].copy_from_slice(&ip);
    let mut pseudo_header = ip[12..20].to_vec();
    pseudo_header.extend([0, TCP]);
    pseudo_header.extend((length - 20).to_be_bytes());
    // Folded, but not complemented: who completes it goes on adding.
    let sum = !checksum::of(&pseudo_header);
    let tcp = &mut frame[ETHERNET + 20..HEADERS];
    tcp.fill(0);
    tcp[..2].copy_from_slice(&40_000_u16.to_be_bytes());
    tcp[2..4].copy_from_slice(&port.to_be_bytes());
    tcp[12] = 5 << 4;
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    frame
}
