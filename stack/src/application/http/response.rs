//! Reading responses, as their bytes come.

use super::field::{self, Field, chunk_size, decimal, list};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Bytes of a head, or of trailers, at most.
const LARGEST_HEAD: usize = 64 * 1024;
/// Interim responses (1xx) before the final one at most.
const MOST_INTERIM: u8 = 16;
/// A chunk's size and its extensions, or a line end, at most.
const LONGEST_LINE: usize = 4 * 1024;

/// The head of a final response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// 200 to 999, or 101.
    pub status: u16,
    /// What stood behind the status; opaque bytes.
    pub reason: Vec<u8>,
    /// Names in lower case, values as they were, in the order of the wire. A name may come several times.
    pub fields: Vec<(String, Vec<u8>)>,
}

/// What a response turned out not to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpError {
    /// The status line is none of HTTP/1.
    StatusLine,
    /// A field line that is none.
    Field,
    /// The head, the trailers or a chunk's size line are too long, or interim responses do not end.
    TooLong,
    /// Content-Length and Transfer-Encoding do not say where the body ends.
    Length,
    /// A chunk's size, or what follows a chunk, is wrong.
    Chunk,
    /// The connection ended before the response did.
    Incomplete,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HttpError::StatusLine => "the answer does not begin as HTTP/1 does",
            HttpError::Field => "the answer has a malformed header",
            HttpError::TooLong => "the answer's headers are too long",
            HttpError::Length => "the answer does not say where its body ends",
            HttpError::Chunk => "the answer has a malformed chunk",
            HttpError::Incomplete => {
                "the server closed the connection before its answer was complete"
            }
        })
    }
}

impl core::error::Error for HttpError {}

/// What [`ResponseReader::receive`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'b> {
    /// Nothing that concerns the program: all bytes were taken.
    Nothing,
    /// The head is complete: [`ResponseReader::take_head`] has it.
    Head,
    /// Bytes of the body.
    Body(&'b [u8]),
    /// The response ends here.
    End,
}

/// What comes next on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// A status line and fields.
    Head,
    /// So many bytes of a body whose length is known.
    Bytes(u64),
    /// A chunk's size.
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    /// Trailers, up to an empty line.
    Trailers,
    /// A body that ends with the connection.
    UntilClose,
    /// Nothing more.
    Nothing,
}

/// Reads one response to one request.
#[derive(Clone, Debug)]
pub struct ResponseReader {
    expected: Expected,
    /// The head, the trailers or the line that is not yet complete.
    partial: Vec<u8>,
    head: Option<ResponseHead>,
    /// The response to HEAD has no body, whatever its fields say.
    to_head: bool,
    interim: u8,
    keep_alive: bool,
}

impl ResponseReader {
    /// A reader for the response to a request of that method.
    #[must_use]
    pub fn new(method: &str) -> ResponseReader {
        ResponseReader {
            expected: Expected::Head,
            partial: Vec::new(),
            head: None,
            to_head: method == "HEAD",
            interim: 0,
            keep_alive: false,
        }
    }

    /// The head, once, after [`Piece::Head`].
    pub fn take_head(&mut self) -> Option<ResponseHead> {
        self.head.take()
    }

    /// Whether the response has been read to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.expected == Expected::Nothing
    }

    /// Whether another request may follow on the connection (RFC 9112 §9.3); no before the end.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.is_complete() && self.keep_alive
    }

    /// Takes bytes of the connection. Returns how many it took and what they held; call it again with the rest, and
    /// once more (with no bytes, if none are left) after [`Piece::Head`], until [`Piece::Nothing`] or [`Piece::End`].
    pub fn receive<'b>(&mut self, bytes: &'b [u8]) -> Result<(usize, Piece<'b>), HttpError> {
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            match self.expected {
                Expected::Nothing => return Ok((taken, Piece::End)),
                Expected::Bytes(0) => self.expected = Expected::Nothing,
                Expected::Chunk(0) => self.expected = Expected::ChunkEnd,
                _ if rest.is_empty() => return Ok((taken, Piece::Nothing)),
                Expected::UntilClose => return Ok((bytes.len(), Piece::Body(rest))),
                Expected::Bytes(left) => {
                    let (piece, left) = part(rest, left);
                    self.expected = Expected::Bytes(left);
                    return Ok((taken + piece.len(), Piece::Body(piece)));
                }
                Expected::Chunk(left) => {
                    let (piece, left) = part(rest, left);
                    self.expected = Expected::Chunk(left);
                    return Ok((taken + piece.len(), Piece::Body(piece)));
                }
                Expected::Head => {
                    taken += self.gather(rest, LARGEST_HEAD)?;
                    if self.line_is_complete()
                        && self.block_is_complete()
                        && self.head_is_final()?
                    {
                        return Ok((taken, Piece::Head));
                    }
                }
                Expected::ChunkSize => {
                    taken += self.gather(rest, LONGEST_LINE)?;
                    if self.line_is_complete() {
                        let size = chunk_size(without_line_end(&self.partial));
                        self.partial.clear();
                        self.expected = match size.ok_or(HttpError::Chunk)? {
                            0 => Expected::Trailers,
                            size => Expected::Chunk(size),
                        };
                    }
                }
                Expected::ChunkEnd => {
                    taken += self.gather(rest, LONGEST_LINE)?;
                    if self.line_is_complete() {
                        if !without_line_end(&self.partial).is_empty() {
                            return Err(HttpError::Chunk);
                        }
                        self.partial.clear();
                        self.expected = Expected::ChunkSize;
                    }
                }
                Expected::Trailers => {
                    taken += self.gather(rest, LARGEST_HEAD)?;
                    // RFC 9110 §6.5.1: trailers may be discarded. An empty block is the usual one.
                    if self.line_is_complete()
                        && (self.partial.len() <= 2 || self.block_is_complete())
                    {
                        self.partial.clear();
                        self.expected = Expected::Nothing;
                    }
                }
            }
        }
    }

    /// The connection has ended: in order for some responses, too soon for others (RFC 9112 §8).
    pub fn end_of_stream(&mut self) -> Result<(), HttpError> {
        match self.expected {
            Expected::UntilClose | Expected::Nothing | Expected::Bytes(0) => {
                self.expected = Expected::Nothing;
                self.keep_alive = false;
                Ok(())
            }
            _ => Err(HttpError::Incomplete),
        }
    }

    /// Takes bytes up to the end of a line, and says how many.
    fn gather(&mut self, bytes: &[u8], limit: usize) -> Result<usize, HttpError> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let length = end.map_or(bytes.len(), |end| end + 1);
        if self.partial.len() + length > limit {
            return Err(HttpError::TooLong);
        }
        self.partial.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn line_is_complete(&self) -> bool {
        self.partial.ends_with(b"\n")
    }

    /// Whether the last line is empty. RFC 9112 §2.2: a bare LF may end a line.
    fn block_is_complete(&mut self) -> bool {
        let empty = matches!(&self.partial[..], b"\n" | b"\r\n");
        if empty && self.expected == Expected::Head {
            // An empty line before the status line, left by a server that ends bodies with one, is skipped.
            self.partial.clear();
            return false;
        }
        self.partial.ends_with(b"\n\n") || self.partial.ends_with(b"\n\r\n")
    }

    /// Reads the head that was gathered; false if it belongs to an interim response (RFC 9110 §15.2).
    fn head_is_final(&mut self) -> Result<bool, HttpError> {
        let block = core::mem::take(&mut self.partial);
        let (minor, head) = parse_head(&block)?;
        if matches!(head.status, 100..=199) && head.status != 101 {
            self.interim += 1;
            return match self.interim {
                ..=MOST_INTERIM => Ok(false),
                _ => Err(HttpError::TooLong),
            };
        }
        self.expected = body_of(&head, self.to_head)?;
        let says = |option: &str| {
            list(&head.fields, "connection")
                .any(|element| element.eq_ignore_ascii_case(option.as_bytes()))
        };
        // RFC 9112 §9.3. Both fields at once may be an attempt to smuggle (§6.3, third case): nothing may follow.
        let doubtful = has(&head, "transfer-encoding") && has(&head, "content-length");
        self.keep_alive = match minor {
            0 => says("keep-alive"),
            _ => true,
        } && !says("close")
            && !doubtful
            && head.status != 101
            && self.expected != Expected::UntilClose;
        self.head = Some(head);
        Ok(true)
    }
}

/// Where the body ends (RFC 9112 §6.3).
fn body_of(head: &ResponseHead, to_head: bool) -> Result<Expected, HttpError> {
    if to_head || matches!(head.status, 100..=199 | 204 | 304) {
        return Ok(Expected::Nothing);
    }
    if has(head, "transfer-encoding") {
        let mut codings = list(&head.fields, "transfer-encoding");
        // We never ask for another coding (TE), so chunked is all that may come.
        return match (codings.next(), codings.next()) {
            (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => {
                Ok(Expected::ChunkSize)
            }
            _ => Err(HttpError::Length),
        };
    }
    if has(head, "content-length") {
        let mut lengths = list(&head.fields, "content-length").map(decimal);
        let first = lengths.next().flatten().ok_or(HttpError::Length)?;
        // The same length said twice is one length.
        return match lengths.all(|length| length == Some(first)) {
            true => Ok(Expected::Bytes(first)),
            false => Err(HttpError::Length),
        };
    }
    Ok(Expected::UntilClose)
}

fn has(head: &ResponseHead, name: &str) -> bool {
    head.fields.iter().any(|(field, _)| field == name)
}

/// Reads a status line and fields (RFC 9112 §4, §5); the number is HTTP/1's minor version.
fn parse_head(block: &[u8]) -> Result<(u8, ResponseHead), HttpError> {
    let mut lines = block
        .split_inclusive(|&byte| byte == b'\n')
        .map(without_line_end);
    let (minor, status, reason) = lines
        .next()
        .and_then(parse_status_line)
        .ok_or(HttpError::StatusLine)?;
    let mut fields: Vec<Field> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            // RFC 9112 §5.2: a folded line goes on with the value before it, behind a space.
            let (_, value) = fields.last_mut().ok_or(HttpError::Field)?;
            let more = field::trimmed(line);
            if !field::is_value(more) {
                return Err(HttpError::Field);
            }
            value.push(b' ');
            value.extend_from_slice(more);
        } else {
            fields.push(field::parse(line).ok_or(HttpError::Field)?);
        }
    }
    let head = ResponseHead {
        status,
        reason: reason.to_vec(),
        fields,
    };
    Ok((minor, head))
}

/// `HTTP/1.1 200 OK`; some servers leave out the reason, and the space before it.
fn parse_status_line(line: &[u8]) -> Option<(u8, u16, &[u8])> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let [minor @ b'0'..=b'9', b' ', status @ ..] = rest else {
        return None;
    };
    let (status, reason) = status.split_at_checked(3)?;
    let status = u16::try_from(decimal(status)?).ok()?;
    let reason = match reason {
        [] => reason,
        [b' ', reason @ ..] => reason,
        _ => return None,
    };
    (status >= 100 && field::is_value(reason)).then_some((minor - b'0', status, reason))
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The bytes that belong to a body of which `left` bytes are missing, and how many are missing then.
fn part(bytes: &[u8], left: u64) -> (&[u8], u64) {
    let length = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    (&bytes[..length], left - length as u64)
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
