//! What the two sides say to each other beside frames.

use super::{LARGEST_MESSAGE, LARGEST_MESSAGE_RANGE, VERSION};
use core::ops::{BitAnd, BitOr};

/// Bytes of a token.
pub const TOKEN: usize = 16;

/// Credit, in bytes, before the other side's hello has come.
pub const INITIAL_CREDIT: u64 = 65_536;

/// Bytes of a hello that this version knows.
pub(super) const HELLO: usize = 2 + 6 + 2 + 4 + 4 + 8 + TOKEN;

/// A moment on the clock of who sent the ping, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(pub u64);

/// What a side takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(pub u32);

impl Features {
    /// Nothing but complete frames.
    pub const NONE: Features = Features(0);
    /// Frames with a partial checksum, or a verified one.
    pub const CHECKSUM: Features = Features(1);
    /// TCP segments over IPv4 that are longer than the MTU.
    pub const TCP4: Features = Features(2);
    /// TCP segments over IPv6 that are longer than the MTU.
    pub const TCP6: Features = Features(4);
    /// Trains of UDP datagrams in one frame.
    pub const UDP: Features = Features(8);

    /// Whether all of `other` is taken.
    #[must_use]
    pub const fn contains(self, other: Features) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Features {
    type Output = Features;
    fn bitor(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }
}

impl BitAnd for Features {
    type Output = Features;
    fn bitand(self, other: Features) -> Features {
        Features(self.0 & other.0)
    }
}

/// The first record of each side.
///
/// | bytes | field |
/// |---|---|
/// | 0, 1 | lowest and highest version that the sender speaks; both sides use the highest that both do |
/// | 2–7 | hardware address: of the client's card, or of the relay's gateway |
/// | 8–9 | the network's MTU in bytes, as far as the sender knows: the relay's counts |
/// | 10–13 | [`Features`] that the sender takes |
/// | 14–17 | the largest message that the sender takes, in bytes |
/// | 18–25 | credit that it gives, in bytes |
/// | 26–41 | token: see *Resuming* |
/// | 42– | fields of later versions |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Lowest and highest version.
    pub versions: (u8, u8),
    /// Hardware address.
    pub hardware: [u8; 6],
    /// The network's MTU in bytes.
    pub mtu: u16,
    /// What the sender takes.
    pub features: Features,
    /// The largest message of several records that the sender takes, in bytes. What is said outside
    /// [`LARGEST_MESSAGE_RANGE`] counts as the nearest.
    pub largest_message: u32,
    /// Credit that the sender gives, in bytes since the WebSocket opened.
    pub credit: u64,
    /// Names a session: the one that the relay makes, or the one that the client had.
    pub token: [u8; TOKEN],
}

impl Hello {
    /// Reads it; `None` if it is too short. What stands behind is not looked at.
    pub(super) fn parse(body: &[u8]) -> Option<Hello> {
        let body = body.first_chunk::<HELLO>()?;
        let pair = |at: usize| [body[at], body[at + 1]];
        let word = |at: usize| {
            let ([a, b], [c, d]) = (pair(at), pair(at + 2));
            u32::from_be_bytes([a, b, c, d])
        };
        let mut hardware = [0; 6];
        hardware.copy_from_slice(&body[2..8]);
        let mut token = [0; TOKEN];
        token.copy_from_slice(&body[26..26 + TOKEN]);
        Some(Hello {
            versions: (body[0], body[1]),
            hardware,
            mtu: u16::from_be_bytes(pair(8)),
            features: Features(word(10)),
            largest_message: word(14).clamp(LARGEST_MESSAGE_RANGE.0, LARGEST_MESSAGE_RANGE.1),
            credit: u64::from(word(18)) << 32 | u64::from(word(22)),
            token,
        })
    }

    /// Writes it as [`parse`](Self::parse) reads it.
    pub(super) fn emit(&self) -> [u8; HELLO] {
        let mut body = [0; HELLO];
        (body[0], body[1]) = self.versions;
        body[2..8].copy_from_slice(&self.hardware);
        body[8..10].copy_from_slice(&self.mtu.to_be_bytes());
        body[10..14].copy_from_slice(&self.features.0.to_be_bytes());
        body[14..18].copy_from_slice(&self.largest_message.to_be_bytes());
        body[18..26].copy_from_slice(&self.credit.to_be_bytes());
        body[26..26 + TOKEN].copy_from_slice(&self.token);
        body
    }

    /// Whether the sender speaks this version.
    #[must_use]
    pub const fn speaks_ours(&self) -> bool {
        self.versions.0 <= VERSION && VERSION <= self.versions.1
    }
}

impl Default for Hello {
    /// Takes complete frames of the default MTU in messages of the usual size, and names no session.
    fn default() -> Hello {
        Hello {
            versions: (VERSION, VERSION),
            hardware: [0; 6],
            mtu: crate::DEFAULT_MTU as u16,
            features: Features::NONE,
            largest_message: LARGEST_MESSAGE,
            credit: INITIAL_CREDIT,
            token: [0; TOKEN],
        }
    }
}
