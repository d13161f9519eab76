//! TCP as a peer sees it: one host against hand-written segments ([`rig::Bench`]), and two hosts over a wire that may
//! lose, repeat and reorder ([`rig::Wire`]); time is virtual in both.

mod acking;
mod closing;
mod conformance;
mod handshake;
mod listening;
mod liveness;
mod loss;
mod marking;
mod prediction;
mod receiving;
mod rig;
mod sack;
mod sending;
mod transfer;
mod urgent;
mod weather;
