//! Ping over the driver: one echo request, one reply (RFC 792).

use super::network::Lent;
use super::shared::Shared;
use super::waiting::{Interest, Socket};
use super::{Error, Network};
use crate::socket::EchoReply;
use crate::time::{Duration, Instant};
use core::net::IpAddr;

/// The sequence number of the only request that an identifier is used for.
const SEQUENCE: u16 = 1;

/// How a ping is sent.
#[derive(Clone, Copy, Debug)]
pub struct PingOptions {
    /// Bytes of payload: up to 65,507.
    pub size: usize,
    /// How long to wait for the reply.
    pub timeout: Duration,
    /// TTL or hop limit; `None`: the stack's default.
    pub hop_limit: Option<u8>,
}

impl Default for PingOptions {
    fn default() -> Self {
        PingOptions {
            size: 56,
            timeout: Duration::from_secs(2),
            hop_limit: None,
        }
    }
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingReply {
    /// Who answered.
    pub source: IpAddr,
    /// From the request to the arrival of the reply's frame.
    pub round_trip: Duration,
    /// The TTL or hop limit that the reply arrived with.
    pub hop_limit: u8,
    /// Bytes of payload that came back.
    pub size: usize,
}

impl Network {
    /// Sends one echo request and waits for its reply.
    pub async fn ping(
        &self,
        destination: IpAddr,
        options: PingOptions,
    ) -> Result<PingReply, Error> {
        let handle = &self.handle;
        let id = handle.open(
            |stack, _| stack.echo_open(destination),
            |&id| Socket::Echo(id),
        )?;
        let _lent = Lent {
            handle,
            socket: Socket::Echo(id),
        };
        handle.look(|stack, _| stack.echo(id).set_hop_limit(options.hop_limit));
        let payload: Vec<u8> = (0..options.size).map(|at| at as u8).collect();
        let sent_at = handle.now();
        let exchange = async {
            let send = |shared: &mut Shared, _: Instant| {
                let mut socket = shared.stack.echo(id);
                socket.send(SEQUENCE, &payload).map_err(Error::from)
            };
            handle.until(Interest::Read(Socket::Echo(id)), send).await?;
            let receive = |shared: &mut Shared, _: Instant| {
                let mut socket = shared.stack.echo(id);
                socket.receive().map_err(|(_, error)| Error::from(error))
            };
            handle
                .until(Interest::Read(Socket::Echo(id)), receive)
                .await
        };
        let reply: EchoReply = handle.within(options.timeout, exchange).await?;
        Ok(PingReply {
            source: reply.source,
            round_trip: reply.at.since(sent_at),
            hop_limit: reply.hop_limit,
            size: reply.payload.len(),
        })
    }
}
