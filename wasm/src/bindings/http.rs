//! HTTP/1.1 requests, for JavaScript. Which headers to send, redirects, decoding and keeping connections is the caller's.

use super::TcpStream;
use super::error::{from_http, invalid};
use super::options;
use super::results::{ResponseHead, object};
use crate::connection::LARGEST_READ;
use crate::http::{Stream, Upload};
use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::Poll;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper::header::{HeaderName, HeaderValue};
use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// A connection that speaks HTTP/1.1, one request after the other.
#[wasm_bindgen]
pub struct HttpConnection {
    sender: RefCell<Option<http1::SendRequest<Upload>>>,
}

#[wasm_bindgen]
impl HttpConnection {
    /// Speaks HTTP over a TCP connection, which must not be read or written any more; to abort or close it still works.
    pub async fn over(stream: &TcpStream) -> Result<HttpConnection, JsValue> {
        let handshake = http1::handshake(Stream(stream.connection())).await;
        let (sender, connection) = handshake.map_err(|error| from_http(&error))?;
        spawn_local(async move {
            // Whoever waits for the answer or its body learns what went wrong there.
            let _ = connection.await;
        });
        Ok(HttpConnection {
            sender: RefCell::new(Some(sender)),
        })
    }

    /// Sends a request and waits for the head of the answer. `body`: `null`, a `Uint8Array`, or a function that
    /// promises one piece after the other and `null` at the end.
    pub async fn request(&self, head: JsValue, body: JsValue) -> Result<HttpResponse, JsValue> {
        let head = options::read::<options::Request>(head)?;
        let request = build(&head, upload(body, head.body_length)?)?;
        let mut sender = self
            .sender
            .take()
            .ok_or_else(|| invalid("a request is under way on this connection"))?;
        let answer = match sender.ready().await {
            Ok(()) => sender.send_request(request).await,
            Err(error) => Err(error),
        };
        self.sender.replace(Some(sender));
        answer
            .map(HttpResponse::new)
            .map_err(|error| from_http(&error))
    }

    /// Resolves to whether another request can follow, once the answer before is read to its end.
    pub async fn ready(&self) -> bool {
        let Some(mut sender) = self.sender.take() else {
            return false;
        };
        let ready = sender.ready().await.is_ok();
        self.sender.replace(Some(sender));
        ready
    }

    /// Whether the connection has ended.
    #[wasm_bindgen(js_name = isClosed)]
    pub fn is_closed(&self) -> bool {
        self.sender
            .borrow()
            .as_ref()
            .is_some_and(http1::SendRequest::is_closed)
    }

    /// No request will follow: the connection closes after the answer under way.
    pub fn finish(&self) {
        drop(self.sender.take());
    }
}

/// The head of an answer, and its body to be read.
#[wasm_bindgen]
pub struct HttpResponse {
    head: JsValue,
    body: RefCell<Incoming>,
    /// What broke the body after bytes that were handed out first.
    late_error: RefCell<Option<hyper::Error>>,
}

impl HttpResponse {
    fn new(response: hyper::Response<Incoming>) -> HttpResponse {
        let (parts, body) = response.into_parts();
        let status_text = match parts.extensions.get::<ReasonPhrase>() {
            Some(phrase) => latin1(phrase.as_bytes()),
            None => parts
                .status
                .canonical_reason()
                .unwrap_or_default()
                .to_owned(),
        };
        let head = object(&ResponseHead {
            status: parts.status.as_u16(),
            status_text,
            headers: (parts.headers.iter())
                .map(|(name, value)| (name.as_str().to_owned(), latin1(value.as_bytes())))
                .collect(),
        });
        HttpResponse {
            head,
            body: RefCell::new(body),
            late_error: RefCell::default(),
        }
    }
}

#[wasm_bindgen]
impl HttpResponse {
    /// `{status, statusText, headers}`; headers as a list of pairs in the order of the wire.
    #[wasm_bindgen(getter)]
    pub fn head(&self) -> JsValue {
        self.head.clone()
    }

    /// Waits for bytes of the body and takes all that are there, at most about 256 KiB; `undefined` at the end.
    pub async fn read(&self) -> Result<Option<Uint8Array>, JsValue> {
        let (pieces, length) = poll_fn(|context| {
            if let Some(error) = self.late_error.take() {
                return Poll::Ready(Err(error));
            }
            let mut pieces: Vec<Bytes> = Vec::new();
            let mut length = 0;
            let mut body = self.body.borrow_mut();
            while length < LARGEST_READ {
                match Pin::new(&mut *body).poll_frame(context) {
                    Poll::Ready(Some(Ok(frame))) => {
                        // Trailers are of no use to fetch.
                        if let Ok(data) = frame.into_data() {
                            length += data.len();
                            pieces.push(data);
                        }
                    }
                    Poll::Ready(Some(Err(error))) if length == 0 => {
                        return Poll::Ready(Err(error));
                    }
                    Poll::Ready(Some(Err(error))) => {
                        self.late_error.replace(Some(error));
                        break;
                    }
                    Poll::Ready(None) => break,
                    Poll::Pending if length == 0 => return Poll::Pending,
                    Poll::Pending => break,
                }
            }
            Poll::Ready(Ok((pieces, length)))
        })
        .await
        .map_err(|error| from_http(&error))?;
        if length == 0 {
            return Ok(None);
        }
        let bytes = Uint8Array::new_with_length(u32::try_from(length).unwrap_or(u32::MAX));
        let mut at = 0;
        for piece in pieces {
            let end = at + u32::try_from(piece.len()).unwrap_or(0);
            bytes.subarray(at, end).copy_from(&piece);
            at = end;
        }
        Ok(Some(bytes))
    }
}

fn build(head: &options::Request, body: Upload) -> Result<hyper::Request<Upload>, JsValue> {
    let mut request = hyper::Request::builder()
        .method(head.method.as_bytes())
        .uri(head.target.as_str());
    for (name, value) in &head.headers {
        let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
        let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
        let name = HeaderName::from_bytes(name.as_bytes()).ok();
        match (name, value) {
            (Some(name), Some(value)) => request = request.header(name, value),
            _ => {
                return Err(invalid(
                    "a header has a name or a value that HTTP cannot carry",
                ));
            }
        }
    }
    request
        .body(body)
        .map_err(|error| invalid(&error.to_string()))
}

fn upload(body: JsValue, length: Option<u64>) -> Result<Upload, JsValue> {
    if body.is_null() || body.is_undefined() {
        return Ok(Upload::Whole(None));
    }
    match body.dyn_into::<Function>() {
        Ok(next) => Ok(Upload::pieces(next, length)),
        Err(body) if body.is_instance_of::<Uint8Array>() => {
            Ok(Upload::Whole(Some(Uint8Array::new(&body).to_vec().into())))
        }
        Err(_) => Err(invalid("a body is null, a Uint8Array or a function")),
    }
}

/// Header fields are bytes; JavaScript's view of them is one character a byte (Fetch's "isomorphic decode").
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}
