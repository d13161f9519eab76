//! TCP (RFC 9293).

pub mod congestion;
pub mod isn;
pub mod rtt;
pub mod sequence;
