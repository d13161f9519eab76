//! Links that finish frames: partial checksums, large segments, and a link that learns to and forgets it again.

use ethertab_stack::config::{
    Addressing, LinkCapabilities, ListenOptions, StaticAddress, TcpOptions,
};
use ethertab_stack::wire::checksum::Checksum;
use ethertab_stack::wire::ip::Protocol;
use ethertab_stack::wire::offload::{Offload, TransportChecksum};
use ethertab_stack::{Config, Duration, Instant, MacAddress, Stack, TcpId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::Poll;

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const FINISHING: LinkCapabilities = LinkCapabilities {
    mtu: 1_500,
    largest_segment: 62_000,
    verify_checksums: true,
    fill_checksums: false,
};

struct Pair {
    near: Stack,
    far: Stack,
    connection: TcpId,
    accepted: Option<TcpId>,
    now: Instant,
    /// The longest frame that the near one sent, and how often frames were to be cut.
    longest: usize,
    cut: usize,
}

fn host(address: Ipv4Addr) -> Stack {
    let number = address.octets()[3];
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 0, 0, number]),
        addressing: Addressing::Static(StaticAddress {
            address,
            prefix_length: 24,
            gateway: None,
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    Stack::new(config, [number; 32], Instant::ZERO)
}

/// What stands in the checksum field of the TCP segment in `frame`, completed: 0 if it is right.
fn remainder(frame: &[u8]) -> u16 {
    let packet = &frame[14..];
    let length = usize::from(u16::from_be_bytes([packet[2], packet[3]])) - 20;
    let address =
        |at: usize| IpAddr::from([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
    Checksum::pseudo_header(address(12), address(16), Protocol::TCP, length)
        .with(&packet[20..20 + length])
        .finish()
}

/// Completes a partial checksum as the end of a link does.
fn complete(frame: &mut [u8], offload: Offload) {
    if let TransportChecksum::Partial { start, offset } = offload.checksum {
        let covered = &mut frame[usize::from(start)..];
        let sum = Checksum::new().with(covered).finish();
        covered[usize::from(offset)..][..2].copy_from_slice(&sum.to_be_bytes());
    }
}

impl Pair {
    fn connected() -> Pair {
        let (mut near, mut far) = (host(NEAR), host(FAR));
        let server = SocketAddr::from((FAR, 80));
        let listener = far
            .tcp_listen(server, &ListenOptions::default())
            .expect("a free port");
        let connection = near
            .tcp_connect(server, &TcpOptions::default(), Instant::ZERO)
            .expect("a route");
        let mut pair = Pair {
            near,
            far,
            connection,
            accepted: None,
            now: Instant::ZERO,
            longest: 0,
            cut: 0,
        };
        for _ in 0..10 {
            pair.step(Duration::from_millis(1));
        }
        pair.accepted = pair.far.listener(listener).accept().map(|(id, _)| id);
        pair
    }

    fn step(&mut self, time: Duration) {
        self.now += time;
        let mut out = vec![0; 14 + 65_535];
        self.near.advance(self.now);
        self.far.advance(self.now);
        while let Some((length, offload)) = self.near.transmit_offloaded(self.now, &mut out) {
            let frame = &mut out[..length];
            self.longest = self.longest.max(length);
            self.cut += usize::from(offload.segment_size > 0);
            if length > 1_514 {
                assert!(offload.segment_size > 0, "{length} bytes, and whole");
                let data = length - 14 - 20 - 20;
                assert!(data > usize::from(offload.segment_size));
            }
            if offload == Offload::NONE && frame[23] == 6 {
                assert_eq!(remainder(frame), 0, "a complete checksum is right");
            } else if offload.checksum != TransportChecksum::Complete {
                let mut copy = frame.to_vec();
                complete(&mut copy, offload);
                assert_eq!(remainder(&copy), 0, "the pseudo-header's sum is right");
            }
            // It never passes a wire.
            self.far.receive_offloaded(frame, offload, self.now);
        }
        while let Some((length, offload)) = self.far.transmit_offloaded(self.now, &mut out) {
            self.near
                .receive_offloaded(&out[..length], offload, self.now);
        }
    }

    /// Moves `amount` bytes from near to far and looks at each.
    fn carry(&mut self, amount: usize) {
        let (mut written, mut read) = (0, 0);
        let mut buffer = vec![0; 100_000];
        for _ in 0..100_000 {
            while written < amount {
                let bytes: Vec<u8> = (written..amount.min(written + 40_000))
                    .map(|at| (at % 251) as u8)
                    .collect();
                match self.near.tcp(self.connection, self.now).write(&bytes) {
                    Poll::Ready(Ok(count)) if count > 0 => written += count,
                    _ => break,
                }
            }
            self.step(Duration::from_millis(1));
            let accepted = self.accepted.expect("a connection");
            while let Poll::Ready(Ok(count)) = self.far.tcp(accepted, self.now).read(&mut buffer) {
                assert!(
                    buffer[..count]
                        .iter()
                        .enumerate()
                        .all(|(at, byte)| *byte == ((read + at) % 251) as u8)
                );
                read += count;
            }
            if read == amount {
                return;
            }
        }
        panic!("stuck after {read} of {amount} bytes");
    }
}

#[test]
fn a_link_that_finishes_frames_gets_large_segments_with_partial_checksums() {
    let mut pair = Pair::connected();
    let now = pair.now;
    pair.near.set_link_capabilities(FINISHING, now);
    pair.far.set_link_capabilities(FINISHING, now);
    pair.carry(3_000_000);
    assert!(pair.longest > 60_000, "{} bytes at most", pair.longest);
    assert!(pair.cut > 40);
    let drops = pair.far.counters();
    assert!(drops.drops().all(|(_, count)| count == 0));
}

#[test]
fn a_link_that_forgets_how_to_gets_whole_frames_again() {
    let mut pair = Pair::connected();
    let now = pair.now;
    for round in 0..3 {
        pair.near.set_link_capabilities(FINISHING, now);
        pair.far.set_link_capabilities(FINISHING, now);
        pair.carry(500_000);
        assert!(pair.longest > 14_000, "round {round}: {}", pair.longest);
        pair.near
            .set_link_capabilities(LinkCapabilities::default(), now);
        pair.far
            .set_link_capabilities(LinkCapabilities::default(), now);
        pair.longest = 0;
        pair.cut = 0;
        pair.carry(500_000);
        assert_eq!((pair.longest, pair.cut), (1_514, 0));
    }
}

#[test]
fn a_partial_checksum_is_trusted_and_a_wrong_one_is_not() {
    let mut pair = Pair::connected();
    let now = pair.now;
    pair.near.set_link_capabilities(FINISHING, now);
    let _ = pair.near.tcp(pair.connection, now).write(b"hello");
    let mut out = vec![0; 1_514];
    let (length, offload) = pair
        .near
        .transmit_offloaded(now, &mut out)
        .expect("a segment");
    let accepted = pair.accepted.expect("a connection");
    let mut buffer = [0; 10];
    pair.far.receive(&out[..length], now);
    assert!(
        pair.far.tcp(accepted, now).read(&mut buffer).is_pending(),
        "it is not complete"
    );
    pair.far.receive_offloaded(&out[..length], offload, now);
    assert_eq!(
        pair.far.tcp(accepted, now).read(&mut buffer),
        Poll::Ready(Ok(5))
    );
}
