//! The application floor: DHCP, DNS, ping.

pub mod dns;
