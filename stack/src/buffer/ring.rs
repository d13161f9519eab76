//! A ring of stream bytes whose memory follows its use.
//!
//! Three regions follow each other from the front: bytes that count (`length`), bytes written ahead of the end by
//! [`write_ahead`](Ring::write_ahead) that may have holes between them (`ahead`), and free room up to the limit.
//! The storage is a power of two, grows by doubling when bytes need it, and shrinks once it was mostly unused for a
//! while; an unused ring holds no memory.

use alloc::vec;
use alloc::vec::Vec;

/// Smallest storage, in bytes.
const SMALLEST: usize = 2_048;
/// Storage that is kept even if it is mostly unused.
const KEPT: usize = 16 * 1_024;
/// No ring holds more: the largest window that TCP can offer (RFC 7323 §2.3).
const LARGEST: usize = 1 << 30;
/// Bytes that are copied in one go.
const BLOCK: usize = 2_048;
/// How many times in a row the ring must have run empty with little use before its storage is halved.
const QUIET_ROUNDS: u8 = 16;

/// Bytes in order, with room to write out of order behind them.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    /// A power of two long, or empty.
    storage: Vec<u8>,
    /// Index of the front; below `storage.len()`.
    start: usize,
    length: usize,
    /// Bytes behind the end up to the farthest one written ahead.
    ahead: usize,
    limit: usize,
    /// The most bytes held since the ring last ran empty.
    peak: usize,
    quiet_rounds: u8,
}

impl Ring {
    /// An empty ring for at most `limit` bytes, and at most 1 GiB; allocates nothing yet.
    #[must_use]
    pub const fn new(limit: usize) -> Ring {
        Ring {
            storage: Vec::new(),
            start: 0,
            length: 0,
            ahead: 0,
            limit: at_most_largest(limit),
            peak: 0,
            quiet_rounds: 0,
        }
    }

    /// The most bytes it may hold.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Changes the limit. What is already there stays, even if it is more.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = at_most_largest(limit);
    }

    /// Bytes in order.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether no byte is in order.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many more bytes fit behind the end.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.limit.saturating_sub(self.length)
    }

    /// Memory that it holds now, in bytes.
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.storage.len()
    }

    /// Appends as much of `bytes` as fits and returns how much that was. Overwrites what was written ahead there.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let taken = self.write_ahead(0, bytes);
        self.commit(taken);
        taken
    }

    /// Writes `bytes` beginning `offset` bytes behind the end, without making them count; returns how many fitted.
    #[inline]
    pub fn write_ahead(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.room().saturating_sub(offset));
        if taken == 0 {
            return 0;
        }
        let from = self.length + offset;
        let end = from + taken;
        if end > self.storage.len() {
            self.resize(end);
        }
        let (first, second) = bytes[..taken].split_at(taken.min(self.until_wrap(from)));
        let at = self.index(from);
        copy(first, &mut self.storage[at..at + first.len()]);
        copy(second, &mut self.storage[..second.len()]);
        self.ahead = self.ahead.max(offset + taken);
        self.peak = self.peak.max(end);
        taken
    }

    /// Makes `count` bytes that were written ahead count, from the end on; no more than there are.
    #[inline]
    pub fn commit(&mut self, count: usize) {
        let count = count.min(self.ahead);
        self.length += count;
        self.ahead -= count;
    }

    /// The bytes from `offset` on, at most `length` of them, as the two pieces that the ring's end cuts.
    #[inline]
    #[must_use]
    pub fn peek(&self, offset: usize, length: usize) -> (&[u8], &[u8]) {
        let offset = offset.min(self.length);
        let length = length.min(self.length - offset);
        if length == 0 {
            return (&[], &[]);
        }
        let at = self.index(offset);
        let first = length.min(self.storage.len() - at);
        (
            &self.storage[at..at + first],
            &self.storage[..length - first],
        )
    }

    /// Copies bytes from `offset` on into `out` without taking them; returns how many.
    #[inline]
    pub fn copy_to(&self, offset: usize, out: &mut [u8]) -> usize {
        let (first, second) = self.peek(offset, out.len());
        let total = first.len() + second.len();
        copy(first, &mut out[..first.len()]);
        copy(second, &mut out[first.len()..total]);
        total
    }

    /// Drops up to `count` bytes from the front; returns how many.
    pub fn consume(&mut self, count: usize) -> usize {
        let count = count.min(self.length);
        self.length -= count;
        if self.length + self.ahead == 0 {
            self.ran_empty();
        } else {
            self.start = self.index(count);
        }
        count
    }

    /// Forgets everything and gives the memory back.
    pub fn clear(&mut self) {
        *self = Ring::new(self.limit);
    }

    /// Gives back the memory that its bytes do not need: for a connection that has gone idle.
    pub fn shrink(&mut self) {
        let used = self.length + self.ahead;
        if used == 0 {
            self.clear();
        } else if used.max(SMALLEST).next_power_of_two() < self.storage.len() {
            self.resize(used);
        }
    }

    /// Where the byte `offset` bytes behind the front is stored. The storage must not be empty unless `offset` is 0.
    fn index(&self, offset: usize) -> usize {
        (self.start + offset) & self.storage.len().wrapping_sub(1)
    }

    /// Bytes from there to the end of the storage.
    fn until_wrap(&self, offset: usize) -> usize {
        self.storage.len() - self.index(offset)
    }

    /// Moves all bytes to a storage that holds `needed` bytes.
    fn resize(&mut self, needed: usize) {
        let mut storage = vec![0; needed.max(SMALLEST).next_power_of_two()];
        let used = self.length + self.ahead;
        if used > 0 {
            let first = used.min(self.until_wrap(0));
            storage[..first].copy_from_slice(&self.storage[self.start..self.start + first]);
            storage[first..used].copy_from_slice(&self.storage[..used - first]);
        }
        self.storage = storage;
        self.start = 0;
    }

    /// Begins again at index 0, so that short transfers never wrap, and halves a storage that has been too large for
    /// some time. Not at once: a busy stream runs empty all the time and would allocate each time.
    fn ran_empty(&mut self) {
        self.start = 0;
        let mostly_unused = self.storage.len() > KEPT && self.peak < self.storage.len() / 4;
        self.peak = 0;
        self.quiet_rounds = if mostly_unused {
            self.quiet_rounds + 1
        } else {
            0
        };
        if self.quiet_rounds >= QUIET_ROUNDS {
            self.quiet_rounds = 0;
            self.storage = vec![0; self.storage.len() / 2];
        }
    }
}

/// Copies between slices of the same length, in blocks: long copies by `rep movsb`, as C libraries make them, are slower on
/// processors of today, and by a factor of twenty where both addresses lie a few bytes apart within their pages.
#[inline]
pub(crate) fn copy(from: &[u8], to: &mut [u8]) {
    if from.len() <= BLOCK {
        return to.copy_from_slice(from);
    }
    for (from, to) in from.chunks(BLOCK).zip(to.chunks_mut(BLOCK)) {
        to.copy_from_slice(from);
    }
}

const fn at_most_largest(limit: usize) -> usize {
    if limit < LARGEST { limit } else { LARGEST }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
