//! The switch alone: frames go in at one port and are found, or not, at others.

use super::port::Delivery;
use super::queue::{FrameQueue, QueueLimits};
use super::*;
use ethertab_tunnel::v1::{Checksum, Features, Segmentation};
use std::net::Ipv4Addr;
use std::time::Duration;

const ALICE: [u8; 6] = [2, 0, 0, 0, 0, 0xa];
const BOB: [u8; 6] = [2, 0, 0, 0, 0, 0xb];
const HOST: [u8; 6] = [2, 0, 0, 0, 0, 1];
const ALL: [u8; 6] = [0xff; 6];

/// An outlet that a test can look into.
#[derive(Clone)]
struct Seen {
    queue: Arc<FrameQueue>,
    takes: Features,
}

impl Outlet for Seen {
    fn deliver(&self, frame: &[u8], offload: Offload) -> Delivery {
        self.queue.deliver(frame, offload)
    }

    fn takes(&self) -> Features {
        self.takes
    }
}

impl Seen {
    fn new(frames: usize) -> Seen {
        Seen {
            queue: Arc::new(FrameQueue::new(QueueLimits {
                frames,
                bytes: 1 << 20,
            })),
            takes: Features::NONE,
        }
    }

    fn frames(&self) -> Vec<(Offload, Vec<u8>)> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut frames = Vec::new();
        while let std::task::Poll::Ready(batch) = self.queue.poll_take(&mut context) {
            frames.extend(
                batch
                    .frames()
                    .map(|(offload, frame)| (offload, frame.to_vec())),
            );
        }
        frames
    }

    fn count(&self) -> usize {
        self.frames().len()
    }
}

struct Bench {
    switch: Arc<Switch>,
    now: Instant,
}

impl Bench {
    fn new() -> Bench {
        let config = SwitchConfig {
            mtu: 1_500,
            guard: Guard {
                protected: vec![Ipv4Addr::new(10, 77, 0, 1)],
            },
            table: TableLimits {
                client: 4,
                uplink: 64,
            },
            flood_rate: 50,
        };
        Bench {
            switch: Switch::new(config),
            now: Instant::now(),
        }
    }

    fn plug(&self, kind: Kind, address: Option<[u8; 6]>) -> (Plug, Seen) {
        self.plug_taking(kind, address, Features::NONE)
    }

    fn plug_taking(&self, kind: Kind, address: Option<[u8; 6]>, takes: Features) -> (Plug, Seen) {
        let seen = Seen {
            takes,
            ..Seen::new(1_000)
        };
        let outlet = Box::new(seen.clone());
        let plug = (self.switch).plug_in(kind, "test".into(), outlet, address.map(MacAddress));
        (plug, seen)
    }
}

fn frame(to: [u8; 6], from: [u8; 6]) -> Vec<u8> {
    let mut frame = to.to_vec();
    frame.extend(from);
    frame.extend([0x88, 0xb5, 1, 2, 3]);
    frame
}

fn drops(plug: &Plug, reason: DropReason) -> u64 {
    plug.port().counters.drops(reason)
}

#[test]
fn a_broadcast_goes_everywhere_but_where_it_came_from() {
    let bench = Bench::new();
    let (alice, at_alice) = bench.plug(Kind::Client, None);
    let (_bob, at_bob) = bench.plug(Kind::Client, None);
    let (_host, at_host) = bench.plug(Kind::Uplink, Some(HOST));
    alice.forward(&frame(ALL, ALICE), Offload::NONE, bench.now);
    assert_eq!(
        (at_alice.count(), at_bob.count(), at_host.count()),
        (0, 1, 1)
    );
}

#[test]
fn a_stranger_is_looked_for_behind_the_uplink_alone() {
    let bench = Bench::new();
    let (alice, _) = bench.plug(Kind::Client, None);
    let (_bob, at_bob) = bench.plug(Kind::Client, None);
    let (host, at_host) = bench.plug(Kind::Uplink, Some(HOST));
    alice.forward(&frame([2, 0, 0, 0, 9, 9], ALICE), Offload::NONE, bench.now);
    assert_eq!((at_bob.count(), at_host.count()), (0, 1));
    host.forward(&frame([2, 0, 0, 0, 9, 9], HOST), Offload::NONE, bench.now);
    assert_eq!(
        (at_bob.count(), drops(&host, DropReason::NobodyThere)),
        (0, 1)
    );
}

#[test]
fn a_tab_that_only_listens_is_found_for_as_long_as_it_is_there() {
    let bench = Bench::new();
    let (alice, at_alice) = bench.plug(Kind::Client, None);
    let (host, _) = bench.plug(Kind::Uplink, Some(HOST));
    alice.forward(&frame(ALL, ALICE), Offload::NONE, bench.now);
    let much_later = bench.now + 100 * AGEING;
    // Others that need room do not cost it its place.
    for n in 0..100 {
        host.forward(&frame(ALL, [2, 0, 0, 0, 2, n]), Offload::NONE, much_later);
    }
    at_alice.count();
    host.forward(&frame(ALICE, HOST), Offload::NONE, much_later);
    assert_eq!(at_alice.count(), 1);
}

#[test]
fn a_client_that_changes_its_addresses_slowly_may_go_on() {
    let bench = Bench::new();
    let (client, _) = bench.plug(Kind::Client, None);
    for n in 0..20 {
        let now = bench.now + u32::from(n) * AGEING / 2;
        client.forward(&frame(ALL, [2, 0, 0, 0, 1, n]), Offload::NONE, now);
    }
    assert_eq!(drops(&client, DropReason::TooManyAddresses), 0);
}

#[test]
fn a_known_station_alone_hears_what_is_sent_to_it() {
    let bench = Bench::new();
    let (alice, _) = bench.plug(Kind::Client, None);
    let (bob, at_bob) = bench.plug(Kind::Client, None);
    let (_host, at_host) = bench.plug(Kind::Uplink, Some(HOST));
    bob.forward(&frame(ALL, BOB), Offload::NONE, bench.now);
    at_host.count();
    alice.forward(&frame(BOB, ALICE), Offload::NONE, bench.now);
    assert_eq!((at_bob.count(), at_host.count()), (1, 0));
    alice.forward(&frame(HOST, ALICE), Offload::NONE, bench.now);
    assert_eq!((at_bob.count(), at_host.count()), (0, 1));
}

#[test]
fn nobody_can_take_a_live_clients_address_and_the_holder_is_asked() {
    let bench = Bench::new();
    let (alice, at_alice) = bench.plug(Kind::Client, None);
    let (mallory, at_mallory) = bench.plug(Kind::Client, None);
    let (host, _) = bench.plug(Kind::Uplink, Some(HOST));
    alice.forward(&frame(ALL, ALICE), Offload::NONE, bench.now);
    at_mallory.count();
    mallory.forward(&frame(ALL, ALICE), Offload::NONE, bench.now);
    assert_eq!(drops(&mallory, DropReason::Spoofed), 1);
    host.forward(&frame(ALICE, HOST), Offload::NONE, bench.now);
    assert_eq!((at_alice.count(), at_mallory.count()), (1, 0));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut asked = Box::pin(alice.port().challenged());
    assert!(asked.as_mut().poll(&mut context).is_ready());
}

#[test]
fn an_address_moves_once_its_port_is_gone_or_was_silent_for_long() {
    let bench = Bench::new();
    let (alice, _) = bench.plug(Kind::Client, None);
    let (again, _) = bench.plug(Kind::Client, None);
    alice.forward(&frame(ALL, ALICE), Offload::NONE, bench.now);
    let almost = bench.now + AGEING - Duration::from_secs(1);
    again.forward(&frame(ALL, ALICE), Offload::NONE, almost);
    assert_eq!(drops(&again, DropReason::Spoofed), 1);
    again.forward(&frame(ALL, ALICE), Offload::NONE, bench.now + AGEING);
    assert_eq!(drops(&again, DropReason::Spoofed), 1);
    alice.forward(&frame(ALL, ALICE), Offload::NONE, bench.now + AGEING);
    assert_eq!(drops(&alice, DropReason::Spoofed), 1);
    drop(again);
    alice.forward(&frame(ALL, ALICE), Offload::NONE, bench.now + AGEING);
    assert_eq!(drops(&alice, DropReason::Spoofed), 1);
}

#[test]
fn who_takes_over_has_the_addresses_at_once_and_the_port_before_hears_no_more() {
    let bench = Bench::new();
    let (host, _) = bench.plug(Kind::Uplink, Some(HOST));
    let (before, at_before) = bench.plug(Kind::Client, None);
    let (after, at_after) = bench.plug(Kind::Client, None);
    before.forward(&frame(HOST, ALICE), Offload::NONE, bench.now);
    bench.switch.take_over(before.port().id, &after);
    host.forward(&frame(ALICE, HOST), Offload::NONE, bench.now);
    host.forward(&frame(ALL, HOST), Offload::NONE, bench.now);
    assert_eq!((at_before.count(), at_after.count()), (0, 2));
    before.forward(&frame(HOST, ALICE), Offload::NONE, bench.now);
    assert_eq!(drops(&before, DropReason::Spoofed), 1);
    drop(before);
    after.forward(&frame(HOST, ALICE), Offload::NONE, bench.now);
    host.forward(&frame(ALICE, HOST), Offload::NONE, bench.now);
    assert_eq!(
        (drops(&after, DropReason::Spoofed), at_after.count()),
        (0, 1)
    );
}

#[test]
fn nobody_can_take_the_hosts_address_however_long_it_was_silent() {
    let bench = Bench::new();
    let (_host, at_host) = bench.plug(Kind::Uplink, Some(HOST));
    let (mallory, _) = bench.plug(Kind::Client, None);
    mallory.forward(&frame(ALL, HOST), Offload::NONE, bench.now + 10 * AGEING);
    assert_eq!(
        (drops(&mallory, DropReason::Spoofed), at_host.count()),
        (1, 0)
    );
}

#[test]
fn a_client_may_use_a_few_addresses_and_the_uplink_many() {
    let bench = Bench::new();
    let (client, _) = bench.plug(Kind::Client, None);
    let (host, _) = bench.plug(Kind::Uplink, Some(HOST));
    for n in 0..10 {
        client.forward(&frame(HOST, [2, 0, 0, 0, 1, n]), Offload::NONE, bench.now);
        host.forward(&frame(ALICE, [2, 0, 0, 0, 2, n]), Offload::NONE, bench.now);
    }
    assert_eq!(drops(&client, DropReason::TooManyAddresses), 6);
    assert_eq!(drops(&host, DropReason::TooManyAddresses), 0);
}

#[test]
fn a_full_table_still_forwards() {
    let bench = Bench::new();
    let (host, _) = bench.plug(Kind::Uplink, Some(HOST));
    let (_client, at_client) = bench.plug(Kind::Client, None);
    for n in 0..200 {
        host.forward(&frame(ALL, [2, 0, 0, 0, 2, n]), Offload::NONE, bench.now);
    }
    assert_eq!(at_client.count(), 200);
    assert_eq!(bench.switch.addresses().len(), 64);
}

#[test]
fn frames_of_the_wrong_size_or_source_are_counted_and_dropped() {
    let bench = Bench::new();
    let (client, _) = bench.plug(Kind::Client, None);
    let (_host, at_host) = bench.plug(Kind::Uplink, Some(HOST));
    client.forward(&[], Offload::NONE, bench.now);
    client.forward(&frame(HOST, ALICE)[..13], Offload::NONE, bench.now);
    let mut giant = frame(HOST, ALICE);
    giant.resize(1_515, 0);
    client.forward(&giant, Offload::NONE, bench.now);
    client.forward(&frame(HOST, ALL), Offload::NONE, bench.now);
    client.forward(&frame(HOST, [0; 6]), Offload::NONE, bench.now);
    assert_eq!(drops(&client, DropReason::Short), 2);
    assert_eq!(drops(&client, DropReason::Oversized), 1);
    assert_eq!(drops(&client, DropReason::BadSource), 2);
    assert_eq!(at_host.count(), 0);
    giant.truncate(1_514);
    client.forward(&giant, Offload::NONE, bench.now);
    giant[12..14].copy_from_slice(&[0x81, 0x00]);
    giant.resize(1_518, 0);
    client.forward(&giant, Offload::NONE, bench.now);
    assert_eq!(at_host.count(), 2);
}

#[test]
fn a_client_that_floods_is_cut_and_its_ordinary_frames_pass() {
    let bench = Bench::new();
    let (client, _) = bench.plug(Kind::Client, None);
    let (_host, at_host) = bench.plug(Kind::Uplink, Some(HOST));
    for _ in 0..200 {
        client.forward(&frame(ALL, ALICE), Offload::NONE, bench.now);
    }
    assert_eq!(
        (at_host.count(), drops(&client, DropReason::Storm)),
        (50, 150)
    );
    client.forward(&frame(HOST, ALICE), Offload::NONE, bench.now);
    assert_eq!(at_host.count(), 1);
}

#[test]
fn a_full_port_drops_its_own_frames_and_nobody_elses() {
    let bench = Bench::new();
    let (host, _) = bench.plug(Kind::Uplink, Some(HOST));
    let slow = Seen::new(3);
    let slow_plug =
        (bench.switch).plug_in(Kind::Client, "slow".into(), Box::new(slow.clone()), None);
    let (_bob, at_bob) = bench.plug(Kind::Client, None);
    for _ in 0..10 {
        host.forward(&frame(ALL, HOST), Offload::NONE, bench.now);
    }
    assert_eq!(drops(&slow_plug, DropReason::QueueFull), 7);
    assert_eq!((slow.count(), at_bob.count()), (3, 10));
}

/// A TCP segment over IPv4 with its checksum left partial, and how to cut it.
fn segment(from: [u8; 6], source: Ipv4Addr, payload: usize) -> (Vec<u8>, Offload) {
    let mut frame = [&ALL[..], &from, &[8, 0, 0x45, 0]].concat();
    frame.extend((40 + payload as u16).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(source.octets());
    frame.extend([10, 77, 0, 9]);
    let sum = ethertab_stack::wire::checksum::of(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend([
        0, 80, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0,
    ]);
    frame.resize(frame.len() + payload, 7);
    let offload = Offload {
        checksum: Checksum::Partial {
            start: 34,
            offset: 16,
        },
        segmentation: Some((Segmentation::Tcp4 { ecn: false }, 1_460)),
    };
    (frame, offload)
}

#[test]
fn a_segment_goes_whole_to_who_takes_it_and_in_pieces_to_who_does_not() {
    let bench = Bench::new();
    let (alice, _) = bench.plug(Kind::Client, None);
    let large = Features::CHECKSUM | Features::TCP4;
    let (whole, at_whole) = bench.plug_taking(Kind::Client, None, large);
    let (_plain, at_plain) = bench.plug(Kind::Client, None);
    let (_summing, at_summing) = bench.plug_taking(Kind::Client, None, Features::CHECKSUM);
    let (frame, offload) = segment(ALICE, Ipv4Addr::new(10, 77, 0, 5), 60_000);
    alice.forward(&frame, offload, bench.now);
    assert_eq!(at_whole.frames(), [(offload, frame)]);
    assert_eq!(
        whole.port().counters.segments_out.load(Ordering::Relaxed),
        1
    );
    let (plain, summing) = (at_plain.frames(), at_summing.frames());
    assert_eq!((plain.len(), summing.len()), (42, 42));
    let verified = Offload {
        checksum: Checksum::Verified,
        segmentation: None,
    };
    for ((nothing, plain), (known, summing)) in plain.into_iter().zip(summing) {
        assert_eq!((nothing, known), (Offload::NONE, verified));
        assert!(plain == summing && plain.len() <= 1_514);
    }
}

#[test]
fn the_guard_looks_at_segments_as_at_any_frame() {
    let bench = Bench::new();
    let (mallory, _) = bench.plug(Kind::Client, None);
    let (_host, at_host) = bench.plug(Kind::Uplink, Some(HOST));
    let (frame, offload) = segment(ALICE, Ipv4Addr::new(10, 77, 0, 1), 3_000);
    mallory.forward(&frame, offload, bench.now);
    assert_eq!(drops(&mallory, DropReason::Forbidden), 1);
    assert_eq!(at_host.count(), 0);
}

#[test]
fn a_checksum_is_no_way_to_write_what_the_guard_did_not_see() {
    let bench = Bench::new();
    let (mallory, _) = bench.plug(Kind::Client, None);
    let (host, at_host) = bench.plug(Kind::Uplink, Some(HOST));
    let (frame, _) = segment(ALICE, Ipv4Addr::new(10, 77, 0, 5), 100);
    // At the IP header's source address.
    let partial = |start, offset| Offload {
        checksum: Checksum::Partial { start, offset },
        segmentation: None,
    };
    for bad in [
        partial(14, 12),
        partial(20, 6),
        partial(34, 6),
        partial(36, 14),
    ] {
        mallory.forward(&frame, bad, bench.now);
    }
    assert_eq!(drops(&mallory, DropReason::BadOffload), 4);
    mallory.forward(&frame, partial(34, 16), bench.now);
    assert_eq!(at_host.count(), 1);
    // The kernel may mean something inside.
    let (frame, _) = segment(HOST, Ipv4Addr::new(10, 77, 0, 1), 100);
    host.forward(&frame, partial(36, 14), bench.now);
    host.forward(&frame, partial(36, 30_000), bench.now);
    assert_eq!(drops(&host, DropReason::BadOffload), 1);
}
