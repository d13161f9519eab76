//! The application floor: DHCP (RFC 2131), DNS (RFC 1035) and ping.
//!
//! Nothing here has a socket. UDP payloads and the time go in; what to send, to whom, and what came of it go out. Whoever
//! owns the sockets (the stack for the DHCP client, the driver for names and pings, the relay for its servers) carries
//! the bytes.

pub mod dhcp;
pub mod dns;
pub mod ping;
