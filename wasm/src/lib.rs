//! **ethertab-wasm**: ethertab's TCP/IP stack over a WebSocket to the relay, in a page or a Worker.
//!
//! It is two things in one. For JavaScript it is the classes of [`bindings`], which the npm package's Worker uses. For other
//! wasm crates it is a library: [`Network::open`] gives a network whose [`TcpStream`]s are futures-io's `AsyncRead`
//! and `AsyncWrite`, so that a wasm-pack headless test can open real sockets; `examples/headless` shows one.
//!
//! No protocol decision lives here: this crate brings a [`WebSocketLink`](link::WebSocketLink), a [`BrowserClock`] and entropy
//! to the [driver](ethertab_stack::driver), and carries values across the border.

pub mod bindings;
mod clock;
mod connection;
pub mod link;
mod network;
mod scope;
mod spent;
mod task;
mod turns;

#[cfg(feature = "small-allocator")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

pub use clock::{BrowserClock, Sleep};
pub use ethertab_stack::config::{ListenOptions, TcpOptions};
pub use ethertab_stack::driver::{
    Error, PingOptions, PingReply, TcpListener, TcpStream, UdpSocket,
};
pub use network::{Network, NetworkOptions, OpenError};
