//! DNS messages (RFC 1035 §4), with the larger UDP messages of RFC 6891.
//!
//! ```text
//!  0       2       4         6         8         10        12
//!  | id    | flags | QDCOUNT | ANCOUNT | NSCOUNT | ARCOUNT | question | answer | authority | additional |
//!
//!  flags    QR(1) OPCODE(4) AA(1) TC(1) RD(1) RA(1) Z(1) AD(1) CD(1) RCODE(4)           RFC 1035 §4.1.1
//!  question NAME TYPE(2) CLASS(2)                                                       RFC 1035 §4.1.2
//!  record   NAME TYPE(2) CLASS(2) TTL(4) RDLENGTH(2) RDATA                              RFC 1035 §4.1.3
//!  OPT      root 41      size     code, version, flags   …                              RFC 6891 §6.1.2
//! ```
//!
//! [`Message::parse`] reads the header and the question and hands out the records one by one; [`Emitter`] writes.
//! [`Query`] is what a server needs: a question that arrived, and answers to it.

mod emit;
mod name;
mod parse;
mod query;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

pub use emit::Emitter;
pub use name::{InvalidName, Name};
pub use parse::{Message, Records};
pub use query::{Query, QueryError, set_id, truncated};

/// The port of DNS servers, UDP and TCP.
pub const PORT: u16 = 53;
/// The class of the Internet, the only one in use (RFC 1035 §3.2.4).
pub const CLASS_INTERNET: u16 = 1;
/// What we tell servers that we can receive by UDP: what fits an IPv6 packet of the least MTU, so that answers are
/// not fragmented (RFC 6891 §6.2.5 leaves the choice; 1,232 is what resolvers agreed on).
pub const UDP_SIZE: u16 = 1_232;
/// What fits a UDP message without the larger sizes of RFC 6891 (RFC 1035 §2.3.4).
pub const MINIMUM_UDP_SIZE: usize = 512;

/// A message that cannot be read: cut off, or a name that loops or is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What a record holds (RFC 1035 §3.2.2; IANA "Resource Record (RR) TYPEs").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordType(pub u16);

impl RecordType {
    /// An IPv4 address.
    pub const A: RecordType = RecordType(1);
    /// A name server.
    pub const NS: RecordType = RecordType(2);
    /// The true name behind an alias.
    pub const CNAME: RecordType = RecordType(5);
    /// The start of a zone: also says how long an absence may be remembered (RFC 2308 §4).
    pub const SOA: RecordType = RecordType(6);
    /// The name of an address.
    pub const PTR: RecordType = RecordType(12);
    /// A mail server.
    pub const MX: RecordType = RecordType(15);
    /// Text.
    pub const TXT: RecordType = RecordType(16);
    /// An IPv6 address (RFC 3596).
    pub const AAAA: RecordType = RecordType(28);
    /// Host and port of a service (RFC 2782).
    pub const SRV: RecordType = RecordType(33);
    /// What the sender can do (RFC 6891).
    pub const OPT: RecordType = RecordType(41);
    /// How to reach an HTTPS service (RFC 9460).
    pub const HTTPS: RecordType = RecordType(65);
    /// Any type, in questions.
    pub const ANY: RecordType = RecordType(255);
}

impl core::fmt::Display for RecordType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match *self {
            RecordType::A => "A",
            RecordType::NS => "NS",
            RecordType::CNAME => "CNAME",
            RecordType::SOA => "SOA",
            RecordType::PTR => "PTR",
            RecordType::MX => "MX",
            RecordType::TXT => "TXT",
            RecordType::AAAA => "AAAA",
            RecordType::SRV => "SRV",
            RecordType::OPT => "OPT",
            RecordType::HTTPS => "HTTPS",
            RecordType::ANY => "ANY",
            // RFC 3597 §5: the spelling of a type without a name.
            RecordType(number) => return write!(f, "TYPE{number}"),
        })
    }
}

/// How a query went (RFC 1035 §4.1.1, RFC 6891 §6.1.3 for codes above 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseCode(pub u8);

impl ResponseCode {
    /// The answer is in the message, or there is no record of that type.
    pub const NO_ERROR: ResponseCode = ResponseCode(0);
    /// The server could not read the query.
    pub const FORMAT_ERROR: ResponseCode = ResponseCode(1);
    /// The server could not find out.
    pub const SERVER_FAILURE: ResponseCode = ResponseCode(2);
    /// The name does not exist.
    pub const NAME_ERROR: ResponseCode = ResponseCode(3);
    /// The server does not do such queries.
    pub const NOT_IMPLEMENTED: ResponseCode = ResponseCode(4);
    /// The server does not want to answer.
    pub const REFUSED: ResponseCode = ResponseCode(5);
}

impl core::fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match *self {
            ResponseCode::NO_ERROR => "no error",
            ResponseCode::FORMAT_ERROR => "format error",
            ResponseCode::SERVER_FAILURE => "server failure",
            ResponseCode::NAME_ERROR => "no such name",
            ResponseCode::NOT_IMPLEMENTED => "not implemented",
            ResponseCode::REFUSED => "refused",
            ResponseCode(number) => return write!(f, "error {number}"),
        })
    }
}

/// The second word of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    /// A response and not a query.
    pub const RESPONSE: Flags = Flags(0x8000);
    /// The server owns the zone.
    pub const AUTHORITATIVE: Flags = Flags(0x0400);
    /// The message was cut to fit: ask again by TCP (RFC 7766 §5).
    pub const TRUNCATED: Flags = Flags(0x0200);
    /// The client wants the server to ask others.
    pub const RECURSION_DESIRED: Flags = Flags(0x0100);
    /// The server is ready to ask others.
    pub const RECURSION_AVAILABLE: Flags = Flags(0x0080);

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// These flags with another response code; only its low four bits fit here.
    #[must_use]
    pub const fn with_code(self, code: ResponseCode) -> Flags {
        Flags(self.0 & !15 | (code.0 & 15) as u16)
    }

    /// The kind of query; 0 is the ordinary one.
    #[must_use]
    pub const fn opcode(self) -> u8 {
        (self.0 >> 11 & 15) as u8
    }

    /// How the query went.
    #[must_use]
    pub const fn code(self) -> ResponseCode {
        ResponseCode((self.0 & 15) as u8)
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About which name.
    pub name: Name,
    /// For which kind of record.
    pub record_type: RecordType,
    /// In which class: [`CLASS_INTERNET`].
    pub class: u16,
}

/// Where in a message a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Answers the question.
    Answer,
    /// Points to, or speaks for, the authority.
    Authority,
    /// May be of use.
    Additional,
}

/// One record of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'m> {
    /// Where it stands.
    pub section: Section,
    /// Whose it is.
    pub name: Name,
    /// What kind it is, also where [`data`](Self::data) could not be read as such.
    pub record_type: RecordType,
    /// The class; for OPT the size of UDP messages that the sender can receive.
    pub class: u16,
    /// How long it may be remembered, in seconds; for OPT further flags.
    pub time_to_live: u32,
    /// What it says.
    pub data: Data<'m>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data<'m> {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The true name behind an alias.
    Cname(Name),
    /// A name server.
    Ns(Name),
    /// The name of an address.
    Ptr(Name),
    /// The start of a zone.
    Soa(Authority),
    /// Any other kind, or another class: the bytes as they are.
    Other(RecordType, &'m [u8]),
}

/// The start of a zone (RFC 1035 §3.3.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The primary server.
    pub primary: Name,
    /// The mailbox of who is responsible, written as a name.
    pub mailbox: Name,
    /// Serial, refresh, retry, expire and minimum, in this order; all but the first in seconds.
    pub numbers: [u32; 5],
}

impl Authority {
    /// How long an absence in this zone may be remembered, in seconds (RFC 2308 §4).
    #[must_use]
    pub const fn minimum(&self) -> u32 {
        self.numbers[4]
    }
}

impl Data<'_> {
    /// The kind of record that this is.
    #[must_use]
    pub const fn record_type(&self) -> RecordType {
        match self {
            Data::A(_) => RecordType::A,
            Data::Aaaa(_) => RecordType::AAAA,
            Data::Cname(_) => RecordType::CNAME,
            Data::Ns(_) => RecordType::NS,
            Data::Ptr(_) => RecordType::PTR,
            Data::Soa(_) => RecordType::SOA,
            Data::Other(record_type, _) => *record_type,
        }
    }
}

/// A query, ready to send by UDP. `larger`: say that answers up to [`UDP_SIZE`] can be received (RFC 6891).
#[must_use]
pub fn query(id: u16, question: &Question, larger: bool) -> Vec<u8> {
    let mut emitter = Emitter::new(id, Flags::RECURSION_DESIRED);
    emitter.question(question);
    if larger {
        emitter.options(UDP_SIZE);
    }
    emitter.finish()
}
