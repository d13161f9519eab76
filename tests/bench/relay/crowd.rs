//! A thousand clients at once: what they cost while they say nothing, and whether each gets as much as the others when all are busy.
//!
//! Fairness: five hundred pairs of clients without a stack, all of the negotiated form, each of which keeps the same number of
//! bytes on their way to its partner and so has always something to send and something to come. What they share is the relay's
//! processor time, for reading from each and for writing to each, of which there is not enough; what *arrives* at each client
//! within the same seconds is its share. No frame is lost, and no congestion control plays a part: with TCP, a thousand
//! connections would be compared by their luck with the queue in front of the TAP.

use crate::Failure;
use crate::figure::Figure;
use crate::program::Program;
use crate::raw::{Ahead, Client, Inbox};
use crate::traffic::{Frames, hardware};
use crate::tunnel::{Form, open};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const CLIENTS: u16 = 1_000;

/// Clients that come first: what the relay sets aside once, for whoever comes, is not counted.
const FIRST: u16 = 20;

/// Most kibibytes for an idle client.
const GOAL: f64 = 64.0;

/// Until all are under way, and how long is counted then.
const WARM_UP: Duration = Duration::from_secs(2);
const TIME: Duration = Duration::from_secs(8);

/// Bytes of a message of each client, at most: small beside its share, or one more or less would tell in that.
const MESSAGE: usize = 8 * 1_024;

/// What each keeps on its way.
const AHEAD: Ahead = Ahead {
    frames: 1_000,
    bytes: 64 * 1_024,
};

/// Prints what an idle client costs.
pub(crate) async fn idle(relay: &Path) -> Result<(), Failure> {
    let program = Program::start(relay, false)?;
    let mut sockets = Vec::new();
    for _ in 0..FIRST {
        sockets.push(open(program.address, Form::Negotiated).await?);
    }
    let before = program.resident()?;
    for _ in 0..CLIENTS {
        sockets.push(open(program.address, Form::Negotiated).await?);
    }
    let grown = program.resident()?.saturating_sub(before);
    Figure {
        name: "relay-idle-client-memory",
        unit: "KiB",
        peer_name: "the limit",
    }
    .print(&[(grown as f64 / 1_024.0 / f64::from(CLIENTS), GOAL)]);
    Ok(())
}

/// Prints how fair it is.
pub(crate) async fn fairness(relay: &Path) -> Result<(), Failure> {
    let shares = shares(relay).await?;
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shares.iter().copied().fold(0.0, f64::max);
    for (name, share) in [
        ("relay-fairness-1000", least),
        ("relay-fairness-1000-most", most),
    ] {
        Figure {
            name,
            unit: "kB/s",
            peer_name: "the mean of all clients",
        }
        .print(&[(share / 1e3, mean / 1e3)]);
    }
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    Figure {
        name: "relay-fairness-1000-jain",
        unit: "Jain's index",
        peer_name: "all alike",
    }
    // Jain, Chiu and Hawe 1984: (Σx)² / (n · Σx²).
    .print(&[(mean * mean * shares.len() as f64 / squares, 1.0)]);
    Ok(())
}

/// What came to each client, in bytes a second.
async fn shares(relay: &Path) -> Result<Vec<f64>, Failure> {
    let program = Program::start(relay, false)?;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let announcement = Frames::one(Form::Negotiated, hardware(number ^ 1), hardware(number));
        clients.push(Client::open(program.address, Form::Negotiated, announcement).await?);
    }
    let inboxes: Vec<Arc<Inbox>> = (clients.iter())
        .map(|client| Arc::clone(&client.inbox))
        .collect();
    let mut senders = JoinSet::new();
    for (number, mut client) in (0..CLIENTS).zip(clients) {
        let partner = number ^ 1;
        let receiver = Arc::clone(&inboxes[usize::from(partner)]);
        senders.spawn(async move {
            let frames = Frames::packets(hardware(partner), hardware(number), MESSAGE);
            let receiver = Some((&*receiver, AHEAD));
            client.send(&frames, 2 * WARM_UP + TIME, receiver).await
        });
    }
    let count = || -> Vec<u64> { inboxes.iter().map(|inbox| inbox.count().bytes).collect() };
    sleep(WARM_UP).await;
    let (before, began) = (count(), Instant::now());
    sleep(TIME).await;
    let (after, seconds) = (count(), began.elapsed().as_secs_f64());
    while let Some(ended) = senders.join_next().await {
        ended??;
    }
    let moved = after
        .iter()
        .zip(&before)
        .map(|(after, before)| after - before);
    Ok(moved.map(|bytes| bytes as f64 / seconds).collect())
}
