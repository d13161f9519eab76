//! One session a WebSocket: messages in become frames for the switch, frames of the queue become messages out.
//!
//! A session is one task with three parts that end together: the reader hands each frame straight to the switch (and
//! so to the TAP, without another queue); the writer empties the port's queue, feeding message after message and
//! flushing only when the queue is empty or the socket full; the watch ends the session when nothing was heard for
//! long. How frames sit in messages is the business of [`plain`] and [`negotiated`]; whose are read when there is time for some
//! alone, that of [`turns`].

mod form;
mod liveness;
mod negotiated;
mod outlet;
mod plain;
mod tokens;
mod turns;

pub use form::Form;
pub use tokens::Tokens;
pub use turns::Turns;

use crate::config::ClientLimits;
use crate::plain::plain as without_number;
use crate::switch::fair::FairQueue;
use crate::switch::port::{Kind, Outlet, Port};
use crate::switch::{Plug, Switch};
use ethertab_tunnel::v1::{
    Features, Hello, LARGEST_CLOSING, LARGEST_CONTROL, LARGEST_SINGLE, put_closing,
};
use ethertab_tunnel::{CloseReason, LARGEST_MESSAGE};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use liveness::Liveness;
use negotiated::Conversation;
use outlet::ClientOutlet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
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
type Sink = SplitSink<Socket, Message>;
type Source = SplitStream<Socket>;

/// What a session is made from.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// What the logs call the client.
    pub name: String,
    /// Where it is.
    pub peer: SocketAddr,
    /// Its limits.
    pub limits: ClientLimits,
    /// How we introduce ourselves, but for the token; `None`: it speaks the plain form.
    pub hello: Option<Hello>,
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
pub fn websocket_config(form: Form, limits: &ClientLimits) -> WebSocketConfig {
    let largest = match form {
        Form::Plain => LARGEST_MESSAGE,
        Form::Negotiated => LARGEST_SINGLE.max(limits.largest_message as usize),
    };
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(2 * WRITE_BUFFER + 2 * largest)
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest))
}

/// What sessions share.
pub struct Shared {
    /// Where frames go.
    pub switch: Arc<Switch>,
    /// The sessions that clients can come back to.
    pub tokens: Arc<Tokens>,
    /// Which of them is read.
    pub turns: Turns,
    /// Ends all sessions.
    pub stop: CancellationToken,
}

/// Serves one client until it is gone.
pub async fn run(socket: Socket, shared: &Shared, config: SessionConfig) {
    let (mut sink, mut source) = socket.split();
    let session = Session {
        shared,
        liveness: Liveness::new(config.limits.ping_timeout),
        config,
        port: OnceLock::new(),
    };
    let end = tokio::select! {
        end = session.serve(&mut sink, &mut source) => end,
        () = session.liveness.lost() => End::Ours(CloseReason::Silent),
        () = shared.stop.cancelled() => End::Ours(CloseReason::GoingAway),
    };
    let name = &session.config.name;
    match session.port.get() {
        Some(port) => tracing::info!("{name} is gone after {}; {end}", summary(port)),
        None => tracing::info!(
            "{name}, from {}, never said hello; {end}",
            session.config.peer
        ),
    }
    // The halves belong together, so this cannot fail.
    if let Ok(socket) = sink.reunite(source) {
        finish(socket, end, session.config.hello.is_some()).await;
    }
}

/// A client's session.
struct Session<'s> {
    shared: &'s Shared,
    config: SessionConfig,
    liveness: Liveness,
    /// Its port on the switch, once it is there.
    port: OnceLock<Arc<Port>>,
}

impl Session<'_> {
    async fn serve(&self, sink: &mut Sink, source: &mut Source) -> End {
        match self.config.hello {
            None => self.serve_plain(sink, source).await,
            Some(hello) => self.serve_negotiated(sink, source, hello).await,
        }
    }

    async fn serve_plain(&self, sink: &mut Sink, source: &mut Source) -> End {
        let limits = &self.config.limits;
        let queue = Arc::new(FairQueue::new(limits.queue));
        let plug = self.plug_in(Box::new(ClientOutlet {
            queue: Arc::clone(&queue),
            takes: Features::NONE,
        }));
        tokio::select! {
            end = plain::read(source, &plug, &self.liveness, self.shared.turns.turn()) => end,
            end = plain::write(sink, &queue, plug.port(), &self.liveness, limits.ping_interval) => end,
            end = self.liveness.challenges(plug.port()) => end,
        }
    }

    async fn serve_negotiated(&self, sink: &mut Sink, source: &mut Source, hello: Hello) -> End {
        let Shared { switch, tokens, .. } = self.shared;
        let limits = &self.config.limits;
        let registration = match tokens.register() {
            Ok(registration) => registration,
            Err(error) => return End::Broken(error.to_string()),
        };
        let ours = Hello {
            token: registration.token,
            ..hello
        };
        if let Err(error) = negotiated::introduce(sink, &ours).await {
            return end_of(&error);
        }
        let met = negotiated::meet(source, ours.largest_message, &self.liveness).await;
        let (theirs, first) = match met {
            Ok(met) => met,
            Err(end) => return end,
        };
        let largest = theirs.largest_message.min(ours.largest_message);
        let queue = Arc::new(FairQueue::with_messages(limits.queue, largest as usize));
        let plug = self.plug_in(Box::new(ClientOutlet {
            queue: Arc::clone(&queue),
            takes: theirs.features & ours.features,
        }));
        let _ = registration.live.port.set(plug.port().id);
        if negotiated::resume(tokens, &theirs, switch, &plug) {
            tracing::info!("{} came back", self.config.name);
        }
        let conversation = Conversation::new(&theirs, &self.liveness, &plug);
        let interval = limits.ping_interval;
        tokio::select! {
            end = conversation.read(source, &ours, first, self.shared.turns.turn()) => end,
            end = conversation.write(sink, &queue, LARGEST_CONTROL, interval) => end,
            end = self.liveness.challenges(plug.port()) => end,
            () = registration.live.replaced.cancelled() => End::Ours(CloseReason::Replaced),
        }
    }

    fn plug_in(&self, outlet: Box<dyn Outlet>) -> Plug {
        let SessionConfig { name, peer, .. } = &self.config;
        let plug = (self.shared.switch).plug_in(Kind::Client, name.clone(), outlet, None);
        tracing::info!("{name} is here, from {peer}");
        let _ = self.port.set(Arc::clone(plug.port()));
        plug
    }
}

/// Closes a connection that there is no place for.
pub async fn send_away(socket: Socket) {
    finish(socket, End::Ours(CloseReason::Full), false).await;
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
        Error::Io(error) => End::Broken(without_number(error)),
        error => End::Broken(error.to_string()),
    }
}

/// Tells the client why, then lets it hang up first: a socket closed with unread bytes in it is reset, and a reset
/// would throw away the reason that is still on its way.
async fn finish(mut socket: Socket, end: End, negotiated: bool) {
    let leave = async {
        match end {
            End::Ours(reason) => {
                if negotiated {
                    let mut record = [0; LARGEST_CLOSING];
                    let length = put_closing(reason, &mut record);
                    let record = Bytes::copy_from_slice(&record[..length]);
                    let _ = socket.feed(Message::Binary(record)).await;
                }
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
