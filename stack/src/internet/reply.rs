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
    /// Whether it is a program's, and not ours.
    is_datagram: bool,
}

impl Reply {
    pub(super) fn new(departure: Departure, payload: Vec<u8>) -> Reply {
        Reply {
            departure,
            identification: 0,
            payload,
            sent: 0,
            is_datagram: false,
        }
    }

    /// A program's datagram, to be cut.
    pub(super) fn datagram(departure: Departure, payload: Vec<u8>) -> Reply {
        Reply {
            is_datagram: true,
            ..Reply::new(departure, payload)
        }
    }
}

/// Replies in the order in which they leave; bounded in number and bytes.
#[derive(Debug)]
pub(super) struct Replies {
    queue: VecDeque<Reply>,
    bytes: usize,
    /// How many are a program's datagrams.
    datagrams: usize,
    most: usize,
    most_bytes: usize,
}

impl Replies {
    pub(super) fn new(most: usize, most_bytes: usize) -> Replies {
        Replies {
            queue: VecDeque::new(),
            bytes: 0,
            datagrams: 0,
            most,
            most_bytes,
        }
    }

    /// Whether a payload of this length may wait. One may always, however long.
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.queue.is_empty()
            || (self.queue.len() < self.most && self.bytes + length <= self.most_bytes)
    }

    /// Whether a program's datagram waits: the next one stays in its socket until this one has left.
    #[inline]
    pub(super) fn holds_datagram(&self) -> bool {
        self.datagrams > 0
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn push(&mut self, reply: Reply) {
        self.bytes += reply.payload.len();
        self.datagrams += usize::from(reply.is_datagram);
        self.queue.push_back(reply);
    }

    pub(super) fn pop(&mut self) -> Option<Reply> {
        let reply = self.queue.pop_front()?;
        self.bytes -= reply.payload.len();
        self.datagrams -= usize::from(reply.is_datagram);
        Some(reply)
    }

    /// Puts back one that has not left entirely.
    pub(super) fn push_front(&mut self, reply: Reply) {
        self.bytes += reply.payload.len();
        self.datagrams += usize::from(reply.is_datagram);
        self.queue.push_front(reply);
    }
}
