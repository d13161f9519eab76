//! What crosses crates: a simulated network in virtual time, and the tests that run on it.
//!
//! [`Simulation`] holds hosts on one Ethernet segment. Each host is a stack with its driver; each has a [`Cable`] into
//! the segment that delays, limits, loses, reorders, duplicates and corrupts frames by a seed. Time is virtual: it
//! jumps from one thing that happens to the next, so that a run of an hour takes milliseconds and the same seed
//! gives the same run, byte by byte. A run that fails prints its seed and leaves its last frames in a pcap file.

pub mod cable;
pub mod clock;
pub mod pattern;
pub mod pcap;
pub mod segment;
pub mod simulation;
pub mod tokio_clock;
pub mod traffic;
pub mod tunnel;

pub use cable::{Cable, Impairments};
pub use simulation::{Host, Simulation};
pub use tokio_clock::TokioClock;

/// Runs `test` for seeds 0 to `count` - 1. `ETHERTAB_SEED` picks one seed instead, `ETHERTAB_SEEDS` another count.
pub fn for_seeds(count: u64, test: impl Fn(u64)) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("ETHERTAB_SEED") {
        Some(seed) => test(seed),
        None => (0..number("ETHERTAB_SEEDS").unwrap_or(count)).for_each(test),
    }
}
