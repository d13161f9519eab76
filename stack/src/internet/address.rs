//! Which addresses are ours, and what kind of address another one is.

use core::net::{IpAddr, Ipv4Addr};

/// A network: the addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    network: IpAddr,
    length: u8,
}

impl Prefix {
    /// The network of `length` bits that `address` is in. Lengths beyond the family's are cut.
    #[must_use]
    pub const fn new(address: IpAddr, length: u8) -> Prefix {
        match address {
            IpAddr::V4(address) => {
                let length = if length > 32 { 32 } else { length };
                let network = Ipv4Addr::from_bits(address.to_bits() & mask_v4(length));
                Prefix {
                    network: IpAddr::V4(network),
                    length,
                }
            }
            IpAddr::V6(address) => {
                let length = if length > 128 { 128 } else { length };
                let network = core::net::Ipv6Addr::from_bits(address.to_bits() & mask_v6(length));
                Prefix {
                    network: IpAddr::V6(network),
                    length,
                }
            }
        }
    }

    /// Whether `address` begins with the same bits.
    #[must_use]
    pub const fn contains(self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                address.to_bits() & mask_v4(self.length) == network.to_bits()
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                address.to_bits() & mask_v6(self.length) == network.to_bits()
            }
            _ => false,
        }
    }

    /// Length in bits.
    #[must_use]
    pub const fn length(self) -> u8 {
        self.length
    }
}

const fn mask_v4(length: u8) -> u32 {
    match u32::MAX.checked_shl(32 - length as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

const fn mask_v6(length: u8) -> u128 {
    match u128::MAX.checked_shl(128 - length as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

/// How an address concerns this host (RFC 1122 §3.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Our address on the link.
    Ours,
    /// 127.0.0.0/8: never on a wire.
    Loopback,
    /// The limited broadcast, or that of our network.
    Broadcast,
    Multicast,
    /// 0.0.0.0/8: this host, on this network.
    ThisNetwork,
    /// Somebody else.
    Foreign,
}

/// The address that we hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Addresses {
    v4: Option<(Ipv4Addr, u8)>,
    /// Our network's own broadcast address, if it is long enough to have one (RFC 3021 §2.1).
    broadcast: Option<Ipv4Addr>,
}

impl Addresses {
    pub(super) fn set_v4(&mut self, address: Option<(Ipv4Addr, u8)>) {
        self.v4 = address.map(|(address, length)| (address, length.min(32)));
        self.broadcast = self.v4.and_then(|(address, length)| {
            let broadcast = Ipv4Addr::from_bits(address.to_bits() | !mask_v4(length));
            (length <= 30).then_some(broadcast)
        });
    }

    pub(super) fn v4(&self) -> Option<(Ipv4Addr, u8)> {
        self.v4
    }

    #[inline]
    pub(super) fn kind_v4(&self, address: Ipv4Addr) -> Kind {
        if self.v4.is_some_and(|(ours, _)| ours == address) {
            Kind::Ours
        } else if address.is_broadcast() || self.broadcast == Some(address) {
            Kind::Broadcast
        } else {
            match address.octets()[0] {
                0 => Kind::ThisNetwork,
                127 => Kind::Loopback,
                224..=239 => Kind::Multicast,
                _ => Kind::Foreign,
            }
        }
    }

    pub(super) fn is_local(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                matches!(self.kind_v4(address), Kind::Ours | Kind::Loopback)
            }
            IpAddr::V6(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(text: &str) -> Ipv4Addr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_prefix_contains_what_begins_with_its_bits() {
        let contains = |network: &str, length, address: &str| {
            let [network, address] = [network, address].map(|text| text.parse().expect("valid"));
            Prefix::new(network, length).contains(address)
        };
        assert!(contains("10.1.2.3", 24, "10.1.2.255"));
        assert!(!contains("10.1.2.3", 24, "10.1.3.0"));
        assert!(contains("10.1.2.3", 0, "200.0.0.1"));
        assert!(contains("10.1.2.3", 32, "10.1.2.3"));
        assert!(!contains("10.1.2.3", 99, "10.1.2.2"));
        assert!(contains("fe80::1", 64, "fe80::2"));
        assert!(!contains("fe80::1", 64, "fe80:0:0:1::2"));
        assert!(!contains("0.0.0.0", 0, "::"));
        assert!(contains("::1", 0, "2001::"));
    }

    #[test]
    fn addresses_are_told_apart() {
        let mut ours = Addresses::default();
        assert_eq!(ours.kind_v4(v4("10.0.0.1")), Kind::Foreign);
        ours.set_v4(Some((v4("10.0.0.1"), 24)));
        for (address, kind) in [
            ("10.0.0.1", Kind::Ours),
            ("10.0.0.2", Kind::Foreign),
            ("10.0.0.255", Kind::Broadcast),
            ("10.0.1.255", Kind::Foreign),
            ("255.255.255.255", Kind::Broadcast),
            ("224.0.0.1", Kind::Multicast),
            ("239.255.255.255", Kind::Multicast),
            ("127.9.9.9", Kind::Loopback),
            ("0.0.0.0", Kind::ThisNetwork),
            ("240.0.0.1", Kind::Foreign),
        ] {
            assert_eq!(ours.kind_v4(v4(address)), kind, "{address}");
        }
    }

    #[test]
    fn a_network_of_two_has_no_broadcast_address() {
        let mut ours = Addresses::default();
        ours.set_v4(Some((v4("10.0.0.0"), 31)));
        assert_eq!(ours.kind_v4(v4("10.0.0.1")), Kind::Foreign);
    }
}
