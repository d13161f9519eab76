//! Bytes ⇄ headers. A leaf: everyone may read it, it knows nobody.
//!
//! Each format has `parse`, which takes bytes and returns the header and the payload or an error, and `emit`,
//! which writes it, side by side under a table of its fields. No call here can panic on any input.

pub mod address;
pub mod arp;
pub mod checksum;
pub mod dhcp;
pub mod dns;
pub mod ethernet;
pub mod icmpv4;
pub mod ip;
pub mod ipv4;
pub mod offload;
pub mod tcp;
pub mod tcp_options;
pub mod udp;
