//! Resolving names over the driver: the loop that carries a [`Lookup`]'s questions and answers.
//!
//! Which server, which question and how long is the lookup's business. Here are sockets: a new one with a random port
//! for each question (RFC 5452 §9.2), and one lookup at a time for a name, whose answer all who ask share (§9.1's
//! birthdays need many questions at once).

use super::shared::{Handle, Shared};
use super::waiting::Interest;
use super::{Error, Network, TcpStream, UdpSocket};
use crate::application::dns::{Ask, Carrier, Failure, Family, Lookup, ResolveError, Step};
use crate::config::TcpOptions;
use crate::time::Instant;
use alloc::sync::Arc;
use core::future::poll_fn;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::{Poll, Waker};
use std::sync::OnceLock;

/// Largest DNS message that is read from a datagram.
const DATAGRAM: usize = 4_096;

/// What a lookup found, for all who asked.
type Outcome = Result<Vec<IpAddr>, Error>;

/// A lookup that others may wait for.
pub(super) type Ongoing = Arc<OnceLock<Outcome>>;

impl Network {
    /// All addresses of a name, by DNS; a literal address is answered at once. Fails with [`ResolveError::TooMany`] while
    /// [`ResolverConfig::lookups`](crate::config::ResolverConfig::lookups) other names are being looked up.
    pub async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        match join(&self.handle, name).await? {
            Turn::Follow(outcome) => outcome,
            Turn::Lead(ongoing) => {
                let lead = Lead {
                    handle: &self.handle,
                    name,
                    ongoing,
                };
                let outcome = look_up(&self.handle, name).await;
                // Only the one who leads sets it.
                let _ = lead.ongoing.set(outcome.clone());
                drop(lead);
                outcome
            }
        }
    }
}

/// Whose turn it is to ask.
enum Turn {
    /// Ours.
    Lead(Ongoing),
    /// Somebody else had asked; this is what came of it.
    Follow(Outcome),
}

/// Where the lookup of `name` stands among those under way, or would.
fn place(lookups: &[(String, Ongoing)], name: &str) -> Result<usize, usize> {
    lookups.binary_search_by(|(other, _)| other.as_str().cmp(name))
}

/// Waits for the lookup of `name` that is under way, or begins one.
async fn join(handle: &Handle, name: &str) -> Result<Turn, Error> {
    let mut followed: Option<Ongoing> = None;
    let attempt = |shared: &mut Shared, _: Instant| {
        if let Some(outcome) = followed.as_ref().and_then(|ongoing| ongoing.get()) {
            return Poll::Ready(Ok(Turn::Follow(outcome.clone())));
        }
        match place(&shared.lookups, name) {
            Ok(at) => {
                followed = Some(Arc::clone(&shared.lookups[at].1));
                Poll::Pending
            }
            Err(_) if shared.lookups.len() >= shared.stack.config().resolver.lookups => {
                Poll::Ready(Err(ResolveError::TooMany.into()))
            }
            Err(at) => {
                let ongoing = Ongoing::default();
                let entry = (name.into(), Arc::clone(&ongoing));
                shared.lookups.insert(at, entry);
                Poll::Ready(Ok(Turn::Lead(ongoing)))
            }
        }
    };
    handle.until(Interest::Lookup, attempt).await
}

/// Tells those who wait that the lookup has ended, be it because it was dropped.
struct Lead<'h> {
    handle: &'h Handle,
    name: &'h str,
    ongoing: Ongoing,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut woken = Vec::new();
        let mut shared = self.handle.lock();
        // On another network there may be a newer one in its place.
        if let Ok(at) = place(&shared.lookups, self.name)
            && Arc::ptr_eq(&shared.lookups[at].1, &self.ongoing)
        {
            shared.lookups.remove(at);
        }
        shared.waiting.take(Interest::Lookup, &mut woken);
        drop(shared);
        woken.into_iter().for_each(Waker::wake);
    }
}

async fn look_up(handle: &Handle, name: &str) -> Outcome {
    let mut lookup = begin(handle, name)?;
    loop {
        let step = {
            let now = handle.now();
            lookup.next(&mut handle.lock().resolver, now)
        };
        let ask = match step {
            Step::Done(outcome) => return Ok(outcome?),
            Step::Ask(ask) => ask,
        };
        let exchange = async {
            match ask.carrier {
                Carrier::Datagram => ask_by_datagram(handle, &mut lookup, &ask).await,
                Carrier::Stream => ask_by_stream(handle, &mut lookup, &ask).await,
            }
        };
        let failure = match handle.within(ask.timeout, exchange).await {
            Ok(()) => continue,
            Err(Error::NetworkClosed) => return Err(Error::NetworkClosed),
            Err(Error::TimedOut) => Failure::TimedOut,
            Err(_) => Failure::Unreachable,
        };
        lookup.failed(&handle.lock().resolver, failure);
    }
}

fn begin(handle: &Handle, name: &str) -> Result<Lookup, Error> {
    let shared = handle.lock();
    if shared.is_closed() {
        return Err(Error::NetworkClosed);
    }
    let domain = shared
        .stack
        .lease()
        .and_then(|lease| lease.domain.as_deref());
    // IPv4 alone for now: the stack has no IPv6 routes.
    Ok(shared
        .resolver
        .lookup(name, Family::V4, shared.stack.name_servers(), domain))
}

async fn ask_by_datagram(handle: &Handle, lookup: &mut Lookup, ask: &Ask) -> Result<(), Error> {
    let any = match ask.server.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind(handle, SocketAddr::new(any, 0))?;
    // Connected, so that ICMP errors come back and others' datagrams do not.
    socket.connect(ask.server)?;
    socket.send(&ask.message).await?;
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let datagram = socket.receive(&mut buffer).await?;
        let message = &buffer[..datagram.length.min(DATAGRAM)];
        if take(handle, lookup, datagram.source, message) {
            return Ok(());
        }
    }
}

/// RFC 1035 §4.2.2: each message has its length in front. RFC 7766 §5: servers must answer by TCP as well.
async fn ask_by_stream(handle: &Handle, lookup: &mut Lookup, ask: &Ask) -> Result<(), Error> {
    let mut stream = TcpStream::connect(handle, ask.server, &TcpOptions::default()).await?;
    write_all(&mut stream, &ask.message).await?;
    loop {
        let mut length = [0; 2];
        read_exact(&mut stream, &mut length).await?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        read_exact(&mut stream, &mut message).await?;
        if take(handle, lookup, ask.server, &message) {
            return Ok(());
        }
    }
}

fn take(handle: &Handle, lookup: &mut Lookup, source: SocketAddr, message: &[u8]) -> bool {
    let now = handle.now();
    lookup.receive(&mut handle.lock().resolver, source, message, now)
}

async fn write_all(stream: &mut TcpStream, mut bytes: &[u8]) -> Result<(), Error> {
    while !bytes.is_empty() {
        let written = poll_fn(|context| stream.poll_write_some(context, bytes)).await;
        bytes = &bytes[written.map_err(|_| closed())?..];
    }
    Ok(())
}

async fn read_exact(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), Error> {
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = &mut buffer[filled..];
        match poll_fn(|context| stream.poll_read_into(context, rest)).await {
            Ok(0) | Err(_) => return Err(closed()),
            Ok(count) => filled += count,
        }
    }
    Ok(())
}

/// The server ended the connection: whichever way, this question has no answer.
fn closed() -> Error {
    Error::Tcp(crate::socket::TcpError::Closed)
}
