//! Any sequence of frames, at any pace, at a host with open sockets.
//!
//! Left alone, next to no frame of a fuzzer's would get past the checksums: the first byte that leads a frame says what is
//! made right in it, from nothing at all to the place of a segment in the conversation that our last one belongs to.
#![no_main]

use ethertab_stack::config::{Addressing, ListenOptions, StaticAddress, TcpOptions};
use ethertab_stack::wire::checksum::{self, Checksum};
use ethertab_stack::wire::ip::Protocol;
use ethertab_stack::{Config, Duration, Instant, Stack};
use libfuzzer_sys::fuzz_target;
use std::net::{Ipv4Addr, SocketAddr};

const OURS: [u8; 4] = [10, 0, 0, 1];
const THEIRS: [u8; 4] = [10, 0, 0, 2];

/// Bits of the byte that says what is made right.
const ADDRESSED: u8 = 1;
const INTERNET: u8 = 2;
const TRANSPORT: u8 = 4;
const CONVERSATION: u8 = 8;

/// What the last TCP segment that came out said of itself: its ports, and which numbers it expects of the other side.
#[derive(Clone, Copy, Default)]
struct Conversation {
    ports: [u8; 4],
    sequence: u32,
    acknowledgment: u32,
}

impl Conversation {
    fn hear(&mut self, frame: &[u8]) {
        if frame.len() < 54 || frame[12..14] != [8, 0] || frame[14] != 0x45 || frame[23] != 6 {
            return;
        }
        let segment = &frame[34..];
        let word = |at: usize| {
            u32::from_be_bytes([
                segment[at],
                segment[at + 1],
                segment[at + 2],
                segment[at + 3],
            ])
        };
        let data = segment
            .len()
            .saturating_sub(usize::from(segment[12] >> 4) * 4) as u32;
        // SYN and FIN take a number each (RFC 9293 §3.4).
        let marks = u32::from(segment[13] & 1) + u32::from(segment[13] >> 1 & 1);
        self.ports = [segment[2], segment[3], segment[0], segment[1]];
        self.sequence = word(8);
        self.acknowledgment = word(4).wrapping_add(data + marks);
    }

    /// Puts a segment in its place, or as far from it as its numbers were from zero.
    fn join(self, segment: &mut [u8]) {
        segment[..4].copy_from_slice(&self.ports);
        for (at, base) in [(4, self.sequence), (8, self.acknowledgment)] {
            let off = i16::from_be_bytes([segment[at + 2], segment[at + 3]]);
            let number = base.wrapping_add_signed(off.into());
            segment[at..at + 4].copy_from_slice(&number.to_be_bytes());
        }
    }
}

/// Makes a frame one for us, as far as `way` says.
fn mend(frame: &mut [u8], way: u8, conversation: Conversation) {
    if way & ADDRESSED != 0
        && let Some(address) = frame.first_chunk_mut::<6>()
    {
        *address = Config::default().hardware_address.0;
    }
    let Some(packet) = frame.get_mut(14..).filter(|packet| packet.len() >= 20) else {
        return;
    };
    let header = usize::from(packet[0] & 15) * 4;
    if header < 20 || packet.len() < header {
        return;
    }
    if way & INTERNET != 0 {
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet[12..16].copy_from_slice(&THEIRS);
        packet[16..20].copy_from_slice(&OURS);
        packet[10..12].fill(0);
        let sum = checksum::of(&packet[..header]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    let (place, pseudo) = match packet[9] {
        1 => (2, false),
        6 => (16, true),
        17 => (6, true),
        _ => return,
    };
    let protocol = Protocol(packet[9]);
    let segment = &mut packet[header..];
    if way & CONVERSATION != 0 && protocol == Protocol::TCP && segment.len() >= 20 {
        conversation.join(segment);
    }
    if way & TRANSPORT != 0 && segment.len() >= place + 2 {
        segment[place..place + 2].fill(0);
        let sum = match pseudo {
            true => Checksum::pseudo_header(THEIRS.into(), OURS.into(), protocol, segment.len()),
            false => Checksum::new(),
        };
        let sum = sum.with(segment).finish();
        segment[place..place + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// Frames that a run answers with at the most for one frame in: an amplifier would be a bug.
const ANSWERS: usize = 1_000;

fuzz_target!(|input: &[u8]| {
    let mut now = Instant::ZERO;
    let config = Config {
        addressing: Addressing::Static(StaticAddress {
            address: OURS.into(),
            prefix_length: 24,
            gateway: Some(THEIRS.into()),
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    let mut stack = Stack::new(config, [7; 32], now);
    let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let listener = stack
        .tcp_listen(any(80), &ListenOptions::default())
        .expect("a free port");
    let udp = stack.udp_bind(any(53)).expect("a free port");
    let echo = stack.echo_open(THEIRS.into()).expect("a free identifier");
    let remote = SocketAddr::from((THEIRS, 80));
    let _ = stack.tcp_connect(remote, &TcpOptions::default(), now);
    let mut out = vec![0; 1_514];
    let mut buffer = vec![0; 2_048];
    let mut conversation = Conversation::default();
    while let Some(length) = stack.transmit(now, &mut out) {
        conversation.hear(&out[..length]);
    }
    // Each frame is led by what is made right in it, its length, and a delay in milliseconds.
    let mut rest = input;
    while let [way, length, pause, tail @ ..] = rest {
        let length = usize::from(*length).min(tail.len());
        let (frame, next) = tail.split_at(length);
        rest = next;
        let mut frame = frame.to_vec();
        mend(&mut frame, *way, conversation);
        now += Duration::from_millis(u64::from(*pause));
        stack.advance(now);
        stack.receive(&frame, now);
        let mut answers = 0;
        while let Some(length) = stack.transmit(now, &mut out) {
            conversation.hear(&out[..length]);
            answers += 1;
            assert!(answers < ANSWERS, "one frame, {answers} answers");
        }
        while stack.poll_event().is_some() {}
        while let Some((id, _)) = stack.listener(listener).accept() {
            let _ = stack.tcp(id, now).read(&mut buffer);
            let _ = stack.tcp(id, now).write(b"hello");
        }
        let _ = stack.udp(udp).receive(&mut buffer);
        let _ = stack.echo(echo).receive();
    }
});
