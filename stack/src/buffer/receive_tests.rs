use super::*;
use alloc::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    /// Bytes kept, and bytes in front of and behind them in their buffer.
    Keep(usize, usize, usize),
    /// A gap of so many bytes, so many behind it, and then the gap is filled.
    Gap(usize, usize),
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![4 => 1_usize..300, 1 => 1_usize..6_000];
    prop_oneof![
        3 => size().prop_map(Step::Push),
        3 => (size(), 0_usize..60, 0_usize..60).prop_map(|(length, before, after)| Step::Keep(length, before, after)),
        1 => (size(), size()).prop_map(|(gap, length)| Step::Gap(gap, length)),
        4 => size().prop_map(Step::Read),
    ]
}

proptest! {
    #[test]
    fn bytes_come_out_as_they_went_in(
        limit in 1_usize..20_000,
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut buffer = ReceiveBuffer::new(limit);
        let mut spares = Spares::default();
        let mut model: VecDeque<u8> = VecDeque::new();
        let mut source = (0_u8..=250).cycle();
        for step in steps {
            let mut fresh = |length| source.by_ref().take(length).collect::<Vec<u8>>();
            match step {
                Step::Push(length) => {
                    let bytes = fresh(length);
                    let taken = buffer.push(&bytes);
                    prop_assert_eq!(taken, length.min(limit - model.len()));
                    model.extend(&bytes[..taken]);
                }
                Step::Keep(length, before, after) => {
                    let length = length.min(buffer.room());
                    let bytes = fresh(length);
                    model.extend(&bytes);
                    let frame = [&vec![251; before][..], &bytes, &vec![252; after]].concat();
                    buffer.keep(frame, before..before + length);
                }
                Step::Gap(gap, length) => {
                    let bytes = fresh(gap + length);
                    let ahead = buffer.write_ahead(gap, &bytes[gap..]);
                    let filled = buffer.push(&bytes[..gap]);
                    buffer.commit(ahead);
                    prop_assert_eq!(filled + ahead, (gap + length).min(limit - model.len()));
                    model.extend(&bytes[..filled + ahead]);
                }
                Step::Read(length) => {
                    let mut out = Vec::new();
                    let expected = length.min(model.len());
                    let mut behind = Vec::new();
                    let count = buffer.read_with(length, &mut spares, &mut |bytes, left| {
                        out.extend_from_slice(bytes);
                        behind.push((out.len(), left));
                    });
                    prop_assert_eq!(count, expected);
                    prop_assert!(model.drain(..count).eq(out.iter().copied()));
                    prop_assert!(behind.iter().all(|&(here, left)| here + left == expected));
                }
            }
            prop_assert_eq!(buffer.len(), model.len());
            prop_assert_eq!(buffer.is_empty(), model.is_empty());
            prop_assert_eq!(buffer.room(), limit - model.len());
        }
    }
}

#[test]
fn tiny_writes_behind_a_kept_frame_share_a_buffer() {
    let mut buffer = ReceiveBuffer::new(10_000);
    buffer.keep(vec![1; 1_500], 54..1_500);
    for _ in 0..1_000 {
        buffer.push(&[2]);
    }
    assert_eq!(buffer.len(), 1_446 + 1_000);
    assert!(buffer.pieces.len() <= 3, "{}", buffer.pieces.len());
}
