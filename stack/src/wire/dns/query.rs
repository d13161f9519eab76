//! A server's side: a question that arrived, and responses to it.

use super::{
    CLASS_INTERNET, Emitter, Flags, MINIMUM_UDP_SIZE, Message, Question, RecordType, ResponseCode,
    Section, UDP_SIZE,
};
use alloc::vec::Vec;

/// A query that arrived.
#[derive(Clone, Debug)]
pub struct Query {
    /// To be repeated in the response.
    pub id: u16,
    /// What is asked.
    pub question: Question,
    /// Bytes that the client can receive by UDP: 512, or what it said (RFC 6891 §6.2.3). For a query that came by
    /// TCP, set it to `usize::MAX`.
    pub udp_size: usize,
    /// Whether the client speaks RFC 6891, so that the response must as well (§6.1.1).
    pub larger: bool,
    flags: Flags,
}

/// Why a message is not a query that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// A response, or too short to be anything: say nothing, or two servers could answer each other for ever.
    Drop,
    /// Send this back.
    Reply(Vec<u8>),
}

impl Query {
    /// Reads a query.
    pub fn parse(bytes: &[u8]) -> Result<Query, QueryError> {
        let (&[i, d, high, low], true) = (
            bytes.first_chunk().ok_or(QueryError::Drop)?,
            bytes.len() >= 12,
        ) else {
            return Err(QueryError::Drop);
        };
        let (id, flags) = (
            u16::from_be_bytes([i, d]),
            Flags(u16::from_be_bytes([high, low])),
        );
        if flags.has(Flags::RESPONSE) {
            return Err(QueryError::Drop);
        }
        let reply =
            |code| QueryError::Reply(Emitter::new(id, response_flags(flags, code)).finish());
        if flags.opcode() != 0 {
            return Err(reply(ResponseCode::NOT_IMPLEMENTED));
        }
        let message = Message::parse(bytes).map_err(|_| reply(ResponseCode::FORMAT_ERROR))?;
        let question = message
            .question
            .clone()
            .ok_or_else(|| reply(ResponseCode::FORMAT_ERROR))?;
        if question.class != CLASS_INTERNET {
            return Err(reply(ResponseCode::REFUSED));
        }
        let options = message.records().map_while(Result::ok).find(|record| {
            record.section == Section::Additional && record.record_type == RecordType::OPT
        });
        let udp_size = options
            .as_ref()
            .map_or(MINIMUM_UDP_SIZE, |record| usize::from(record.class))
            .max(MINIMUM_UDP_SIZE);
        Ok(Query {
            id,
            question,
            udp_size,
            larger: options.is_some(),
            flags,
        })
    }

    /// A response with the question repeated, to which answers can be added. Close it with
    /// [`finish`](Self::finish).
    #[must_use]
    pub fn respond(&self, code: ResponseCode) -> Emitter {
        let mut emitter = Emitter::new(self.id, response_flags(self.flags, code));
        emitter.question(&self.question);
        emitter
    }

    /// The bytes of a response that [`respond`](Self::respond) began; cut to nothing but the question if it is
    /// longer than the client takes by UDP.
    #[must_use]
    pub fn finish(&self, mut response: Emitter) -> Vec<u8> {
        if self.larger {
            response.options(UDP_SIZE);
        }
        self.fitting(response.finish())
    }

    /// A response that says only how it went: [`ResponseCode::SERVER_FAILURE`] when no upstream server answered.
    #[must_use]
    pub fn failure(&self, code: ResponseCode) -> Vec<u8> {
        self.finish(self.respond(code))
    }

    /// An upstream server's response to the same question, made ours: our client's id and, if it is longer than
    /// the client takes by UDP, cut. `None` if those bytes are no response to this question (RFC 5452 §9.1): one that
    /// repeats none is no response to any.
    #[must_use]
    pub fn relay(&self, mut response: Vec<u8>) -> Option<Vec<u8>> {
        let message = Message::parse(&response).ok()?;
        let fits =
            message.flags.has(Flags::RESPONSE) && message.question.as_ref() == Some(&self.question);
        if !fits {
            return None;
        }
        set_id(&mut response, self.id);
        Some(self.fitting(response))
    }

    fn fitting(&self, response: Vec<u8>) -> Vec<u8> {
        if response.len() <= self.udp_size {
            return response;
        }
        truncated(&response).unwrap_or(response)
    }
}

/// What a recursive server sets in a response to a query with these flags.
fn response_flags(query: Flags, code: ResponseCode) -> Flags {
    Flags(query.0 & (0x7800 | Flags::RECURSION_DESIRED.0))
        .with(Flags::RESPONSE)
        .with(Flags::RECURSION_AVAILABLE)
        .with_code(code)
}

/// Gives a message another id. Does nothing to a message without one.
pub fn set_id(message: &mut [u8], id: u16) {
    if let Some(place) = message.first_chunk_mut() {
        *place = id.to_be_bytes();
    }
}

/// The header and question of a response with the mark that the rest did not fit (RFC 2181 §9): the client asks
/// again by TCP. `None` if it is no DNS message.
#[must_use]
pub fn truncated(response: &[u8]) -> Option<Vec<u8>> {
    let message = Message::parse(response).ok()?;
    let mut short = response.get(..message.records_at())?.to_vec();
    let flags = message.flags.with(Flags::TRUNCATED).0.to_be_bytes();
    short[2..4].copy_from_slice(&flags);
    short[6..12].fill(0);
    Some(short)
}
