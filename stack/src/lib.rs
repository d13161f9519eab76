//! **ethertab-stack**: a TCP/IP stack without I/O. Ethernet frames go in, Ethernet frames come out, and
//! in between there are sockets.
//!
//! The house has one floor a module, and the four layers of the TCP/IP model are the floors:
//!
//! | layer | module | speaks |
//! |---|---|---|
//! | application | [`application`] | DHCP, DNS, ping |
//! | (what a program holds) | [`socket`] | read, write, accept, close |
//! | transport | [`transport`] | TCP, UDP |
//! | internet | [`internet`] | IP, ICMP, routes, fragments |
//! | network interface | [`link`] | Ethernet, ARP |
//!
//! [`Stack`] owns them. [`Stack::receive`] is the way up (`ingress.rs`), [`Stack::transmit`] the way down
//! (`egress.rs`). No floor calls another: each returns values, and only the stairs know the order.
//! [`driver`] is the one asynchronous room: it joins a stack to a [`driver::Link`] and a [`driver::Clock`].
#![cfg_attr(not(any(test, feature = "driver")), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod addressing;
pub mod application;
pub mod buffer;
pub mod config;
pub mod counters;
#[cfg(feature = "driver")]
pub mod driver;
mod egress;
pub mod event;
mod ingress;
pub mod internet;
pub mod link;
pub mod random;
pub mod socket;
mod stack;
mod table;
pub mod time;
mod timer;
mod train;
pub mod transport;
pub mod wire;

pub use config::Config;
pub use event::{EchoId, Event, Lease, ListenerId, TcpId, UdpId};
pub use stack::Stack;
pub use time::{Deadline, Duration, Instant};
pub use wire::address::MacAddress;
