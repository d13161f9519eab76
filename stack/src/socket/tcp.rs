//! One TCP connection, seen by the program that holds it.

pub use crate::transport::tcp::TcpInfo;

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

impl TcpSocket<'_> {
    /// Whether connecting has ended: ready with success or with why it failed.
    pub fn connected(&mut self) -> Poll<Result<(), TcpError>> {
        self.transport.tcp.connected(self.id)
    }

    /// Takes bytes that arrived in order. `Ok(0)` (for a buffer that is not empty) is the end of the stream.
    pub fn read(&mut self, buffer: &mut [u8]) -> Poll<Result<usize, TcpError>> {
        self.transport.tcp.read(self.id, buffer, self.now)
    }

    /// The same without a buffer: `sink` gets at most so many bytes where they lie, one part after the other, each with how
    /// many come behind it.
    pub fn read_with(
        &mut self,
        most: usize,
        sink: &mut dyn FnMut(&[u8], usize),
    ) -> Poll<Result<usize, TcpError>> {
        let (id, now) = (self.id, self.now);
        self.transport.tcp.read_with(id, most, now, sink)
    }

    /// Gives bytes to send; pending while the send buffer is full.
    pub fn write(&mut self, bytes: &[u8]) -> Poll<Result<usize, TcpError>> {
        self.transport.tcp.write(self.id, bytes, self.now)
    }

    /// Gives bytes to send and marks the last one taken as the end of urgent data (RFC 9293 §3.8.5). For old protocols: new
    /// ones should not (RFC 6093 §5).
    pub fn write_urgent(&mut self, bytes: &[u8]) -> Poll<Result<usize, TcpError>> {
        self.transport.tcp.write_urgent(self.id, bytes, self.now)
    }

    /// How many of the bytes still to be read are urgent, those that have not arrived yet included; `None`: none is. The
    /// connection becomes readable when the peer says so.
    #[must_use]
    pub fn urgent(&self) -> Option<usize> {
        self.transport.tcp.urgent(self.id)
    }

    /// Ready once all that was written, and our FIN if [`finish`](Self::finish) was called, is acknowledged.
    pub fn flushed(&mut self) -> Poll<Result<(), TcpError>> {
        self.transport.tcp.flushed(self.id, self.now)
    }

    /// Ends our half of the stream after what was written (half-close). Reading goes on.
    ///
    /// # Errors
    /// If the connection is over.
    pub fn finish(&mut self) -> Result<(), TcpError> {
        self.transport.tcp.finish(self.id, self.now)
    }

    /// Gives the connection back. What was written is still delivered, then both halves end; if there was
    /// unread data the peer learns it by RST (RFC 9293 §3.6.1, RFC 2525 §2.17). The id is stale afterwards.
    pub fn close(self) {
        self.transport.tcp.close(self.id, self.now);
    }

    /// Resets the connection at once and gives it back. The id is stale afterwards.
    pub fn abort(self) {
        self.transport.tcp.abort(self.id, self.now);
    }

    /// Turns Nagle's algorithm off or on.
    pub fn set_no_delay(&mut self, no_delay: bool) {
        let tcp = &mut self.transport.tcp;
        tcp.set_no_delay(self.id, no_delay, self.now);
    }

    /// Sets the differentiated services codepoint (RFC 2474) of what is sent from now on: 0 to 63, at first 0.
    pub fn set_differentiated_services(&mut self, codepoint: u8) {
        let tcp = &mut self.transport.tcp;
        tcp.set_differentiated_services(self.id, codepoint, self.now);
    }

    /// Sets, or with `None` stops, keep-alive probes after that idle time.
    pub fn set_keep_alive(&mut self, idle: Option<Duration>) {
        self.transport.tcp.set_keep_alive(self.id, idle, self.now);
    }

    /// How long data may stay unacknowledged before the connection is given up; `None`: the default.
    pub fn set_user_timeout(&mut self, timeout: Option<Duration>) {
        let tcp = &mut self.transport.tcp;
        tcp.set_user_timeout(self.id, timeout, self.now);
    }

    /// How long [`close`](Self::close) may go on delivering before it resets: `None` as long as it takes, zero: at once.
    pub fn set_linger(&mut self, linger: Option<Duration>) {
        self.transport.tcp.set_linger(self.id, linger, self.now);
    }

    /// Our end.
    ///
    /// # Errors
    /// If the id is stale.
    pub fn local_address(&self) -> Result<SocketAddr, TcpError> {
        Ok(self.transport.tcp.addresses(self.id)?.local)
    }

    /// The peer's end.
    ///
    /// # Errors
    /// If the id is stale.
    pub fn remote_address(&self) -> Result<SocketAddr, TcpError> {
        Ok(self.transport.tcp.addresses(self.id)?.remote)
    }

    /// Vital signs.
    ///
    /// # Errors
    /// If the id is stale.
    pub fn info(&self) -> Result<TcpInfo, TcpError> {
        self.transport.tcp.info(self.id)
    }
}
