//! A TCP stream that several holders share: JavaScript's reads and writes run at once, and any of them
//! may be cut off by an abort.

use core::cell::RefCell;
use core::task::{Context, Poll, Waker};
use ethertab_stack::driver::{Error, TcpStream};
use ethertab_stack::socket::TcpError;
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
    ) -> Poll<Result<usize, Error>> {
        let inner = &mut *self.0.borrow_mut();
        let Some(stream) = &mut inner.stream else {
            return Poll::Ready(Err(ABORTED));
        };
        let read = stream.poll_read_with(context, most, sink);
        if read.is_pending() {
            inner.reader = Some(context.waker().clone());
        }
        read
    }

    pub(crate) fn poll_write(
        &self,
        context: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        self.poll_out(context, |stream| stream.poll_write_some(context, bytes))
    }

    /// Ends our half of the stream after what was written.
    pub(crate) fn poll_finish(&self, context: &Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_out(context, |stream| stream.poll_finish(context))
    }

    fn poll_out<R>(
        &self,
        context: &Context<'_>,
        poll: impl FnOnce(&mut TcpStream) -> Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        let inner = &mut *self.0.borrow_mut();
        let Some(stream) = &mut inner.stream else {
            return Poll::Ready(Err(ABORTED));
        };
        let outcome = poll(stream);
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
            None => Err(ABORTED),
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

const ABORTED: Error = Error::Tcp(TcpError::Aborted);
