//! A tab as it really is: the stack and its driver, over a WebSocket to the relay.

use crate::support::client;
use ethertab_relay::Relay;
use ethertab_relay::gateway::link::TokioClock;
use ethertab_stack::config::LinkCapabilities;
use ethertab_stack::driver::{Clock, Link, LinkEvent, Network};
use ethertab_stack::{Config, Instant, MacAddress, Stack};
use futures_util::{Sink, SinkExt, Stream};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

struct Tunnel {
    socket: WebSocketStream<TcpStream>,
    clock: TokioClock,
}

impl Link for Tunnel {
    type Error = Error;

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Vec<u8>,
    ) -> Poll<Result<LinkEvent, Error>> {
        loop {
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Binary(bytes))) => {
                    frame.clear();
                    frame.extend_from_slice(&bytes);
                    return Poll::Ready(Ok(LinkEvent::Frame(self.clock.now())));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Err(Error::ConnectionClosed)),
            }
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.socket).poll_ready(context)
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), Error> {
        self.socket
            .start_send_unpin(Message::binary(frame.to_vec()))
    }

    fn flush(&mut self) -> Result<(), Error> {
        // What does not leave now leaves with the next call; the tests' frames always do.
        match Pin::new(&mut self.socket)
            .poll_flush(&mut Context::from_waker(std::task::Waker::noop()))
        {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }
}

/// A seed that no station of this run had before: who comes back with the ports and the sequence numbers of its last
/// life is refused by a kernel that still remembers the connections of it.
pub(crate) fn fresh_seed() -> [u8; 32] {
    static STATIONS: AtomicU64 = AtomicU64::new(0);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&STATIONS.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    seed
}

/// A station on the relay's network, with its own hardware address.
pub(crate) async fn station(relay: &Relay, last: u8) -> Network {
    station_of_mtu(relay, last, 1_500).await
}

/// The same, whose link takes packets of up to `mtu` bytes.
pub(crate) async fn station_of_mtu(relay: &Relay, last: u8, mtu: usize) -> Network {
    let socket = client(relay).await.socket;
    let clock = TokioClock::start();
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 0, 1, last]),
        link: LinkCapabilities {
            mtu,
            ..LinkCapabilities::default()
        },
        ..Config::default()
    };
    let stack = Stack::new(config, fresh_seed(), Instant::ZERO);
    let tunnel = Tunnel {
        socket,
        clock: clock.clone(),
    };
    let (network, driver) = Network::new(stack, tunnel, clock);
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            eprintln!("station {last}: {error}");
        }
    });
    network
}
