//! An IPv4 network and the places in it.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An IPv4 network: `10.77.0.0/20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    base: u32,
    prefix_length: u8,
}

impl Subnet {
    /// Length of the prefix in bits.
    #[must_use]
    pub const fn prefix_length(self) -> u8 {
        self.prefix_length
    }

    /// The mask.
    #[must_use]
    pub const fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(mask(self.prefix_length))
    }

    /// The `n`th address, the network's own being the 0th.
    #[must_use]
    pub const fn address(self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.wrapping_add(n))
    }

    /// The broadcast address (RFC 919).
    #[must_use]
    pub const fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base | !mask(self.prefix_length))
    }

    /// The last address that a host can have.
    #[must_use]
    pub const fn last_host(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.broadcast().to_bits() - 1)
    }

    /// Whether a host can have this address here.
    #[must_use]
    pub fn has_host(self, address: Ipv4Addr) -> bool {
        address > self.address(0) && address < self.broadcast()
    }

    /// Whether the two have an address in common.
    #[must_use]
    pub fn overlaps(self, other: Subnet) -> bool {
        self.base <= other.broadcast().to_bits() && other.base <= self.broadcast().to_bits()
    }

    /// The network with this prefix that an address lies in.
    #[must_use]
    pub const fn around(address: Ipv4Addr, prefix_length: u8) -> Subnet {
        Subnet {
            base: address.to_bits() & mask(prefix_length),
            prefix_length,
        }
    }
}

const fn mask(prefix_length: u8) -> u32 {
    match prefix_length {
        0 => 0,
        bits => u32::MAX << (32 - bits as u32),
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(0), self.prefix_length)
    }
}

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Subnet, String> {
        let form = || format!("`{text}` is not a network; write it like 10.77.0.0/20");
        let (address, prefix_length) = text.split_once('/').ok_or_else(form)?;
        let address: Ipv4Addr = address.parse().map_err(|_| form())?;
        let prefix_length: u8 = prefix_length.parse().map_err(|_| form())?;
        if !(8..=29).contains(&prefix_length) {
            return Err("the prefix must be between /8 and /29, to hold the host, the gateway and some tabs".into());
        }
        let subnet = Subnet::around(address, prefix_length);
        if subnet.address(0) != address {
            return Err(format!(
                "{address} is not the first address of its network; do you mean {subnet}?"
            ));
        }
        Ok(subnet)
    }
}

/// A range of addresses, both ends included: `10.77.0.100-10.77.0.200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address.
    pub last: Ipv4Addr,
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for AddressRange {
    type Err = String;

    fn from_str(text: &str) -> Result<AddressRange, String> {
        let form = || format!("`{text}` is not a range; write it like 10.77.0.100-10.77.0.200");
        let (first, last) = text.split_once('-').ok_or_else(form)?;
        let range = AddressRange {
            first: first.trim().parse().map_err(|_| form())?,
            last: last.trim().parse().map_err(|_| form())?,
        };
        if range.first > range.last {
            return Err(format!("the range {range} ends before it begins"));
        }
        Ok(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_knows_its_places() {
        let subnet: Subnet = "10.77.0.0/20".parse().unwrap();
        assert_eq!(subnet.mask(), Ipv4Addr::new(255, 255, 240, 0));
        assert_eq!(subnet.broadcast(), Ipv4Addr::new(10, 77, 15, 255));
        assert_eq!(subnet.last_host(), Ipv4Addr::new(10, 77, 15, 254));
        assert!(subnet.has_host(subnet.address(1)));
        assert!(!subnet.has_host(subnet.address(0)) && !subnet.has_host(subnet.broadcast()));
        assert_eq!(subnet.to_string(), "10.77.0.0/20");
    }

    #[test]
    fn a_network_written_wrongly_is_told_what_is_right() {
        let error = "10.77.3.1/20".parse::<Subnet>().unwrap_err();
        assert!(error.contains("do you mean 10.77.0.0/20?"), "{error}");
        for wrong in [
            "10.77.0.0",
            "10.77.0.0/33",
            "10.77.0.0/30",
            "x/20",
            "10.77.0.0/-1",
        ] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_that_share_an_address_overlap() {
        let subnet: Subnet = "10.77.0.0/20".parse().unwrap();
        assert!(subnet.overlaps(Subnet::around(Ipv4Addr::new(10, 0, 0, 0), 8)));
        assert!(!subnet.overlaps(Subnet::around(Ipv4Addr::new(10, 78, 0, 0), 16)));
    }

    #[test]
    fn a_range_runs_forward() {
        assert!("10.77.0.9-10.77.0.3".parse::<AddressRange>().is_err());
        assert!("10.77.0.3 - 10.77.0.9".parse::<AddressRange>().is_ok());
        assert!("10.77.0.3".parse::<AddressRange>().is_err());
    }
}
