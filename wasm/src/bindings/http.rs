//! HTTP/1.1 requests, for JavaScript. Which headers to send, redirects, decoding and keeping connections is the caller's.

use super::TcpStream;
use super::error::{from_exchange, invalid};
use super::options;
use super::results;
use crate::http::{Exchange, Line, Upload, length_of};
use crate::pipe::{Duplex, Pipe};
use crate::spent;
use crate::task::promise;
use core::cell::RefCell;
use core::future::poll_fn;
use ethertab_stack::application::http::{RequestHead, ResponseHead};
use js_sys::{Function, Promise, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// A connection that speaks HTTP/1.1, one request after the other.
#[wasm_bindgen]
pub struct HttpConnection {
    line: Line,
    /// The request that was sent last.
    exchange: Rc<RefCell<Option<Exchange>>>,
}

#[wasm_bindgen]
impl HttpConnection {
    /// Speaks HTTP over a TCP connection, which must not be read or written any more; to abort or close it still works.
    pub fn over(stream: &TcpStream) -> HttpConnection {
        HttpConnection {
            line: Line::Tcp(stream.connection()),
            exchange: Rc::default(),
        }
    }

    /// Speaks HTTP over any stream of bytes: TLS over a connection, say.
    #[wasm_bindgen(js_name = overDuplex)]
    pub fn over_duplex(duplex: Duplex) -> HttpConnection {
        HttpConnection {
            line: Line::Pipe(Pipe::new(duplex)),
            exchange: Rc::default(),
        }
    }

    /// Sends a request and waits for the head of the answer. `body`: `null`, a `Uint8Array`, or a function that
    /// promises one piece after the other and `null` at the end. The answer before must have been read to its end.
    #[wasm_bindgen(unchecked_return_type = "Promise<HttpResponse>")]
    pub fn request(&self, head: JsValue, body: JsValue) -> Promise {
        let (line, last) = (self.line.clone(), Rc::clone(&self.exchange));
        promise(async move {
            let request = options::request(head)?;
            let (body, whole) = upload(&body, request.body_length)?;
            let mut bytes = Vec::new();
            let fields = fields(&request.headers)?;
            let fields: Vec<(&str, &[u8])> = (fields.iter())
                .map(|(name, value)| (*name, &value[..]))
                .collect();
            let head = RequestHead {
                method: &request.method,
                target: &request.target,
                fields: &fields,
            };
            head.emit(length_of(&body, whole.as_ref().map(Vec::len)), &mut bytes)
                .map_err(|error| invalid(&error.to_string()))?;
            bytes.extend(whole.unwrap_or_default());
            let exchange = Exchange::begin(line, &request.method, bytes, body);
            last.replace(Some(exchange.clone()));
            let head = poll_fn(|context| exchange.poll_head(context)).await;
            match head {
                Ok(head) => Ok(HttpResponse::new(head, exchange)),
                Err(failure) => Err(from_exchange(failure)),
            }
        })
    }

    /// Whether another request may follow: the answer before is read to its end, and the server keeps the connection open.
    #[wasm_bindgen(js_name = isReady)]
    pub fn is_ready(&self) -> bool {
        match &*self.exchange.borrow() {
            Some(exchange) => exchange.keeps_alive(),
            None => self.line.is_quiet(),
        }
    }
}

/// The head of an answer, and its body to be read.
#[wasm_bindgen]
pub struct HttpResponse {
    head: JsValue,
    exchange: Exchange,
}

impl HttpResponse {
    fn new(head: ResponseHead, exchange: Exchange) -> HttpResponse {
        let head = results::head(&head);
        HttpResponse { head, exchange }
    }
}

#[wasm_bindgen]
impl HttpResponse {
    /// `{status, statusText, headers}`; headers as a list of pairs in the order of the wire, names in lower case.
    #[wasm_bindgen(getter)]
    pub fn head(&self) -> JsValue {
        self.head.clone()
    }

    /// Waits for bytes of the body and takes all that are there, at most 256 KiB, in one piece or several;
    /// `undefined` at the end. Each piece may be given away.
    #[wasm_bindgen(unchecked_return_type = "Promise<Uint8Array<ArrayBuffer>[] | undefined>")]
    pub fn read(&self) -> Promise {
        let exchange = self.exchange.clone();
        promise(poll_fn(move |context| {
            let mut body = Vec::new();
            let read = exchange.poll_body(context, &mut body);
            read.map_ok(|()| (!body.is_empty()).then(|| spent::pieces(&body)))
                .map_err(from_exchange)
        }))
    }
}

/// The body, and its bytes if they are known as a whole.
fn upload(body: &JsValue, length: Option<u64>) -> Result<(Upload, Option<Vec<u8>>), JsValue> {
    if body.is_null() || body.is_undefined() {
        return Ok((Upload::Whole, None));
    }
    if let Some(next) = body.dyn_ref::<Function>() {
        let next = next.clone();
        return Ok((Upload::Pieces { next, length }, None));
    }
    match body.dyn_ref::<Uint8Array>() {
        Some(bytes) => Ok((Upload::Whole, Some(bytes.to_vec()))),
        None => Err(invalid("a body is null, a Uint8Array or a function")),
    }
}

/// Fields are bytes; JavaScript's view of them is one character a byte (Fetch's "isomorphic encode").
fn fields(headers: &[(String, String)]) -> Result<Vec<(&str, Vec<u8>)>, JsValue> {
    let encoded =
        |text: &str| -> Option<Vec<u8>> { text.chars().map(|c| u8::try_from(c).ok()).collect() };
    let fields = (headers.iter()).map(|(name, value)| Some((&name[..], encoded(value)?)));
    (fields.collect::<Option<_>>())
        .ok_or_else(|| invalid("a header's value has characters that HTTP cannot carry"))
}
