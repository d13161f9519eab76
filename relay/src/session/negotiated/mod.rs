//! The negotiated form, version 1: many records in a message. [`ethertab_tunnel::v1`] specifies it.
//!
//! A client is plugged in when its hello has come, so the switch knows from the first frame on what it takes. The queue of its
//! port holds messages ready to be sent: the one that is being filled is taken as soon as the socket takes it, so batching costs
//! no time. In front of frames goes what the reader has to say: pongs, and credit.
//!
//! Credit that we give bounds what is on its way to us; we read whatever comes, one message at a time, and hand it on at once, so
//! a client that does not care about it gains nothing.

mod outbox;

use super::liveness::{Liveness, Pings};
use super::tokens::Tokens;
use super::turns::Turn;
use super::{End, Sink, Source, end_of};
use crate::switch::fair::FairQueue;
use crate::switch::port::Port;
use crate::switch::queue::Batch;
use crate::switch::{Plug, Switch};
use bytes::Bytes;
use ethertab_tunnel::CloseReason;
use ethertab_tunnel::v1::{
    Grant, Hello, LARGEST_SINGLE, RECORD_HEADER, Record, Records, put_hello,
};
use futures_util::{SinkExt, StreamExt};
use outbox::Outbox;
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Sends our hello.
pub(super) async fn introduce(sink: &mut Sink, hello: &Hello) -> Result<(), Error> {
    let hello = Bytes::copy_from_slice(&put_hello(hello));
    sink.send(Message::Binary(hello)).await
}

/// Reads the client's hello, and gives the message too whose first record it was.
pub(super) async fn meet(
    source: &mut Source,
    largest: u32,
    liveness: &Liveness,
) -> Result<(Hello, Bytes), End> {
    let message = next(source, largest, liveness).await?;
    match Records::of(&message).next() {
        Some(Ok(Record::Hello(hello))) if hello.speaks_ours() => Ok((hello, message)),
        _ => Err(End::Ours(CloseReason::Malformed)),
    }
}

/// Has the newcomer take over from the session whose token it says, and ends that one; false if there is none.
pub(super) fn resume(tokens: &Tokens, hello: &Hello, switch: &Switch, plug: &Plug) -> bool {
    let Some(before) = tokens.take(&hello.token) else {
        return false;
    };
    if let Some(port) = before.port.get() {
        switch.take_over(*port, plug);
    }
    before.replaced.cancel();
    true
}

/// What the two directions of a session share.
pub(super) struct Conversation<'s> {
    outbox: Outbox,
    liveness: &'s Liveness,
    plug: &'s Plug,
}

impl<'s> Conversation<'s> {
    pub(super) fn new(hello: &Hello, liveness: &'s Liveness, plug: &'s Plug) -> Conversation<'s> {
        Conversation {
            outbox: Outbox::new(hello.credit),
            liveness,
            plug,
        }
    }

    /// Handles messages, the first of which holds the client's hello, until the session ends.
    pub(super) async fn read(
        &self,
        source: &mut Source,
        ours: &Hello,
        first: Bytes,
        mut turn: Turn<'_>,
    ) -> End {
        let mut grant = Grant::new(ours.credit);
        let began = Instant::now();
        let mut taken = 0;
        let mut message = first;
        let mut skip = 1;
        loop {
            let now = Instant::now();
            let clock = micros(now - began);
            for record in Records::of(&message).skip(std::mem::take(&mut skip)) {
                match record {
                    Ok(Record::Frame(offload, frame)) => self.plug.forward(frame, offload, now),
                    Ok(Record::Ping(stamp)) => turn.take(self.outbox.pong(stamp)).await,
                    Ok(Record::Credit(total)) => self.outbox.allow(total),
                    Ok(Record::Pong(stamp)) => grant.pong(stamp, clock),
                    Ok(Record::Closing { code, text }) => {
                        tracing::debug!(
                            "{} is about to close ({code}): {text}",
                            self.plug.port().name
                        );
                    }
                    Ok(Record::Hello(_)) | Err(_) => return End::Ours(CloseReason::Malformed),
                }
            }
            taken += message.len() as u64;
            if let Some(total) = grant.take(taken, clock) {
                self.outbox.grant(total);
            }
            if let Some(stamp) = grant.ping(clock) {
                self.outbox.ping(stamp);
            }
            turn.spend(message.len()).await;
            let next = next(source, ours.largest_message, self.liveness);
            message = match turn.take(next).await {
                Ok(message) => message,
                Err(end) => return end,
            };
        }
    }

    /// Sends what waits, control first, until the session ends. `sent` is how many bytes of messages were sent before.
    pub(super) async fn write(
        &self,
        sink: &mut Sink,
        queue: &FairQueue,
        sent: usize,
        ping_interval: Duration,
    ) -> End {
        match self.write_all(sink, queue, sent, ping_interval).await {
            Ok(never) => match never {},
            Err(error) => end_of(&error),
        }
    }

    async fn write_all(
        &self,
        sink: &mut Sink,
        queue: &FairQueue,
        sent: usize,
        ping_interval: Duration,
    ) -> Result<std::convert::Infallible, Error> {
        let port: &Port = self.plug.port();
        let mut pings = Pings::new(ping_interval, self.liveness);
        let mut sent = sent as u64;
        loop {
            if pings.are_due() {
                sink.feed(Message::Ping(Bytes::new())).await?;
            }
            let may_send = || sent < self.outbox.allowed();
            let ready = match self.outbox.take() {
                Some(control) => Some(control),
                None if may_send() => queue.try_take(&port.counters).map(Batch::into_message),
                None => None,
            };
            let message = match ready {
                Some(message) => message,
                None => {
                    // Only now, when nothing is left to say, is less than a full buffer worth a system call.
                    sink.flush().await?;
                    let may_send = may_send();
                    let _pause = (!may_send).then(|| queue.pause());
                    tokio::select! {
                        () = self.outbox.changed() => continue,
                        batch = queue.take(&port.counters), if may_send => batch.into_message(),
                        () = pings.due() => {
                            sink.send(Message::Ping(Bytes::new())).await?;
                            continue;
                        }
                    }
                }
            };
            sent += message.len() as u64;
            sink.feed(Message::Binary(message)).await?;
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The next binary message.
async fn next(source: &mut Source, largest: u32, liveness: &Liveness) -> Result<Bytes, End> {
    loop {
        let message = match source.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(end_of(&error)),
            None => return Err(End::Theirs(None)),
        };
        liveness.heard(Instant::now());
        match message {
            Message::Binary(message) if is_fitting(&message, largest) => return Ok(message),
            Message::Binary(_) => return Err(End::Ours(CloseReason::Malformed)),
            Message::Text(_) => return Err(End::Ours(CloseReason::TextMessage)),
            Message::Close(frame) => return Err(End::Theirs(frame.map(|frame| frame.code.into()))),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// Whether a message is no longer than we said, or holds one record alone.
fn is_fitting(message: &[u8], largest: u32) -> bool {
    let alone = || {
        let Some(&[_, a, b, c]) = message.first_chunk::<RECORD_HEADER>() else {
            return false;
        };
        let length = RECORD_HEADER + u32::from_be_bytes([0, a, b, c]) as usize;
        message.len() == length && length <= LARGEST_SINGLE
    };
    message.len() <= largest as usize || alone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_be_as_long_as_was_said_or_hold_one_record_of_any_frame() {
        let records = |lengths: &[usize]| -> Vec<u8> {
            let one = |length: &usize| {
                let [_, a, b, c] = (*length as u32).to_be_bytes();
                let mut record = vec![1, a, b, c];
                record.resize(RECORD_HEADER + length, 0);
                record
            };
            lengths.iter().flat_map(one).collect()
        };
        assert!(is_fitting(&records(&[1_000, 1_040]), 2_048));
        assert!(!is_fitting(&records(&[1_000, 1_041]), 2_048));
        assert!(is_fitting(&records(&[2_045]), 2_048));
        assert!(is_fitting(
            &records(&[LARGEST_SINGLE - RECORD_HEADER]),
            2_048
        ));
        assert!(!is_fitting(&records(&[LARGEST_SINGLE]), 2_048));
        assert!(is_fitting(&[], 2_048));
    }
}
