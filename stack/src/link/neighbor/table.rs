//! Where neighbours are kept: slots that are used again, found by a keyed hash, the least recently used one leaving
//! first.

use super::Neighbor;
use crate::random::{Key, Random};
use crate::table::{Index, Slots};
use core::hash::Hasher;
use core::net::IpAddr;

/// Names a neighbour while it is known.
pub(super) type Slot = u32;

pub(super) struct Table {
    key: Key,
    index: Index,
    slots: Slots<Neighbor>,
    /// Slots found lately, by the end of the address: packets come in trains, and few trains are under way at once.
    recent: [Slot; RECENT],
}

const RECENT: usize = 16;

impl Table {
    pub(super) fn new(random: &mut Random) -> Table {
        Table {
            key: random.key(),
            index: Index::default(),
            slots: Slots::default(),
            recent: [0; RECENT],
        }
    }

    /// How many neighbours there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Every slot that was ever used.
    pub(super) fn slots(&self) -> core::ops::Range<Slot> {
        self.slots.numbers()
    }

    pub(super) fn neighbors(&mut self) -> impl Iterator<Item = &mut Neighbor> {
        self.slots.values_mut()
    }

    #[inline]
    pub(super) fn get(&mut self, slot: Slot) -> Option<&mut Neighbor> {
        self.slots.get_mut(slot)
    }

    #[inline]
    pub(super) fn find(&mut self, address: &IpAddr) -> Option<Slot> {
        let slots = &self.slots;
        let is_it = |slot: Slot| {
            let neighbor = slots.get(slot);
            neighbor.is_some_and(|neighbor| neighbor.address == *address)
        };
        let recent = self.recent.get_mut(end_of(address) % RECENT)?;
        if is_it(*recent) {
            return Some(*recent);
        }
        let slot = (self.index).find(hash(self.key, *address), &is_it)?;
        *recent = slot;
        Some(slot)
    }

    /// Adds a neighbour that is not in the table.
    pub(super) fn insert(&mut self, neighbor: Neighbor) -> Slot {
        let hash_of_new = hash(self.key, neighbor.address);
        let slot = self.slots.insert(neighbor);
        let (key, slots) = (self.key, &self.slots);
        self.index.insert(hash_of_new, slot, &|slot| {
            let neighbor = slots.get(slot);
            neighbor.map_or(0, |neighbor| hash(key, neighbor.address))
        });
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Neighbor> {
        let neighbor = self.slots.remove(slot)?;
        let hash = hash(self.key, neighbor.address);
        self.index.remove(hash, slot);
        Some(neighbor)
    }

    /// Who should make room: the least recently used idle neighbour, or else the one that has been busy longest.
    pub(super) fn least_worth_keeping(&self) -> Option<Slot> {
        let known = self.slots.iter();
        let (slot, _) = known.min_by_key(|(_, neighbor)| (!neighbor.is_idle(), neighbor.used))?;
        Some(slot)
    }
}

fn end_of(address: &IpAddr) -> usize {
    match address {
        IpAddr::V4(address) => address.to_bits() as usize,
        IpAddr::V6(address) => address.to_bits() as usize,
    }
}

fn hash(key: Key, address: IpAddr) -> u64 {
    let mut hash = key.hash();
    match address {
        IpAddr::V4(address) => hash.write_u64(address.to_bits().into()),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            hash.write_u64((bits >> 64) as u64);
            hash.write_u64(bits as u64);
        }
    }
    hash.finish()
}
