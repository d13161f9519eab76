//! ICMP for IPv4 (RFC 792; RFC 1122 §3.2.2).
//!
//! | bytes | field |
//! |---|---|
//! | 0, 1 | type, code |
//! | 2–3 | checksum over the whole message |
//! | 4–7 | echo: identifier, sequence number; 3/4: zero, next-hop MTU (RFC 1191 §4); 12: pointer |
//! | 8– | echo: data; errors: IP header and at least 8 bytes of the packet that it is about |

use super::checksum::{self, Checksum};
use super::ip::Unreachable;

/// Length of the header.
pub const HEADER: usize = 8;

const ECHO_REPLY: u8 = 0;
const DESTINATION_UNREACHABLE: u8 = 3;
const SOURCE_QUENCH: u8 = 4;
const REDIRECT: u8 = 5;
const ECHO_REQUEST: u8 = 8;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

/// Whether messages of this type report on another packet: no error may answer them (RFC 1122 §3.2.2).
#[must_use]
pub const fn is_error(kind: u8) -> bool {
    matches!(
        kind,
        DESTINATION_UNREACHABLE | SOURCE_QUENCH | REDIRECT | TIME_EXCEEDED | PARAMETER_PROBLEM
    )
}

/// An ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icmpv4<'p> {
    /// Type 8.
    EchoRequest(Echo<'p>),
    /// Type 0.
    EchoReply(Echo<'p>),
    /// Types 3, 11 and 12.
    Error(IcmpError<'p>),
    /// Anything else, valid but not for us to act upon.
    Other {
        /// The type.
        kind: u8,
    },
}

/// An echo request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo<'p> {
    /// Tells one pinging program from another.
    pub identifier: u16,
    /// Tells one ping from another.
    pub sequence: u16,
    /// What must come back unchanged.
    pub payload: &'p [u8],
}

/// A report about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError<'p> {
    /// What it says.
    pub kind: ErrorKind,
    /// The start of the packet that it is about.
    pub quoted: &'p [u8],
}

/// What an ICMP error says, with type and code as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Type 3; for code 4 `mtu` is the next hop's.
    DestinationUnreachable {
        /// 0 to 15.
        code: u8,
        /// Zero unless told.
        mtu: u16,
    },
    /// Type 11: code 0 in transit, code 1 while reassembling.
    TimeExceeded {
        /// 0 or 1.
        code: u8,
    },
    /// Type 12.
    ParameterProblem {
        /// 0: the pointer is set.
        code: u8,
        /// Which byte of the header is wrong.
        pointer: u8,
    },
}

impl ErrorKind {
    /// 3/2.
    pub const PROTOCOL_UNREACHABLE: ErrorKind =
        ErrorKind::DestinationUnreachable { code: 2, mtu: 0 };
    /// 3/3.
    pub const PORT_UNREACHABLE: ErrorKind = ErrorKind::DestinationUnreachable { code: 3, mtu: 0 };
    /// 11/1.
    pub const REASSEMBLY_TIME_EXCEEDED: ErrorKind = ErrorKind::TimeExceeded { code: 1 };

    /// What it means to whoever sent the packet; `None` for codes that nobody assigned.
    #[must_use]
    pub const fn meaning(self) -> Option<Unreachable> {
        match self {
            ErrorKind::DestinationUnreachable { code, mtu } => match code {
                0 | 1 | 5..=8 | 11 | 12 => Some(Unreachable::Host),
                2 => Some(Unreachable::Protocol),
                3 => Some(Unreachable::Port),
                4 => Some(Unreachable::TooBig { mtu }),
                // 14 and 15, precedence, are an administrator's as well (RFC 1812 §5.2.7.1).
                9 | 10 | 13..=15 => Some(Unreachable::Prohibited),
                _ => None,
            },
            ErrorKind::TimeExceeded { code: 0 | 1 } => Some(Unreachable::TimeExceeded),
            ErrorKind::TimeExceeded { .. } => None,
            ErrorKind::ParameterProblem { .. } => Some(Unreachable::ParameterProblem),
        }
    }
}

impl<'p> Icmpv4<'p> {
    /// The message; `None` if it is short or its checksum is wrong.
    #[must_use]
    pub fn parse(message: &'p [u8]) -> Option<Icmpv4<'p>> {
        let (&[kind, code, _, _, a, b, c, d], rest) = message.split_first_chunk::<HEADER>()?;
        if !checksum::is_valid(message) {
            return None;
        }
        let echo = Echo {
            identifier: u16::from_be_bytes([a, b]),
            sequence: u16::from_be_bytes([c, d]),
            payload: rest,
        };
        let error = |kind| Icmpv4::Error(IcmpError { kind, quoted: rest });
        Some(match kind {
            // RFC 1122 §3.2.2.6 knows no other code than 0; others are answered and taken like it.
            ECHO_REQUEST => Icmpv4::EchoRequest(echo),
            ECHO_REPLY => Icmpv4::EchoReply(echo),
            DESTINATION_UNREACHABLE => error(ErrorKind::DestinationUnreachable {
                code,
                mtu: if code == 4 {
                    u16::from_be_bytes([c, d])
                } else {
                    0
                },
            }),
            TIME_EXCEEDED => error(ErrorKind::TimeExceeded { code }),
            PARAMETER_PROBLEM => error(ErrorKind::ParameterProblem { code, pointer: a }),
            kind => Icmpv4::Other { kind },
        })
    }

    /// Length of the message on the wire.
    #[must_use]
    pub const fn length(&self) -> usize {
        HEADER
            + match self {
                Icmpv4::EchoRequest(echo) | Icmpv4::EchoReply(echo) => echo.payload.len(),
                Icmpv4::Error(error) => error.quoted.len(),
                Icmpv4::Other { .. } => 0,
            }
    }

    /// Writes the whole message with its checksum and returns its length; `None`, and nothing written, if there
    /// is too little room.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let length = self.length();
        let (header, rest) = out.get_mut(..length)?.split_first_chunk_mut::<HEADER>()?;
        let (kind, code, parameter, payload): (u8, u8, [u8; 4], &[u8]) = match *self {
            Icmpv4::EchoRequest(echo) => (ECHO_REQUEST, 0, echo.parameter(), echo.payload),
            Icmpv4::EchoReply(echo) => (ECHO_REPLY, 0, echo.parameter(), echo.payload),
            Icmpv4::Error(error) => {
                let (kind, code, parameter) = error.kind.fields();
                (kind, code, parameter, error.quoted)
            }
            Icmpv4::Other { kind } => (kind, 0, [0; 4], &[]),
        };
        header[0] = kind;
        header[1] = code;
        header[2..4].fill(0);
        header[4..8].copy_from_slice(&parameter);
        rest.copy_from_slice(payload);
        let sum = Checksum::new().with(header).with(rest).finish();
        header[2..4].copy_from_slice(&sum.to_be_bytes());
        Some(length)
    }
}

impl Echo<'_> {
    fn parameter(&self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.identifier.to_be_bytes(), self.sequence.to_be_bytes());
        [a, b, c, d]
    }
}

impl ErrorKind {
    fn fields(self) -> (u8, u8, [u8; 4]) {
        match self {
            ErrorKind::DestinationUnreachable { code, mtu } => {
                let [high, low] = mtu.to_be_bytes();
                (DESTINATION_UNREACHABLE, code, [0, 0, high, low])
            }
            ErrorKind::TimeExceeded { code } => (TIME_EXCEEDED, code, [0; 4]),
            ErrorKind::ParameterProblem { code, pointer } => {
                (PARAMETER_PROBLEM, code, [pointer, 0, 0, 0])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(message: Icmpv4<'_>) -> Result<(), TestCaseError> {
        let mut out = [0xaa; 128];
        let length = message.emit(&mut out);
        prop_assert_eq!(length, Some(message.length()));
        prop_assert_eq!(Icmpv4::parse(&out[..message.length()]), Some(message));
        prop_assert_eq!(message.emit(&mut [0; 128][..message.length() - 1]), None);
        out[message.length() - 1] ^= 1;
        prop_assert_eq!(Icmpv4::parse(&out[..message.length()]), None);
        Ok(())
    }

    proptest! {
        #[test]
        fn what_was_emitted_is_parsed(
            identifier: u16, sequence: u16, code in 0_u8..16, mtu: u16, pointer: u8,
            payload in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let echo = Echo { identifier, sequence, payload: &payload };
            round_trip(Icmpv4::EchoRequest(echo))?;
            round_trip(Icmpv4::EchoReply(echo))?;
            let mtu = if code == 4 { mtu } else { 0 };
            for kind in [
                ErrorKind::DestinationUnreachable { code, mtu },
                ErrorKind::TimeExceeded { code },
                ErrorKind::ParameterProblem { code, pointer },
            ] {
                round_trip(Icmpv4::Error(IcmpError { kind, quoted: &payload }))?;
            }
        }

        #[test]
        fn no_bytes_can_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Icmpv4::parse(&bytes);
            if bytes.len() >= HEADER {
                bytes[2..4].fill(0);
                let sum = checksum::of(&bytes);
                bytes[2..4].copy_from_slice(&sum.to_be_bytes());
                let message = Icmpv4::parse(&bytes);
                prop_assert!(message.is_some());
            }
        }
    }

    #[test]
    fn codes_mean_what_rfc_1122_says() {
        let meaning = |code| ErrorKind::DestinationUnreachable { code, mtu: 1_400 }.meaning();
        assert_eq!(meaning(1), Some(Unreachable::Host));
        assert_eq!(meaning(2), Some(Unreachable::Protocol));
        assert_eq!(meaning(3), Some(Unreachable::Port));
        assert_eq!(meaning(4), Some(Unreachable::TooBig { mtu: 1_400 }));
        assert_eq!(meaning(13), Some(Unreachable::Prohibited));
        assert_eq!(meaning(16), None);
        let exceeded = ErrorKind::REASSEMBLY_TIME_EXCEEDED.meaning();
        assert_eq!(exceeded, Some(Unreachable::TimeExceeded));
    }

    #[test]
    fn errors_are_told_from_queries() {
        assert!([3, 4, 5, 11, 12].into_iter().all(is_error));
        assert!(![0, 8, 13, 14, 30].into_iter().any(is_error));
    }
}
