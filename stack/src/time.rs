//! Time as the stack sees it: microseconds since an origin that the owner chose.
//!
//! The stack reads no clock. Whoever owns it says what time it is with each call, which is what
//! makes every run repeatable.

use core::ops::{Add, AddAssign, Sub};
pub use core::time::Duration;

/// A moment, in microseconds since the owner's origin. Monotonic by contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Instant = Instant(0);

    /// The moment `micros` microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Instant {
        Instant(micros)
    }

    /// The moment `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Instant {
        Instant(millis.saturating_mul(1_000))
    }

    /// Microseconds since the origin.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Microseconds from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn micros_since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A duration in whole microseconds, saturating, without 128-bit arithmetic.
#[must_use]
pub const fn duration_micros(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000)
        .saturating_add(duration.subsec_micros() as u64)
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(duration_micros(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_sub(duration_micros(duration)))
    }
}

/// When the stack wants to be called again, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Call [`Stack::advance`](crate::Stack::advance) at this moment or later.
    pub at: Instant,
    /// Which floor asked, for logs and for a reader who wonders why the stack woke up.
    pub reason: Reason,
}

impl Deadline {
    /// The sooner of two deadlines that may each be absent.
    #[must_use]
    pub fn sooner(one: Option<Deadline>, other: Option<Deadline>) -> Option<Deadline> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if other.at < one.at { other } else { one }),
            (one, other) => one.or(other),
        }
    }
}

/// The floor, and its business, that a [`Deadline`] belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// ARP: a request to repeat, a neighbour to age, an address to probe or announce.
    Neighbor,
    /// A half-reassembled datagram whose time is up, or a path MTU to probe again.
    Internet,
    /// TCP: retransmission, delayed acknowledgement, probe, keep-alive, TIME-WAIT.
    Tcp,
    /// DHCP: retry, renew, rebind, expiry.
    Dhcp,
    /// Something is ready to be sent now: drain [`Stack::transmit`](crate::Stack::transmit).
    Transmit,
}
