//! HTTP/1.1 over our streams: hyper speaks it, this file gives hyper its stream and its request bodies.

use crate::connection::{Connection, with_scratch};
use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::rt::ReadBufCursor;
use js_sys::{Function, Promise, Uint8Array};
use std::io;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// A shared connection as hyper wants its stream.
pub(crate) struct Stream(pub(crate) Connection);

impl hyper::rt::Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        with_scratch(|scratch| {
            let room = into.remaining().min(scratch.len());
            self.0
                .poll_read(context, &mut scratch[..room])
                .map_ok(|length| into.put_slice(&scratch[..length]))
        })
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Bytes leave by themselves.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_finish(context)
    }
}

/// The body of a request.
pub(crate) enum Upload {
    /// Known as a whole; `None` once it is taken, or when there is none.
    Whole(Option<Bytes>),
    /// Asked for piece by piece: `next()` promises a `Uint8Array`, or `null` at the end.
    Pieces {
        next: Function,
        /// Bytes in all, if known beforehand; without it the body goes out chunked.
        length: Option<u64>,
        awaited: RefCell<Option<JsFuture>>,
        ended: bool,
    },
}

impl Upload {
    pub(crate) fn pieces(next: Function, length: Option<u64>) -> Upload {
        Upload::Pieces {
            next,
            length,
            awaited: RefCell::default(),
            ended: false,
        }
    }
}

/// What the program said when asked for the next piece.
#[derive(Debug)]
pub(crate) struct UploadError(String);

impl core::fmt::Display for UploadError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the request's body failed: {}", self.0)
    }
}

impl std::error::Error for UploadError {}

impl From<JsValue> for UploadError {
    fn from(thrown: JsValue) -> UploadError {
        UploadError(match thrown.dyn_ref::<js_sys::Error>() {
            Some(error) => error.message().into(),
            None => thrown.as_string().unwrap_or_default(),
        })
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        match &mut *self {
            Upload::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Upload::Pieces { ended: true, .. } => Poll::Ready(None),
            Upload::Pieces {
                next,
                awaited,
                ended,
                ..
            } => loop {
                let awaited = awaited.get_mut();
                let Some(future) = awaited else {
                    let promise = match next.call0(&JsValue::NULL) {
                        Ok(returned) => Promise::resolve(&returned),
                        Err(thrown) => return Poll::Ready(Some(Err(thrown.into()))),
                    };
                    *awaited = Some(JsFuture::from(promise));
                    continue;
                };
                let Poll::Ready(outcome) = Pin::new(future).poll(context) else {
                    return Poll::Pending;
                };
                *awaited = None;
                return Poll::Ready(match outcome {
                    Ok(piece) if piece.is_null() || piece.is_undefined() => {
                        *ended = true;
                        None
                    }
                    Ok(piece) => {
                        let bytes = Uint8Array::new(&piece).to_vec();
                        if bytes.is_empty() {
                            // An empty chunk would end a chunked body.
                            continue;
                        }
                        Some(Ok(Frame::data(bytes.into())))
                    }
                    Err(thrown) => {
                        *ended = true;
                        Some(Err(thrown.into()))
                    }
                });
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(
            self,
            Upload::Whole(None) | Upload::Pieces { ended: true, .. }
        )
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Upload::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Upload::Pieces {
                length: Some(length),
                ..
            } => SizeHint::with_exact(*length),
            Upload::Pieces { length: None, .. } => SizeHint::default(),
        }
    }
}
