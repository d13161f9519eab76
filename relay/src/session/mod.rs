//! One session a WebSocket: messages in become frames for the switch, frames of the queue become messages out.
//!
//! A session is one task with three parts that end together: the reader hands each frame straight to the switch (and
//! so to the TAP, without another queue); the writer empties the port's queue, feeding message after message and
//! flushing only when the queue is empty or the socket full; the watch ends the session when nothing was heard for
//! long. How frames sit in messages is [`Form`]'s business.

mod form;
mod liveness;

pub use form::{Form, NotFrames};

use crate::config::ClientLimits;
use crate::plain::plain;
use crate::switch::port::{Kind, Port};
use crate::switch::queue::FrameQueue;
use crate::switch::{Plug, Switch};
use ethertab_tunnel::v1::Offload;
use ethertab_tunnel::{CloseReason, LARGEST_MESSAGE};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use liveness::Liveness;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_util::sync::CancellationToken;

/// Bytes read from a socket at once: some twenty frames a system call, and what an idle client costs.
const READ_BUFFER: usize = 32 * 1024;

/// Bytes of messages gathered for one write.
const WRITE_BUFFER: usize = 64 * 1024;

/// How long a close may take: sending our reason, and waiting for the other side to hang up.
const CLOSING_TIME: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<TcpStream>;

/// What a session is made from.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// What the logs call the client.
    pub name: String,
    /// Where it is.
    pub peer: SocketAddr,
    /// How frames sit in messages.
    pub form: Form,
    /// Its limits.
    pub limits: ClientLimits,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// We closed it.
    Ours(CloseReason),
    /// The client closed it with this code.
    Theirs(Option<u16>),
    /// The connection broke.
    Broken(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Ours(reason) => write!(f, "closed by us: {} ({})", reason.text(), reason.code()),
            End::Theirs(Some(code)) => write!(f, "it closed ({code})"),
            End::Theirs(None) => f.write_str("it closed"),
            End::Broken(error) => write!(f, "connection lost: {error}"),
        }
    }
}

/// The limits of a session's WebSocket.
#[must_use]
pub fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(2 * WRITE_BUFFER + 2 * LARGEST_MESSAGE)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE))
}

/// Serves one client until it is gone.
pub async fn run(
    socket: Socket,
    switch: &Arc<Switch>,
    config: SessionConfig,
    stop: &CancellationToken,
) {
    let SessionConfig {
        name,
        peer,
        form,
        limits,
    } = config;
    let queue = Arc::new(FrameQueue::new(limits.queue));
    let plug = switch.plug_in(
        Kind::Client,
        name.clone(),
        Box::new(Arc::clone(&queue)),
        None,
    );
    tracing::info!("{name} is here, from {peer}");
    let liveness = Liveness::new(limits.ping_timeout);
    let (mut sink, mut stream) = socket.split();
    let end = tokio::select! {
        end = read(&mut stream, form, &plug, &liveness) => end,
        end = write(&mut sink, form, &queue, plug.port(), &liveness, limits.ping_interval) => end,
        () = liveness.lost() => End::Ours(CloseReason::Silent),
        () = stop.cancelled() => End::Ours(CloseReason::GoingAway),
    };
    let port = Arc::clone(plug.port());
    drop(plug);
    tracing::info!("{name} is gone after {}; {end}", summary(&port));
    // The halves belong together, so this cannot fail.
    if let Ok(socket) = sink.reunite(stream) {
        finish(socket, end).await;
    }
}

/// Closes a connection that there is no place for.
pub async fn send_away(socket: Socket) {
    finish(socket, End::Ours(CloseReason::Full)).await;
}

async fn read(
    stream: &mut SplitStream<Socket>,
    form: Form,
    plug: &Plug,
    liveness: &Liveness,
) -> End {
    loop {
        let message = match stream.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return end_of(&error),
            None => return End::Theirs(None),
        };
        let now = Instant::now();
        liveness.heard(now);
        match message {
            Message::Binary(message) => {
                if let Err(NotFrames(reason)) =
                    form.unpack(&message, |frame| plug.forward(frame, Offload::NONE, now))
                {
                    return End::Ours(reason);
                }
            }
            Message::Text(_) => return End::Ours(CloseReason::TextMessage),
            Message::Close(frame) => return End::Theirs(frame.map(|frame| frame.code.into())),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

async fn write(
    sink: &mut SplitSink<Socket, Message>,
    form: Form,
    queue: &FrameQueue,
    port: &Port,
    liveness: &Liveness,
    ping_interval: Duration,
) -> End {
    let mut pings = tokio::time::interval_at(Instant::now() + ping_interval, ping_interval);
    pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut batch = None;
    loop {
        let sent = if let Some(frames) = batch.take() {
            match send_batch(sink, form, frames).await {
                // More may have come meanwhile; only an empty queue is worth a system call for less than a full buffer.
                Ok(()) if !queue.is_empty() => {
                    batch = Some(queue.take().await);
                    continue;
                }
                Ok(()) => sink.flush().await,
                Err(error) => Err(error),
            }
        } else {
            tokio::select! {
                frames = queue.take() => {
                    batch = Some(frames);
                    continue;
                }
                _ = pings.tick() => sink.send(Message::Ping(Bytes::new())).await,
                () = port.challenged() => {
                    liveness.challenge();
                    sink.send(Message::Ping(Bytes::new())).await
                }
            }
        };
        if let Err(error) = sent {
            return end_of(&error);
        }
    }
}

async fn send_batch(
    sink: &mut SplitSink<Socket, Message>,
    form: Form,
    batch: crate::switch::queue::Batch,
) -> Result<(), Error> {
    for message in form.pack(&batch) {
        sink.feed(Message::Binary(message)).await?;
    }
    Ok(())
}

fn end_of(error: &Error) -> End {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => End::Theirs(None),
        Error::Capacity(_) => End::Ours(CloseReason::MessageTooBig),
        Error::Utf8(_) => End::Ours(CloseReason::TextMessage),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            End::Broken("it hung up without a word".into())
        }
        Error::Protocol(_) => End::Ours(CloseReason::ProtocolError),
        Error::Io(error) => End::Broken(plain(error)),
        error => End::Broken(error.to_string()),
    }
}

/// Tells the client why, then lets it hang up first: a socket closed with unread bytes in it is reset, and a reset
/// would throw away the reason that is still on its way.
async fn finish(mut socket: Socket, end: End) {
    let leave = async {
        match end {
            End::Ours(reason) => {
                let frame = CloseFrame {
                    code: CloseCode::from(reason.code()),
                    reason: reason.text().into(),
                };
                if socket.close(Some(frame)).await.is_err() {
                    return;
                }
            }
            // The answer to its close waits in the buffer.
            End::Theirs(_) => {
                let _ = socket.flush().await;
            }
            End::Broken(_) => return,
        }
        let mut stream = socket.into_inner();
        let _ = stream.shutdown().await;
        let mut rest = [0; 4_096];
        while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
    };
    let _ = timeout(CLOSING_TIME, leave).await;
}

fn summary(port: &Port) -> String {
    let seconds = port.since.elapsed().as_secs();
    let megabytes = |bytes: &AtomicU64| bytes.load(Ordering::Relaxed) as f64 / 1e6;
    let drops = match port.counters.notable_drops() {
        0 => String::new(),
        drops => format!(", {drops} frames dropped"),
    };
    format!(
        "{}:{:02}:{:02}, {:.1} MB down, {:.1} MB up{drops}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        megabytes(&port.counters.bytes_out),
        megabytes(&port.counters.bytes_in),
    )
}
