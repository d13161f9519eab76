//! UDP sockets over the driver.

use super::Error;
use crate::socket::Datagram;
use core::net::SocketAddr;

/// A UDP socket. Dropping it closes it; datagrams already queued are still sent.
pub struct UdpSocket {}

impl UdpSocket {
    /// Fixes the peer.
    pub fn connect(&self, remote: SocketAddr) -> Result<(), Error> {
        todo!()
    }

    /// Sends one datagram to the connected peer.
    pub async fn send(&self, payload: &[u8]) -> Result<(), Error> {
        todo!()
    }

    /// Sends one datagram.
    pub async fn send_to(&self, payload: &[u8], destination: SocketAddr) -> Result<(), Error> {
        todo!()
    }

    /// Receives one datagram.
    pub async fn receive(&self, buffer: &mut [u8]) -> Result<Datagram, Error> {
        todo!()
    }

    /// Our end.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        todo!()
    }
}
