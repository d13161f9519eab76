//! Whole messages that wait, bounded by bytes: what UDP and echo sockets receive and send.

use crate::buffer::Ring;
use alloc::collections::VecDeque;

/// What a message costs besides its bytes, so that empty ones are bounded too.
const OVERHEAD: usize = 64;

/// Messages in order; their bytes lie one behind the other in one ring, so that none is allocated singly.
#[derive(Debug)]
pub(super) struct MessageQueue<Head> {
    heads: VecDeque<(Head, usize)>,
    bytes: Ring,
    limit: usize,
}

/// The oldest message.
pub(super) struct Message<'q, Head> {
    pub(super) head: &'q Head,
    /// Its bytes, in the two pieces in which the ring holds them.
    pub(super) pieces: (&'q [u8], &'q [u8]),
}

impl<Head> Message<'_, Head> {
    pub(super) fn length(&self) -> usize {
        self.pieces.0.len() + self.pieces.1.len()
    }

    /// Copies as much as fits into `out`; returns how much.
    pub(super) fn copy_to(&self, out: &mut [u8]) -> usize {
        let first = self.pieces.0.len().min(out.len());
        let second = self.pieces.1.len().min(out.len() - first);
        out[..first].copy_from_slice(&self.pieces.0[..first]);
        out[first..first + second].copy_from_slice(&self.pieces.1[..second]);
        first + second
    }
}

impl<Head> MessageQueue<Head> {
    /// Holds messages of `limit` bytes together, and always one, however large.
    pub(super) const fn new(limit: usize) -> MessageQueue<Head> {
        MessageQueue {
            heads: VecDeque::new(),
            bytes: Ring::new(usize::MAX),
            limit,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether a message of `length` bytes fits now.
    pub(super) fn accepts(&self, length: usize) -> bool {
        let held = self.bytes.len() + self.heads.len() * OVERHEAD;
        self.is_empty() || held + length + OVERHEAD <= self.limit
    }

    /// Appends a message; false if it does not fit.
    pub(super) fn push(&mut self, head: Head, payload: &[u8]) -> bool {
        let accepted = self.accepts(payload.len());
        if accepted {
            self.bytes.push(payload);
            self.heads.push_back((head, payload.len()));
        }
        accepted
    }

    pub(super) fn front(&self) -> Option<Message<'_, Head>> {
        let (head, length) = self.heads.front()?;
        Some(Message {
            head,
            pieces: self.bytes.peek(0, *length),
        })
    }

    pub(super) fn pop(&mut self) {
        if let Some((_, length)) = self.heads.pop_front() {
            self.bytes.consume(length);
        }
    }
}
