//! Figures of the relay: what it costs, how fast it is, and whether it is fair. `bench-relay RELAY [GROUP]`.
//!
//! Runs the relay as a program of its own, with a TAP, and is its clients and the host behind the TAP itself; so it wants a network
//! namespace of its own. One JSON object a line on standard output. GROUP is `bulk`, `queues`,
//! `switching`, `idle` or `fairness`; without it, all are measured.

mod bulk;
mod crowd;
mod figure;
mod program;
mod raw;
mod station;
mod switching;
mod traffic;

use std::path::Path;

/// What goes wrong ends the run.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let relay = arguments.next().ok_or("a path to the relay is needed")?;
    let relay = Path::new(&relay);
    let group = arguments.next();
    let picked = |name: &str| group.as_ref().is_none_or(|group| name == group);
    if picked("bulk") {
        bulk::figures(relay).await?;
    }
    if picked("queues") {
        bulk::queues(relay).await?;
    }
    if picked("switching") {
        switching::figures(relay).await?;
    }
    if picked("idle") {
        crowd::idle(relay).await?;
    }
    if picked("fairness") {
        crowd::fairness(relay).await?;
    }
    Ok(())
}
