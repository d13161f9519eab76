//! A port of the switch: where frames go, and what was counted.

use super::finish::{finish, needs};
use super::parcel::Parcel;
use ethertab_tunnel::v1::{Features, Offload};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// What is plugged into a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A WebSocket client: trusted with its own address and nothing else.
    Client,
    /// The way to the host, and perhaps to a network behind it.
    Uplink,
    /// Our own stack.
    Gateway,
}

/// What an outlet did with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It took it.
    Taken,
    /// It took it, and dropped so many others to make room.
    Displaced(u32),
    /// It had no room.
    Refused,
}

/// Takes the frames that leave the switch at a port.
pub trait Outlet: Send + Sync {
    /// Takes a copy of the frame, without waiting. Nothing is left to be done to it but what [`takes`](Self::takes) lists.
    fn deliver(&self, frame: &[u8], offload: Offload) -> Delivery;

    /// The same for a frame in a buffer of its own, which it may keep.
    fn deliver_parcel(&self, parcel: &mut Parcel, offload: Offload) -> Delivery {
        self.deliver(parcel.frame(), offload)
    }

    /// What may be left to be done to a frame.
    fn takes(&self) -> Features {
        Features::NONE
    }
}

impl Outlet for Arc<super::queue::FrameQueue> {
    fn deliver(&self, frame: &[u8], offload: Offload) -> Delivery {
        if self.push(frame, offload) {
            Delivery::Taken
        } else {
            Delivery::Refused
        }
    }
}

/// Why a frame was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum DropReason {
    /// Shorter than an Ethernet header; an empty message is one of these.
    Short,
    /// Longer than the network's MTU allows, as it is or as it was to be cut.
    Oversized,
    /// What was left to be done to it does not fit its headers.
    BadOffload,
    /// The source address was a group or zero.
    BadSource,
    /// The source address belongs to another port.
    Spoofed,
    /// The port uses more addresses than one port may.
    TooManyAddresses,
    /// It claimed the IP address of the host or the gateway, played the DHCP server, or asked that for an address in the
    /// name of another station.
    Forbidden,
    /// Broadcasts came faster than one client may send them.
    Storm,
    /// It was addressed to a station on the port that it came from.
    Reflected,
    /// Nobody has the address that it was sent to.
    NobodyThere,
    /// The receiving port's queue was full: its reader is slower than its senders.
    QueueFull,
    /// It waited too long in the receiving port's queue, and its sender was to notice (CoDel).
    Late,
}

impl DropReason {
    /// All of them.
    pub const ALL: [DropReason; 12] = [
        DropReason::Short,
        DropReason::Oversized,
        DropReason::BadOffload,
        DropReason::BadSource,
        DropReason::Spoofed,
        DropReason::TooManyAddresses,
        DropReason::Forbidden,
        DropReason::Storm,
        DropReason::Reflected,
        DropReason::NobodyThere,
        DropReason::QueueFull,
        DropReason::Late,
    ];

    /// Its name in `/metrics` and `/status`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            DropReason::Short => "short",
            DropReason::Oversized => "oversized",
            DropReason::BadOffload => "bad_offload",
            DropReason::BadSource => "bad_source",
            DropReason::Spoofed => "spoofed",
            DropReason::TooManyAddresses => "too_many_addresses",
            DropReason::Forbidden => "forbidden",
            DropReason::Storm => "storm",
            DropReason::Reflected => "reflected",
            DropReason::NobodyThere => "nobody_there",
            DropReason::QueueFull => "queue_full",
            DropReason::Late => "late",
        }
    }

    /// Whether it is the ordinary course of a network, and no news for a person: a tab was closed and somebody still
    /// speaks to it, or a sender found out how fast it may be.
    #[must_use]
    pub const fn is_ordinary(self) -> bool {
        matches!(
            self,
            DropReason::Reflected | DropReason::NobodyThere | DropReason::Late
        )
    }

    /// What it means, for the log.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            DropReason::Short => "shorter than an Ethernet header",
            DropReason::Oversized => "longer than the MTU allows",
            DropReason::BadOffload => "left something to be done that does not fit the frame",
            DropReason::BadSource => "source address not a station's",
            DropReason::Spoofed => "source address belongs to another port",
            DropReason::TooManyAddresses => "more source addresses than one client may use",
            DropReason::Forbidden => {
                "posed as the host, the gateway, the DHCP server or another station"
            }
            DropReason::Storm => "broadcasts came too fast",
            DropReason::Reflected => "addressed to the port it came from",
            DropReason::NobodyThere => "nobody has the address they were sent to",
            DropReason::QueueFull => "it reads more slowly than it is sent to",
            DropReason::Late => "they waited too long for it to read",
        }
    }
}

/// What passed a port. *In* is into the switch.
#[derive(Default, Debug)]
pub struct PortCounters {
    /// Frames that came in and were taken.
    pub frames_in: AtomicU64,
    /// Their bytes.
    pub bytes_in: AtomicU64,
    /// How many of them were segments or trains still to be cut.
    pub segments_in: AtomicU64,
    /// Frames that went out, into the queue of a port that has one.
    pub frames_out: AtomicU64,
    /// Their bytes.
    pub bytes_out: AtomicU64,
    /// How many of them were segments or trains still to be cut.
    pub segments_out: AtomicU64,
    /// Frames in its queue that were marked so that their senders slow down (ECN).
    pub marked: AtomicU64,
    drops: [AtomicU64; DropReason::ALL.len()],
}

impl PortCounters {
    /// Counts a dropped frame.
    pub fn drop_frame(&self, reason: DropReason) {
        self.drop_frames(reason, 1);
    }

    /// Counts dropped frames.
    pub fn drop_frames(&self, reason: DropReason, count: u64) {
        self.drops[reason as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// Frames dropped for this reason.
    #[must_use]
    pub fn drops(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize].load(Ordering::Relaxed)
    }

    /// Frames dropped for reasons that a person may want to know.
    #[must_use]
    pub fn notable_drops(&self) -> u64 {
        let notable = DropReason::ALL
            .into_iter()
            .filter(|reason| !reason.is_ordinary());
        notable.map(|reason| self.drops(reason)).sum()
    }

    pub(super) fn count_in(&self, frame: &[u8], offload: Offload) {
        (self.bytes_in).fetch_add(frame.len() as u64, Ordering::Relaxed);
        if offload.segmentation.is_some() {
            self.segments_in.fetch_add(1, Ordering::Relaxed);
        }
        // Last, so that who sees the frame sees all that belongs to it.
        self.frames_in.fetch_add(1, Ordering::Release);
    }

    fn count_out(&self, length: usize, offload: Offload) {
        (self.bytes_out).fetch_add(length as u64, Ordering::Relaxed);
        if offload.segmentation.is_some() {
            self.segments_out.fetch_add(1, Ordering::Relaxed);
        }
        self.frames_out.fetch_add(1, Ordering::Release);
    }
}

/// A port.
pub struct Port {
    /// Never used twice.
    pub id: u64,
    /// What is plugged in.
    pub kind: Kind,
    /// What the logs call it.
    pub name: String,
    /// Since when it is plugged in.
    pub since: Instant,
    /// What passed.
    pub counters: PortCounters,
    pub(super) outlet: Box<dyn Outlet>,
    pub(super) storm: StormLimit,
    /// Entries of the address table that point here; changed under the switch's lock only.
    pub(super) addresses: AtomicUsize,
    challenge: Notify,
}

impl Port {
    pub(super) fn new(
        id: u64,
        kind: Kind,
        name: String,
        outlet: Box<dyn Outlet>,
        flood_rate: u32,
        now: Instant,
    ) -> Port {
        Port {
            id,
            kind,
            name,
            since: now,
            counters: PortCounters::default(),
            outlet,
            storm: StormLimit::new(flood_rate, now),
            addresses: AtomicUsize::new(0),
            challenge: Notify::new(),
        }
    }

    /// Hands a frame out, with everything done to it that the outlet does not take.
    pub(super) fn send(&self, frame: &[u8], offload: Offload) {
        finish(frame, offload, self.outlet.takes(), |frame, offload| {
            self.count(self.outlet.deliver(frame, offload), frame.len(), offload);
        });
    }

    /// The same for a frame in a buffer of its own.
    pub(super) fn send_parcel(&self, parcel: &mut Parcel, offload: Offload) {
        if !self.outlet.takes().contains(needs(offload)) {
            return self.send(parcel.frame(), offload);
        }
        let length = parcel.frame().len();
        let delivery = self.outlet.deliver_parcel(parcel, offload);
        self.count(delivery, length, offload);
    }

    fn count(&self, delivery: Delivery, length: usize, offload: Offload) {
        match delivery {
            Delivery::Taken => {}
            Delivery::Displaced(count) => {
                (self.counters).drop_frames(DropReason::QueueFull, count.into());
            }
            Delivery::Refused => return self.counters.drop_frame(DropReason::QueueFull),
        }
        self.counters.count_out(length, offload);
    }

    /// Waits until somebody else claims an address of this port: its owner should see whether its peer is alive.
    pub async fn challenged(&self) {
        self.challenge.notified().await;
    }

    pub(super) fn challenge(&self) {
        self.challenge.notify_one();
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (port {})", self.name, self.id)
    }
}

/// A token bucket for frames that go to everybody: one frame in costs as many out as there are ports.
pub(super) struct StormLimit {
    rate: u32,
    start: Instant,
    /// When the bucket will be full again, in microseconds after `start`.
    full_at: AtomicU64,
}

impl StormLimit {
    fn new(rate: u32, now: Instant) -> StormLimit {
        StormLimit {
            rate: rate.max(1),
            start: now,
            full_at: AtomicU64::new(0),
        }
    }

    /// Takes a token for each of so many frames; false if there are not as many. The burst is what one second brings. Only the port's
    /// own reader calls it.
    pub(super) fn allow(&self, now: Instant, frames: usize) -> bool {
        let now = micros(now.saturating_duration_since(self.start));
        let cost = (frames as u64).saturating_mul(1_000_000 / u64::from(self.rate));
        let full_at = (self.full_at.load(Ordering::Relaxed).max(now)).saturating_add(cost);
        if full_at > now + 1_000_000 {
            return false;
        }
        self.full_at.store(full_at, Ordering::Relaxed);
        true
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_cut_to_its_rate_and_a_burst_passes() {
        let start = Instant::now();
        let limit = StormLimit::new(100, start);
        let burst = (0..1_000).filter(|_| limit.allow(start, 1)).count();
        assert_eq!(burst, 100);
        let later = start + Duration::from_millis(500);
        let more = (0..1_000).filter(|_| limit.allow(later, 1)).count();
        assert_eq!(more, 50);
        let full = start + Duration::from_secs(9);
        assert!(!limit.allow(full, 101) && limit.allow(full, 60) && !limit.allow(full, 41));
    }
}
