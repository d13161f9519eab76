//! The handle and the loop.

use super::{Clock, Error, Link, PingOptions, PingReply, TcpListener, TcpStream, UdpSocket};
use crate::config::{ListenOptions, TcpOptions};
use crate::event::Event;
use crate::stack::Stack;
use crate::time::{Duration, Instant};
use core::future::Future;
use core::marker::PhantomData;
use core::net::{IpAddr, SocketAddr};
use core::pin::Pin;
use core::task::{Context, Poll};

/// A program's handle on a running stack. Clones share it; when the last one and all sockets are gone, the driver
/// delivers what was written, then ends.
#[derive(Clone)]
pub struct Network {}

/// The loop: spawn it. Ends when the network is closed, or with the link's error.
pub struct Driver<L: Link, C: Clock> {
    parts: PhantomData<(L, C)>,
}

impl Network {
    /// Joins a stack to a link and a clock.
    pub fn new<L: Link, C: Clock>(stack: Stack, link: L, clock: C) -> (Network, Driver<L, C>) {
        todo!()
    }

    /// Ready once there is an address; at once if there is one.
    pub async fn configured(&self) -> Result<(), Error> {
        todo!()
    }

    /// Connects to an address.
    pub async fn connect_to(
        &self,
        remote: SocketAddr,
        options: TcpOptions,
    ) -> Result<TcpStream, Error> {
        todo!()
    }

    /// Connects to a name or a literal address; several addresses are tried in turn.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        options: TcpOptions,
    ) -> Result<TcpStream, Error> {
        todo!()
    }

    /// Listens; the unspecified address stands for all of ours, port 0 picks one.
    pub fn listen(&self, local: SocketAddr, options: ListenOptions) -> Result<TcpListener, Error> {
        todo!()
    }

    /// Opens a UDP socket; the unspecified address stands for all of ours, port 0 picks one.
    pub fn bind_udp(&self, local: SocketAddr) -> Result<UdpSocket, Error> {
        todo!()
    }

    /// All addresses of a name, by DNS; a literal address is answered at once.
    pub async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        todo!()
    }

    /// Sends one echo request and waits for its reply.
    pub async fn ping(
        &self,
        destination: IpAddr,
        options: PingOptions,
    ) -> Result<PingReply, Error> {
        todo!()
    }

    /// Waits, by the network's clock.
    pub async fn sleep(&self, duration: Duration) {
        todo!()
    }

    /// The next event that concerns the host and no socket: leases and address conflicts. One listener at a time;
    /// at most 64 wait, the oldest goes first.
    pub async fn next_event(&self) -> Option<Event> {
        todo!()
    }

    /// Looks at, or changes, the stack itself.
    pub fn with_stack<R>(&self, look: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        todo!()
    }

    /// Sees every frame that passes, in both directions, until it is replaced or set to `None`.
    /// `tap(outbound, at, frame)`.
    pub fn capture(&self, tap: Option<Box<dyn FnMut(bool, Instant, &[u8]) + Send>>) {
        todo!()
    }

    /// Resets every connection, gives the lease back, fails every pending call with [`Error::NetworkClosed`], and ends the driver.
    pub fn close(&self) {
        todo!()
    }
}

impl<L: Link, C: Clock> Future for Driver<L, C> {
    type Output = Result<(), L::Error>;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        todo!()
    }
}
