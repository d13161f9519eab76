//! A TCP stream that several holders share: JavaScript's reads and writes run at once, and any of them
//! may be cut off by an abort.

use core::cell::RefCell;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use ethertab_stack::driver::{Error, TcpStream};
use ethertab_stack::socket::TcpError;
use futures_io::AsyncWrite;
use std::io;
use std::rc::Rc;

/// Clones share the stream. It ends gracefully when the last one is gone.
#[derive(Clone)]
pub(crate) struct Connection(Rc<RefCell<Inner>>);

struct Inner {
    /// `None`: aborted, or closed by the program.
    stream: Option<TcpStream>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Connection {
        Connection(Rc::new(RefCell::new(Inner {
            stream: Some(stream),
            reader: None,
            writer: None,
        })))
    }

    /// Reads all there is, as far as `most` goes; `sink` as for [`TcpStream::poll_read_with`].
    pub(crate) fn poll_read_with(
        &self,
        context: &Context<'_>,
        most: usize,
        sink: &mut dyn FnMut(&[u8], usize),
    ) -> Poll<io::Result<usize>> {
        let inner = &mut *self.0.borrow_mut();
        let Some(stream) = &mut inner.stream else {
            return Poll::Ready(Err(aborted()));
        };
        let read = stream.poll_read_with(context, most, sink);
        if read.is_pending() {
            inner.reader = Some(context.waker().clone());
        }
        read
    }

    pub(crate) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_out(context, |stream, context| stream.poll_write(context, bytes))
    }

    /// Ends our half of the stream after what was written.
    pub(crate) fn poll_finish(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_out(context, |stream, context| stream.poll_close(context))
    }

    fn poll_out<R>(
        &self,
        context: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let inner = &mut *self.0.borrow_mut();
        let Some(stream) = &mut inner.stream else {
            return Poll::Ready(Err(aborted()));
        };
        let outcome = poll(Pin::new(stream), context);
        if outcome.is_pending() {
            inner.writer = Some(context.waker().clone());
        }
        outcome
    }

    /// Looks at the stream, if it is still there.
    pub(crate) fn look<R>(
        &self,
        look: impl FnOnce(&TcpStream) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match &self.0.borrow().stream {
            Some(stream) => look(stream),
            None => Err(Error::Tcp(TcpError::Aborted)),
        }
    }

    /// Resets the connection; reads and writes under way fail.
    pub(crate) fn abort(&self) {
        if let Some(stream) = self.take() {
            stream.abort();
        }
    }

    /// Gives the stream back: what was written is still delivered, reads and writes under way fail.
    pub(crate) fn release(&self) {
        drop(self.take());
    }

    fn take(&self) -> Option<TcpStream> {
        let (stream, reader, writer) = {
            let mut inner = self.0.borrow_mut();
            (
                inner.stream.take(),
                inner.reader.take(),
                inner.writer.take(),
            )
        };
        [reader, writer].into_iter().flatten().for_each(Waker::wake);
        stream
    }
}

fn aborted() -> io::Error {
    Error::Tcp(TcpError::Aborted).into()
}
