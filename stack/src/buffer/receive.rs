//! What a program has yet to read: in a ring, and behind that in the frames that brought it.
//!
//! Bytes that are copied go to the ring, until a whole frame is [kept](ReceiveBuffer::keep). From then on everything queues
//! behind that, until the program has read it all or a gap opens: only the ring has room for holes.

use super::loan::Spares;
use super::ring::Ring;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Range;

/// Room in a buffer that is made for bytes that must be copied behind a kept frame.
const COPIED: usize = 512;

/// Bytes in order, with room to write out of order behind them.
#[derive(Debug)]
pub struct ReceiveBuffer {
    ring: Ring,
    /// Behind the ring's bytes, the oldest first. While there are any, nothing is written ahead.
    pieces: VecDeque<Piece>,
    /// Bytes in them.
    in_pieces: usize,
}

/// A part of a buffer.
#[derive(Debug)]
struct Piece {
    buffer: Vec<u8>,
    range: Range<usize>,
}

impl ReceiveBuffer {
    /// An empty buffer for at most `limit` bytes; allocates nothing yet.
    #[must_use]
    pub const fn new(limit: usize) -> ReceiveBuffer {
        ReceiveBuffer {
            ring: Ring::new(limit),
            pieces: VecDeque::new(),
            in_pieces: 0,
        }
    }

    /// The most bytes it may hold.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.ring.limit()
    }

    /// Changes the limit. What is already there stays, even if it is more.
    pub const fn set_limit(&mut self, limit: usize) {
        self.ring.set_limit(limit);
    }

    /// Bytes in order.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ring.len() + self.in_pieces
    }

    /// Whether no byte is in order.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many more bytes fit behind the end.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.ring.room().saturating_sub(self.in_pieces)
    }

    /// Appends as much of `bytes` as fits and returns how much that was. Overwrites what was written ahead there.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        if self.pieces.is_empty() {
            return self.ring.push(bytes);
        }
        let bytes = &bytes[..bytes.len().min(self.room())];
        self.in_pieces += bytes.len();
        if let Some(last) = self.pieces.back_mut()
            && last.takes(bytes.len())
        {
            last.buffer.extend_from_slice(bytes);
            last.range.end += bytes.len();
        } else {
            let mut buffer = Vec::with_capacity(bytes.len().max(COPIED));
            buffer.extend_from_slice(bytes);
            let range = 0..bytes.len();
            self.pieces.push_back(Piece { buffer, range });
        }
        bytes.len()
    }

    /// Appends the bytes in `range` of `buffer` without copying them. They must fit, and nothing may be written ahead.
    #[inline]
    pub fn keep(&mut self, buffer: Vec<u8>, range: Range<usize>) {
        self.in_pieces += range.len();
        self.pieces.push_back(Piece { buffer, range });
    }

    /// Writes `bytes` beginning `offset` bytes behind the end, without making them count; returns how many fitted.
    pub fn write_ahead(&mut self, offset: usize, bytes: &[u8]) -> usize {
        for piece in self.pieces.drain(..) {
            self.ring.push(piece.bytes());
        }
        self.in_pieces = 0;
        self.ring.write_ahead(offset, bytes)
    }

    /// Makes `count` bytes that were written ahead count, from the end on; no more than there are.
    pub fn commit(&mut self, count: usize) {
        self.ring.commit(count);
    }

    /// Takes bytes from the front, at most so many; returns how many. `sink` gets them where they lie, one part after the other,
    /// each with how many bytes come behind it. Buffers that were kept and read go to `spares`.
    pub fn read_with(
        &mut self,
        most: usize,
        spares: &mut Spares,
        sink: &mut dyn FnMut(&[u8], usize),
    ) -> usize {
        let count = most.min(self.len());
        let mut left = count;
        if !self.ring.is_empty() {
            let (first, second) = self.ring.peek(0, count);
            for part in [first, second] {
                if !part.is_empty() {
                    left -= part.len();
                    sink(part, left);
                }
            }
            self.ring.consume(count - left);
        }
        while left > 0
            && let Some(piece) = self.pieces.front_mut()
        {
            let taken = piece.range.len().min(left);
            left -= taken;
            sink(&piece.bytes()[..taken], left);
            self.in_pieces -= taken;
            piece.range.start += taken;
            if !piece.range.is_empty() {
                break;
            }
            if let Some(piece) = self.pieces.pop_front() {
                spares.give(piece.buffer);
            }
        }
        count
    }
}

impl Piece {
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.range.clone()]
    }

    /// Whether so many bytes can be appended without another buffer.
    fn takes(&self, count: usize) -> bool {
        self.range.end == self.buffer.len() && self.buffer.capacity() - self.buffer.len() >= count
    }
}

#[cfg(test)]
#[path = "receive_tests.rs"]
mod tests;
