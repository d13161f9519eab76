//! A tab of the negotiated form over a WebSocket: our stack, with checksums left to the link, which takes large segments for it
//! and joins those that the stack sends, as a card does.

use crate::PATIENCE;
use crate::support::{clients, open, until};
use ethertab_relay::Relay;
use ethertab_relay::gateway::link::TokioClock;
use ethertab_stack::config::LinkCapabilities;
use ethertab_stack::driver::{Clock, Link, LinkEvent, Network};
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
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// Bytes of a message that is sent without waiting for the driver to have no more.
const MESSAGE: usize = 60_000;

struct RichTunnel {
    socket: WebSocketStream<TcpStream>,
    clock: TokioClock,
    mtu: usize,
    received: VecDeque<Vec<u8>>,
    /// A segment that others may be joined to, and the payload of each.
    joined: Option<(Vec<u8>, usize)>,
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
                Record::Frame(_, frame) => self.received.push_back(frame.to_vec()),
                Record::Hello(hello) => self.allowed = hello.credit,
                Record::Credit(total) => self.allowed = total,
                _ => {}
            }
        }
    }

    /// What the link is to do to a frame of the stack's: its checksum is for the link to fill in.
    fn unfinished(&self, frame: &mut [u8], size: usize) -> Offload {
        // IPv4 without options, TCP or UDP.
        let offset: u16 = match (frame.get(12..15), frame.get(23)) {
            (Some([8, 0, 0x45]), Some(6)) => 16,
            (Some([8, 0, 0x45]), Some(17)) => 6,
            _ => return Offload::NONE,
        };
        let length = (frame.len() as u16 - 34).to_be_bytes();
        let pseudo = [&frame[26..34], &[0, frame[23]], &length].concat();
        let field = 34 + usize::from(offset);
        frame[field..field + 2].copy_from_slice(&sum(&pseudo).to_be_bytes());
        Offload {
            checksum: Checksum::Partial { start: 34, offset },
            segmentation: (frame.len() > 54 + size && offset == 16)
                .then_some((Segmentation::Tcp4 { ecn: false }, size as u16)),
        }
    }

    /// Adds a segment to the one before, if it goes on where that ended; false if not.
    fn join(&mut self, frame: &[u8]) -> bool {
        let Some((before, size)) = &mut self.joined else {
            return false;
        };
        let payload = frame.len().saturating_sub(54);
        let sequence =
            |frame: &[u8]| u32::from_be_bytes([frame[38], frame[39], frame[40], frame[41]]);
        let joins = payload > 0
            && payload <= *size
            && before.len() + payload <= 65_000
            && (before.len() - 54) % *size == 0
            && is_plain_data(frame)
            // Addresses and ports, acknowledgement, window.
            && frame[26..38] == before[26..38]
            && frame[42..46] == before[42..46]
            && frame[48..50] == before[48..50]
            // What was pushed ends there.
            && before[47] == 0x10
            && sequence(frame) == sequence(before).wrapping_add(before.len() as u32 - 54);
        if joins {
            before.extend_from_slice(&frame[54..]);
            before[47] = frame[47];
        }
        joins
    }

    fn put(&mut self, mut frame: Vec<u8>, size: usize) -> Result<(), Error> {
        if is_plain_data(&frame) {
            let length = (frame.len() - 14) as u16;
            frame[16..18].copy_from_slice(&length.to_be_bytes());
            frame[24..26].fill(0);
            let sum = !sum(&frame[14..34]);
            frame[24..26].copy_from_slice(&sum.to_be_bytes());
        }
        let offload = self.unfinished(&mut frame, size);
        let mut header = [0; OFFLOADED_OVERHEAD];
        let length = frame_header(&offload, frame.len(), &mut header);
        // One record alone may be longer than a message of several.
        if self.message.len() + length + frame.len() > MESSAGE {
            self.send()?;
        }
        self.message.extend_from_slice(&header[..length]);
        self.message.extend_from_slice(&frame);
        Ok(())
    }

    fn put_joined(&mut self) -> Result<(), Error> {
        match self.joined.take() {
            Some((frame, size)) => self.put(frame, size),
            None => Ok(()),
        }
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
            if let Some(next) = self.received.pop_front() {
                *frame = next;
                return Poll::Ready(Ok(LinkEvent::Frame(self.clock.now())));
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
        if self.join(frame) {
            return Ok(());
        }
        self.put_joined()?;
        if !is_plain_data(frame) {
            return self.put(frame.to_vec(), frame.len());
        }
        // Between capable tabs the stack itself makes segments of any length.
        let size = (frame.len() - 54).min(self.mtu - 40);
        self.joined = Some((frame.to_vec(), size));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.put_joined()?;
        self.send()?;
        let waker = self.waker.clone();
        match Pin::new(&mut self.socket).poll_flush(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        }
    }
}

/// Whether it is a TCP segment over IPv4, without options in either, with data and nothing but ACK and PSH.
fn is_plain_data(frame: &[u8]) -> bool {
    frame.len() > 54
        && frame[12..15] == [8, 0, 0x45]
        && frame[23] == 6
        && frame[46] == 0x50
        && matches!(frame[47], 0x10 | 0x18)
}

/// The one's complement sum of an even number of bytes.
fn sum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
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
            // Of what it is handed. What it hands over is bounded by what the other side says it takes.
            mtu: 65_535,
            largest_segment: 0,
            verify_checksums: false,
            fill_checksums: false,
        },
        ..Config::default()
    };
    let stack = Stack::new(config, [last; 32], Instant::ZERO);
    let tunnel = RichTunnel {
        socket,
        clock: clock.clone(),
        mtu,
        received: VecDeque::new(),
        joined: None,
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
    timeout(PATIENCE, network.configured())
        .await
        .expect("no lease came")
        .unwrap();
    network
}
