//! A TCP stream that several holders share: JavaScript's reads and writes run at once, and any of them
//! may be cut off by an abort.

use core::cell::RefCell;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use ethertab_stack::driver::{Error, TcpStream};
use ethertab_stack::socket::TcpError;
use futures_io::{AsyncRead, AsyncWrite};
use std::io;
use std::rc::Rc;

/// Bytes that one read hands to JavaScript at most.
const LARGEST_READ: usize = 256 * 1024;

/// Clones share the stream. It ends gracefully when the last one is gone.
#[derive(Clone)]
pub(crate) struct Connection(Rc<RefCell<Inner>>);

struct Inner {
    /// `None`: aborted, or closed by the program.
    stream: Option<TcpStream>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// What broke the connection after bytes that were handed out first.
    late_error: Option<io::Error>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Connection {
        Connection(Rc::new(RefCell::new(Inner {
            stream: Some(stream),
            reader: None,
            writer: None,
            late_error: None,
        })))
    }

    /// Reads all there is, as far as `buffer` goes: one read of the stream may stop where its ring turns.
    pub(crate) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let inner = &mut *self.0.borrow_mut();
        let Some(stream) = &mut inner.stream else {
            return Poll::Ready(Err(aborted()));
        };
        if let Some(error) = inner.late_error.take() {
            return Poll::Ready(Err(error));
        }
        let mut length = 0;
        while length < buffer.len() {
            match Pin::new(&mut *stream).poll_read(context, &mut buffer[length..]) {
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(more)) => length += more,
                Poll::Ready(Err(error)) if length > 0 => {
                    inner.late_error = Some(error);
                    break;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if length > 0 => break,
                Poll::Pending => {
                    inner.reader = Some(context.waker().clone());
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(length))
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

/// Calls `use_it` with a buffer of [`LARGEST_READ`] bytes that is there once for all readers.
pub(crate) fn with_scratch<R>(use_it: impl FnOnce(&mut [u8]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.resize(LARGEST_READ, 0);
        use_it(scratch)
    })
}
