//! The WebSocket to a real relay, in either form of the protocol, and a stack's link over it: a tab as a program of this host.

use crate::TokioClock;
use ethertab_stack::driver::{Clock, Link, LinkEvent};
use ethertab_stack::wire::offload::{Offload as Unfinished, TransportChecksum};
use ethertab_tunnel::SUBPROTOCOL;
use ethertab_tunnel::v1::{
    Checksum, Features, Hello, OFFLOADED_OVERHEAD, Offload, Record, Records, Segmentation, Stamp,
    frame_header, put_hello, put_ping,
};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Bytes of a message that is sent without waiting for the driver to have no more.
const MESSAGE: usize = 60_000;

/// What goes wrong before there is a link.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The WebSocket.
pub type Socket = WebSocketStream<TcpStream>;

/// A form of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One message is one frame.
    Plain,
    /// A message is many records, and frames may come unfinished.
    Negotiated,
}

/// Bytes of messages that were sent, and that may be.
#[derive(Clone, Copy, Debug)]
pub struct Credit {
    /// With all that ever left.
    pub sent: u64,
    /// What the relay has granted in all.
    pub allowed: u64,
}

impl Credit {
    /// Whether the next message has to wait.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.sent >= self.allowed
    }
}

/// Connects, and returns once the relay's switch has a port for it.
///
/// # Errors
///
/// If the relay cannot be reached or says something malformed.
pub async fn open(relay: SocketAddr, form: Form) -> Result<(Socket, Credit), Failure> {
    let mut request = format!("ws://{relay}/tunnel").into_client_request()?;
    if form == Form::Negotiated {
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", SUBPROTOCOL.parse()?);
    }
    let stream = TcpStream::connect(relay).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = client_async(request, stream).await?;
    let mut credit = Credit {
        sent: 0,
        allowed: u64::MAX,
    };
    if form == Form::Plain {
        return Ok((socket, credit));
    }
    let hello = put_hello(&Hello {
        features: Features::CHECKSUM | Features::TCP4,
        credit: u64::MAX,
        ..Hello::default()
    });
    let message = [&hello[..], &put_ping(Stamp(1))].concat();
    credit.sent = message.len() as u64;
    socket.send(Message::binary(message)).await?;
    loop {
        let message = socket.next().await.ok_or("it closed")??.into_data();
        for record in Records::of(&message) {
            match record.map_err(|_| "a malformed message")? {
                Record::Hello(hello) => credit.allowed = hello.credit,
                // It answers what comes behind a hello when it has plugged us in.
                Record::Pong(_) => return Ok((socket, credit)),
                _ => {}
            }
        }
    }
}

/// A stack's link.
pub struct Tunnel {
    socket: Socket,
    form: Form,
    credit: Credit,
    clock: TokioClock,
    received: VecDeque<(Unfinished, Vec<u8>)>,
    message: Vec<u8>,
    /// The driver's, for a flush that has to wait.
    waker: Waker,
}

impl Tunnel {
    /// Over what [`open`] gave.
    #[must_use]
    pub fn new(socket: Socket, form: Form, credit: Credit, clock: TokioClock) -> Tunnel {
        Tunnel {
            socket,
            form,
            credit,
            clock,
            received: VecDeque::new(),
            message: Vec::new(),
            waker: Waker::noop().clone(),
        }
    }

    fn take_in(&mut self, message: Bytes) -> Result<(), Error> {
        if self.form == Form::Plain {
            // The library hands messages out in memory that nobody shares, so this copies nothing.
            self.received.push_back((Unfinished::NONE, message.into()));
            return Ok(());
        }
        for record in Records::of(&message) {
            match record.map_err(|_| Error::Io(io::Error::other("a malformed message")))? {
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
                Record::Credit(total) => self.credit.allowed = total,
                _ => {}
            }
        }
        Ok(())
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
        self.credit.sent += message.len() as u64;
        self.socket.start_send_unpin(Message::binary(message))
    }
}

impl Link for Tunnel {
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
                Some(Ok(Message::Binary(message))) => self.take_in(message)?,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Err(Error::ConnectionClosed)),
            }
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // New credit comes by the socket, whose waker poll_receive has left.
        if self.credit.is_used_up() {
            return Poll::Pending;
        }
        Pin::new(&mut self.socket).poll_ready(context)
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), Error> {
        self.transmit_offloaded(frame, Unfinished::NONE)
    }

    fn transmit_offloaded(&mut self, frame: &[u8], offload: Unfinished) -> Result<(), Error> {
        match self.form {
            Form::Plain => {
                let message = Message::binary(frame.to_vec());
                self.socket.start_send_unpin(message)
            }
            Form::Negotiated => self.put(frame, offload),
        }
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
