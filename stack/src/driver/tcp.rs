//! TCP streams and listeners over the driver.

use super::Error;
use super::shared::{Handle, Shared};
use super::waiting::{Interest, Key, Socket};
use crate::config::{ListenOptions, TcpOptions};
use crate::event::{ListenerId, TcpId};
use crate::socket::{TcpError, TcpInfo, TcpSocket};
use crate::time::{Duration, Instant};
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use futures_io::{AsyncRead, AsyncWrite};
use std::io;

/// A TCP connection. Reading 0 bytes is the peer's FIN; `poll_close` sends ours and reading goes on.
/// `poll_flush` waits for nothing: bytes leave by themselves. Dropping it closes it gracefully.
pub struct TcpStream {
    handle: Handle,
    id: TcpId,
    /// How it ends when dropped.
    ending: Ending,
}

/// How a connection is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// What was written is still delivered.
    Close,
    /// By RST; also while it is still opening.
    Abort,
}

/// A TCP listener. Dropping it closes it.
pub struct TcpListener {
    handle: Handle,
    id: ListenerId,
}

impl TcpStream {
    pub(super) async fn connect(
        handle: &Handle,
        remote: SocketAddr,
        options: &TcpOptions,
    ) -> Result<TcpStream, Error> {
        let id = handle.open(
            |stack, now| stack.tcp_connect(remote, options, now),
            |&id| Socket::Tcp(id),
        )?;
        let mut stream = TcpStream {
            handle: handle.clone(),
            id,
            ending: Ending::Abort,
        };
        stream
            .until_writable(|mut socket| socket.connected())
            .await?;
        stream.ending = Ending::Close;
        Ok(stream)
    }

    /// Our end.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        self.look(|socket| socket.local_address())
    }

    /// The peer's end.
    pub fn remote_address(&self) -> Result<SocketAddr, Error> {
        self.look(|socket| socket.remote_address())
    }

    /// Vital signs.
    pub fn info(&self) -> Result<TcpInfo, Error> {
        self.look(|socket| socket.info())
    }

    /// Turns Nagle's algorithm off or on.
    pub fn set_no_delay(&self, no_delay: bool) {
        self.change(|mut socket| socket.set_no_delay(no_delay));
    }

    /// Sets, or with `None` stops, keep-alive probes after that idle time.
    pub fn set_keep_alive(&self, idle: Option<Duration>) {
        self.change(|mut socket| socket.set_keep_alive(idle));
    }

    /// How long data may stay unacknowledged before the connection is given up; `None`: the default.
    pub fn set_user_timeout(&self, timeout: Option<Duration>) {
        self.change(|mut socket| socket.set_user_timeout(timeout));
    }

    /// How long delivering may go on after this is dropped, before the connection is reset: `None` as long as it takes.
    pub fn set_linger(&self, linger: Option<Duration>) {
        self.change(|mut socket| socket.set_linger(linger));
    }

    /// Ready once the peer has acknowledged all that was written (and our FIN, if it was sent).
    pub async fn flushed(&self) -> Result<(), Error> {
        self.until_writable(|mut socket| socket.flushed()).await
    }

    /// Takes bytes without a buffer of the program's own: as [`AsyncRead::poll_read`], with the `sink` of [`TcpSocket::read_with`].
    pub fn poll_read_with(
        &mut self,
        cx: &Context<'_>,
        most: usize,
        sink: &mut dyn FnMut(&[u8], usize),
    ) -> Poll<Result<usize, Error>> {
        self.poll(Interest::Read(Socket::Tcp(self.id)), cx, |mut socket| {
            socket.read_with(most, sink)
        })
    }

    /// As [`AsyncRead::poll_read`]; `buffer` must not be empty.
    pub(super) fn poll_read_into(
        &mut self,
        cx: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Error>> {
        self.poll(Interest::Read(Socket::Tcp(self.id)), cx, |mut socket| {
            socket.read(buffer)
        })
    }

    /// As [`AsyncWrite::poll_write`], with the error as it is.
    pub fn poll_write_some(
        &mut self,
        cx: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll(Interest::Write(Socket::Tcp(self.id)), cx, |mut socket| {
            socket.write(bytes)
        })
    }

    /// As [`AsyncWrite::poll_close`], with the error as it is: sends our FIN, and reading goes on.
    pub fn poll_finish(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(Interest::Write(Socket::Tcp(self.id)), cx, |mut socket| {
            // Closing what is closed already is no error.
            Poll::Ready(match socket.finish() {
                Err(TcpError::Closed) => Ok(()),
                outcome => outcome,
            })
        })
    }

    /// Resets the connection at once.
    pub fn abort(mut self) {
        self.ending = Ending::Abort;
    }

    fn look<T>(
        &self,
        look: impl FnOnce(&TcpSocket<'_>) -> Result<T, TcpError>,
    ) -> Result<T, Error> {
        let id = self.id;
        Ok(self.handle.look(|stack, now| look(&stack.tcp(id, now)))?)
    }

    fn change(&self, change: impl FnOnce(TcpSocket<'_>)) {
        let id = self.id;
        self.handle.change(|stack, now| change(stack.tcp(id, now)));
    }

    async fn until_writable(
        &self,
        mut attempt: impl FnMut(TcpSocket<'_>) -> Poll<Result<(), TcpError>>,
    ) -> Result<(), Error> {
        let id = self.id;
        let attempt = move |shared: &mut Shared, now: Instant| {
            attempt(shared.stack.tcp(id, now)).map_err(Error::from)
        };
        self.handle
            .until(Interest::Write(Socket::Tcp(id)), attempt)
            .await
    }

    fn poll<T>(
        &self,
        interest: Interest,
        context: &Context<'_>,
        attempt: impl FnOnce(TcpSocket<'_>) -> Poll<Result<T, TcpError>>,
    ) -> Poll<Result<T, Error>> {
        let id = self.id;
        self.handle
            .attempt(interest, Key::ONLY, context.waker(), |shared, now| {
                attempt(shared.stack.tcp(id, now)).map_err(Error::from)
            })
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        let (id, ending) = (self.id, self.ending);
        self.handle.give_back(Socket::Tcp(id), |stack, now| {
            let socket = stack.tcp(id, now);
            match ending {
                Ending::Close => socket.close(),
                Ending::Abort => socket.abort(),
            }
        });
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        (self.poll_read_into(cx, buffer)).map_err(io::Error::from)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_some(cx, bytes).map_err(io::Error::from)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx).map_err(io::Error::from)
    }
}

impl TcpListener {
    pub(super) fn listen(
        handle: &Handle,
        local: SocketAddr,
        options: &ListenOptions,
    ) -> Result<TcpListener, Error> {
        let id = handle.open(
            |stack, _| stack.tcp_listen(local, options),
            |&id| Socket::Listener(id),
        )?;
        Ok(TcpListener {
            handle: handle.clone(),
            id,
        })
    }

    /// The next connection.
    pub async fn accept(&self) -> Result<(TcpStream, SocketAddr), Error> {
        let id = self.id;
        let attempt =
            move |shared: &mut Shared, _: Instant| match shared.stack.listener(id).accept() {
                Some((connection, remote)) => {
                    shared.waiting.hold(Socket::Tcp(connection));
                    Poll::Ready(Ok((connection, remote)))
                }
                None => Poll::Pending,
            };
        let (id, remote) = self
            .handle
            .until(Interest::Read(Socket::Listener(id)), attempt)
            .await?;
        let stream = TcpStream {
            handle: self.handle.clone(),
            id,
            ending: Ending::Close,
        };
        Ok((stream, remote))
    }

    /// Where it listens.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        let id = self.id;
        self.handle
            .look(|stack, _| stack.listener(id).local_address())
            .ok_or(Error::NetworkClosed)
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        let id = self.id;
        self.handle.give_back(Socket::Listener(id), |stack, _| {
            stack.listener(id).close();
        });
    }
}
