//! Routes: the longest prefix that contains the destination decides (RFC 1122 §3.3.1; RFC 1812 §5.2.4.3).

use super::address::Prefix;
use alloc::vec::Vec;
use core::net::IpAddr;

#[derive(Clone, Copy, Debug)]
struct Route {
    prefix: Prefix,
    /// `None`: the destination is on our link.
    gateway: Option<IpAddr>,
}

/// The routing table: the longest prefix first.
#[derive(Debug, Default)]
pub(super) struct Routes {
    routes: Vec<Route>,
    most: usize,
}

impl Routes {
    pub(super) fn new(most: usize) -> Routes {
        Routes {
            routes: Vec::new(),
            most: most.max(2),
        }
    }

    pub(super) fn clear(&mut self) {
        self.routes.clear();
    }

    /// Adds a route, or replaces the one for the same prefix; false if the table is full.
    pub(super) fn add(&mut self, prefix: Prefix, gateway: Option<IpAddr>) -> bool {
        let route = Route { prefix, gateway };
        if let Some(same) = self.routes.iter_mut().find(|same| same.prefix == prefix) {
            *same = route;
            return true;
        }
        if self.routes.len() >= self.most {
            return false;
        }
        let length = prefix.length();
        let at = self
            .routes
            .partition_point(|other| other.prefix.length() >= length);
        self.routes.insert(at, route);
        true
    }

    /// The neighbour that takes packets for `destination` further: the destination itself, or a gateway.
    pub(super) fn neighbor_for(&self, destination: IpAddr) -> Option<IpAddr> {
        self.routes
            .iter()
            .find(|route| route.prefix.contains(destination))
            .map(|route| route.gateway.unwrap_or(destination))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_longest_prefix_wins_in_whatever_order_routes_were_added() {
        let network = |address, length| Prefix::new(ip(address), length);
        let added = [
            (network("0.0.0.0", 0), Some(ip("10.0.0.254"))),
            (network("10.0.0.0", 24), None),
            (network("10.9.0.0", 16), Some(ip("10.0.0.9"))),
            (network("::", 0), Some(ip("fe80::1"))),
            (network("10.9.8.0", 24), Some(ip("10.0.0.8"))),
        ];
        for turn in 0..added.len() {
            let mut routes = Routes::new(8);
            for at in 0..added.len() {
                let (prefix, gateway) = added[(at + turn) % added.len()];
                assert!(routes.add(prefix, gateway));
            }
            for (destination, neighbor) in [
                ("10.0.0.7", "10.0.0.7"),
                ("10.9.8.7", "10.0.0.8"),
                ("10.9.7.7", "10.0.0.9"),
                ("93.184.215.14", "10.0.0.254"),
                ("2001::1", "fe80::1"),
            ] {
                let found = routes.neighbor_for(ip(destination));
                assert_eq!(found, Some(ip(neighbor)), "{destination}");
            }
        }
    }

    #[test]
    fn a_full_table_takes_no_more_but_replaces() {
        let mut routes = Routes::new(2);
        assert!(routes.add(Prefix::new(ip("10.0.0.0"), 8), None));
        assert!(routes.add(Prefix::new(ip("11.0.0.0"), 8), None));
        assert!(!routes.add(Prefix::new(ip("12.0.0.0"), 8), None));
        assert!(routes.add(Prefix::new(ip("11.0.0.0"), 8), Some(ip("10.0.0.1"))));
        assert_eq!(routes.neighbor_for(ip("11.1.1.1")), Some(ip("10.0.0.1")));
        assert_eq!(routes.neighbor_for(ip("12.1.1.1")), None);
    }
}
