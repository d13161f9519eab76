//! What was learned, as long as it lives (RFC 1035 §7.4; absences: RFC 2308 §5).

use super::Family;
use crate::config::ResolverConfig;
use crate::random::Key;
use crate::time::{Duration, Instant};
use crate::wire::dns::Name;
use alloc::vec::Vec;
use core::net::IpAddr;
use hashbrown::HashMap;

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
    finding: Finding,
    expires: Instant,
}

#[derive(Debug)]
pub(super) struct Cache {
    entries: HashMap<(Name, Family), Entry, Key>,
    limit: usize,
    longest_life: Duration,
    longest_absence: Duration,
}

impl Cache {
    pub(super) fn new(config: &ResolverConfig, key: Key) -> Cache {
        Cache {
            entries: HashMap::with_hasher(key),
            limit: config.cache_entries,
            longest_life: config.longest_life,
            longest_absence: config.longest_absence,
        }
    }

    pub(super) fn find(&self, name: &Name, family: Family, now: Instant) -> Option<&Finding> {
        // The tuple is the key, so that looking costs one small copy of the name.
        let entry = self.entries.get(&(name.clone(), family))?;
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
        let key = (name, family);
        if self.entries.len() >= self.limit && !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        let expires = now + life;
        self.entries.insert(key, Entry { finding, expires });
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn entries(&self, now: Instant) -> impl Iterator<Item = Cached<'_>> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.expires > now)
            .map(move |((name, family), entry)| Cached {
                name,
                family: *family,
                addresses: match &entry.finding {
                    Finding::Addresses(addresses) => addresses,
                    Finding::NoSuchName | Finding::NoData => &[],
                },
                remaining: entry.expires.since(now),
            })
    }

    /// Drops what is past its life; if that is nothing, what would be next.
    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|_, entry| entry.expires > now);
        if self.entries.len() < self.limit {
            return;
        }
        let soonest = self
            .entries
            .iter()
            .min_by_key(|(_, entry)| entry.expires)
            .map(|(key, _)| key.clone());
        if let Some(key) = soonest {
            self.entries.remove(&key);
        }
    }
}
