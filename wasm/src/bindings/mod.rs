//! The classes that JavaScript sees. Options and results cross as plain objects whose fields `options` and `results` list;
//! whatever fails throws an `Error` with a stable `code`.

mod capture;
mod error;
mod held;
mod network;
mod object;
mod options;
mod results;
mod tcp;
mod text;
mod udp;

pub use capture::Capture;
pub use network::Network;
pub use tcp::{TcpListener, TcpStream};
pub use udp::UdpSocket;

pub(crate) use error::error;
