//! What a program holds: borrowed views of a connection, a listener, a UDP or an echo socket.
//!
//! A view does one thing at once and never waits: what cannot be done yet is [`Poll::Pending`], and an
//! [`Event`](crate::Event) says when to try again. Nothing here has a state of its own.

mod icmp;
mod listener;
mod tcp;
mod udp;

pub use crate::transport::{BindError, ConnectError, TcpError, UdpError};
pub use icmp::{EchoReply, EchoSocket};
pub use listener::TcpListenerSocket;
pub use tcp::{TcpInfo, TcpSocket};
pub use udp::{Datagram, UdpSocket};

#[cfg(doc)]
use core::task::Poll;
