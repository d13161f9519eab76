//! Frames that have arrived and that the stack has not taken yet.

use ethertab_stack::Instant;
use std::collections::VecDeque;

/// Frames that wait at most.
const FRAMES: usize = 8_192;
/// Bytes of frames that wait at most.
const BYTES: usize = 8 * 1024 * 1024;
/// Empty buffers kept for the next frames.
const SPARE: usize = 64;

/// A bounded queue that uses its buffers again.
#[derive(Debug, Default)]
pub(super) struct FrameQueue {
    frames: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    spare: Vec<Vec<u8>>,
}

impl FrameQueue {
    /// Queues a frame of `length` bytes that `fill` writes; false if there is no room.
    pub(super) fn put(&mut self, at: Instant, length: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        if self.frames.len() >= FRAMES || self.bytes + length > BYTES {
            return false;
        }
        let mut frame = self.spare.pop().unwrap_or_default();
        // Old bytes stay where they are: `fill` writes over them.
        frame.resize(length, 0);
        fill(&mut frame);
        self.bytes += length;
        self.frames.push_back((at, frame));
        true
    }

    /// Swaps the oldest frame into `frame` and says when it arrived.
    pub(super) fn take(&mut self, frame: &mut Vec<u8>) -> Option<Instant> {
        let (at, next) = self.frames.pop_front()?;
        self.bytes -= next.len();
        let old = core::mem::replace(frame, next);
        if old.capacity() > 0 && self.spare.len() < SPARE {
            self.spare.push(old);
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(queue: &mut FrameQueue, length: usize, byte: u8) -> bool {
        queue.put(Instant::ZERO, length, |frame| frame.fill(byte))
    }

    #[test]
    fn frames_come_out_in_order_with_their_own_length() {
        let mut queue = FrameQueue::default();
        assert!(put(&mut queue, 100, 1) && put(&mut queue, 20, 2));
        let mut frame = Vec::new();
        assert!(queue.take(&mut frame).is_some());
        assert_eq!(frame, [1; 100]);
        assert!(queue.take(&mut frame).is_some());
        assert_eq!(frame, [2; 20]);
        assert!(put(&mut queue, 30, 3), "the first buffer is used again");
        assert!(queue.take(&mut frame).is_some());
        assert_eq!(frame, [3; 30]);
        assert!(queue.take(&mut frame).is_none());
    }

    #[test]
    fn the_queue_is_bounded_in_frames_and_in_bytes() {
        let mut queue = FrameQueue::default();
        assert_eq!(
            (0..2 * FRAMES).filter(|_| put(&mut queue, 14, 0)).count(),
            FRAMES
        );
        let mut queue = FrameQueue::default();
        assert_eq!(
            (0..300).filter(|_| put(&mut queue, 65_536, 0)).count(),
            BYTES / 65_536
        );
    }
}
