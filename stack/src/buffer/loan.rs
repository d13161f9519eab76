//! Buffers that change hands: whoever receives a frame may keep its buffer instead of copying out of it, and gets another
//! one for it later.

use alloc::vec::Vec;
use core::ops::Range;

/// Below this many bytes a copy costs less than another buffer, and more memory would be held than used.
const LEAST: usize = 1_024;
/// Bytes of buffers that wait for their next use: a whole window of frames.
const SPARE: usize = 1 << 20;

/// A frame on offer while it climbs: who wants its bytes may take the whole buffer afterwards.
#[derive(Debug, Default)]
pub struct Loan {
    /// Where the frame lies.
    addresses: Range<usize>,
    /// Memory that goes with it.
    capacity: usize,
    taken: Option<Range<usize>>,
}

impl Loan {
    /// Offers `frame`, in a buffer of that capacity.
    #[inline]
    pub fn offer(&mut self, frame: &[u8], capacity: usize) {
        let start = frame.as_ptr().addr();
        *self = Loan {
            addresses: start..start + frame.len(),
            capacity,
            taken: None,
        };
    }

    /// Takes the buffer for the sake of `part`: false if that lies elsewhere, or is too little of it.
    #[inline]
    pub fn take(&mut self, part: &[u8]) -> bool {
        let start = part.as_ptr().addr();
        let lies_within = self.addresses.start <= start && start + part.len() <= self.addresses.end;
        let is_worth_it = part.len() >= LEAST && 2 * part.len() >= self.capacity;
        if !(lies_within && is_worth_it) {
            return false;
        }
        let at = start - self.addresses.start;
        self.taken = Some(at..at + part.len());
        true
    }

    /// Whether it was taken.
    #[inline]
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        self.taken.is_some()
    }

    /// Ends the offer; which part was taken, if one was.
    #[inline]
    pub fn end(&mut self) -> Option<Range<usize>> {
        self.addresses = 0..0;
        self.taken.take()
    }
}

/// Buffers that were kept and are read.
#[derive(Debug, Default)]
pub struct Spares {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

impl Spares {
    /// Takes a buffer back, unless there are enough.
    #[inline]
    pub fn give(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() >= LEAST && self.bytes + buffer.capacity() <= SPARE {
            self.bytes += buffer.capacity();
            self.buffers.push(buffer);
        }
    }

    /// The one used last, whose memory is nearest; an empty one if there is none.
    #[inline]
    pub fn take(&mut self) -> Vec<u8> {
        let buffer = self.buffers.pop().unwrap_or_default();
        self.bytes -= buffer.capacity();
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn only_most_of_the_frame_on_offer_is_taken() {
        let buffer = vec![7; 4_000];
        let elsewhere = vec![7; 4_000];
        let mut loan = Loan::default();
        assert!(!loan.take(&buffer[54..]), "nothing is on offer");
        loan.offer(&buffer, buffer.capacity());
        assert!(!loan.take(&elsewhere[54..]));
        assert!(!loan.take(&buffer[54..1_500]), "less than half");
        assert_eq!(loan.end(), None);
        loan.offer(&buffer, buffer.capacity());
        assert!(loan.take(&buffer[54..]));
        assert_eq!(loan.end(), Some(54..4_000));
        assert_eq!(loan.end(), None);
        assert!(!loan.take(&buffer[54..]), "the offer is over");
        loan.offer(&buffer[..600], 600);
        assert!(!loan.take(&buffer[54..600]), "a small one is copied");
    }

    #[test]
    fn spare_buffers_are_bounded() {
        let mut spares = Spares::default();
        for _ in 0..2_000 {
            spares.give(Vec::with_capacity(1_514));
        }
        assert!(spares.bytes <= SPARE && spares.bytes > SPARE - 2_000);
        while spares.take().capacity() > 0 {}
        assert_eq!(spares.bytes, 0);
    }
}
