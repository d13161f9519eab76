//! One TCP listener, seen by the program that holds it.

use crate::event::{ListenerId, TcpId};
use crate::transport::Transport;
use core::net::SocketAddr;

/// A view of one TCP listener.
pub struct TcpListenerSocket<'s> {
    pub(crate) transport: &'s mut Transport,
    pub(crate) id: ListenerId,
}

impl TcpListenerSocket<'_> {
    /// Takes the oldest established connection that nobody took yet.
    pub fn accept(&mut self) -> Option<(TcpId, SocketAddr)> {
        self.transport.tcp.accept(self.id)
    }

    /// Where it listens; `None` once closed.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.transport.tcp.listener_address(self.id)
    }

    /// Stops listening. Connections that nobody accepted are reset.
    pub fn close(self) {
        self.transport.tcp.close_listener(self.id);
    }
}
