//! Where frames go: buffers are pooled, so that neither side pays for the allocator.

use std::collections::VecDeque;

/// Frames that one turn may put on the wire.
const FRAMES: usize = 64;

/// A buffer for the largest frame, and how much of it is used. It is never cut, so it need not be cleared again.
pub(crate) struct Frame {
    bytes: Vec<u8>,
    length: usize,
}

impl Frame {
    pub(crate) fn new(size: usize) -> Frame {
        Frame {
            bytes: vec![0; size],
            length: 0,
        }
    }

    /// What was written.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Room for the largest frame.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// The buffer itself, and how much was written.
    pub(crate) fn parts(&mut self) -> (&mut Vec<u8>, usize) {
        (&mut self.bytes, self.length)
    }

    /// One of `free` or a new one, with room for so many bytes: a free one's buffer may have been exchanged for another.
    pub(crate) fn from(free: &mut Vec<Frame>, size: usize) -> Frame {
        let Some(mut frame) = free.pop() else {
            return Frame::new(size);
        };
        if frame.bytes.len() < size {
            frame.bytes.resize(size, 0);
        }
        frame
    }

    /// Says how much was written.
    pub(crate) fn set_length(&mut self, length: usize) {
        self.length = length;
    }
}

/// One end of a wire.
pub(crate) trait Wire {
    /// The next frame that arrived.
    fn receive(&mut self) -> Option<Frame>;
    /// Gives a buffer back.
    fn recycle(&mut self, frame: Frame);
    /// A buffer for a frame, if the wire takes one now.
    fn buffer(&mut self) -> Option<Frame>;
    /// Sends a frame.
    fn send(&mut self, frame: Frame);
}

/// One end of a cable in memory.
pub(crate) struct Cable {
    incoming: VecDeque<Frame>,
    outgoing: VecDeque<Frame>,
    free: Vec<Frame>,
    frame: usize,
}

impl Cable {
    /// Both ends, for frames of at most `frame` bytes.
    pub(crate) fn pair(frame: usize) -> (Cable, Cable) {
        let end = || Cable {
            incoming: VecDeque::with_capacity(FRAMES),
            outgoing: VecDeque::with_capacity(FRAMES),
            free: Vec::new(),
            frame,
        };
        (end(), end())
    }

    /// Carries what each end sent to the other.
    pub(crate) fn swap(&mut self, far: &mut Cable) {
        far.incoming.append(&mut self.outgoing);
        self.incoming.append(&mut far.outgoing);
        // Data flows one way and the buffers with it: bring them back.
        self.free.append(&mut far.free);
    }
}

impl Wire for Cable {
    fn receive(&mut self) -> Option<Frame> {
        self.incoming.pop_front()
    }

    fn recycle(&mut self, frame: Frame) {
        self.free.push(frame);
    }

    fn buffer(&mut self) -> Option<Frame> {
        if self.outgoing.len() >= FRAMES {
            return None;
        }
        Some(Frame::from(&mut self.free, self.frame))
    }

    fn send(&mut self, frame: Frame) {
        self.outgoing.push_back(frame);
    }
}
