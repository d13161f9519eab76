//! A stream of bytes that JavaScript brings: TLS over one of our connections, say.

use crate::connection::LARGEST_READ;
use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use js_sys::{Array, Promise, Uint8Array};
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// What HTTP can be spoken over.
    #[wasm_bindgen(
        typescript_type = "{ read(limit: number): Promise<Uint8Array[] | undefined>; write(bytes: Uint8Array<ArrayBuffer>): Promise<void>; abort(): void }"
    )]
    pub type Duplex;

    /// Promises a list of pieces, at most so many bytes in all; `undefined` at the end.
    #[wasm_bindgen(method, catch)]
    fn read(this: &Duplex, limit: u32) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn write(this: &Duplex, bytes: Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method)]
    fn abort(this: &Duplex);
}

/// Clones share the stream.
#[derive(Clone)]
pub(crate) struct Pipe {
    duplex: Rc<Duplex>,
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    reading: Option<JsFuture>,
    /// Read, and not yet asked for.
    rest: VecDeque<Uint8Array>,
    writing: Option<JsFuture>,
}

impl Pipe {
    pub(crate) fn new(duplex: Duplex) -> Pipe {
        Pipe {
            duplex: Rc::new(duplex),
            state: Rc::default(),
        }
    }

    /// Waits for bytes; 0: the end.
    pub(crate) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, JsValue>> {
        let mut state = self.state.borrow_mut();
        if state.rest.is_empty() {
            let begin = || self.duplex.read(LARGEST_READ as u32);
            let Poll::Ready(read) = advance(&mut state.reading, context, begin)? else {
                return Poll::Pending;
            };
            if !read.is_undefined() {
                let pieces = Array::from(&read);
                state.rest.extend(pieces.iter().map(JsCast::unchecked_into));
            }
        }
        let mut length = 0;
        while let Some(piece) = state.rest.pop_front() {
            let room = buffer.len() - length;
            let taken = room.min(piece.length() as usize);
            let (now, later) = (taken as u32, piece.length());
            piece
                .subarray(0, now)
                .copy_to(&mut buffer[length..length + taken]);
            length += taken;
            if now < later {
                state.rest.push_front(piece.subarray(now, later));
                break;
            }
        }
        Poll::Ready(Ok(length))
    }

    /// Takes all of the bytes, once the stream has. To be asked again with the same until then.
    pub(crate) fn poll_write(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, JsValue>> {
        let begin = || self.duplex.write(Uint8Array::from(bytes));
        let written = advance(&mut self.state.borrow_mut().writing, context, begin)?;
        written.map(|_| Ok(bytes.len()))
    }

    pub(crate) fn abort(&self) {
        self.duplex.abort();
    }
}

/// Begins what is not under way yet, and looks whether it is over.
fn advance(
    under_way: &mut Option<JsFuture>,
    context: &mut Context<'_>,
    begin: impl FnOnce() -> Result<Promise, JsValue>,
) -> Result<Poll<JsValue>, JsValue> {
    let future = match under_way {
        Some(future) => future,
        None => under_way.insert(begin()?.into()),
    };
    let outcome = Pin::new(future).poll(context);
    if outcome.is_ready() {
        *under_way = None;
    }
    match outcome {
        Poll::Ready(outcome) => outcome.map(Poll::Ready),
        Poll::Pending => Ok(Poll::Pending),
    }
}
