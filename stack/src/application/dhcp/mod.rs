//! DHCP (RFC 2131): the client that gets our address, and the server that gives others theirs.
//!
//! Neither has a socket. [`DhcpClient`] takes and gives UDP payloads between 0.0.0.0:68 and port 67, tells by
//! [`DhcpEvent`] what happened, and leaves the check that nobody else uses the address (RFC 5227) to the link, which
//! answers by [`DhcpClient::probe_clear`] or [`DhcpClient::conflict`]. [`DhcpServer`] maps one message to one answer.

mod client;
mod lease;
mod outgoing;
mod pool;
mod server;
#[cfg(test)]
mod tests;

pub use client::{DhcpClient, DhcpEvent};
pub use lease::INFINITE_LEASE;
pub use pool::{LeaseState, ServerLease};
pub use server::{DhcpReply, DhcpServer, DhcpServerConfig, Refusal, Refusals};
