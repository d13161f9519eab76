//! Frames in trains. Bulk data is many frames in a row that differ in little, in both directions. What the lower floors found
//! out about one of them holds for those behind it, so the stairs remember it and ask only the floors that must look.
//!
//! Both memories are of one frame at the most, and anything else that happens makes the stairs forget it.

use crate::time::Instant;
use crate::wire::ethernet;
use crate::wire::ipv4;
use crate::wire::offload::Offload;

/// Bytes in front of the transport segment: only IPv4 without options travels in trains.
const FRONT: usize = ethernet::HEADER + ipv4::HEADER;

/// On the way down: what link and internet wrote in front of a segment, for those of the same length that follow it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DepartingTrain {
    /// When it leaves: later, link and internet must be asked again.
    at: Instant,
    front: [u8; FRONT],
    /// What is still to be done to each frame.
    pub(crate) offload: Offload,
}

impl DepartingTrain {
    /// Behind `frame`, if the headers of those that follow it will be the same.
    pub(crate) fn behind(frame: &[u8], offload: Offload, now: Instant) -> Option<DepartingTrain> {
        let front = frame.first_chunk::<FRONT>()?;
        // What may be fragmented has an identification of its own (RFC 6864 §4).
        ipv4::is_atomic(&front[ethernet::HEADER..]).then_some(DepartingTrain {
            at: now,
            front: *front,
            offload,
        })
    }

    /// Writes the headers of the next frame and gives the room behind them.
    #[inline]
    pub(crate) fn lead<'o>(&self, now: Instant, out: &'o mut [u8]) -> Option<&'o mut [u8]> {
        if self.at != now {
            return None;
        }
        let (front, segment) = out.split_first_chunk_mut::<FRONT>()?;
        *front = self.front;
        Some(segment)
    }

    /// The length of a frame around a segment.
    pub(crate) const fn around(segment: usize) -> usize {
        FRONT + segment
    }
}

/// On the way up: the start of the last frame that brought a segment to a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArrivingTrain {
    /// Link and internet header and the ports, as numbers.
    start: [u64; WORDS],
}

/// As many words of eight bytes as hold the headers in front of the segment, and its ports.
const WORDS: usize = 5;
const START: usize = 8 * WORDS;

/// What must be the same: all but the length, the identification and the checksum of the IP header, and TCP's sequence number,
/// of which the last word holds two bytes.
const SAME: [u64; WORDS] = [
    u64::MAX,
    u64::MAX,
    0x0000_0000_ffff_ffff,
    0x0000_ffff_ffff_ffff,
    0xffff_ffff_ffff_0000,
];

impl ArrivingTrain {
    /// Behind `frame`, whose segment went to a connection; `None`: it did not hold all of it, or has options.
    pub(crate) fn behind(frame: &[u8]) -> Option<ArrivingTrain> {
        let start = frame.first_chunk::<START>()?;
        ipv4::is_whole_and_plain(&start[ethernet::HEADER..]).then(|| ArrivingTrain {
            start: numbers(start),
        })
    }

    /// The packet in `frame`, and the segment in that, if link and internet would find the same about it as about the frame
    /// before.
    #[inline]
    pub(crate) fn admit<'f>(&self, frame: &'f [u8]) -> Option<&'f [u8]> {
        let start = numbers(frame.first_chunk::<START>()?);
        let mut differing = 0;
        for at in 0..WORDS {
            differing |= (start[at] ^ self.start[at]) & SAME[at];
        }
        if differing != 0 {
            return None;
        }
        ipv4::segment_without_options(frame.get(ethernet::HEADER..)?)
    }
}

#[inline]
fn numbers(start: &[u8; START]) -> [u64; WORDS] {
    let words = start.as_chunks::<8>().0;
    core::array::from_fn(|at| u64::from_be_bytes(words[at]))
}

#[cfg(test)]
#[path = "train_tests.rs"]
mod tests;
