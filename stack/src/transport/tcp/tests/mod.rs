//! TCP as a peer sees it: one host against hand-written segments ([`rig::Bench`]), and two hosts over a wire that may
//! lose, repeat and reorder ([`rig::Wire`]); time is virtual in both.

mod closing;
mod handshake;
mod rig;
mod transfer;
