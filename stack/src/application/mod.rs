//! The application floor: DHCP, DNS, ping.

pub mod dhcp;
pub mod dns;
