//! Which address lives at which port.

use super::port::Port;
use ethertab_stack::MacAddress;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// After how much silence an address may be taken by another port, or make room (IEEE 802.1D §7.9.2 recommends 300 s).
/// Until somebody wants it, or its port goes, it stays: a tab that only listens must be found for as long as it is there.
pub const AGEING: Duration = Duration::from_secs(300);

/// How often, at most, silent addresses are swept out to make room.
const SWEEP: Duration = Duration::from_secs(10);

/// Bounds of the table: what each port may have in it.
#[derive(Clone, Copy, Debug)]
pub struct TableLimits {
    /// Addresses that one client may use: more than one, since a client may be a bridge of virtual machines.
    pub client: usize,
    /// Addresses behind the uplink that are remembered.
    pub uplink: usize,
}

pub(super) struct Table {
    limits: TableLimits,
    entries: HashMap<MacAddress, Entry>,
    swept: Instant,
}

struct Entry {
    port: Arc<Port>,
    last_seen: Instant,
    pinned: bool,
}

/// What came of looking at a frame's source.
pub(super) enum Learned {
    /// The address is this port's.
    Known,
    /// The address is another port's, which is alive as far as we know.
    Held(Arc<Port>),
    /// The port has as many addresses as it may.
    TooMany,
}

impl Table {
    pub(super) fn new(limits: TableLimits, now: Instant) -> Table {
        Table {
            limits,
            entries: HashMap::new(),
            swept: now,
        }
    }

    pub(super) fn find(&self, address: MacAddress) -> Option<&Arc<Port>> {
        self.entries.get(&address).map(|entry| &entry.port)
    }

    /// Fixes an address to a port for as long as the port is there.
    pub(super) fn pin(&mut self, address: MacAddress, port: &Arc<Port>, now: Instant) {
        self.insert(address, port, true, now);
    }

    /// Notes where an address was seen. First come, first served: it moves only once its port is gone or it was silent
    /// for [`AGEING`], so nobody can draw another's frames to himself by using his address.
    pub(super) fn learn(
        &mut self,
        address: MacAddress,
        port: &Arc<Port>,
        client: bool,
        now: Instant,
    ) -> Learned {
        if let Some(entry) = self.entries.get_mut(&address) {
            if entry.port.id == port.id {
                entry.last_seen = now;
                return Learned::Known;
            }
            if entry.pinned || now.saturating_duration_since(entry.last_seen) < AGEING {
                return Learned::Held(Arc::clone(&entry.port));
            }
        }
        let limit = if client {
            self.limits.client
        } else {
            self.limits.uplink
        };
        if count(port) >= limit {
            self.sweep(port.id, now);
        }
        if count(port) < limit {
            self.insert(address, port, false, now);
            Learned::Known
        } else if client {
            Learned::TooMany
        } else {
            // Frames to an address behind the uplink need no entry: what nobody knows is looked for there.
            Learned::Known
        }
    }

    pub(super) fn forget(&mut self, port: u64) {
        self.entries.retain(|_, entry| entry.port.id != port);
    }

    /// Gives the addresses of a port that is gone to another.
    pub(super) fn hand_over(&mut self, from: u64, to: &Arc<Port>, now: Instant) {
        let moving: Vec<MacAddress> = (self.entries.iter())
            .filter(|(_, entry)| entry.port.id == from && !entry.pinned)
            .map(|(address, _)| *address)
            .collect();
        for address in moving {
            self.insert(address, to, false, now);
        }
    }

    fn insert(&mut self, address: MacAddress, port: &Arc<Port>, pinned: bool, now: Instant) {
        port.addresses.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            port: Arc::clone(port),
            last_seen: now,
            pinned,
        };
        if let Some(old) = self.entries.insert(address, entry) {
            old.port.addresses.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = (MacAddress, u64)> + '_ {
        (self.entries.iter()).map(|(address, entry)| (*address, entry.port.id))
    }

    /// Forgets the silent addresses of a port that needs room; no port can make another's be forgotten.
    fn sweep(&mut self, port: u64, now: Instant) {
        if now.saturating_duration_since(self.swept) >= SWEEP {
            self.swept = now;
            self.entries.retain(|_, entry| {
                let keep = entry.pinned
                    || entry.port.id != port
                    || now.saturating_duration_since(entry.last_seen) < AGEING;
                if !keep {
                    entry.port.addresses.fetch_sub(1, Ordering::Relaxed);
                }
                keep
            });
        }
    }
}

fn count(port: &Port) -> usize {
    port.addresses.load(Ordering::Relaxed)
}
