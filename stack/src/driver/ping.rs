//! Ping over the driver.

use crate::time::Duration;
use core::net::IpAddr;

/// How a ping is sent.
#[derive(Clone, Copy, Debug)]
pub struct PingOptions {
    /// Bytes of payload: up to 65,507.
    pub size: usize,
    /// How long to wait for the reply.
    pub timeout: Duration,
    /// TTL or hop limit; `None`: the stack's default.
    pub hop_limit: Option<u8>,
}

impl Default for PingOptions {
    fn default() -> Self {
        PingOptions {
            size: 56,
            timeout: Duration::from_secs(2),
            hop_limit: None,
        }
    }
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingReply {
    /// Who answered.
    pub source: IpAddr,
    /// From the request to the arrival of the reply's frame.
    pub round_trip: Duration,
    /// The TTL or hop limit that the reply arrived with.
    pub hop_limit: u8,
    /// Bytes of payload that came back.
    pub size: usize,
}
