//! Writing requests.

use super::field::{is_token, is_value};
use alloc::vec::Vec;
use core::fmt;

/// Where a request's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// There is none, and the method does not lead to expect one.
    None,
    /// So many bytes follow the head.
    Known(u64),
    /// Chunks follow ([`chunk`]), then [`LAST_CHUNK`].
    Chunked,
}

/// What opens a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'r> {
    /// The method, in the case that it is sent in.
    pub method: &'r str,
    /// Path and query, or another form of RFC 9112 §3.2.
    pub target: &'r str,
    /// Fields in the order that they are sent in: Host among them, and none of those that frame the message.
    pub fields: &'r [(&'r str, &'r [u8])],
}

/// Why a request cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The method is not a token.
    Method,
    /// The target is empty or has characters that no target has.
    Target,
    /// A field's name is not a token, its value has control characters, or it is one that the codec writes itself.
    Field,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RequestError::Method => "not a method that HTTP can carry",
            RequestError::Target => "not a target that HTTP can carry",
            RequestError::Field => "a header has a name or a value that HTTP cannot carry",
        })
    }
}

impl core::error::Error for RequestError {}

/// Ends a chunked body; there are no trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

impl RequestHead<'_> {
    /// Appends the head to `out`, with the fields that say where the body ends.
    pub fn emit(&self, body: BodyLength, out: &mut Vec<u8>) -> Result<(), RequestError> {
        if !is_token(self.method.as_bytes()) {
            return Err(RequestError::Method);
        }
        let target = self.target.as_bytes();
        if target.is_empty() || !target.iter().all(|byte| (0x21..=0x7e).contains(byte)) {
            return Err(RequestError::Target);
        }
        for part in [self.method.as_bytes(), b" ", target, b" HTTP/1.1\r\n"] {
            out.extend_from_slice(part);
        }
        for (name, value) in self.fields {
            let framing = ["content-length", "transfer-encoding"];
            if !is_token(name.as_bytes())
                || !is_value(value)
                || framing.iter().any(|own| name.eq_ignore_ascii_case(own))
            {
                return Err(RequestError::Field);
            }
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                out.extend_from_slice(part);
            }
        }
        match body {
            BodyLength::None => {}
            BodyLength::Known(length) => {
                out.extend_from_slice(b"content-length: ");
                digits(length, 10, out);
                out.extend_from_slice(b"\r\n");
            }
            BodyLength::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// Appends a chunk (RFC 9112 §7.1); of no bytes, nothing, since an empty chunk would end the body.
pub fn chunk(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    digits(bytes.len() as u64, 16, out);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn digits(mut number: u64, base: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(b"0123456789abcdef"[(number % base) as usize]);
        number /= base;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn written(head: &RequestHead<'_>, body: BodyLength) -> Result<String, RequestError> {
        let mut out = Vec::new();
        head.emit(body, &mut out)?;
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    #[test]
    fn a_head_says_where_its_body_ends() {
        let head = RequestHead {
            method: "POST",
            target: "/form?x=1",
            fields: &[("host", b"example.com"), ("x-name", b"caf\xe9")],
        };
        let mut out = Vec::new();
        assert_eq!(head.emit(BodyLength::Known(1_234), &mut out), Ok(()));
        assert_eq!(
            out,
            b"POST /form?x=1 HTTP/1.1\r\nhost: example.com\r\nx-name: caf\xe9\r\ncontent-length: 1234\r\n\r\n"
        );
        let plain = RequestHead {
            fields: &[],
            ..head
        };
        assert!(
            written(&plain, BodyLength::Chunked)
                .is_ok_and(|text| text.ends_with("transfer-encoding: chunked\r\n\r\n"))
        );
        assert_eq!(
            written(&plain, BodyLength::None).as_deref(),
            Ok("POST /form?x=1 HTTP/1.1\r\n\r\n")
        );
        assert!(
            written(&plain, BodyLength::Known(0))
                .is_ok_and(|text| text.ends_with("content-length: 0\r\n\r\n"))
        );
    }

    #[test]
    fn nothing_can_be_smuggled_into_a_head() {
        let head = RequestHead {
            method: "GET",
            target: "/",
            fields: &[],
        };
        for method in ["", "GET /", "GE\r\nT", "G\u{e9}T"] {
            assert_eq!(
                written(&RequestHead { method, ..head }, BodyLength::None),
                Err(RequestError::Method)
            );
        }
        for target in ["", "/a b", "/\r\nx: y", "/\u{e9}"] {
            assert_eq!(
                written(&RequestHead { target, ..head }, BodyLength::None),
                Err(RequestError::Target)
            );
        }
        let fields: [(&str, &[u8]); 6] = [
            ("", b"x"),
            ("a b", b"x"),
            ("a:", b"x"),
            ("a", b"x\r\ny: z"),
            ("a", b"x\0"),
            ("Content-Length", b"5"),
        ];
        for field in fields {
            let fields = &[field];
            assert_eq!(
                written(&RequestHead { fields, ..head }, BodyLength::None),
                Err(RequestError::Field)
            );
        }
    }

    #[test]
    fn chunks_carry_their_size_in_hexadecimal() {
        let mut out = Vec::new();
        chunk(b"", &mut out);
        chunk(&[b'x'; 26], &mut out);
        assert_eq!(out, b"1a\r\nxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
    }
}
