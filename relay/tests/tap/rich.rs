//! A tab of the negotiated form over a WebSocket: our stack, with checksums and cutting left to the link.

use crate::leased;
use crate::station::fresh_seed;
use crate::support::{clients, open, until};
use ethertab_relay::Relay;
use ethertab_relay::gateway::link::TokioClock;
use ethertab_stack::config::LinkCapabilities;
use ethertab_stack::driver::{Clock, Link, LinkEvent, Network};
use ethertab_stack::wire::offload::{Offload as Unfinished, TransportChecksum};
use ethertab_stack::{Config, Instant, MacAddress, Stack};
use ethertab_tunnel::v1::{
    Checksum, Features, Hello, OFFLOADED_OVERHEAD, Offload, Record, Records, Segmentation,
    frame_header, put_hello,
};
use futures_util::{Sink, SinkExt, Stream};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// Bytes of a message that is sent without waiting for the driver to have no more.
const MESSAGE: usize = 60_000;

struct RichTunnel {
    socket: WebSocketStream<TcpStream>,
    clock: TokioClock,
    received: VecDeque<(Unfinished, Vec<u8>)>,
    message: Vec<u8>,
    sent: u64,
    allowed: u64,
    /// The driver's, for a flush that has to wait.
    waker: Waker,
}

impl RichTunnel {
    fn take_in(&mut self, message: &Bytes) {
        for record in Records::of(message) {
            match record.expect("a record") {
                Record::Frame(offload, frame) => {
                    let checksum = match offload.checksum {
                        Checksum::Complete => TransportChecksum::Complete,
                        _ => TransportChecksum::Verified,
                    };
                    let offload = Unfinished {
                        checksum,
                        segment_size: 0,
                    };
                    self.received.push_back((offload, frame.to_vec()));
                }
                Record::Hello(hello) => self.allowed = hello.credit,
                Record::Credit(total) => self.allowed = total,
                _ => {}
            }
        }
    }

    fn put(&mut self, frame: &[u8], offload: Unfinished) -> Result<(), Error> {
        let cut = (Segmentation::Tcp4 { ecn: false }, offload.segment_size);
        let offload = Offload {
            checksum: match offload.checksum {
                TransportChecksum::Partial { start, offset } => Checksum::Partial { start, offset },
                _ => Checksum::Complete,
            },
            segmentation: (offload.segment_size > 0).then_some(cut),
        };
        let mut header = [0; OFFLOADED_OVERHEAD];
        let length = frame_header(&offload, frame.len(), &mut header);
        // One record alone may be longer than a message of several.
        if self.message.len() + length + frame.len() > MESSAGE {
            self.send()?;
        }
        self.message.extend_from_slice(&header[..length]);
        self.message.extend_from_slice(frame);
        Ok(())
    }

    fn send(&mut self) -> Result<(), Error> {
        let message = std::mem::take(&mut self.message);
        if message.is_empty() {
            return Ok(());
        }
        self.sent += message.len() as u64;
        self.socket.start_send_unpin(Message::binary(message))
    }
}

impl Link for RichTunnel {
    type Error = Error;

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Vec<u8>,
    ) -> Poll<Result<LinkEvent, Error>> {
        self.waker.clone_from(context.waker());
        // What a full socket had no room for.
        let _ = Pin::new(&mut self.socket).poll_flush(context)?;
        loop {
            if let Some((offload, next)) = self.received.pop_front() {
                *frame = next;
                return Poll::Ready(Ok(LinkEvent::Offloaded(self.clock.now(), offload)));
            }
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Binary(message))) => self.take_in(&message),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Err(Error::ConnectionClosed)),
            }
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // New credit comes by the socket, whose waker poll_receive has left.
        if self.sent >= self.allowed {
            return Poll::Pending;
        }
        Pin::new(&mut self.socket).poll_ready(context)
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), Error> {
        self.put(frame, Unfinished::NONE)
    }

    fn transmit_offloaded(&mut self, frame: &[u8], offload: Unfinished) -> Result<(), Error> {
        self.put(frame, offload)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.send()?;
        let waker = self.waker.clone();
        match Pin::new(&mut self.socket).poll_flush(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }
}

/// A station with an address, whose link takes and hands over unfinished frames.
pub(crate) async fn rich(relay: &Relay, last: u8, mtu: usize) -> Network {
    let before = clients(relay).len();
    let headers = [("sec-websocket-protocol", "ethertab.v1")];
    let mut socket = open(relay, &headers).await.unwrap().socket;
    let hello = put_hello(&Hello {
        features: Features::CHECKSUM | Features::TCP4,
        credit: u64::MAX,
        ..Hello::default()
    });
    socket.send(Message::binary(hello.to_vec())).await.unwrap();
    until("it is plugged in", || clients(relay).len() > before).await;
    let clock = TokioClock::start();
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 0, 1, last]),
        link: LinkCapabilities {
            mtu,
            largest_segment: 62_000,
            verify_checksums: true,
            fill_checksums: false,
        },
        ..Config::default()
    };
    let stack = Stack::new(config, fresh_seed(), Instant::ZERO);
    let tunnel = RichTunnel {
        socket,
        clock: clock.clone(),
        received: VecDeque::new(),
        message: Vec::new(),
        sent: hello.len() as u64,
        allowed: 0,
        waker: Waker::noop().clone(),
    };
    let (network, driver) = Network::new(stack, tunnel, clock);
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            eprintln!("station {last}: {error}");
        }
    });
    leased(network).await
}
