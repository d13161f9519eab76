//! **ethertab-tls**: TLS 1.2 and 1.3 for a browser tab, so that a relay sees ciphertext alone.
//!
//! rustls does the work. This crate brings it a [provider] of pure Rust, the time that JavaScript says it is and the browser's
//! entropy, and takes its sockets away: a [`Client`] opens [`Session`]s, and a session takes bytes in and gives bytes out. It is a
//! wasm module of its own, which a page loads when it asks for its first secure connection.
//!
//! Bounds: a session holds one message of the handshake (64 KiB) or one record (16 KiB), a client remembers 256 servers.

#[cfg(target_arch = "wasm32")]
mod bindings;
mod client;
mod entropy;
mod failure;
mod judge;
mod provider;
mod session;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

pub use client::Client;
pub use failure::{Failure, Kind};
pub use session::{Agreement, Session};
