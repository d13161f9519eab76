//! One echo socket (ping), seen by the program that holds it.

use super::UdpError;
use crate::event::EchoId;
use crate::transport::Transport;
pub use crate::transport::echo::EchoReply;
use core::task::Poll;

/// A view of one echo socket: one destination, one identifier.
pub struct EchoSocket<'s> {
    pub(crate) transport: &'s mut Transport,
    pub(crate) id: EchoId,
}

impl EchoSocket<'_> {
    /// Queues a request (RFC 792, type 8); pending while the send queue is full.
    pub fn send(&mut self, sequence: u16, payload: &[u8]) -> Poll<Result<(), UdpError>> {
        self.transport.echo.send(self.id, sequence, payload)
    }

    /// Takes the oldest reply, or the error that ICMP reported with the sequence number of the request.
    pub fn receive(&mut self) -> Poll<Result<EchoReply, (u16, UdpError)>> {
        self.transport.echo.take(self.id)
    }

    /// Hop limit of requests sent from now on; `None`: the stack's default.
    pub fn set_hop_limit(&mut self, hop_limit: Option<u8>) {
        self.transport.echo.set_hop_limit(self.id, hop_limit);
    }

    /// Closes it; requests that were not sent yet are not sent. The id is stale afterwards.
    pub fn close(self) {
        self.transport.echo.close(self.id);
    }
}
