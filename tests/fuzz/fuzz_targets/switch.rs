//! Any frames with anything left to be done to them, from a client and from the host: what a port gets that takes complete
//! frames alone is complete, fits the network, and is not many more than was sent.
#![no_main]

use ethertab_relay::switch::fair::FairQueue;
use ethertab_relay::switch::guard::Guard;
use ethertab_relay::switch::parcel::Parcel;
use ethertab_relay::switch::port::{Delivery, Kind, Outlet};
use ethertab_relay::switch::queue::{FrameQueue, QueueLimits};
use ethertab_relay::switch::{Plug, Switch, SwitchConfig, TableLimits};
use ethertab_stack::wire::checksum::{self, Checksum as Sum};
use ethertab_stack::wire::ip::Protocol;
use ethertab_tunnel::v1::{Checksum, Features, LARGEST_MESSAGE, Offload, Records, Segmentation};
use ethertab_tunnel::{VLAN_TAG, largest_frame};
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

const MTU: usize = 1_500;
const TABLE: TableLimits = TableLimits {
    client: 4,
    uplink: 16,
};
const LIMITS: QueueLimits = QueueLimits {
    frames: 4_096,
    bytes: 1 << 20,
};

/// Bits of the byte that leads a frame.
const TRUSTED: u8 = 1;
/// It is addressed to somebody and its IP header is made right.
const MENDED: u8 = 2;
/// What is to be done to it is what its headers would have.
const FITTING: u8 = 4;
/// It is made long by zeros.
const LONG: u8 = 8;

/// What the port of complete frames got for one frame.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Vec<u8>>>>);

impl Outlet for Seen {
    fn deliver(&self, frame: &[u8], offload: Offload) -> Delivery {
        assert!(offload.is_none(), "{offload:?} is left to be done");
        self.0.lock().expect("one thread").push(frame.to_vec());
        Delivery::Taken
    }
}

/// A client's queue, which reads the headers to tell flows apart.
struct Queued(Arc<FairQueue>, Features);

impl Outlet for Queued {
    fn deliver(&self, frame: &[u8], offload: Offload) -> Delivery {
        self.0.push(frame, offload)
    }

    fn deliver_parcel(&self, parcel: &mut Parcel, offload: Offload) -> Delivery {
        self.0.push_parcel(parcel, offload)
    }

    fn takes(&self) -> Features {
        self.1
    }
}

fuzz_target!(|input: &[u8]| {
    let switch = Switch::new(SwitchConfig {
        mtu: MTU,
        guard: Guard {
            protected: vec![[10, 77, 0, 1].into()],
        },
        table: TABLE,
        flood_rate: 1_000_000,
    });
    let seen = Seen::default();
    let all = Features::CHECKSUM | Features::TCP4 | Features::TCP6 | Features::UDP;
    let queue = Arc::new(FairQueue::with_messages(LIMITS, LARGEST_MESSAGE as usize));
    let plug = |kind, outlet: Box<dyn Outlet>| switch.plug_in(kind, String::new(), outlet, None);
    let _plain = plug(Kind::Client, Box::new(seen.clone()));
    let client = plug(Kind::Client, Box::new(Queued(Arc::clone(&queue), all)));
    let host = plug(Kind::Uplink, Box::new(Arc::new(FrameQueue::new(LIMITS))));
    let mut rest = input;
    // Each frame is led by what is made right, what is said about it, and its length.
    while let Some((&[way, ref said @ .., length], tail)) = rest.split_first_chunk::<10>() {
        let (frame, next) = tail.split_at(usize::from(length).min(tail.len()));
        rest = next;
        let from = if way & TRUSTED != 0 { &host } else { &client };
        pass(way, said, frame, from, &seen);
        while let Some(batch) = queue.try_take(&client.port().counters) {
            let message = batch.into_message();
            assert!(Records::of(&message).all(|record| record.is_ok()));
        }
    }
});

fn pass(way: u8, said: &[u8; 8], frame: &[u8], from: &Plug, seen: &Seen) {
    let mut frame = frame.to_vec();
    if way & LONG != 0 {
        let length = usize::from(u16::from_be_bytes([said[4], said[5]]));
        frame.resize(frame.len().max(length), 0);
    }
    let mut offload = Offload::parse(said).unwrap_or_default();
    if way & MENDED != 0 {
        mend(&mut frame);
    }
    if way & FITTING != 0
        && let Some(fitting) = fitting(&frame, u16::from_be_bytes([said[2], said[3]]))
    {
        offload = fitting;
    }
    if from.port().kind == Kind::Uplink {
        let mut parcel = Parcel::default();
        parcel.prepare(0, frame.len()).extend_from_slice(&frame);
        from.forward_parcel(&mut parcel, offload, Instant::now());
    } else {
        from.forward(&frame, offload, Instant::now());
    }
    let frames = std::mem::take(&mut *seen.0.lock().expect("one thread"));
    assert!(
        frames.len() <= 65_536 / 48,
        "{} frames of one",
        frames.len()
    );
    let is_cut = offload.segmentation.is_some();
    for piece in &frames {
        // What is cut may have more tags than one.
        let tags = if is_cut { piece.len() } else { VLAN_TAG };
        assert!(piece.len() <= largest_frame(MTU) + tags);
    }
    // What was refused may have no headers at all.
    if is_cut
        && !frames.is_empty()
        && let Some(segment) = transport(&frame)
    {
        let head = segment + header(&frame, segment);
        let mut payload = Vec::new();
        for piece in &frames {
            assert_complete(piece, segment);
            payload.extend_from_slice(&piece[head..]);
        }
        assert!(payload == frame[head..]);
    }
}

/// Sends it from one station to all, and makes the lengths and the checksum of an IPv4 header right.
fn mend(frame: &mut [u8]) {
    if let Some(addresses) = frame.first_chunk_mut::<12>() {
        *addresses = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9];
    }
    let Some(packet) = frame.get_mut(14..).filter(|packet| packet.len() >= 40) else {
        return;
    };
    let length = packet.len() as u16;
    if packet[0] >> 4 == 6 {
        packet[4..6].copy_from_slice(&(length - 40).to_be_bytes());
        return;
    }
    let header = usize::from(packet[0] & 15) * 4;
    if header < 20 || packet.len() < header {
        return;
    }
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[10..12].fill(0);
    let sum = checksum::of(&packet[..header]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Where the transport header of an untagged frame is.
fn transport(frame: &[u8]) -> Option<usize> {
    let packet = frame.get(14..)?;
    match (&frame[12..14], packet.first()? >> 4) {
        ([8, 0], 4) => Some(14 + usize::from(packet[0] & 15) * 4),
        ([0x86, 0xdd], 6) if matches!(packet.get(6)?, 6 | 17) => Some(54),
        _ => None,
    }
}

fn protocol(frame: &[u8]) -> u8 {
    if frame[14] >> 4 == 4 {
        frame[23]
    } else {
        frame[20]
    }
}

fn header(frame: &[u8], segment: usize) -> usize {
    if protocol(frame) == 17 {
        8
    } else {
        usize::from(frame[segment + 12] >> 4) * 4
    }
}

/// An offload that points at the checksum of its own transport header.
fn fitting(frame: &[u8], size: u16) -> Option<Offload> {
    let segment = transport(frame)?;
    let v4 = frame[14] >> 4 == 4;
    let (offset, kind) = match (frame.len() >= 54).then(|| protocol(frame))? {
        6 if v4 => (16, Segmentation::Tcp4 { ecn: false }),
        6 => (16, Segmentation::Tcp6 { ecn: false }),
        17 => (6, Segmentation::Udp),
        _ => return None,
    };
    Some(Offload {
        checksum: Checksum::Partial {
            start: segment as u16,
            offset,
        },
        segmentation: (size > 0).then_some((kind, size)),
    })
}

/// Panics unless lengths and checksums are right.
fn assert_complete(frame: &[u8], segment: usize) {
    let packet = &frame[14..];
    let pair = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    let (source, destination): (IpAddr, IpAddr) = if packet[0] >> 4 == 4 {
        assert!(checksum::is_valid(&packet[..segment - 14]));
        assert_eq!(pair(2), packet.len());
        let address = |at: usize| *packet[at..].first_chunk::<4>().expect("a header");
        (address(12).into(), address(16).into())
    } else {
        assert_eq!(40 + pair(4), packet.len());
        let address = |at: usize| *packet[at..].first_chunk::<16>().expect("a header");
        (address(8).into(), address(24).into())
    };
    let transport = &frame[segment..];
    let protocol = Protocol(protocol(frame));
    let sum = Sum::pseudo_header(source, destination, protocol, transport.len()).with(transport);
    assert!(sum.is_valid());
    if protocol == Protocol::UDP {
        assert_eq!(transport[4..6], (transport.len() as u16).to_be_bytes());
    }
}
