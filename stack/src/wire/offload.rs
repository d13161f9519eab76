//! What is still to be done to a frame: work that one side of a link leaves to the other, in the meaning of virtio's network
//! header (Virtio 1.2 §5.1.6). On a link that cannot do any there is never anything.

/// What is known about the checksum of a transport header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportChecksum {
    /// It is in place; nobody looked at it.
    #[default]
    Complete,
    /// It is in place, and somebody who is trusted found it right.
    Verified,
    /// The field holds the folded sum of the pseudo-header. Whoever sends the frame on to a wire adds the bytes from `start` to
    /// the end of the packet and writes the complement to `start + offset`. What never reaches a wire needs it never.
    Partial {
        /// From the start of the frame, in bytes.
        start: u16,
        /// From `start`, in bytes.
        offset: u16,
    },
}

/// What is still to be done to a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// The transport checksum.
    pub checksum: TransportChecksum,
    /// Bytes of TCP payload in each segment that the frame is to be cut into; 0: it is not to be cut.
    pub segment_size: u16,
}

impl Offload {
    /// Nothing to be done, nothing known.
    pub const NONE: Offload = Offload {
        checksum: TransportChecksum::Complete,
        segment_size: 0,
    };

    /// The same for bytes with `length` more in front of them.
    #[inline]
    #[must_use]
    pub const fn behind(mut self, length: usize) -> Offload {
        if let TransportChecksum::Partial { start, .. } = &mut self.checksum {
            *start += length as u16;
        }
        self
    }
}
