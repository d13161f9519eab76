//! The plain form: one message is one frame, in both directions.

use super::liveness::{Liveness, Pings};
use super::turns::Turn;
use super::{End, Sink, Source, end_of};
use crate::switch::Plug;
use crate::switch::fair::FairQueue;
use crate::switch::port::Port;
use crate::switch::queue::Batch;
use ethertab_tunnel::CloseReason;
use ethertab_tunnel::v1::Offload;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

pub(super) async fn read(
    source: &mut Source,
    plug: &Plug,
    liveness: &Liveness,
    mut turn: Turn<'_>,
) -> End {
    loop {
        let message = match turn.take(source.next()).await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return end_of(&error),
            None => return End::Theirs(None),
        };
        let now = Instant::now();
        liveness.heard(now);
        match message {
            Message::Binary(frame) => {
                plug.forward(&frame, Offload::NONE, now);
                turn.spend(frame.len()).await;
            }
            Message::Text(_) => return End::Ours(CloseReason::TextMessage),
            Message::Close(frame) => return End::Theirs(frame.map(|frame| frame.code.into())),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

pub(super) async fn write(
    sink: &mut Sink,
    queue: &FairQueue,
    port: &Port,
    liveness: &Liveness,
    ping_interval: Duration,
) -> End {
    let mut pings = Pings::new(ping_interval, liveness);
    let mut batch = None;
    loop {
        let sent = if batch.is_some() && pings.are_due() {
            sink.feed(Message::Ping(Bytes::new())).await
        } else if let Some(frames) = batch.take() {
            match send_batch(sink, frames).await {
                // More may have come meanwhile; only an empty queue is worth a system call for less than a full buffer.
                Ok(()) if !queue.is_empty() => {
                    batch = queue.try_take(&port.counters);
                    continue;
                }
                Ok(()) => sink.flush().await,
                Err(error) => Err(error),
            }
        } else {
            tokio::select! {
                frames = queue.take(&port.counters) => {
                    batch = Some(frames);
                    continue;
                }
                () = pings.due() => sink.send(Message::Ping(Bytes::new())).await,
            }
        };
        if let Err(error) = sent {
            return end_of(&error);
        }
    }
}

async fn send_batch(sink: &mut Sink, batch: Batch) -> Result<(), Error> {
    for (_, frame) in batch.frames() {
        sink.feed(Message::Binary(frame)).await?;
    }
    Ok(())
}
