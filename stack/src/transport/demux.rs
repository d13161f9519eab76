//! Who a segment or datagram is for: one hash lookup, whatever the number of sockets.
//!
//! The keys come from the network, so the hash is keyed (SipHash): nobody outside can choose addresses and ports that
//! collide.

use crate::random::{Key, Random};
use crate::table::{Index, Sorted};
use alloc::vec;
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

/// Both ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FourTuple {
    /// Our end.
    pub local: SocketAddr,
    /// The peer's end.
    pub remote: SocketAddr,
}

impl Hash for FourTuple {
    /// Whole words instead of single fields: two for IPv4, five for IPv6.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ports = u64::from(self.local.port()) << 16 | u64::from(self.remote.port());
        match (self.local.ip(), self.remote.ip()) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => {
                state.write_u64(u64::from(local.to_bits()) << 32 | u64::from(remote.to_bits()));
            }
            (local, remote) => {
                for address in [local, remote] {
                    let bits = match address {
                        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
                        IpAddr::V6(address) => address.to_bits(),
                    };
                    state.write_u64((bits >> 64) as u64);
                    state.write_u64(bits as u64);
                }
            }
        }
        state.write_u64(ports);
    }
}

/// Connections by their four-tuple.
#[derive(Debug)]
pub struct Connections {
    key: Key,
    slots: Index,
    /// By slot; of those that are not in use, what was there last.
    tuples: Vec<FourTuple>,
    /// The last one found: packets come in trains.
    last: Option<(FourTuple, u32)>,
}

impl Connections {
    /// An empty table with a fresh key.
    #[must_use]
    pub fn new(random: &mut Random) -> Connections {
        Connections {
            key: random.key(),
            slots: Index::default(),
            tuples: Vec::new(),
            last: None,
        }
    }

    /// Enters a connection in a slot that is free; false, and nothing changed, if the four-tuple is taken.
    pub fn insert(&mut self, tuple: FourTuple, slot: u32) -> bool {
        let hash = self.key.hash_one(tuple);
        if self.look_up(&tuple, hash).is_some() {
            return false;
        }
        let at = slot as usize;
        if at >= self.tuples.len() {
            self.tuples.resize(at + 1, tuple);
        }
        self.tuples[at] = tuple;
        let (key, tuples) = (self.key, &self.tuples);
        (self.slots).insert(hash, slot, &|slot| key.hash_one(tuples[slot as usize]));
        true
    }

    /// Takes a connection out; returns its slot.
    pub fn remove(&mut self, tuple: &FourTuple) -> Option<u32> {
        if self.last.is_some_and(|(last, _)| last == *tuple) {
            self.last = None;
        }
        let hash = self.key.hash_one(tuple);
        let slot = self.look_up(tuple, hash)?;
        self.slots.remove(hash, slot);
        Some(slot)
    }

    /// The slot of the connection that a segment belongs to.
    #[inline]
    pub fn find(&mut self, tuple: &FourTuple) -> Option<u32> {
        if let Some((last, slot)) = self.last
            && last == *tuple
        {
            return Some(slot);
        }
        let slot = self.look_up(tuple, self.key.hash_one(tuple))?;
        self.last = Some((*tuple, slot));
        Some(slot)
    }

    /// Whether the four-tuple is taken.
    #[must_use]
    pub fn contains(&self, tuple: &FourTuple) -> bool {
        self.look_up(tuple, self.key.hash_one(tuple)).is_some()
    }

    /// Connections entered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn look_up(&self, tuple: &FourTuple, hash: u64) -> Option<u32> {
        let is_it = |slot: u32| self.tuples[slot as usize] == *tuple;
        self.slots.find(hash, &is_it)
    }
}

/// Ports that somebody waits at: listeners of TCP, or sockets of UDP. The unspecified address stands for all addresses
/// of its family and therefore conflicts with each of them.
#[derive(Debug, Default)]
pub struct Bindings {
    ports: Sorted<Vec<(IpAddr, u32)>>,
}

impl Bindings {
    /// Whether `local` can be bound.
    #[must_use]
    pub fn is_free(&self, local: SocketAddr) -> bool {
        self.at(local.port())
            .iter()
            .all(|&(address, _)| !conflict(address, local.ip()))
    }

    /// Binds; false, and nothing changed, if it conflicts with another.
    pub fn insert(&mut self, local: SocketAddr, slot: u32) -> bool {
        let free = self.is_free(local);
        if free {
            let (port, binding) = (local.port().into(), (local.ip(), slot));
            match self.ports.get_mut(port) {
                Some(bound) => bound.push(binding),
                None => self.ports.insert(port, vec![binding]),
            }
        }
        free
    }

    /// Gives a binding back; returns its slot.
    pub fn remove(&mut self, local: SocketAddr) -> Option<u32> {
        let bound = self.ports.get_mut(local.port().into())?;
        let at = bound
            .iter()
            .position(|&(address, _)| address == local.ip())?;
        let (_, slot) = bound.swap_remove(at);
        if bound.is_empty() {
            self.ports.remove(local.port().into());
        }
        Some(slot)
    }

    /// Who waits at that address: whoever bound exactly it, otherwise whoever bound all.
    #[must_use]
    pub fn find(&self, local: SocketAddr) -> Option<u32> {
        let bound = self.at(local.port());
        let exact = bound.iter().find(|(address, _)| *address == local.ip());
        exact
            .or_else(|| {
                bound
                    .iter()
                    .find(|(address, _)| conflict(*address, local.ip()))
            })
            .map(|&(_, slot)| slot)
    }

    fn at(&self, port: u16) -> &[(IpAddr, u32)] {
        self.ports.get(port.into()).map_or(&[], Vec::as_slice)
    }
}

/// Whether both cannot be bound to one port.
fn conflict(one: IpAddr, other: IpAddr) -> bool {
    one.is_ipv4() == other.is_ipv4()
        && (one == other || one.is_unspecified() || other.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn random() -> Random {
        Random::new([5; 32])
    }

    #[test]
    fn a_connection_is_found_by_both_ends_until_it_is_removed() {
        let mut connections = Connections::new(&mut random());
        let tuple = FourTuple {
            local: at("10.0.0.2:80"),
            remote: at("10.0.0.1:50000"),
        };
        let other = FourTuple {
            remote: at("10.0.0.1:50001"),
            ..tuple
        };
        assert!(connections.insert(tuple, 7));
        assert!(!connections.insert(tuple, 8), "the four-tuple is taken");
        assert_eq!(connections.find(&tuple), Some(7));
        assert_eq!(connections.find(&other), None);
        assert_eq!(connections.find(&tuple), Some(7));
        assert_eq!(connections.remove(&tuple), Some(7));
        assert_eq!(
            connections.find(&tuple),
            None,
            "the last hit is forgotten too"
        );
        assert!(connections.is_empty());
    }

    #[test]
    fn ends_of_both_families_hash_apart() {
        let key = random().key();
        let hash = |local: &str, remote: &str| {
            let mut hash = key.hash();
            FourTuple {
                local: at(local),
                remote: at(remote),
            }
            .hash(&mut hash);
            hash.finish()
        };
        let one = hash("10.0.0.2:80", "10.0.0.1:50000");
        assert_ne!(one, hash("10.0.0.1:80", "10.0.0.2:50000"));
        assert_ne!(one, hash("10.0.0.2:50000", "10.0.0.1:80"));
        assert_ne!(
            hash("[fe80::1]:80", "[fe80::2]:1"),
            hash("[fe80::1]:80", "[fe80::3]:1")
        );
    }

    #[test]
    fn an_exact_binding_and_one_for_all_addresses_exclude_each_other() {
        let mut bindings = Bindings::default();
        assert!(bindings.insert(at("10.0.0.2:53"), 1));
        assert!(bindings.insert(at("127.0.0.1:53"), 2));
        assert!(!bindings.insert(at("0.0.0.0:53"), 3));
        assert!(
            bindings.insert(at("[::]:53"), 4),
            "the other family is apart"
        );
        assert_eq!(bindings.find(at("10.0.0.2:53")), Some(1));
        assert_eq!(bindings.find(at("127.0.0.1:53")), Some(2));
        assert_eq!(bindings.find(at("10.0.0.3:53")), None);
        assert_eq!(bindings.remove(at("10.0.0.2:53")), Some(1));
        assert_eq!(bindings.remove(at("127.0.0.1:53")), Some(2));
        assert!(bindings.insert(at("0.0.0.0:53"), 3));
        assert_eq!(bindings.find(at("10.0.0.3:53")), Some(3));
        assert_eq!(bindings.find(at("[fe80::1]:53")), Some(4));
        assert_eq!(bindings.find(at("10.0.0.3:54")), None);
    }
}
