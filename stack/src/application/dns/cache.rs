//! What was learned, as long as it lives (RFC 1035 §7.4; absences: RFC 2308 §5).

use super::Family;
use crate::config::ResolverConfig;
use crate::time::{Duration, Instant};
use crate::wire::dns::Name;
use alloc::vec::Vec;
use core::net::IpAddr;

/// What is known about the addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Addresses(Vec<IpAddr>),
    NoSuchName,
    NoData,
}

/// One remembered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cached<'c> {
    /// The name that was asked for.
    pub name: &'c Name,
    /// The kind of address that was asked for.
    pub family: Family,
    /// Its addresses; none if it is known to have none.
    pub addresses: &'c [IpAddr],
    /// How long it is still remembered.
    pub remaining: Duration,
}

#[derive(Debug)]
struct Entry {
    name: Name,
    family: Family,
    finding: Finding,
    expires: Instant,
}

#[derive(Debug)]
pub(super) struct Cache {
    /// Few enough to look at each: a question to a server takes a thousand times as long.
    entries: Vec<Entry>,
    limit: usize,
    longest_life: Duration,
    longest_absence: Duration,
}

impl Cache {
    pub(super) const fn new(config: &ResolverConfig) -> Cache {
        Cache {
            entries: Vec::new(),
            limit: config.cache_entries,
            longest_life: config.longest_life,
            longest_absence: config.longest_absence,
        }
    }

    pub(super) fn find(&self, name: &Name, family: Family, now: Instant) -> Option<&Finding> {
        let entry = &self.entries[self.position(name, family)?];
        (entry.expires > now).then_some(&entry.finding)
    }

    /// Remembers a finding for `seconds`; zero means not at all (RFC 1035 §3.2.1).
    pub(super) fn remember(
        &mut self,
        name: Name,
        family: Family,
        finding: Finding,
        seconds: u32,
        now: Instant,
    ) {
        let longest = match finding {
            Finding::Addresses(_) => self.longest_life,
            Finding::NoSuchName | Finding::NoData => self.longest_absence,
        };
        let life = Duration::from_secs(u64::from(seconds)).min(longest);
        if life.is_zero() || self.limit == 0 {
            return;
        }
        let entry = Entry {
            family,
            finding,
            expires: now + life,
            name,
        };
        if let Some(at) = self.position(&entry.name, family) {
            self.entries[at] = entry;
            return;
        }
        if self.entries.len() >= self.limit {
            self.make_room(now);
        }
        self.entries.push(entry);
    }

    fn position(&self, name: &Name, family: Family) -> Option<usize> {
        let is_it = |entry: &Entry| entry.family == family && entry.name == *name;
        self.entries.iter().position(is_it)
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn entries(&self, now: Instant) -> impl Iterator<Item = Cached<'_>> {
        self.entries
            .iter()
            .filter(move |entry| entry.expires > now)
            .map(move |entry| Cached {
                name: &entry.name,
                family: entry.family,
                addresses: match &entry.finding {
                    Finding::Addresses(addresses) => addresses,
                    Finding::NoSuchName | Finding::NoData => &[],
                },
                remaining: entry.expires.since(now),
            })
    }

    /// Drops what is past its life; if that is nothing, what would be next.
    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|entry| entry.expires > now);
        if self.entries.len() < self.limit {
            return;
        }
        let entries = self.entries.iter().enumerate();
        if let Some((soonest, _)) = entries.min_by_key(|(_, entry)| entry.expires) {
            self.entries.swap_remove(soonest);
        }
    }
}
