//! Ephemeral ports that nobody outside can guess (RFC 6056).

use crate::random::{Key, Random};
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

/// Counters of the double hash; RFC 6056 §3.3.4 suggests ten or more.
const COUNTERS: usize = 64;
/// Ports tried at random before they are tried in order.
const RANDOM_TRIES: usize = 16;

/// Chooses ports between a first and a last.
#[derive(Clone, Debug)]
pub struct EphemeralPorts {
    first: u16,
    count: u32,
    offsets: Key,
    separation: Key,
    counters: [u32; COUNTERS],
    random: Random,
}

impl EphemeralPorts {
    /// Ports from `first` to `last`, in whichever order they are given; port 0 is never chosen.
    #[must_use]
    pub fn new((first, last): (u16, u16), random: &mut Random) -> EphemeralPorts {
        let (first, last) = (first.min(last).max(1), first.max(last).max(1));
        EphemeralPorts {
            first,
            count: u32::from(last - first) + 1,
            offsets: random.key(),
            separation: random.key(),
            counters: core::array::from_fn(|_| random.next_u32()),
            random: random.fork(),
        }
    }

    /// How many ports there are to choose from.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// A port for a connection: double-hash port selection (RFC 6056 §3.3.4). Connections to one destination get
    /// rising ports, which keeps them off TIME-WAIT; other destinations learn nothing from them.
    /// `None` if `is_free` accepts no port.
    pub fn for_connection(
        &mut self,
        local: IpAddr,
        remote: SocketAddr,
        is_free: impl Fn(u16) -> bool,
    ) -> Option<u16> {
        let hashed = |key: Key| {
            let mut hash = key.hash();
            (local, remote).hash(&mut hash);
            hash.finish()
        };
        let offset = hashed(self.offsets) as u32;
        let counter = hashed(self.separation) as usize % COUNTERS;
        for _ in 0..self.count {
            let step = self.counters[counter];
            self.counters[counter] = step.wrapping_add(1);
            let port = self.port(offset.wrapping_add(step));
            if is_free(port) {
                return Some(port);
            }
        }
        None
    }

    /// A port at random (RFC 6056 §3.3.1), as a resolver needs it (RFC 5452 §9.2).
    /// `None` if `is_free` accepts no port.
    pub fn at_random(&mut self, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        for _ in 0..RANDOM_TRIES {
            let number = self.random.below(self.count);
            let port = self.port(number);
            if is_free(port) {
                return Some(port);
            }
        }
        let start = self.random.below(self.count);
        (0..self.count)
            .map(|step| self.port(start + step))
            .find(|&port| is_free(port))
    }

    fn port(&self, number: u32) -> u16 {
        self.first + (number % self.count) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    const HERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 2));

    fn ports(range: (u16, u16)) -> EphemeralPorts {
        EphemeralPorts::new(range, &mut Random::new([9; 32]))
    }

    fn server(port: u16) -> SocketAddr {
        SocketAddr::new([10, 0, 0, 1].into(), port)
    }

    #[test]
    fn one_destination_sees_rising_ports_and_another_begins_elsewhere() {
        let mut ports = ports((49_152, 65_535));
        let mut next = |port| {
            ports
                .for_connection(HERE, server(port), |_| true)
                .map(u32::from)
                .unwrap()
        };
        let first = next(80);
        assert_eq!((next(80) + 16_384 - first) % 16_384, 1);
        assert!(next(443).abs_diff(first) > 2);
    }

    #[test]
    fn every_port_is_found_when_it_is_the_only_free_one() {
        let mut ports = ports((50_000, 50_099));
        for wanted in 50_000..50_100 {
            let is_free = |port| port == wanted;
            assert_eq!(
                ports.for_connection(HERE, server(80), is_free),
                Some(wanted)
            );
            assert_eq!(ports.at_random(is_free), Some(wanted));
        }
        assert_eq!(ports.for_connection(HERE, server(80), |_| false), None);
        assert_eq!(ports.at_random(|_| false), None);
    }

    #[test]
    fn random_ports_fill_the_whole_range_and_stay_in_it() {
        let mut ports = ports((65_535, 65_500));
        let seen: BTreeSet<u16> = (0..1_000)
            .filter_map(|_| ports.at_random(|_| true))
            .collect();
        assert_eq!(
            (seen.len(), seen.first(), seen.last()),
            (36, Some(&65_500), Some(&65_535))
        );
    }
}
