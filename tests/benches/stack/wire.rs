//! Where frames go: buffers are pooled, so that neither side pays for the allocator.

use std::collections::VecDeque;

/// Frames that one turn may put on the wire.
const FRAMES: usize = 64;

/// One end of a wire.
pub(crate) trait Wire {
    /// The next frame that arrived.
    fn receive(&mut self) -> Option<Vec<u8>>;
    /// Gives a buffer back.
    fn recycle(&mut self, frame: Vec<u8>);
    /// A buffer of the largest frame's length, if the wire takes a frame now.
    fn buffer(&mut self) -> Option<Vec<u8>>;
    /// Sends a frame.
    fn send(&mut self, frame: Vec<u8>);
}

/// One end of a cable in memory.
pub(crate) struct Cable {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
    free: Vec<Vec<u8>>,
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
    fn receive(&mut self) -> Option<Vec<u8>> {
        self.incoming.pop_front()
    }

    fn recycle(&mut self, frame: Vec<u8>) {
        self.free.push(frame);
    }

    fn buffer(&mut self) -> Option<Vec<u8>> {
        if self.outgoing.len() >= FRAMES {
            return None;
        }
        let mut buffer = self
            .free
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(self.frame));
        if buffer.len() != self.frame {
            buffer.resize(self.frame, 0);
        }
        Some(buffer)
    }

    fn send(&mut self, frame: Vec<u8>) {
        self.outgoing.push_back(frame);
    }
}
