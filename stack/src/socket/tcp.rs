//! One TCP connection, seen by the program that holds it.

use super::TcpError;
use crate::event::TcpId;
use crate::time::{Duration, Instant};
use crate::transport::Transport;
use core::net::SocketAddr;
use core::task::Poll;

/// A view of one TCP connection.
pub struct TcpSocket<'s> {
    pub(crate) transport: &'s mut Transport,
    pub(crate) id: TcpId,
    pub(crate) now: Instant,
}

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
    /// Segments sent again.
    pub retransmits: u64,
    /// Payload bytes acknowledged by the peer.
    pub bytes_sent: u64,
    /// Payload bytes received in order.
    pub bytes_received: u64,
}

impl TcpSocket<'_> {
    /// Whether connecting has ended: ready with success or with why it failed.
    pub fn connected(&mut self) -> Poll<Result<(), TcpError>> {
        todo!()
    }

    /// Takes bytes that arrived in order. `Ok(0)` (for a buffer that is not empty) is the end of the stream.
    pub fn read(&mut self, buffer: &mut [u8]) -> Poll<Result<usize, TcpError>> {
        todo!()
    }

    /// Gives bytes to send; pending while the send buffer is full.
    pub fn write(&mut self, bytes: &[u8]) -> Poll<Result<usize, TcpError>> {
        todo!()
    }

    /// Ready once all that was written, and our FIN if [`finish`](Self::finish) was called, is acknowledged.
    pub fn flushed(&mut self) -> Poll<Result<(), TcpError>> {
        todo!()
    }

    /// Ends our half of the stream after what was written (half-close). Reading goes on.
    pub fn finish(&mut self) -> Result<(), TcpError> {
        todo!()
    }

    /// Gives the connection back. What was written is still delivered, then both halves end; if there was
    /// unread data the peer learns it by RST (RFC 9293 §3.6.1, RFC 2525 §2.17). The id is stale afterwards.
    pub fn close(self) {
        todo!()
    }

    /// Resets the connection at once and gives it back. The id is stale afterwards.
    pub fn abort(self) {
        todo!()
    }

    /// Turns Nagle's algorithm off or on.
    pub fn set_no_delay(&mut self, no_delay: bool) {
        todo!()
    }

    /// Sets, or with `None` stops, keep-alive probes after that idle time.
    pub fn set_keep_alive(&mut self, idle: Option<Duration>) {
        todo!()
    }

    /// How long data may stay unacknowledged before the connection is given up; `None`: the default.
    pub fn set_user_timeout(&mut self, timeout: Option<Duration>) {
        todo!()
    }

    /// How long [`close`](Self::close) may go on delivering before it resets: `None` as long as it takes, zero: at once.
    pub fn set_linger(&mut self, linger: Option<Duration>) {
        todo!()
    }

    /// Our end.
    pub fn local_address(&self) -> Result<SocketAddr, TcpError> {
        todo!()
    }

    /// The peer's end.
    pub fn remote_address(&self) -> Result<SocketAddr, TcpError> {
        todo!()
    }

    /// Vital signs.
    pub fn info(&self) -> Result<TcpInfo, TcpError> {
        todo!()
    }
}
