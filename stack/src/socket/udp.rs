//! One UDP socket, seen by the program that holds it.

use super::UdpError;
use crate::event::UdpId;
use crate::transport::Transport;
use core::net::SocketAddr;
use core::task::Poll;

/// A view of one UDP socket.
pub struct UdpSocket<'s> {
    pub(crate) transport: &'s mut Transport,
    pub(crate) id: UdpId,
}

/// What one read took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Bytes written to the caller's buffer.
    pub length: usize,
    /// Bytes that the datagram had; larger than `length` if the buffer was too small.
    pub full_length: usize,
    /// Who sent it.
    pub source: SocketAddr,
    /// To which of our addresses, or which broadcast.
    pub destination: SocketAddr,
}

impl UdpSocket<'_> {
    /// Fixes the peer: others' datagrams are no longer received, and `send` needs no destination.
    /// `local` is the address that the route to the peer leaves from.
    pub fn connect(&mut self, remote: SocketAddr) -> Result<(), UdpError> {
        todo!()
    }

    /// Queues one datagram; pending while the send queue is full. `None` as destination: the connected peer.
    pub fn send(
        &mut self,
        payload: &[u8],
        destination: Option<SocketAddr>,
    ) -> Poll<Result<(), UdpError>> {
        todo!()
    }

    /// Takes the oldest datagram, or the error that ICMP reported.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Poll<Result<Datagram, UdpError>> {
        todo!()
    }

    /// Our end.
    pub fn local_address(&self) -> Result<SocketAddr, UdpError> {
        todo!()
    }

    /// The connected peer.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        todo!()
    }

    /// Hop limit of datagrams sent from now on; `None`: the stack's default.
    pub fn set_hop_limit(&mut self, hop_limit: Option<u8>) {
        todo!()
    }

    /// Closes it; datagrams already queued are still sent. The id is stale afterwards.
    pub fn close(self) {
        todo!()
    }
}
