//! A thousand clients at once: what they cost while they say nothing, and whether each gets as much as the others when all are busy.
//!
//! Fairness: a thousand clients without a stack, all of the negotiated form, send full frames in full messages to the host as fast
//! as they are let. Each always has more to send than the relay takes; the relay's sessions share too little processor time for
//! all of them, and what it takes from each is its share. Counted by the relay's own ports, all at the same moment, and
//! none of it lost behind them, as the TAP takes every frame. One thing decides beside the relay: how much of a client's data
//! stands ready for its turn, by the kernel's choice and that of the clients' own runtime. No congestion control plays a part: with TCP in the tunnel, a thousand connections would be compared by their luck with the
//! queue in front of the TAP. One message more or less, 64 KiB, is within the figure's own noise.

use crate::Failure;
use crate::figure::Figure;
use crate::program::Program;
use crate::raw::Client;
use crate::traffic::{Frames, HOST_HARDWARE, hardware};
use ethertab_tests::tunnel::{Form, open};
use std::path::Path;
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

/// Prints what an idle client costs.
pub(crate) async fn idle(relay: &Path) -> Result<(), Failure> {
    let program = Program::start(relay, &[])?;
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

/// What the relay took from each client, in bytes a second.
async fn shares(relay: &Path) -> Result<Vec<f64>, Failure> {
    let program = Program::start(relay, &[])?;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let announcement = Frames::one(Form::Negotiated, HOST_HARDWARE, hardware(number));
        clients.push(Client::open(program.address, Form::Negotiated, announcement).await?);
    }
    let mut senders = JoinSet::new();
    for (number, mut client) in (0..CLIENTS).zip(clients) {
        let frames = Frames::complete(Form::Negotiated, HOST_HARDWARE, hardware(number), 1_514);
        senders.spawn(async move { client.send(&frames, Duration::MAX, None).await });
    }
    sleep(WARM_UP).await;
    let began = Instant::now();
    let before = program.taken_from_clients().await?;
    sleep(TIME).await;
    let after = program.taken_from_clients().await?;
    let seconds = began.elapsed().as_secs_f64();
    if let Some(ended) = senders.try_join_next() {
        return Err(format!("a client ended: {:?}", ended?).into());
    }
    if before.len() != usize::from(CLIENTS) || after.len() != before.len() {
        return Err(format!("{} clients, then {}", before.len(), after.len()).into());
    }
    let taken = after
        .iter()
        .zip(&before)
        .map(|(after, before)| after - before);
    Ok(taken.map(|bytes| bytes as f64 / seconds).collect())
}
