//! Messages that have arrived and whose frames the stack has not taken yet.

use ethertab_stack::Instant;
use ethertab_stack::wire::offload::Offload;
use ethertab_tunnel::v1::{LARGEST_WINDOW, Record, Records};
use std::collections::VecDeque;

/// Messages that wait at most.
const MESSAGES: usize = 8_192;
/// Bytes of messages that wait at most: more is never given credit for.
const BYTES: usize = LARGEST_WINDOW as usize;
/// Empty buffers kept for the next messages.
const SPARE: usize = 64;

/// How frames lie in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// The message is the frame.
    Single,
    /// Records of the negotiated form, frames among them.
    Records,
}

/// A message that arrived.
#[derive(Debug)]
struct Message {
    at: Instant,
    packing: Packing,
    bytes: Vec<u8>,
    /// How much of it was taken.
    read: usize,
}

/// A frame that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// When it arrived.
    pub(super) at: Instant,
    /// What is still to be done to it.
    pub(super) offload: Offload,
    /// Where in the buffer it begins; it goes on to the end.
    pub(super) start: usize,
}

/// A bounded queue that uses its buffers again.
#[derive(Debug, Default)]
pub(super) struct MessageQueue {
    messages: VecDeque<Message>,
    bytes: usize,
    /// Bytes of messages that were taken to the end or refused, in all.
    consumed: u64,
    spare: Vec<Vec<u8>>,
}

impl MessageQueue {
    /// Queues a message of `length` bytes that `fill` writes, and gives it to look at; `None` if there is no room. It is done
    /// with then: the credit that it took must come back, or the relay would fall silent.
    pub(super) fn put(
        &mut self,
        at: Instant,
        packing: Packing,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) -> Option<&[u8]> {
        if self.messages.len() >= MESSAGES || self.bytes + length > BYTES {
            self.refuse(length);
            return None;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        // Old bytes stay where they are: `fill` writes over them.
        bytes.resize(length, 0);
        fill(&mut bytes);
        self.bytes += length;
        self.messages.push_back(Message {
            at,
            packing,
            bytes,
            read: 0,
        });
        self.messages.back().map(|message| &message.bytes[..])
    }

    /// A message of so many bytes is not taken.
    pub(super) fn refuse(&mut self, length: usize) {
        self.consumed += length as u64;
    }

    /// Puts the oldest frame into `frame`: alone, or, if it is all that is left of its message, behind the rest of that.
    pub(super) fn take(&mut self, frame: &mut Vec<u8>) -> Option<Taken> {
        loop {
            let message = self.messages.front_mut()?;
            let at = message.at;
            if message.packing == Packing::Single {
                core::mem::swap(frame, &mut message.bytes);
                let length = frame.len();
                self.finish(length);
                return Some(Taken {
                    at,
                    offload: Offload::NONE,
                    start: 0,
                });
            }
            let rest = message.bytes.get(message.read..).unwrap_or_default();
            let mut records = Records::of(rest);
            let found = records.find_map(|record| match record {
                Ok(Record::Frame(offload, bytes)) => Some((offload, bytes)),
                _ => None,
            });
            let Some((offload, bytes)) = found else {
                let length = message.bytes.len();
                self.finish(length);
                continue;
            };
            let offload = super::finish::from_tunnel(&offload);
            let (whole, rest) = (message.bytes.len(), records.rest().len());
            let mut start = 0;
            if rest == 0 {
                start = whole - bytes.len();
                core::mem::swap(frame, &mut message.bytes);
                self.finish(whole);
            } else {
                frame.clear();
                frame.extend_from_slice(bytes);
                message.read = whole - rest;
            }
            return Some(Taken { at, offload, start });
        }
    }

    /// Bytes of messages that were taken to the end or refused, in all.
    pub(super) const fn consumed(&self) -> u64 {
        self.consumed
    }

    /// What waits is of a WebSocket that is gone: no credit is owed for it.
    pub(super) fn begin_again(&mut self) {
        self.consumed = 0;
        for message in &mut self.messages {
            // Frames are frames, but they do not count any more.
            self.bytes -= message.bytes.len();
        }
        self.messages.clear();
    }

    /// The first message is done with; it had this length.
    fn finish(&mut self, length: usize) {
        self.bytes -= length;
        self.consumed += length as u64;
        if let Some(message) = self.messages.pop_front()
            && message.bytes.capacity() > 0
            && self.spare.len() < SPARE
        {
            self.spare.push(message.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethertab_tunnel::v1::{self, OFFLOADED_OVERHEAD, put_credit};

    fn put(queue: &mut MessageQueue, packing: Packing, bytes: &[u8]) -> bool {
        let fill = |room: &mut [u8]| room.copy_from_slice(bytes);
        queue
            .put(Instant::ZERO, packing, bytes.len(), fill)
            .is_some()
    }

    fn record(frame: &[u8]) -> Vec<u8> {
        let mut header = [0; OFFLOADED_OVERHEAD];
        let length = v1::frame_header(&v1::Offload::NONE, frame.len(), &mut header);
        [&header[..length], frame].concat()
    }

    #[test]
    fn frames_come_out_in_order_with_their_own_length() {
        let mut queue = MessageQueue::default();
        assert!(put(&mut queue, Packing::Single, &[1; 100]));
        let several = [record(&[2; 20]), put_credit(9).to_vec(), record(&[3; 30])].concat();
        assert!(put(&mut queue, Packing::Records, &several));
        assert!(put(&mut queue, Packing::Records, &put_credit(9)));
        let mut frame = Vec::new();
        for wanted in [&[1; 100][..], &[2; 20], &[3; 30]] {
            let start = queue.take(&mut frame).unwrap().start;
            assert_eq!(&frame[start..], wanted);
        }
        assert!(queue.take(&mut frame).is_none());
        assert_eq!(queue.consumed(), 100 + several.len() as u64 + 12);
        assert!(
            put(&mut queue, Packing::Single, &[4; 50]),
            "a buffer is used again"
        );
        assert!(queue.take(&mut frame).is_some());
        assert_eq!(frame, [4; 50]);
    }

    #[test]
    fn the_queue_is_bounded_in_messages_and_in_bytes() {
        let mut queue = MessageQueue::default();
        let many = (0..2 * MESSAGES).filter(|_| put(&mut queue, Packing::Single, &[0; 14]));
        assert_eq!(many.count(), MESSAGES);
        let mut queue = MessageQueue::default();
        let large = vec![0; 65_536];
        let many = (0..2_000).filter(|_| put(&mut queue, Packing::Records, &large));
        assert_eq!(many.count(), BYTES / 65_536);
    }
}
