//! Fair queueing in virtual time.

use super::flows::{Flows, Tally};
use super::*;
use ethertab_tunnel::v1::{Checksum, FRAME_OVERHEAD, Record, Records};
use proptest::prelude::*;

const BULK: u16 = 80;
const OTHER: u16 = 443;
const PING: u16 = 7;

/// A UDP datagram of a flow, with a number in it.
fn frame(port: u16, number: u32, length: usize, capable: bool) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([
        8,
        0,
        0x45,
        u8::from(capable),
        0,
        0,
        0,
        0,
        0,
        0,
        64,
        17,
        0,
        0,
    ]);
    frame.extend([10, 0, 0, 1, 10, 0, 0, 2, 0, 1]);
    frame.extend(port.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(number.to_be_bytes());
    frame.resize(length.max(46), 0);
    frame
}

/// Flow, number and length of a frame.
fn read(frame: &[u8]) -> (u16, u32, usize) {
    let number = u32::from_be_bytes([frame[42], frame[43], frame[44], frame[45]]);
    (
        u16::from_be_bytes([frame[36], frame[37]]),
        number,
        frame.len(),
    )
}

struct Bench {
    flows: Flows,
    now: Instant,
    tally: Tally,
    marked: usize,
}

impl Bench {
    fn new(frames: usize, bytes: usize) -> Bench {
        Bench {
            flows: Flows::new(QueueLimits { frames, bytes }),
            now: Instant::now(),
            tally: Tally::default(),
            marked: 0,
        }
    }

    fn push(&mut self, frame: &[u8]) -> Option<u32> {
        // Those with odd numbers come in buffers of their own.
        if read(frame).1.is_multiple_of(2) {
            return self.flows.push(frame, Offload::NONE, (0, 0), self.now);
        }
        let mut parcel = Parcel::default();
        parcel.prepare(0, frame.len()).extend_from_slice(frame);
        (self.flows).push_parcel(&mut parcel, Offload::NONE, (0, 0), self.now)
    }

    fn take(&mut self, most: usize) -> Vec<(u16, u32, usize)> {
        let mut message = BytesMut::new();
        let frames = (self.flows).fill(&mut message, most, self.now, &mut self.tally);
        let read: Vec<_> = Records::of(&message)
            .map(|record| match record {
                Ok(Record::Frame(_, frame)) => {
                    self.marked += usize::from(frame[15] & 3 == 3);
                    read(frame)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(read.len(), frames);
        assert!(message.len() <= most || frames == 1);
        read
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }
}

#[test]
fn a_bulk_flow_does_not_delay_a_quiet_one() {
    let mut bench = Bench::new(10_000, 10 << 20);
    for n in 0..2_000 {
        bench.push(&frame(BULK, n, 1_500, false));
    }
    bench.take(20_000);
    for n in 0..50 {
        bench.push(&frame(PING, n, 98, false));
        let taken = bench.take(20_000);
        assert_eq!(taken[0], (PING, n, 98), "it goes first");
        assert!(
            taken.len() > 10,
            "and the rest of the message is not wasted"
        );
    }
}

#[test]
fn busy_flows_share_by_bytes_whatever_the_size_of_their_frames() {
    let mut bench = Bench::new(100_000, 100 << 20);
    for n in 0..1_000 {
        bench.push(&frame(BULK, n, 60_000, false));
        for part in 0..40 {
            bench.push(&frame(OTHER, n * 40 + part, 1_500, false));
        }
    }
    let mut bytes = (0, 0);
    while bytes.0 + bytes.1 < 20_000_000 {
        for (flow, _, length) in bench.take(65_536) {
            *(if flow == BULK {
                &mut bytes.0
            } else {
                &mut bytes.1
            }) += length;
        }
    }
    let share = bytes.0 as f64 / (bytes.0 + bytes.1) as f64;
    assert!((0.49..0.51).contains(&share), "{bytes:?}");
}

/// A flow that sends for two seconds a quarter more than is taken; gives what was marked and what was dropped as late.
fn overload(capable: bool) -> (u64, u64) {
    let mut bench = Bench::new(100_000, 100 << 20);
    let (mut number, mut expected) = (0, 0);
    for _ in 0..2_000 {
        for _ in 0..5 {
            bench.push(&frame(BULK, number, 1_500, capable));
            number += 1;
        }
        for (_, number, _) in bench.take(4 * (1_500 + FRAME_OVERHEAD)) {
            assert!(number >= expected, "the order is kept");
            expected = number + 1;
        }
        bench.pass(1);
    }
    assert_eq!(bench.tally.marked as usize, bench.marked);
    (bench.tally.marked, bench.tally.late)
}

#[test]
fn a_flow_that_stands_is_marked_if_it_listens_and_loses_frames_if_not() {
    let (marked, late) = overload(true);
    assert!(marked > 10 && late == 0, "{marked} {late}");
    let (marked, late) = overload(false);
    assert!(marked == 0 && late > 10, "{marked} {late}");
}

#[test]
fn a_flow_that_waits_shortly_loses_nothing() {
    let mut bench = Bench::new(100_000, 100 << 20);
    for n in 0..2_000 {
        bench.push(&frame(BULK, 2 * n, 1_500, false));
        bench.push(&frame(BULK, 2 * n + 1, 1_500, false));
        bench.pass(4);
        assert_eq!(bench.take(65_536).len(), 2);
    }
    assert_eq!(bench.tally, Tally::default());
}

#[test]
fn what_has_no_room_is_taken_from_the_longest_line() {
    let mut bench = Bench::new(1_000, 100_000);
    for n in 0..20 {
        assert_eq!(bench.push(&frame(PING, n, 98, false)), Some(0));
    }
    let mut displaced = 0;
    for n in 0..1_000 {
        displaced += bench.push(&frame(BULK, n, 1_500, false)).unwrap();
        assert!(bench.flows.size().1 <= 100_000);
    }
    // More than all of the room costs nobody anything.
    let before = bench.flows.size();
    let large = frame(OTHER, 0, 100_001, false);
    assert_eq!(bench.push(&large), None);
    assert_eq!(bench.flows.size(), before);
    assert!(displaced > 900);
    let mut bench = Bench::new(30, 1 << 20);
    for n in 0..20 {
        bench.push(&frame(PING, n, 98, false));
    }
    for n in 0..1_000 {
        bench.push(&frame(BULK, n, 1_500, false));
    }
    let taken = bench.take(1 << 20);
    let pings = taken.iter().filter(|(flow, ..)| *flow == PING).count();
    let bulk: Vec<u32> = taken
        .iter()
        .filter(|(flow, ..)| *flow == BULK)
        .map(|(_, n, _)| *n)
        .collect();
    assert_eq!(
        (pings, bulk),
        (20, (990..1_000).collect()),
        "the oldest went"
    );
}

#[test]
fn flows_do_not_meet_in_one_line_until_there_are_more_than_lines() {
    let flows = 1_000;
    let mut bench = Bench::new(100_000, 100 << 20);
    for n in [0, 2] {
        for port in 0..flows {
            bench.push(&frame(port, n, 1_514, false));
        }
    }
    for n in [0, 2] {
        // Each is a whole turn.
        for port in 0..flows {
            assert_eq!(bench.take(1_514), [(port, n, 1_514)]);
        }
    }
}

#[test]
fn more_flows_than_lines_keep_their_order_and_lose_nothing() {
    let flows = 4_000_u16;
    let mut bench = Bench::new(100_000, 100 << 20);
    for port in 0..flows {
        for n in 0..100 * u32::from(port + 1 == flows) + 1 {
            bench.push(&frame(port, n, 100, false));
        }
    }
    // The last shares a line. It goes on while others have gone.
    let mut taken = Vec::new();
    while bench.flows.size().0 > 50 {
        taken.extend(bench.take(2_000));
    }
    bench.push(&frame(flows - 1, 101, 100, false));
    while bench.flows.size().0 > 0 {
        taken.extend(bench.take(2_000));
    }
    let mut next = vec![0; usize::from(flows)];
    for (port, number, _) in taken {
        let next = &mut next[usize::from(port)];
        assert_eq!(number, *next, "of {port}");
        *next += 1;
    }
    assert_eq!(next.pop(), Some(102));
    assert!(next.iter().all(|next| *next == 1));
}

#[test]
fn a_queue_that_was_full_of_flows_holds_little_afterwards() {
    let mut bench = Bench::new(100_000, 100 << 20);
    for port in 0..5_000 {
        bench.push(&frame(port, 0, 200, false));
    }
    while !bench.take(65_536).is_empty() {}
    assert!(
        bench.flows.footprint() < 64 * 1_024,
        "{}",
        bench.flows.footprint()
    );
}

#[test]
fn a_flow_that_lives_on_holds_little_more_than_what_waits() {
    let mut bench = Bench::new(100_000, 4 << 20);
    let many = 2_000;
    for n in 0..many {
        bench.push(&frame(BULK, n, 1_500, false));
    }
    assert!(bench.flows.footprint() > 3 << 20);
    let mut left = many;
    while left > 1 {
        left -= bench.take(1_600).len() as u32;
    }
    let held = bench.flows.footprint();
    assert!(left == 1 && held < 128 * 1_024, "{held}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_and_counters_hear_of_late_frames() {
    let queue = FairQueue::new(QueueLimits {
        frames: 10_000,
        bytes: 10 << 20,
    });
    let counters = PortCounters::default();
    let mut waiting = Box::pin(queue.take(&counters));
    assert!(
        tokio::time::timeout(Duration::from_millis(1), &mut waiting)
            .await
            .is_err()
    );
    assert_eq!(
        queue.push(&frame(PING, 1, 98, false), Offload::NONE),
        Delivery::Taken
    );
    assert_eq!(waiting.await.frames().count(), 1);
    for n in 0..5_000 {
        queue.push(&frame(BULK, n, 1_500, false), Offload::NONE);
    }
    for _ in 0..40 {
        tokio::time::advance(Duration::from_millis(20)).await;
        assert!(queue.try_take(&counters).is_some());
    }
    assert!(counters.drops(DropReason::Late) > 5);
}

#[tokio::test(start_paused = true)]
async fn a_pause_does_not_count_as_waiting() {
    let queue = FairQueue::new(QueueLimits {
        frames: 10_000,
        bytes: 10 << 20,
    });
    let counters = PortCounters::default();
    let push = |n| queue.push(&frame(BULK, n, 1_500, false), Offload::NONE);
    (0..5_000).for_each(|n| assert_eq!(push(n), Delivery::Taken));
    for n in 0..40 {
        let pause = queue.pause();
        tokio::time::advance(Duration::from_millis(10)).await;
        push(n);
        tokio::time::advance(Duration::from_millis(10)).await;
        drop(pause);
        assert!(queue.try_take(&counters).is_some());
    }
    assert_eq!(counters.drops(DropReason::Late), 0);
    while !queue.is_empty() {
        tokio::time::advance(Duration::from_millis(20)).await;
        let _ = queue.try_take(&counters);
    }
    assert!(counters.drops(DropReason::Late) > 5, "it goes on behind it");
}

#[tokio::test]
async fn what_is_left_to_be_done_to_a_frame_stays_beside_it_and_a_batch_is_a_message() {
    let limits = QueueLimits {
        frames: 100,
        bytes: 100_000,
    };
    let queue = FairQueue::with_messages(limits, 2_048);
    let counters = PortCounters::default();
    let partial = Offload {
        checksum: Checksum::Partial {
            start: 34,
            offset: 6,
        },
        segmentation: None,
    };
    let lengths = [1_000, 1_000, 1_000, 5_000, 46];
    for length in lengths {
        queue.push(&frame(BULK, 0, length, false), Offload::NONE);
        queue.push(&frame(BULK, 1, length, false), partial);
    }
    let mut got = Vec::new();
    while !queue.is_empty() {
        let message = queue.take(&counters).await.into_message();
        let records: Vec<_> = Records::of(&message).map(Result::unwrap).collect();
        assert!(message.len() <= 2_048 || records.len() == 1);
        got.extend(records.iter().map(|record| match record {
            Record::Frame(offload, frame) => (*offload, frame.len()),
            other => panic!("{other:?}"),
        }));
    }
    let expected = lengths.map(|length| [(Offload::NONE, length), (partial, length)]);
    assert_eq!(got, expected.concat());
}

#[test]
fn large_frames_in_buffers_of_their_own_make_room_like_others() {
    let mut bench = Bench::new(100, 200_000);
    for n in 0..6 {
        let dropped = bench.push(&frame(BULK, n, 49_200, false));
        assert_eq!(dropped, Some(u32::from(n > 3)));
    }
    assert_eq!(bench.take(65_536), [(BULK, 2, 49_200)]);
    assert_eq!(bench.take(65_536), [(BULK, 3, 49_200)]);
    // Two of the flow are left, less than the other's three.
    for n in 0..3 {
        assert_eq!(bench.push(&frame(OTHER, n, 33_800, false)), Some(0));
    }
    assert_eq!(bench.push(&frame(PING, 0, 400, false)), Some(1));
    let mut left = Vec::new();
    while bench.flows.size().0 > 0 {
        left.extend(bench.take(65_536));
    }
    left.sort_unstable();
    let bulk = [(BULK, 4, 49_200), (BULK, 5, 49_200)];
    let other = [(OTHER, 1, 33_800), (OTHER, 2, 33_800)];
    assert_eq!(left, [&[(PING, 0, 400)][..], &bulk, &other].concat());
}

#[tokio::test]
async fn a_large_frame_in_a_buffer_of_its_own_is_not_copied() {
    let limits = QueueLimits {
        frames: 100,
        bytes: 1_000_000,
    };
    let queue = FairQueue::new(limits);
    let counters = PortCounters::default();
    let mut parcel = Parcel::default();
    let frame = frame(BULK, 1, 60_000, false);
    // Room for the one behind it too.
    parcel.prepare(0, 65_000).extend_from_slice(&frame);
    let place = parcel.frame().as_ptr();
    queue.push_parcel(&mut parcel, Offload::NONE);
    assert_eq!(queue.push(&frame[..100], Offload::NONE), Delivery::Taken);
    let message = queue.take(&counters).await.into_message();
    let records: Vec<_> = Records::of(&message).map(Result::unwrap).collect();
    let [Record::Frame(_, first), Record::Frame(_, second)] = records[..] else {
        panic!("{} records", records.len());
    };
    assert!(first == frame && second == &frame[..100]);
    assert_eq!(first.as_ptr(), place);
    assert!(queue.is_empty());
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![9 => 46..3_000_usize, 1 => 40_000..65_000_usize]
}

proptest! {
    #[test]
    fn nothing_is_lost_and_the_order_of_a_flow_is_kept(
        frames in proptest::collection::vec((0..20_u16, length(), any::<bool>()), 1..300),
        most in 2_048..70_000_usize,
    ) {
        let mut bench = Bench::new(10_000, 100 << 20);
        let mut taken = Vec::new();
        for (number, (flow, length, take)) in frames.iter().enumerate() {
            prop_assert_eq!(bench.push(&frame(*flow, number as u32, *length, false)), Some(0));
            if *take {
                taken.extend(bench.take(most));
            }
        }
        loop {
            let more = bench.take(most);
            if more.is_empty() {
                break;
            }
            taken.extend(more);
        }
        prop_assert_eq!(bench.flows.size(), (0, 0));
        prop_assert_eq!(taken.len(), frames.len());
        let mut last = [None; 20];
        for (flow, number, length) in taken {
            prop_assert!(last[usize::from(flow)] < Some(number));
            prop_assert_eq!(length, frames[number as usize].1);
            last[usize::from(flow)] = Some(number);
        }
    }
}
