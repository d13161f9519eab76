//! HTTP/1.1, the client's side, as a codec (RFC 9112, with the semantics of RFC 9110).
//!
//! Like the rest of this floor it has no socket: [`RequestHead::emit`] writes what opens a request, [`chunk`] frames a body
//! whose length nobody knows beforehand, and a [`ResponseReader`] takes the connection's bytes as they come and gives
//! the head, the body's bytes and, at the end, the word whether the connection may carry another request. Which
//! headers to send, redirects, content codings and connections are the program's.

mod field;
mod request;
mod response;

pub use request::{BodyLength, LAST_CHUNK, RequestError, RequestHead, chunk};
pub use response::{HttpError, Piece, ResponseHead, ResponseReader};
