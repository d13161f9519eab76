//! One UDP socket, seen by the program that holds it.

use super::UdpError;
use crate::event::UdpId;
use crate::transport::Transport;
pub use crate::transport::udp::Datagram;
use core::net::SocketAddr;
use core::task::Poll;

/// A view of one UDP socket.
pub struct UdpSocket<'s> {
    pub(crate) transport: &'s mut Transport,
    pub(crate) id: UdpId,
}

impl UdpSocket<'_> {
    /// Fixes the peer: others' datagrams are no longer received, and `send` needs no destination. A socket bound to the
    /// unspecified address stays so: each datagram leaves from the address of its route.
    ///
    /// # Errors
    /// [`UdpError::Destination`] if the peer has port 0, no address, or one of the other family.
    pub fn connect(&mut self, remote: SocketAddr) -> Result<(), UdpError> {
        self.transport.udp.connect(self.id, remote)
    }

    /// Queues one datagram; pending while the send queue is full. `None` as destination: the connected peer.
    pub fn send(
        &mut self,
        payload: &[u8],
        destination: Option<SocketAddr>,
    ) -> Poll<Result<(), UdpError>> {
        self.transport.udp.send(self.id, payload, destination)
    }

    /// Drops what is queued and has not left, for who has something newer to say.
    pub fn discard_unsent(&mut self) {
        self.transport.udp.discard_unsent(self.id);
    }

    /// Takes the oldest datagram, or the error that ICMP reported.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Poll<Result<Datagram, UdpError>> {
        self.transport.udp.take(self.id, buffer)
    }

    /// Our end.
    ///
    /// # Errors
    /// [`UdpError::Closed`] if the id is stale.
    pub fn local_address(&self) -> Result<SocketAddr, UdpError> {
        self.transport.udp.local_address(self.id)
    }

    /// The connected peer.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.transport.udp.remote_address(self.id)
    }

    /// Hop limit of datagrams sent from now on; `None`: the stack's default.
    pub fn set_hop_limit(&mut self, hop_limit: Option<u8>) {
        self.transport.udp.set_hop_limit(self.id, hop_limit);
    }

    /// Closes it; datagrams already queued are still sent. The id is stale afterwards.
    pub fn close(self) {
        self.transport.udp.close(self.id);
    }
}
