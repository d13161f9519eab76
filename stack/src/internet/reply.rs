//! What this floor sends on its own account: ICMP, and datagrams that leave in fragments.
//!
//! A packet waits here whole and is cut while it leaves, so that a large datagram is copied once.

use crate::wire::ip::Departure;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A payload that waits for its headers.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) departure: Departure,
    pub(super) identification: u16,
    pub(super) payload: Vec<u8>,
    /// Bytes of payload that left already.
    pub(super) sent: usize,
}

impl Reply {
    pub(super) fn new(departure: Departure, payload: Vec<u8>) -> Reply {
        Reply {
            departure,
            identification: 0,
            payload,
            sent: 0,
        }
    }
}

/// Replies in the order in which they leave; bounded in number and bytes.
#[derive(Debug)]
pub(super) struct Replies {
    queue: VecDeque<Reply>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
}

impl Replies {
    pub(super) fn new(most: usize, most_bytes: usize) -> Replies {
        Replies {
            queue: VecDeque::new(),
            bytes: 0,
            most,
            most_bytes,
        }
    }

    /// Whether a payload of this length may wait. One may always, however long.
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.queue.is_empty()
            || (self.queue.len() < self.most && self.bytes + length <= self.most_bytes)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn push(&mut self, reply: Reply) {
        self.bytes += reply.payload.len();
        self.queue.push_back(reply);
    }

    pub(super) fn pop(&mut self) -> Option<Reply> {
        let reply = self.queue.pop_front()?;
        self.bytes -= reply.payload.len();
        Some(reply)
    }

    /// Puts back one that has not left entirely.
    pub(super) fn push_front(&mut self, reply: Reply) {
        self.bytes += reply.payload.len();
        self.queue.push_front(reply);
    }
}
