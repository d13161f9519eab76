//! One echo socket (ping), seen by the program that holds it.

use super::UdpError;
use crate::event::EchoId;
use crate::time::Instant;
use crate::transport::Transport;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::task::Poll;

/// A view of one echo socket: one destination, one identifier.
pub struct EchoSocket<'s> {
    pub(crate) transport: &'s mut Transport,
    pub(crate) id: EchoId,
}

/// An answer to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EchoReply {
    /// Which request it answers.
    pub sequence: u16,
    /// Who answered.
    pub source: IpAddr,
    /// The TTL or hop limit it arrived with.
    pub hop_limit: u8,
    /// The payload that came back.
    pub payload: Vec<u8>,
    /// When its frame arrived.
    pub at: Instant,
}

impl EchoSocket<'_> {
    /// Queues a request (RFC 792, type 8).
    pub fn send(&mut self, sequence: u16, payload: &[u8]) -> Poll<Result<(), UdpError>> {
        todo!()
    }

    /// Takes the oldest reply, or the error that ICMP reported with the sequence number of the request.
    pub fn receive(&mut self) -> Poll<Result<EchoReply, (u16, UdpError)>> {
        todo!()
    }

    /// Hop limit of requests sent from now on; `None`: the stack's default.
    pub fn set_hop_limit(&mut self, hop_limit: Option<u8>) {
        todo!()
    }

    /// Closes it. The id is stale afterwards.
    pub fn close(self) {
        todo!()
    }
}
