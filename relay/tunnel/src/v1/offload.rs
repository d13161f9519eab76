//! What is still to be done to a frame: the meaning of virtio's network header (Virtio 1.2 §5.1.6), without its hint.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | flags: 1 the checksum is partial, 2 the checksum was verified |
//! | 1 | segmentation: 0 none, 1 TCP over IPv4, 4 TCP over IPv6, 5 UDP; 0x80 beside TCP: CWR is for the first segment alone |
//! | 2–3 | bytes of payload in each segment |
//! | 4–5 | where the checksum begins to count, from the start of the frame |
//! | 6–7 | where the checksum field is, from there |

/// Bytes of an [`Offload`] on the wire.
pub(super) const LENGTH: usize = 8;

const PARTIAL: u8 = 1;
const VERIFIED: u8 = 2;
const ECN: u8 = 0x80;

/// What is known about the checksum of the transport header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// It is in place; nobody looked at it.
    #[default]
    Complete,
    /// It is in place and right.
    Verified,
    /// The field holds the folded sum of the pseudo-header. Whoever sends the frame on to a wire adds the bytes from `start` to
    /// the end of the packet, and writes the complement to `start + offset`. Nobody needs to before that.
    Partial {
        /// From the start of the frame, in bytes.
        start: u16,
        /// From `start`, in bytes.
        offset: u16,
    },
}

/// How the frame is to be cut where it is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segmentation {
    /// TCP over IPv4.
    Tcp4 {
        /// CWR is for the first segment alone (RFC 3168 §6.1.2).
        ecn: bool,
    },
    /// TCP over IPv6.
    Tcp6 {
        /// As above.
        ecn: bool,
    },
    /// UDP over either: datagrams behind each other.
    Udp,
}

/// What is still to be done to a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// The transport checksum.
    pub checksum: Checksum,
    /// How to cut it, and the bytes of payload in each segment, never 0; `None`: it fits as it is.
    pub segmentation: Option<(Segmentation, u16)>,
}

impl Offload {
    /// Nothing to be done, nothing known.
    pub const NONE: Offload = Offload {
        checksum: Checksum::Complete,
        segmentation: None,
    };

    /// Whether the frame is as it would be on a wire, and nothing is known about it.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Offload::NONE
    }

    /// Reads it from the front of a body. `None`: the bytes mean nothing, or contradict each other.
    #[must_use]
    pub fn parse(bytes: &[u8; LENGTH]) -> Option<Offload> {
        let [flags, kind, ..] = *bytes;
        let pair = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let (size, start, offset) = (pair(2), pair(4), pair(6));
        let checksum = match flags {
            0 => Checksum::Complete,
            VERIFIED => Checksum::Verified,
            PARTIAL => Checksum::Partial { start, offset },
            _ => return None,
        };
        let ecn = kind & ECN != 0;
        let segmentation = match kind & !ECN {
            0 if !ecn => None,
            1 => Some(Segmentation::Tcp4 { ecn }),
            4 => Some(Segmentation::Tcp6 { ecn }),
            5 if !ecn => Some(Segmentation::Udp),
            _ => return None,
        };
        if segmentation.is_some() && (size == 0 || !matches!(checksum, Checksum::Partial { .. })) {
            return None;
        }
        Some(Offload {
            checksum,
            segmentation: segmentation.map(|kind| (kind, size)),
        })
    }

    /// Writes it as [`parse`](Self::parse) reads it.
    #[must_use]
    pub fn emit(&self) -> [u8; LENGTH] {
        let (flags, start, offset) = match self.checksum {
            Checksum::Complete => (0, 0, 0),
            Checksum::Verified => (VERIFIED, 0, 0),
            Checksum::Partial { start, offset } => (PARTIAL, start, offset),
        };
        let with = |kind: u8, ecn: bool| if ecn { kind | ECN } else { kind };
        let (kind, size) = match self.segmentation {
            None => (0, 0),
            Some((Segmentation::Tcp4 { ecn }, size)) => (with(1, ecn), size),
            Some((Segmentation::Tcp6 { ecn }, size)) => (with(4, ecn), size),
            Some((Segmentation::Udp, size)) => (5, size),
        };
        let [[a, b], [c, d], [e, f]] = [size, start, offset].map(u16::to_be_bytes);
        [flags, kind, a, b, c, d, e, f]
    }
}
