//! DHCP messages (RFC 2131 §2) and the options that we speak (RFC 2132).
//!
//! ```text
//!  0    1     2     3     4     8      10      12       16       20       24       28        44      108    236      240
//!  | op | htype | hlen | hops | xid | secs | flags | ciaddr | yiaddr | siaddr | giaddr | chaddr | sname | file | cookie | options
//!                                            ^ B: answer by broadcast
//!
//!  option   code(1) length(1) value; 0 pads, 255 ends.                                     RFC 2132 §2
//!           A code that comes again goes on where it stopped.                              RFC 3396 §7
//!           Option 52: options go on in file, sname, or both.                              RFC 2132 §9.3
//! ```

mod options;
#[cfg(test)]
mod tests;

use super::address::MacAddress;
use core::net::Ipv4Addr;

pub use options::{Options, code};

/// Where servers listen.
pub const SERVER_PORT: u16 = 67;
/// Where clients listen.
pub const CLIENT_PORT: u16 = 68;
/// Shortest message sent: what BOOTP relays expect (RFC 1542 §2.1).
pub const MINIMUM_LENGTH: usize = 300;
/// What every client can receive (RFC 2131 §2): a 576-byte packet without its IP and UDP headers.
pub const GUARANTEED_LENGTH: usize = 548;
/// A lease time that never ends (RFC 2131 §3.3).
pub const INFINITE: u32 = u32::MAX;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
const SNAME: core::ops::Range<usize> = 44..108;
const FILE: core::ops::Range<usize> = 108..236;
const OPTIONS: usize = 240;
const ETHERNET: u8 = 1;
const BROADCAST_FLAG: u8 = 0x80;

/// A message that is cut off, contradicts itself, or is not DHCP over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Who sends it to whom (`op`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A client to a server.
    Request,
    /// A server to a client.
    Reply,
}

/// What a message is for (RFC 2132 §9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageType {
    /// Who can give me an address?
    Discover = 1,
    /// I could give you this one.
    Offer,
    /// I take that one, or I want to keep mine.
    Request,
    /// Somebody else uses that one.
    Decline,
    /// It is yours.
    Ack,
    /// It is not yours.
    Nak,
    /// I give it back.
    Release,
    /// I have an address; tell me the rest.
    Inform,
}

impl MessageType {
    const ALL: [MessageType; 8] = [
        MessageType::Discover,
        MessageType::Offer,
        MessageType::Request,
        MessageType::Decline,
        MessageType::Ack,
        MessageType::Nak,
        MessageType::Release,
        MessageType::Inform,
    ];

    /// As people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MessageType::Discover => "Discover",
            MessageType::Offer => "Offer",
            MessageType::Request => "Request",
            MessageType::Decline => "Decline",
            MessageType::Ack => "Ack",
            MessageType::Nak => "Nak",
            MessageType::Release => "Release",
            MessageType::Inform => "Inform",
        }
    }

    fn from_number(number: u8) -> Option<MessageType> {
        MessageType::ALL
            .get(usize::from(number).checked_sub(1)?)
            .copied()
    }
}

/// A message. Fields that nobody uses today (hops, siaddr, sname, file) are sent as zero and not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Direction.
    pub operation: Operation,
    /// What it is for.
    pub kind: MessageType,
    /// Pairs answers with requests (`xid`).
    pub transaction: u32,
    /// Seconds since the client began to ask (`secs`).
    pub seconds: u16,
    /// Whether the client can only receive answers by broadcast.
    pub broadcast: bool,
    /// The address that the client has and answers for (`ciaddr`).
    pub client_address: Ipv4Addr,
    /// The address that the server gives (`yiaddr`).
    pub your_address: Ipv4Addr,
    /// The relay agent that passed it on, if any (`giaddr`).
    pub relay_address: Ipv4Addr,
    /// The client's hardware address (`chaddr`).
    pub hardware: MacAddress,
    /// The rest.
    pub options: Options,
}

impl Message {
    /// A client's message with nothing but its type, transaction and hardware address.
    #[must_use]
    pub fn request(kind: MessageType, transaction: u32, hardware: MacAddress) -> Message {
        Message {
            operation: Operation::Request,
            kind,
            transaction,
            seconds: 0,
            broadcast: false,
            client_address: Ipv4Addr::UNSPECIFIED,
            your_address: Ipv4Addr::UNSPECIFIED,
            relay_address: Ipv4Addr::UNSPECIFIED,
            hardware,
            options: Options::default(),
        }
    }

    /// A server's answer, with what must be repeated from the request (RFC 2131 §4.3.1, RFC 6842 §3).
    #[must_use]
    pub fn reply(&self, kind: MessageType) -> Message {
        Message {
            operation: Operation::Reply,
            kind,
            seconds: 0,
            client_address: Ipv4Addr::UNSPECIFIED,
            your_address: Ipv4Addr::UNSPECIFIED,
            options: Options {
                client_identifier: self.options.client_identifier.clone(),
                ..Options::default()
            },
            ..*self
        }
    }

    /// Reads a message. Options that we do not know are passed over, and known ones whose value makes no sense count
    /// as absent.
    pub fn parse(bytes: &[u8]) -> Result<Message, Malformed> {
        if bytes.len() < OPTIONS || bytes[1] != ETHERNET || bytes[2] != 6 {
            return Err(Malformed);
        }
        if bytes[OPTIONS - 4..OPTIONS] != COOKIE {
            return Err(Malformed);
        }
        let operation = match bytes[0] {
            1 => Operation::Request,
            2 => Operation::Reply,
            _ => return Err(Malformed),
        };
        let four = |at: usize| -> [u8; 4] { core::array::from_fn(|i| bytes[at + i]) };
        let (kind, options) = options::parse(&bytes[OPTIONS..], &bytes[FILE], &bytes[SNAME])?;
        Ok(Message {
            operation,
            // RFC 2131 §3: without a type it is BOOTP.
            kind: MessageType::from_number(kind).ok_or(Malformed)?,
            transaction: u32::from_be_bytes(four(4)),
            seconds: u16::from_be_bytes([bytes[8], bytes[9]]),
            broadcast: bytes[10] & BROADCAST_FLAG != 0,
            client_address: four(12).into(),
            your_address: four(16).into(),
            relay_address: four(24).into(),
            hardware: MacAddress(core::array::from_fn(|i| bytes[28 + i])),
            options,
        })
    }

    /// Writes the message and returns its length, at least [`MINIMUM_LENGTH`]; `None` if `out` is shorter than that.
    /// Options that do not fit are left out, the least important first.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        if out.len() < MINIMUM_LENGTH {
            return None;
        }
        out[..OPTIONS].fill(0);
        out[0] = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        };
        out[1] = ETHERNET;
        out[2] = 6;
        out[4..8].copy_from_slice(&self.transaction.to_be_bytes());
        out[8..10].copy_from_slice(&self.seconds.to_be_bytes());
        out[10] = if self.broadcast { BROADCAST_FLAG } else { 0 };
        out[12..16].copy_from_slice(&self.client_address.octets());
        out[16..20].copy_from_slice(&self.your_address.octets());
        out[24..28].copy_from_slice(&self.relay_address.octets());
        out[28..34].copy_from_slice(&self.hardware.0);
        out[OPTIONS - 4..OPTIONS].copy_from_slice(&COOKIE);
        let end = OPTIONS + self.options.emit(self.kind as u8, &mut out[OPTIONS..]);
        if end < MINIMUM_LENGTH {
            out[end..MINIMUM_LENGTH].fill(0);
        }
        Some(end.max(MINIMUM_LENGTH))
    }
}
