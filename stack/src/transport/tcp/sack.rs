//! Selective acknowledgements (RFC 2018), both ways: what we tell a peer about segments that wait for a gap to be filled, and what a
//! peer's tell about ours (RFC 6675).

use super::connection::Connection;
use super::incoming::Incoming;
use super::sequence::Seq;
use crate::buffer::{Assembler, Insertion};
use crate::wire::tcp_options::{MAX_SACK_BLOCKS, SackBlocks, SegmentOptions};
use core::ops::Range;

/// Segments that arrived out of order, the last one first: one in each block that was told before (RFC 2018 §4).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reports {
    recent: [Option<Seq>; MAX_SACK_BLOCKS],
}

impl Reports {
    /// A segment arrived out of order.
    pub(super) fn note(&mut self, sequence: Seq) {
        self.recent.rotate_right(1);
        self.recent[0] = Some(sequence);
    }

    /// The blocks to tell: those that `held` knows, with offsets from `next`. The one that changed last comes first, then those that
    /// were told before.
    pub(super) fn blocks(&mut self, next: Seq, held: &Assembler) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        for recent in &mut self.recent {
            let held = recent
                .and_then(|sequence| usize::try_from(sequence - next).ok())
                .and_then(|offset| held.containing(offset));
            let edge = |offset: usize| (next + offset as u32).0;
            match held.map(|held| (edge(held.start), edge(held.end))) {
                Some(block) if !blocks.as_slice().contains(&block) => blocks.push(block.0, block.1),
                // Filled up, or joined with one that is told.
                _ => *recent = None,
            }
        }
        blocks
    }
}

/// Ranges of what we sent that a scoreboard can tell apart; beyond that it learns of a range once others have joined.
const RANGES: usize = 64;
/// DupThresh: so many segments, or ranges, above one that is missing say that it is lost (RFC 6675 §2).
const THRESHOLD: usize = 3;

/// What the peer holds of what is in flight (RFC 6675 §3), in offsets from SND.UNA.
#[derive(Debug)]
pub(super) struct Scoreboard {
    held: Assembler,
    /// HighRxt: what was sent again in this recovery ends here.
    repeated: usize,
}

impl Scoreboard {
    pub(super) const fn new() -> Scoreboard {
        Scoreboard {
            held: Assembler::new(RANGES),
            repeated: 0,
        }
    }

    /// Bytes from the front on that the peer does not hold.
    pub(super) fn first_gap(&self) -> usize {
        self.held
            .ranges()
            .next()
            .map(|held| held.start)
            // A peer that gave up what it held (RFC 2018 §8) has no gap before it.
            .filter(|&gap| gap > 0)
            .unwrap_or(usize::MAX)
    }

    /// Takes the blocks of an acknowledgement that leaves SND.UNA at `first`, with `in_flight` bytes behind it; says whether they tell
    /// anything new. What was never sent, or is acknowledged, counts for nothing.
    pub(super) fn update(&mut self, blocks: &SackBlocks, first: Seq, in_flight: usize) -> bool {
        let offset = |edge: u32| usize::try_from(Seq(edge) - first).ok();
        let mut is_news = false;
        for &(left, right) in blocks.as_slice() {
            if let (Some(left), Some(right)) = (offset(left), offset(right))
                && left < right
                && right <= in_flight
            {
                is_news |= matches!(self.held.insert(left..right), Insertion::Added(1..));
            }
        }
        is_news
    }

    /// So many bytes from the front on are acknowledged.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.held.advance(bytes);
        self.repeated = self.repeated.saturating_sub(bytes);
    }

    /// A recovery begins: nothing was sent again in it.
    pub(super) const fn begin(&mut self) {
        self.repeated = 0;
    }

    /// A timeout: the peer may have given up what it held (RFC 2018 §8).
    pub(super) fn forget(&mut self) {
        *self = Scoreboard::new();
    }

    /// Whether the first byte in flight was sent again in this recovery.
    pub(super) const fn has_repeated(&self) -> bool {
        self.repeated > 0
    }

    /// What is missing before this is lost (RFC 6675 §4, IsLost): enough is held behind it.
    fn lost_before(&self, maximum_segment: usize) -> usize {
        let (mut bytes, mut ranges) = (0, 0);
        for range in self.held.ranges().rev() {
            bytes += range.len();
            ranges += 1;
            if ranges >= THRESHOLD || bytes > (THRESHOLD - 1) * maximum_segment {
                return range.start;
            }
        }
        0
    }

    /// Whether the first byte in flight is lost.
    pub(super) fn head_is_lost(&self, maximum_segment: usize) -> bool {
        self.lost_before(maximum_segment) > 0
    }

    /// Bytes that are still on their way (RFC 6675 §4, SetPipe): neither held nor lost, or sent again.
    pub(super) fn pipe(&self, in_flight: usize, maximum_segment: usize) -> usize {
        let lost = self.lost_before(maximum_segment);
        self.missing(lost..in_flight) + self.missing(0..self.repeated.min(in_flight))
    }

    /// Bytes in `range` that are not held.
    fn missing(&self, range: Range<usize>) -> usize {
        let held = self.held.ranges().map(|held| {
            let (start, end) = (held.start.max(range.start), held.end.min(range.end));
            end.saturating_sub(start)
        });
        range.len() - held.sum::<usize>()
    }

    /// The gap to send next (RFC 6675 §4, NextSeg): the first that is lost and was not sent again; with `any`, the first that was not
    /// sent again and has something held behind it.
    pub(super) fn next_gap(&self, maximum_segment: usize, any: bool) -> Option<Range<usize>> {
        let edge = if any {
            self.held.end()
        } else {
            self.lost_before(maximum_segment)
        };
        let mut start = self.repeated;
        for held in self.held.ranges() {
            if start >= edge {
                return None;
            }
            if start < held.start {
                return Some(start..held.start);
            }
            start = start.max(held.end);
        }
        None
    }

    /// Everything before this offset was sent again, as far as it was missing.
    pub(super) fn sent_again(&mut self, end: usize) {
        self.repeated = self.repeated.max(end);
    }
}

impl Connection {
    /// Takes the selective acknowledgements of an acceptable one; says whether they tell of anything new.
    pub(super) fn check_sack(&mut self, incoming: &Incoming<'_>) -> bool {
        if !self.sacks || incoming.options.is_empty() {
            return false;
        }
        let blocks = SegmentOptions::parse(incoming.options).sack;
        let (first, highest) = (self.send.unacknowledged, self.send.highest);
        let in_flight = highest.since(first) as usize;
        self.recovery.board.update(&blocks, first, in_flight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(ranges: &[(u32, u32)]) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        ranges
            .iter()
            .for_each(|(left, right)| blocks.push(*left, *right));
        blocks
    }

    #[test]
    fn the_block_that_changed_last_comes_first_and_none_is_told_twice() {
        let (mut reports, mut held) = (Reports::default(), Assembler::new(9));
        let mut arrive = |offset: usize| {
            held.insert(offset..offset + 10);
            reports.note(Seq(1_000) + offset as u32);
            reports.blocks(Seq(1_000), &held)
        };
        assert_eq!(arrive(20), blocks(&[(1_020, 1_030)]));
        assert_eq!(arrive(60), blocks(&[(1_060, 1_070), (1_020, 1_030)]));
        assert_eq!(arrive(30), blocks(&[(1_020, 1_040), (1_060, 1_070)]));
        assert_eq!(arrive(70), blocks(&[(1_060, 1_080), (1_020, 1_040)]));
        for offset in [100, 120, 140] {
            arrive(offset);
        }
        let five = arrive(160);
        assert_eq!(five.as_slice().len(), 4);
        assert_eq!(five.as_slice()[0], (1_160, 1_170));
    }

    fn board(ranges: &[(u32, u32)]) -> Scoreboard {
        let mut board = Scoreboard::new();
        assert!(board.update(&blocks(ranges), Seq(0), 10_000));
        board
    }

    #[test]
    fn only_what_is_in_flight_counts_and_only_once() {
        let mut board = board(&[(1_000, 2_000)]);
        assert!(!board.update(&blocks(&[(1_000, 1_500)]), Seq(0), 10_000));
        assert!(!board.update(&blocks(&[(9_000, 10_001), (3_000, 3_000)]), Seq(0), 10_000));
        assert!(!board.update(&blocks(&[(u32::MAX - 5, 500)]), Seq(0), 10_000));
        board.advance(1_500);
        assert_eq!(board.missing(0..1_000), 500);
    }

    #[test]
    fn three_segments_or_ranges_above_a_gap_make_it_a_loss() {
        assert!(!board(&[(1_000, 3_000)]).head_is_lost(1_000));
        assert!(board(&[(1_000, 3_001)]).head_is_lost(1_000));
        assert!(!board(&[(1_000, 1_100), (2_000, 2_100)]).head_is_lost(1_000));
        let three = board(&[(1_000, 1_100), (2_000, 2_100), (3_000, 3_100)]);
        assert!(three.head_is_lost(1_000));
        assert_eq!(
            three.lost_before(1_000),
            1_000,
            "the later gaps may still come"
        );
    }

    #[test]
    fn lost_gaps_are_sent_once_then_those_that_may_come() {
        let mut board = board(&[(1_000, 1_500), (2_000, 4_000), (5_000, 5_500)]);
        assert_eq!(board.lost_before(1_000), 2_000);
        // 4,000 to 5,000 and 5,500 to 6,000 are neither held nor lost.
        assert_eq!(board.pipe(6_000, 1_000), 1_500);
        assert_eq!(board.next_gap(1_000, false), Some(0..1_000));
        board.sent_again(600);
        assert_eq!(board.pipe(6_000, 1_000), 2_100);
        assert_eq!(board.next_gap(1_000, false), Some(600..1_000));
        board.sent_again(1_000);
        assert_eq!(board.next_gap(1_000, false), Some(1_500..2_000));
        board.sent_again(2_000);
        assert_eq!(board.next_gap(1_000, false), None);
        assert_eq!(board.next_gap(1_000, true), Some(4_000..5_000));
        board.advance(1_000);
        assert_eq!(board.pipe(5_000, 1_000), 2_000);
        board.sent_again(4_000);
        assert_eq!(
            board.next_gap(1_000, true),
            None,
            "nothing is held behind the rest"
        );
    }
}
