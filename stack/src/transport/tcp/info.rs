//! STATUS (RFC 9293 §3.10.6).

use crate::time::Duration;
use crate::wire::ip::Unreachable;

/// A connection's vital signs.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpInfo {
    /// The state's name as RFC 9293 §3.3.2 writes it.
    pub state: &'static str,
    /// Smoothed round trip, if measured.
    pub smoothed_round_trip: Option<Duration>,
    /// Retransmission timeout as it stands.
    pub retransmission_timeout: Duration,
    /// Congestion window in bytes.
    pub congestion_window: usize,
    /// Slow-start threshold in bytes; `usize::MAX`: not yet known.
    pub slow_start_threshold: usize,
    /// Bytes sent and not acknowledged.
    pub in_flight: usize,
    /// The peer's window in bytes.
    pub send_window: usize,
    /// Our window in bytes.
    pub receive_window: usize,
    /// Bytes accepted from the program that wait in the send buffer, in flight or not.
    pub send_queued: usize,
    /// Bytes that wait to be read.
    pub receive_queued: usize,
    /// Largest payload of a segment that we send.
    pub maximum_segment: usize,
    /// Timeouts in a row without an acknowledgement; from three on (RFC 9293 §3.8.3's R1) something is wrong.
    pub timeouts: u32,
    /// What the network complained about since the last acknowledgement (RFC 9293 §3.9.1.7, the error report).
    pub soft_error: Option<Unreachable>,
    /// Both sides heed the marks of routers (ECN, RFC 3168).
    pub ecn: bool,
    /// Segments sent again.
    pub retransmits: u64,
    /// Payload bytes acknowledged by the peer.
    pub bytes_sent: u64,
    /// Payload bytes received in order.
    pub bytes_received: u64,
}
