//! UDP sockets over the driver.

use super::Error;
use super::shared::{Handle, Shared};
use super::waiting::{Interest, Socket};
use crate::event::UdpId;
use crate::socket::Datagram;
use crate::time::Instant;
use core::net::SocketAddr;

/// A UDP socket. Dropping it closes it; datagrams already queued are still sent.
pub struct UdpSocket {
    handle: Handle,
    id: UdpId,
}

impl UdpSocket {
    pub(super) fn bind(handle: &Handle, local: SocketAddr) -> Result<UdpSocket, Error> {
        let id = handle.open(|stack, _| stack.udp_bind(local), |&id| Socket::Udp(id))?;
        Ok(UdpSocket {
            handle: handle.clone(),
            id,
        })
    }

    /// Fixes the peer.
    pub fn connect(&self, remote: SocketAddr) -> Result<(), Error> {
        let id = self.id;
        Ok(self
            .handle
            .change(|stack, _| stack.udp(id).connect(remote))?)
    }

    /// Sends one datagram to the connected peer.
    pub async fn send(&self, payload: &[u8]) -> Result<(), Error> {
        self.transmit(payload, None).await
    }

    /// Sends one datagram.
    pub async fn send_to(&self, payload: &[u8], destination: SocketAddr) -> Result<(), Error> {
        self.transmit(payload, Some(destination)).await
    }

    async fn transmit(&self, payload: &[u8], destination: Option<SocketAddr>) -> Result<(), Error> {
        let id = self.id;
        let attempt = |shared: &mut Shared, _: Instant| {
            let mut socket = shared.stack.udp(id);
            socket.send(payload, destination).map_err(Error::from)
        };
        self.handle
            .until(Interest::Read(Socket::Udp(id)), attempt)
            .await
    }

    /// Receives one datagram, or the error that ICMP reported about an earlier one.
    pub async fn receive(&self, buffer: &mut [u8]) -> Result<Datagram, Error> {
        let id = self.id;
        let attempt = |shared: &mut Shared, _: Instant| {
            let mut socket = shared.stack.udp(id);
            socket.receive(buffer).map_err(Error::from)
        };
        self.handle
            .until(Interest::Read(Socket::Udp(id)), attempt)
            .await
    }

    /// Our end.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        let id = self.id;
        Ok(self.handle.look(|stack, _| stack.udp(id).local_address())?)
    }

    /// The connected peer.
    #[must_use]
    pub fn remote_address(&self) -> Option<SocketAddr> {
        let id = self.id;
        self.handle.look(|stack, _| stack.udp(id).remote_address())
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        let id = self.id;
        self.handle
            .give_back(Socket::Udp(id), |stack, _| stack.udp(id).close());
    }
}
