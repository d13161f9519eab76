//! Records in messages, and their writing.

use super::control::{HELLO, Hello, Stamp};
use super::offload::{LENGTH as OFFLOAD, Offload};

/// Types of records.
pub mod kind {
    /// A frame that is complete.
    pub const FRAME: u8 = 0x01;
    /// A frame to which something is still to be done.
    pub const OFFLOADED: u8 = 0x02;
    /// The first record of each side. Records of control begin with this number.
    pub const HELLO: u8 = 0x10;
    /// Asks for a pong.
    pub const PING: u8 = 0x11;
    /// Answers a ping.
    pub const PONG: u8 = 0x12;
    /// How much may be sent.
    pub const CREDIT: u8 = 0x13;
    /// Why the WebSocket is about to be closed.
    pub const CLOSING: u8 = 0x14;
}

/// Bytes in front of the body of a record.
pub const RECORD_HEADER: usize = 4;
/// Bytes in front of a complete frame.
pub const FRAME_OVERHEAD: usize = RECORD_HEADER;
/// Bytes in front of an offloaded frame.
pub const OFFLOADED_OVERHEAD: usize = RECORD_HEADER + OFFLOAD;
/// The longest record of control that we write, but for [closing](put_closing).
pub const LARGEST_CONTROL: usize = RECORD_HEADER + HELLO;
/// The longest closing record: its text is as long as that of a WebSocket close frame (RFC 6455 §5.5).
pub const LARGEST_CLOSING: usize = RECORD_HEADER + 2 + 123;

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'m> {
    /// A frame, and what is still to be done to it.
    Frame(Offload, &'m [u8]),
    /// The other side introduces itself.
    Hello(Hello),
    /// To be answered by a pong.
    Ping(Stamp),
    /// The answer to our ping.
    Pong(Stamp),
    /// How many bytes may be sent in all.
    Credit(u64),
    /// The other side is about to close.
    Closing {
        /// As in the close frame: see [`CloseReason`](crate::CloseReason).
        code: u16,
        /// For a person.
        text: &'m str,
    },
}

/// A message that breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The records of a message, without those of unknown types. It ends with the first mistake.
#[derive(Clone, Debug)]
pub struct Records<'m> {
    rest: &'m [u8],
}

impl<'m> Records<'m> {
    /// Those of `message`.
    #[must_use]
    pub const fn of(message: &'m [u8]) -> Records<'m> {
        Records { rest: message }
    }

    /// What lies behind the records that were read.
    #[must_use]
    pub const fn rest(&self) -> &'m [u8] {
        self.rest
    }

    fn step(&mut self) -> Result<Option<Record<'m>>, Malformed> {
        let (&[kind, a, b, c], rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let (body, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        let record = match kind {
            kind::FRAME => Some(Record::Frame(Offload::NONE, body)),
            kind::OFFLOADED => {
                let (offload, frame) = body.split_first_chunk().ok_or(Malformed)?;
                let offload = Offload::parse(offload).ok_or(Malformed)?;
                Some(Record::Frame(offload, frame))
            }
            kind::HELLO => Some(Record::Hello(Hello::parse(body).ok_or(Malformed)?)),
            kind::PING => Some(Record::Ping(Stamp(number(body)?))),
            kind::PONG => Some(Record::Pong(Stamp(number(body)?))),
            kind::CREDIT => Some(Record::Credit(number(body)?)),
            kind::CLOSING => {
                let (code, text) = body.split_first_chunk().ok_or(Malformed)?;
                Some(Record::Closing {
                    code: u16::from_be_bytes(*code),
                    text: core::str::from_utf8(text).map_err(|_| Malformed)?,
                })
            }
            _ => None,
        };
        Ok(record)
    }
}

fn number(body: &[u8]) -> Result<u64, Malformed> {
    let body: &[u8; 8] = body.try_into().map_err(|_| Malformed)?;
    Ok(u64::from_be_bytes(*body))
}

impl<'m> Iterator for Records<'m> {
    type Item = Result<Record<'m>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.step() {
                Ok(None) => {}
                Ok(Some(record)) => return Some(Ok(record)),
                Err(malformed) => {
                    self.rest = &[];
                    return Some(Err(malformed));
                }
            }
        }
        None
    }
}

const fn header(kind: u8, length: usize) -> [u8; RECORD_HEADER] {
    let [_, a, b, c] = (length as u32).to_be_bytes();
    [kind, a, b, c]
}

/// Writes what stands in front of a frame of `length` bytes to `out`, which must have [`OFFLOADED_OVERHEAD`] bytes of room, and
/// returns how much that was. No frame is longer than [`crate::LARGEST_MESSAGE`].
#[inline]
pub fn frame_header(offload: &Offload, length: usize, out: &mut [u8; OFFLOADED_OVERHEAD]) -> usize {
    if offload.is_none() {
        out[..RECORD_HEADER].copy_from_slice(&header(kind::FRAME, length));
        return RECORD_HEADER;
    }
    out[..RECORD_HEADER].copy_from_slice(&header(kind::OFFLOADED, OFFLOAD + length));
    out[RECORD_HEADER..].copy_from_slice(&offload.emit());
    OFFLOADED_OVERHEAD
}

/// A hello.
#[must_use]
pub fn put_hello(hello: &Hello) -> [u8; LARGEST_CONTROL] {
    let mut record = [0; LARGEST_CONTROL];
    record[..RECORD_HEADER].copy_from_slice(&header(kind::HELLO, HELLO));
    record[RECORD_HEADER..].copy_from_slice(&hello.emit());
    record
}

/// A ping.
#[must_use]
pub fn put_ping(stamp: Stamp) -> [u8; RECORD_HEADER + 8] {
    put_number(kind::PING, stamp.0)
}

/// The answer to a ping.
#[must_use]
pub fn put_pong(stamp: Stamp) -> [u8; RECORD_HEADER + 8] {
    put_number(kind::PONG, stamp.0)
}

/// How many bytes the other side may send in all.
#[must_use]
pub fn put_credit(total: u64) -> [u8; RECORD_HEADER + 8] {
    put_number(kind::CREDIT, total)
}

fn put_number(kind: u8, number: u64) -> [u8; RECORD_HEADER + 8] {
    let mut record = [0; RECORD_HEADER + 8];
    record[..RECORD_HEADER].copy_from_slice(&header(kind, 8));
    record[RECORD_HEADER..].copy_from_slice(&number.to_be_bytes());
    record
}

/// Writes to the front of `out` why the WebSocket is about to be closed, and returns the length.
#[must_use]
pub fn put_closing(reason: crate::CloseReason, out: &mut [u8; LARGEST_CLOSING]) -> usize {
    let text = reason.text().as_bytes();
    let length = text.len().min(LARGEST_CLOSING - RECORD_HEADER - 2);
    out[..RECORD_HEADER].copy_from_slice(&header(kind::CLOSING, 2 + length));
    out[RECORD_HEADER..][..2].copy_from_slice(&reason.code().to_be_bytes());
    out[RECORD_HEADER + 2..][..length].copy_from_slice(&text[..length]);
    RECORD_HEADER + 2 + length
}
