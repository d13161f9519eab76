//! The transport floor: TCP (RFC 9293), UDP (RFC 768) and the identifiers of echo requests.

pub mod demux;
mod error;
pub mod port;
pub mod tcp;

pub use error::{BindError, ConnectError, TcpError, UdpError};

/// All connections and sockets.
pub struct Transport {}
