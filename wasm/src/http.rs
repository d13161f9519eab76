//! One HTTP/1.1 exchange after the other over a connection: the stack's codec speaks, this file carries bytes between it,
//! the connection and JavaScript.
//!
//! Why not hyper's client: it was here, and worked; it made 66 KB of a binary that may have 180 (both gzipped).

use crate::connection::{Connection, with_scratch};
use crate::pipe::Pipe;
use crate::task;
use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use ethertab_stack::application::http::{
    BodyLength, HttpError, LAST_CHUNK, Piece, ResponseHead, ResponseReader, chunk,
};
use js_sys::{Function, Promise, Uint8Array};
use std::io;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The body of a request.
pub(crate) enum Upload {
    /// Known as a whole, and already written behind the head.
    Whole,
    /// Asked for piece by piece: `next()` promises a `Uint8Array`, or `null` at the end.
    Pieces { next: Function, length: Option<u64> },
}

/// Why an exchange failed.
pub(crate) enum Failure {
    /// The connection.
    Connection(io::Error),
    /// JavaScript threw it: the source of the request's body, or what the connection runs over.
    Thrown(JsValue),
    /// What the server said was no HTTP.
    Http(HttpError),
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Failure {
        Failure::Http(error)
    }
}

/// What HTTP is spoken over. Clones share it.
#[derive(Clone)]
pub(crate) enum Line {
    Tcp(Connection),
    Pipe(Pipe),
}

impl Line {
    fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Failure>> {
        match self {
            Line::Tcp(connection) => {
                (connection.poll_read(context, buffer)).map_err(Failure::Connection)
            }
            Line::Pipe(pipe) => pipe.poll_read(context, buffer).map_err(Failure::Thrown),
        }
    }

    fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Failure>> {
        match self {
            Line::Tcp(connection) => {
                (connection.poll_write(context, bytes)).map_err(Failure::Connection)
            }
            Line::Pipe(pipe) => pipe.poll_write(context, bytes).map_err(Failure::Thrown),
        }
    }

    fn abort(&self) {
        match self {
            Line::Tcp(connection) => connection.abort(),
            Line::Pipe(pipe) => pipe.abort(),
        }
    }

    /// Whether the server has neither closed a connection that waits nor said anything on it.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.poll_read(&mut context, &mut [0]).is_pending()
    }
}

/// An exchange under way. Clones share it.
#[derive(Clone)]
pub(crate) struct Exchange {
    line: Line,
    state: Rc<RefCell<State>>,
}

struct State {
    reader: ResponseReader,
    /// Bytes of the body that came together with the head.
    early: Vec<u8>,
    /// The whole request is written.
    sent: bool,
    /// The server said more than its answer.
    surplus: bool,
    /// Nobody wants the rest of the request any more.
    stop: bool,
    upload_failure: Option<JsValue>,
}

impl Exchange {
    /// Sends a request: `head` is its head, with the body if that is known as a whole.
    pub(crate) fn begin(line: Line, method: &str, head: Vec<u8>, body: Upload) -> Exchange {
        let exchange = Exchange {
            line,
            state: Rc::new(RefCell::new(State {
                reader: ResponseReader::new(method),
                early: Vec::new(),
                sent: false,
                surplus: false,
                stop: false,
                upload_failure: None,
            })),
        };
        // Sending and receiving go on at once: a server may answer, and end, before it has heard everything.
        task::spawn(exchange.clone().send(head, body));
        exchange
    }

    async fn send(self, head: Vec<u8>, body: Upload) {
        // A failure to write ends the sending. The answer may be there nevertheless; if not, the reader learns of it.
        if self.write(&head).await.is_err() {
            return;
        }
        if let Upload::Pieces { next, length } = body {
            match self.send_pieces(&next, length).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(thrown) => {
                    self.state.borrow_mut().upload_failure = Some(thrown);
                    // The server must not take what came so far for the whole.
                    return self.line.abort();
                }
            }
        }
        self.state.borrow_mut().sent = true;
    }

    /// Whether all of it was written.
    async fn send_pieces(&self, next: &Function, length: Option<u64>) -> Result<bool, JsValue> {
        let mut left = length;
        let mut framed = Vec::new();
        loop {
            let promised = Promise::resolve(&next.call0(&JsValue::NULL)?);
            let piece = JsFuture::from(promised).await?;
            if self.state.borrow().stop {
                return Ok(false);
            }
            if piece.is_null() || piece.is_undefined() {
                if left.is_some_and(|left| left > 0) {
                    return Err(js_sys::Error::new("the body is shorter than its length").into());
                }
                return Ok(length.is_some() || self.write(LAST_CHUNK).await.is_ok());
            }
            let bytes = Uint8Array::new(&piece).to_vec();
            let written = match &mut left {
                Some(left) => {
                    *left = left
                        .checked_sub(bytes.len() as u64)
                        .ok_or_else(|| js_sys::Error::new("the body is longer than its length"))?;
                    self.write(&bytes).await
                }
                None => {
                    framed.clear();
                    chunk(&bytes, &mut framed);
                    self.write(&framed).await
                }
            };
            if written.is_err() {
                return Ok(false);
            }
        }
    }

    async fn write(&self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let written = poll_fn(|context| self.line.poll_write(context, bytes)).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// Waits for the head of the answer.
    pub(crate) fn poll_head(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Result<ResponseHead, Failure>> {
        let mut early = core::mem::take(&mut self.state.borrow_mut().early);
        let head = self.poll(context, &mut early, |reader| reader.take_head());
        self.state.borrow_mut().early = early;
        head.map(|head| match head? {
            Some(head) => Ok(head),
            None => Err(HttpError::Incomplete.into()),
        })
    }

    /// Waits for bytes of the body and puts those that are there into `body`; none: the end.
    pub(crate) fn poll_body(
        &self,
        context: &mut Context<'_>,
        body: &mut Vec<u8>,
    ) -> Poll<Result<(), Failure>> {
        body.append(&mut self.state.borrow_mut().early);
        if !body.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let end = self.poll(context, body, |_| None::<()>);
        end.map_ok(|_| ())
    }

    /// Reads until `found` is, or there are bytes of the body, or the answer is complete.
    fn poll<T>(
        &self,
        context: &mut Context<'_>,
        body: &mut Vec<u8>,
        mut found: impl FnMut(&mut ResponseReader) -> Option<T>,
    ) -> Poll<Result<Option<T>, Failure>> {
        let mut state = self.state.borrow_mut();
        let State {
            reader,
            surplus,
            stop,
            upload_failure,
            ..
        } = &mut *state;
        loop {
            if reader.is_complete() {
                *stop = true;
                return Poll::Ready(Ok(None));
            }
            let read = with_scratch(|scratch| {
                let length = match self.line.poll_read(context, scratch) {
                    Poll::Ready(Ok(length)) => length,
                    Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                    Poll::Pending => return Poll::Pending,
                };
                if length == 0 {
                    reader.end_of_stream()?;
                }
                let mut rest = &scratch[..length];
                let mut item = None;
                loop {
                    let (taken, piece) = reader.receive(rest)?;
                    rest = &rest[taken..];
                    match piece {
                        Piece::Head => item = found(reader),
                        Piece::Body(bytes) => body.extend_from_slice(bytes),
                        Piece::Nothing => return Poll::Ready(Ok(item)),
                        Piece::End => {
                            *surplus = !rest.is_empty();
                            return Poll::Ready(Ok(item));
                        }
                    }
                }
            });
            match read {
                Poll::Ready(Ok(None)) if body.is_empty() => {}
                Poll::Ready(Err(_)) if upload_failure.is_some() => {
                    let thrown = upload_failure.take().unwrap_or_default();
                    return Poll::Ready(Err(Failure::Thrown(thrown)));
                }
                other => return other,
            }
        }
    }

    /// Whether the connection may carry another request.
    pub(crate) fn keeps_alive(&self) -> bool {
        let state = self.state.borrow();
        state.sent
            && state.reader.keeps_alive()
            && !state.surplus
            && state.early.is_empty()
            && self.line.is_quiet()
    }
}

/// How the body's end is told.
pub(crate) fn length_of(body: &Upload, whole: Option<usize>) -> BodyLength {
    match (body, whole) {
        (
            Upload::Pieces {
                length: Some(length),
                ..
            },
            _,
        ) => BodyLength::Known(*length),
        (Upload::Pieces { length: None, .. }, _) => BodyLength::Chunked,
        (Upload::Whole, Some(length)) => BodyLength::Known(length as u64),
        (Upload::Whole, None) => BodyLength::None,
    }
}
