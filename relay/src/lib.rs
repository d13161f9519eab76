//! **ethertab-relay**: the native end of the tunnel. Each browser tab sends Ethernet frames over one WebSocket; here
//! they meet the host, and each other, on one switch.
//!
//! ```text
//!   tab ──WebSocket── session ─┐
//!   tab ──WebSocket── session ─┼─ switch ─┬─ uplink: a TAP interface, and behind it the kernel of this host
//!                              │          └─ gateway: our own stack, which answers DHCP, DNS and ping
//!   server: HTTP, the page ────┘
//! ```
//!
//! [`Relay::start`] puts it together from a [`config::Plan`]; [`Relay::stop`] takes it apart. The order to read in:
//! [`switch`], [`session`], [`uplink`], [`gateway`], [`server`].

pub mod config;
pub mod demo;
pub mod gateway;
pub mod http;
pub mod metrics;
pub mod page;
mod plain;
mod relay;
pub mod server;
pub mod session;
pub mod shutdown;
pub mod subnet;
pub mod switch;
pub mod uplink;

pub use relay::{Relay, StartError};
