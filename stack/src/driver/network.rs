//! The handle that programs hold.

use super::run::Driver;
use super::shared::{Handle, Inner, Phase, Tap, wake};
use super::tcp::{TcpListener, TcpStream};
use super::udp::UdpSocket;
use super::waiting::{Interest, Socket};
use super::{Clock, Error, Link};
use crate::config::{ListenOptions, TcpOptions};
use crate::event::Event;
use crate::stack::Stack;
use crate::time::{Duration, Instant};
use core::net::SocketAddr;
use core::task::Poll;

/// A program's handle on a running stack. Clones share it; when the last one and all sockets are gone, the driver
/// delivers what was written, then ends.
#[derive(Clone)]
pub struct Network {
    pub(super) handle: Handle,
}

impl Network {
    /// Joins a stack to a link and a clock.
    pub fn new<L: Link, C: Clock>(stack: Stack, link: L, clock: C) -> (Network, Driver<L, C>) {
        let inner = Inner::new(stack, clock.clone());
        let network = Network {
            handle: Handle::new(&inner),
        };
        (network, Driver::new(inner, link, clock))
    }

    /// Ready once there is an address; at once if there is one.
    pub async fn configured(&self) -> Result<(), Error> {
        self.handle
            .until(Interest::Configured, |shared, _| {
                match shared.stack.address() {
                    Some(_) => Poll::Ready(Ok(())),
                    None => Poll::Pending,
                }
            })
            .await
    }

    /// Connects to an address. Dropping the future gives the attempt up.
    pub async fn connect_to(
        &self,
        remote: SocketAddr,
        options: TcpOptions,
    ) -> Result<TcpStream, Error> {
        TcpStream::connect(&self.handle, remote, &options).await
    }

    /// Connects to a name or a literal address; several addresses are tried in turn.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        options: TcpOptions,
    ) -> Result<TcpStream, Error> {
        let mut outcome = Err(Error::Resolve(
            crate::application::dns::ResolveError::NoAddress,
        ));
        for address in self.resolve(host).await? {
            outcome = self
                .connect_to(SocketAddr::new(address, port), options)
                .await;
            if matches!(outcome, Ok(_) | Err(Error::NetworkClosed)) {
                break;
            }
        }
        outcome
    }

    /// Listens; the unspecified address stands for all of ours, port 0 picks one.
    pub fn listen(&self, local: SocketAddr, options: ListenOptions) -> Result<TcpListener, Error> {
        TcpListener::listen(&self.handle, local, &options)
    }

    /// Opens a UDP socket; the unspecified address stands for all of ours, port 0 picks one.
    pub fn bind_udp(&self, local: SocketAddr) -> Result<UdpSocket, Error> {
        UdpSocket::bind(&self.handle, local)
    }

    /// Waits, by the network's clock; no longer than the network is open.
    pub async fn sleep(&self, duration: Duration) {
        self.handle.sleep_until(self.handle.now() + duration).await;
    }

    /// The next event that concerns the host and no socket: leases and address conflicts; `None` once the network is
    /// closed. One listener at a time; at most [`Config::host_events`](crate::config::Config::host_events) wait, the oldest
    /// goes first.
    pub async fn next_event(&self) -> Option<Event> {
        self.handle
            .until(Interest::HostEvent, |shared, _| {
                match shared.host_events.pop_front() {
                    Some(event) => Poll::Ready(Ok(event)),
                    None => Poll::Pending,
                }
            })
            .await
            .ok()
    }

    /// Looks at, or changes, the stack itself. `look` must not call the network.
    pub fn with_stack<R>(&self, look: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        self.handle.change(look)
    }

    /// Sees every frame that passes, in both directions, until it is replaced or set to `None`.
    /// `tap(outbound, at, frame)`.
    pub fn capture(&self, tap: Option<Tap>) {
        let mut shared = self.handle.lock();
        let old = match shared.phase {
            Phase::Ended => None,
            Phase::Open | Phase::Closing(_) => shared.new_tap.replace(tap),
        };
        let driver = shared.schedule_driver();
        drop(shared);
        drop(old);
        wake(driver);
    }

    /// Resets every connection, gives the lease back, fails every pending call with [`Error::NetworkClosed`], and ends the driver.
    pub fn close(&self) {
        let now = self.handle.now();
        let mut woken = Vec::new();
        let mut shared = self.handle.lock();
        if shared.is_closed() {
            return;
        }
        shared.phase = Phase::Closing(now);
        shared.abandon_sockets(now, &mut woken);
        shared.stack.release_lease(now);
        shared.waiting.take_all(&mut woken);
        woken.extend(shared.schedule_driver());
        drop(shared);
        woken.into_iter().for_each(core::task::Waker::wake);
    }
}

/// A socket to give back when the call that opened it ends or is dropped.
pub(super) struct Lent<'h> {
    pub(super) handle: &'h Handle,
    pub(super) socket: Socket,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let socket = self.socket;
        self.handle.give_back(socket, |stack, now| match socket {
            Socket::Tcp(id) => stack.tcp(id, now).close(),
            Socket::Listener(id) => stack.listener(id).close(),
            Socket::Udp(id) => stack.udp(id).close(),
            Socket::Echo(id) => stack.echo(id).close(),
        });
    }
}
