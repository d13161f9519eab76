//! TCP streams and listeners over the driver.

use super::Error;
use crate::socket::TcpInfo;
use crate::time::Duration;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use futures_io::{AsyncRead, AsyncWrite};
use std::io;

/// A TCP connection. Reading 0 bytes is the peer's FIN; `poll_close` sends ours and reading goes on.
/// `poll_flush` waits for nothing: bytes leave by themselves. Dropping it closes it gracefully.
pub struct TcpStream {}

/// A TCP listener. Dropping it closes it.
pub struct TcpListener {}

impl TcpStream {
    /// Our end.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        todo!()
    }

    /// The peer's end.
    pub fn remote_address(&self) -> Result<SocketAddr, Error> {
        todo!()
    }

    /// Vital signs.
    pub fn info(&self) -> Result<TcpInfo, Error> {
        todo!()
    }

    /// Turns Nagle's algorithm off or on.
    pub fn set_no_delay(&self, no_delay: bool) {
        todo!()
    }

    /// Sets, or with `None` stops, keep-alive probes after that idle time.
    pub fn set_keep_alive(&self, idle: Option<Duration>) {
        todo!()
    }

    /// Ready once the peer has acknowledged all that was written (and our FIN, if it was sent).
    pub async fn flushed(&self) -> Result<(), Error> {
        todo!()
    }

    /// Resets the connection at once.
    pub fn abort(self) {
        todo!()
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        todo!()
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        todo!()
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
}

impl TcpListener {
    /// The next connection.
    pub async fn accept(&self) -> Result<(TcpStream, SocketAddr), Error> {
        todo!()
    }

    /// Where it listens.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        todo!()
    }
}
