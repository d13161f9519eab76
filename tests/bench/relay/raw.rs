//! A client without a stack: sends the same message again and again, and counts what comes.

use crate::Failure;
use crate::traffic::{Frames, count, credit};
use ethertab_tests::tunnel::{Credit, Form, Socket, open};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// After which silence what did not arrive counts as dropped.
const LOST: Duration = Duration::from_secs(1);

/// A client.
pub(crate) struct Client {
    sink: SplitSink<Socket, Message>,
    credit: Credit,
    pub(crate) inbox: Arc<Inbox>,
    reader: JoinHandle<()>,
}

/// What came, and word of it.
#[derive(Default)]
pub(crate) struct Inbox {
    frames: AtomicU64,
    bytes: AtomicU64,
    /// Bytes that the relay lets the client send in all.
    allowed: AtomicU64,
    more: Notify,
    allowed_more: Notify,
}

/// Frames, and bytes of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
}

/// How far a sender may be ahead of what arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
}

impl Client {
    /// Connects, and sends one frame from which the switch learns where it is.
    pub(crate) async fn open(
        relay: SocketAddr,
        form: Form,
        announcement: Bytes,
    ) -> Result<Client, Failure> {
        let (socket, mut credit) = open(relay, form).await?;
        let (mut sink, source) = socket.split();
        credit.sent += announcement.len() as u64;
        sink.send(Message::Binary(announcement)).await?;
        let inbox = Arc::new(Inbox::default());
        inbox.allowed.store(credit.allowed, Ordering::Relaxed);
        let reader = tokio::spawn(read(source, form, Arc::clone(&inbox)));
        Ok(Client {
            sink,
            credit,
            inbox,
            reader,
        })
    }

    /// Sends for so long. If there is a `receiver`, it never gets further ahead of what arrived there than it may.
    pub(crate) async fn send(
        &mut self,
        frames: &Frames,
        time: Duration,
        receiver: Option<(&Inbox, Ahead)>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let mut sent = Count::default();
        let mut base = receiver.map_or(Count::default(), |(inbox, _)| inbox.count());
        while began.elapsed() < time {
            if let Some((inbox, ahead)) = receiver {
                let arrived = inbox.count();
                let under_way = Count {
                    frames: sent.frames.saturating_sub(arrived.frames - base.frames),
                    bytes: sent.bytes.saturating_sub(arrived.bytes - base.bytes),
                };
                if under_way.frames + frames.each > ahead.frames
                    || under_way.bytes + frames.bytes > ahead.bytes
                {
                    self.sink.flush().await?;
                    if timeout(LOST, inbox.more.notified()).await.is_err() {
                        (sent, base) = (Count::default(), inbox.count());
                    }
                    continue;
                }
            }
            self.credit.allowed = self.inbox.allowed.load(Ordering::Relaxed);
            if self.credit.is_used_up() {
                self.sink.flush().await?;
                self.inbox.allowed_more.notified().await;
                continue;
            }
            let message = frames.message.clone();
            self.credit.sent += message.len() as u64;
            self.sink.feed(Message::Binary(message)).await?;
            sent.frames += frames.each;
            sent.bytes += frames.bytes;
        }
        self.sink.flush().await?;
        Ok(())
    }

    /// Waits until the relay has read what was sent to it: it drops what it has not read of a client that is gone.
    pub(crate) async fn close(mut self) {
        // A close frame comes behind all else, and is answered.
        let _ = self.sink.close().await;
        let _ = timeout(LOST, &mut self.reader).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Inbox {
    pub(crate) fn count(&self) -> Count {
        Count {
            frames: self.frames.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Counts frames and hears of credit, until the WebSocket ends.
async fn read(mut source: SplitStream<Socket>, form: Form, inbox: Arc<Inbox>) {
    while let Some(Ok(message)) = source.next().await {
        let Message::Binary(message) = message else {
            continue;
        };
        let (frames, bytes) = count(form, &message);
        if frames > 0 {
            inbox.bytes.fetch_add(bytes, Ordering::Relaxed);
            inbox.frames.fetch_add(frames, Ordering::Relaxed);
            inbox.more.notify_one();
        }
        if form == Form::Negotiated
            && let Some(total) = credit(&message)
        {
            inbox.allowed.store(total, Ordering::Relaxed);
            inbox.allowed_more.notify_one();
        }
    }
}
