use super::*;
use alloc::collections::VecDeque;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    WriteAhead(usize, usize),
    Commit(usize),
    Consume(usize),
    Read(usize),
    Peek(usize, usize),
    Shrink,
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![4 => 0_usize..300, 1 => 0_usize..6_000];
    prop_oneof![
        3 => size().prop_map(Step::Push),
        3 => (size(), size()).prop_map(|(offset, length)| Step::WriteAhead(offset, length)),
        2 => size().prop_map(Step::Commit),
        3 => size().prop_map(Step::Consume),
        3 => size().prop_map(Step::Read),
        3 => (size(), size()).prop_map(|(offset, length)| Step::Peek(offset, length)),
        1 => Just(Step::Shrink),
    ]
}

/// The ring as one would write it without caring for speed: `None` is a byte never written.
struct Model {
    bytes: VecDeque<Option<u8>>,
    length: usize,
    limit: usize,
}

impl Model {
    fn write_ahead(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let room = (self.limit - self.length).saturating_sub(offset);
        let taken = bytes.len().min(room);
        if taken > 0 {
            let from = self.length + offset;
            self.bytes.resize(self.bytes.len().max(from + taken), None);
            for (at, &byte) in bytes[..taken].iter().enumerate() {
                self.bytes[from + at] = Some(byte);
            }
        }
        taken
    }

    fn commit(&mut self, count: usize) {
        self.length += count.min(self.bytes.len() - self.length);
    }

    fn consume(&mut self, count: usize) -> usize {
        let count = count.min(self.length);
        self.bytes.drain(..count);
        self.length -= count;
        count
    }

    /// Holes hold whatever was there: compared only where something was written.
    fn agrees(&self, offset: usize, pieces: (&[u8], &[u8])) -> bool {
        let ours = pieces.0.iter().chain(pieces.1);
        let wanted = self.bytes.range(offset.min(self.length)..self.length);
        ours.zip(wanted)
            .all(|(ours, wanted)| wanted.is_none_or(|wanted| wanted == *ours))
    }
}

proptest! {
    #[test]
    fn it_holds_what_a_plain_queue_would_hold(
        limit in 1_usize..10_000,
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut ring = Ring::new(limit);
        let mut model = Model { bytes: VecDeque::new(), length: 0, limit };
        let mut source = (0_u8..=250).cycle();
        for step in steps {
            let mut fresh = |length| source.by_ref().take(length).collect::<Vec<u8>>();
            match step {
                Step::Push(length) => {
                    let bytes = fresh(length);
                    let taken = ring.push(&bytes);
                    prop_assert_eq!(taken, model.write_ahead(0, &bytes));
                    model.commit(taken);
                }
                Step::WriteAhead(offset, length) => {
                    let bytes = fresh(length);
                    let taken = ring.write_ahead(offset, &bytes);
                    prop_assert_eq!(taken, model.write_ahead(offset, &bytes));
                }
                Step::Commit(count) => {
                    ring.commit(count);
                    model.commit(count);
                }
                Step::Consume(count) => {
                    prop_assert_eq!(ring.consume(count), model.consume(count));
                }
                Step::Read(length) => {
                    let mut out = vec![0; length];
                    let before = ring.len();
                    let copied = ring.copy_to(0, &mut out);
                    let count = ring.consume(copied);
                    prop_assert_eq!(count, before.min(length));
                    prop_assert!(model.agrees(0, (&out[..count], &[])));
                    model.consume(count);
                }
                Step::Peek(offset, length) => {
                    let pieces = ring.peek(offset, length);
                    let wanted = length.min(ring.len().saturating_sub(offset));
                    prop_assert_eq!(pieces.0.len() + pieces.1.len(), wanted);
                    prop_assert!(model.agrees(offset, pieces));
                }
                Step::Shrink => ring.shrink(),
            }
            prop_assert_eq!(ring.len(), model.length);
            prop_assert_eq!(ring.room(), limit - model.length);
            prop_assert!(model.agrees(0, ring.peek(0, usize::MAX)));
            prop_assert!(ring.allocated() <= limit.max(SMALLEST).next_power_of_two());
        }
    }
}

#[test]
fn an_unused_ring_holds_no_memory_and_a_limit_alone_allocates_nothing() {
    let mut ring = Ring::new(1 << 30);
    assert_eq!(ring.allocated(), 0);
    assert_eq!(ring.push(&[]), 0);
    assert_eq!(ring.allocated(), 0);
    ring.push(&[1; 100]);
    assert_eq!(ring.allocated(), SMALLEST);
    ring.consume(100);
    ring.shrink();
    assert_eq!(ring.allocated(), 0);
}

#[test]
fn memory_grows_by_doubling() {
    let mut ring = Ring::new(100_000);
    let sizes: Vec<usize> = (0..70)
        .map(|_| {
            ring.push(&[1; 1_000]);
            ring.allocated()
        })
        .collect();
    assert!(
        sizes
            .windows(2)
            .all(|pair| pair[1] == pair[0] || pair[1] == 2 * pair[0])
    );
    assert_eq!(sizes.last(), Some(&131_072));
}

#[test]
fn a_ring_that_carries_little_for_long_gives_memory_back_and_a_busy_one_keeps_it() {
    let mut ring = Ring::new(1 << 20);
    let mut carry = |length: usize, times: usize| {
        for _ in 0..times {
            ring.push(&vec![1; length]);
            ring.consume(length);
        }
        ring.allocated()
    };
    assert_eq!(carry(1 << 20, 100), 1 << 20);
    assert_eq!(carry(300_000, 100), 1 << 20);
    assert_eq!(carry(100, 1_000), KEPT);
}

#[test]
fn bytes_ahead_count_once_the_hole_before_them_is_filled() {
    let mut ring = Ring::new(10);
    assert_eq!(ring.write_ahead(3, b"defghijklm"), 7);
    assert_eq!(ring.len(), 0);
    ring.write_ahead(0, b"abc");
    ring.commit(10);
    let mut out = [0; 10];
    assert_eq!(ring.copy_to(0, &mut out), 10);
    assert_eq!(ring.consume(10), 10);
    assert_eq!(&out, b"abcdefghij");
}

#[test]
fn a_lowered_limit_keeps_what_is_there() {
    let mut ring = Ring::new(10);
    ring.push(b"abcdef");
    ring.set_limit(3);
    assert_eq!((ring.len(), ring.room(), ring.push(b"x")), (6, 0, 0));
    ring.consume(5);
    assert_eq!(ring.push(b"xyz"), 2);
}
