//! Which ranges of a sequence space have arrived ahead of their turn.
//!
//! Offsets count from the front: the next byte that is awaited (RCV.NXT, or byte 0 of a fragmented datagram). TCP lets
//! ranges overlap; IP reassembly asks [`overlaps`](Assembler::overlaps) first and drops the datagram.

use alloc::vec::Vec;
use core::ops::Range;

/// Disjoint ranges in rising order, none touching the next; at most as many as agreed.
#[derive(Clone, Debug)]
pub struct Assembler {
    ranges: Vec<Range<usize>>,
    limit: usize,
}

/// What became of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// It is remembered; that many bytes of it were new.
    Added(usize),
    /// It would have been one range too many and was not taken.
    Full,
}

impl Assembler {
    /// Remembers at most `limit` ranges; allocates nothing yet.
    #[must_use]
    pub const fn new(limit: usize) -> Assembler {
        Assembler {
            ranges: Vec::new(),
            limit,
        }
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges, in rising order, with at least one missing byte between two.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + ExactSizeIterator + '_ {
        self.ranges.iter().cloned()
    }

    /// The end of the last range; 0 if there is none.
    #[must_use]
    pub fn end(&self) -> usize {
        self.ranges.last().map_or(0, |last| last.end)
    }

    /// Bytes that arrived from the front on without a hole.
    #[must_use]
    pub fn contiguous(&self) -> usize {
        match self.ranges.first() {
            Some(first) if first.start == 0 => first.end,
            _ => 0,
        }
    }

    /// Whether any byte of `range` has arrived.
    #[must_use]
    pub fn overlaps(&self, range: Range<usize>) -> bool {
        let candidate = self.ranges.partition_point(|held| held.end <= range.start);
        range.start < range.end
            && self
                .ranges
                .get(candidate)
                .is_some_and(|held| held.start < range.end)
    }

    /// The range that holds the byte at `offset`.
    #[must_use]
    pub fn containing(&self, offset: usize) -> Option<Range<usize>> {
        let candidate = self.ranges.partition_point(|held| held.end <= offset);
        self.ranges
            .get(candidate)
            .filter(|held| held.start <= offset)
            .cloned()
    }

    /// Remembers `range`, joined with those that it overlaps or touches. An empty range changes nothing.
    pub fn insert(&mut self, range: Range<usize>) -> Insertion {
        if range.start >= range.end {
            return Insertion::Added(0);
        }
        let first = self.ranges.partition_point(|held| held.end < range.start);
        let joined = self.ranges[first..]
            .iter()
            .take_while(|held| held.start <= range.end)
            .count();
        if joined == 0 {
            if self.ranges.len() >= self.limit {
                return Insertion::Full;
            }
            self.ranges.insert(first, range.clone());
            return Insertion::Added(range.end - range.start);
        }
        let last = first + joined - 1;
        let known: usize = self.ranges[first..=last].iter().map(Range::len).sum();
        let start = range.start.min(self.ranges[first].start);
        let end = range.end.max(self.ranges[last].end);
        self.ranges[first] = start..end;
        self.ranges.drain(first + 1..=last);
        Insertion::Added(end - start - known)
    }

    /// Moves the front by `count` bytes; what lies before it is forgotten.
    pub fn advance(&mut self, count: usize) {
        let passed = self.ranges.partition_point(|held| held.end <= count);
        self.ranges.drain(..passed);
        for held in &mut self.ranges {
            held.start = held.start.saturating_sub(count);
            held.end -= count;
        }
    }

    /// Takes what arrived without a hole: moves the front behind it and returns by how much.
    pub fn take_contiguous(&mut self) -> usize {
        let count = self.contiguous();
        if count > 0 {
            self.advance(count);
        }
        count
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.ranges = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPACE: usize = 64;

    /// The ranges of set bits.
    fn runs(bits: &[bool; SPACE]) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for at in (0..SPACE).filter(|&at| bits[at]) {
            match runs.last_mut() {
                Some(last) if last.end == at => last.end += 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs
    }

    proptest! {
        #[test]
        fn it_remembers_what_a_bitmap_would_remember(
            limit in 1_usize..8,
            steps in proptest::collection::vec((0..SPACE, 0_usize..20, 0_u8..10), 1..60),
        ) {
            let mut assembler = Assembler::new(limit);
            let mut bits = [false; SPACE];
            for (start, length, kind) in steps {
                let end = (start + length).min(SPACE);
                match kind {
                    0 => {
                        assembler.advance(length);
                        bits.copy_within(length.., 0);
                        bits[SPACE - length..].fill(false);
                    }
                    1 => {
                        let count = bits.iter().take_while(|&&bit| bit).count();
                        prop_assert_eq!(assembler.contiguous(), count);
                        prop_assert_eq!(assembler.take_contiguous(), count);
                        bits.copy_within(count.., 0);
                        bits[SPACE - count..].fill(false);
                    }
                    _ => {
                        let known = bits[start..end].iter().filter(|&&bit| bit).count();
                        prop_assert_eq!(assembler.overlaps(start..end), known > 0);
                        let mut with = bits;
                        with[start..end].fill(true);
                        if runs(&with).len() > limit {
                            prop_assert_eq!(assembler.insert(start..end), Insertion::Full);
                        } else {
                            let new = Insertion::Added(end - start - known);
                            prop_assert_eq!(assembler.insert(start..end), new);
                            bits = with;
                        }
                    }
                }
                let runs = runs(&bits);
                prop_assert_eq!(assembler.ranges().collect::<Vec<_>>(), runs.clone());
                prop_assert_eq!(assembler.end(), runs.last().map_or(0, |last| last.end));
                let holder = runs.into_iter().find(|run| run.contains(&start));
                prop_assert_eq!(assembler.containing(start), holder);
            }
        }
    }

    #[test]
    fn one_range_too_many_is_refused_unless_it_joins_others() {
        let mut assembler = Assembler::new(2);
        assert_eq!(assembler.insert(10..20), Insertion::Added(10));
        assert_eq!(assembler.insert(30..40), Insertion::Added(10));
        assert_eq!(assembler.insert(50..60), Insertion::Full);
        assert_eq!(assembler.insert(15..35), Insertion::Added(10));
        assert_eq!(assembler.insert(50..60), Insertion::Added(10));
        assert_eq!(assembler.ranges().collect::<Vec<_>>(), [10..40, 50..60]);
    }

    #[test]
    fn an_empty_range_changes_nothing() {
        let mut assembler = Assembler::new(2);
        assert_eq!(assembler.insert(5..5), Insertion::Added(0));
        assert!(assembler.is_empty());
        assembler.insert(0..10);
        assert!(!assembler.overlaps(5..5));
    }
}
