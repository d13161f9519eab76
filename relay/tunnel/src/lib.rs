//! **ethertab-tunnel**: the protocol on the WebSocket between a tab and the relay. This page is its specification;
//! both ends and the tests take every constant from here. It is pure: no I/O, no clock, no allocation.
//!
//! # The plain form
//!
//! It is what every relay of this kind speaks, so any client that sends bare Ethernet frames works unchanged.
//!
//! 1. The client opens a WebSocket (RFC 6455) at [`PATH`] and asks for no subprotocol, or for
//!    [`SUBPROTOCOL_BINARY`], which older clients insist on and which means the same. The relay answers with the one
//!    that was asked for, or with none.
//! 2. One binary message is one Ethernet II frame, from destination address to the end of the payload: no preamble, no
//!    frame check sequence, no padding to 60 bytes needed.
//! 3. A frame is at least [`SHORTEST_FRAME`] bytes and at most [`largest_frame`] of the network's MTU, or
//!    [`VLAN_TAG`] bytes more if it carries an 802.1Q tag. Another length is dropped and counted; so is an empty
//!    message, which some clients send to keep a proxy awake. The connection goes on.
//! 4. A message above [`LARGEST_MESSAGE`] is no frame of any network: the relay closes with
//!    [`CloseReason::MessageTooBig`].
//! 5. The relay never sends a text message. One that it receives is answered by a close with
//!    [`CloseReason::TextMessage`]: the sender meant something else.
//! 6. The relay sends a WebSocket ping every so often and closes with [`CloseReason::Silent`] when nothing at all came
//!    back for long. Browsers answer by themselves, with the page asleep too.
//! 7. Frames may be dropped in either direction, as on any Ethernet: when a queue is full, when the source address is
//!    not the client's to use, when broadcasts come too fast.
//! 8. Either side closes with a code; [`CloseReason`] lists the relay's. [`CloseReason::is_temporary`] says when a
//!    client should try again.
//!
//! # The negotiated form
//!
//! [`SUBPROTOCOL`] names the richer form, version 1: many frames a message, offload, credit, resuming. [`v1`] specifies it. A
//! relay that does not speak it leaves it out of its answer; both forms meet on the same switch.
#![no_std]

pub mod v1;

/// Where the relay takes WebSockets.
pub const PATH: &str = "/tunnel";

/// The richer form, version 1, as asked for in `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "ethertab.v1";

/// A name for the plain form, for clients that cannot ask for none.
pub const SUBPROTOCOL_BINARY: &str = "binary";

/// Bytes of an Ethernet II header: two addresses and the type.
pub const ETHERNET_HEADER: usize = 14;

/// Bytes of an 802.1Q tag.
pub const VLAN_TAG: usize = 4;

/// The shortest frame: a header alone. (Padding to 60 bytes belongs to the wire that there is none of.)
pub const SHORTEST_FRAME: usize = ETHERNET_HEADER;

/// The MTU of a network that did not say otherwise.
pub const DEFAULT_MTU: usize = 1_500;

/// The smallest MTU that a network may have: what every IPv4 host must take whole (RFC 791 §3.1).
pub const SMALLEST_MTU: usize = 576;

/// The largest MTU that a network may have: the longest IP packet.
pub const LARGEST_MTU: usize = 65_535;

/// The largest message of the plain form, in bytes, on any network.
pub const LARGEST_MESSAGE: usize = largest_frame(LARGEST_MTU) + VLAN_TAG;

/// The largest untagged frame, in bytes, on a network with this MTU.
#[must_use]
pub const fn largest_frame(mtu: usize) -> usize {
    mtu + ETHERNET_HEADER
}

/// Why the relay closes a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The relay is shutting down.
    GoingAway,
    /// A text message came.
    TextMessage,
    /// A message was larger than [`LARGEST_MESSAGE`].
    MessageTooBig,
    /// Nothing was heard for too long, not even the answer to a ping, or nothing could be sent for too long.
    Silent,
    /// As many clients as the relay takes are connected.
    Full,
    /// The client broke RFC 6455.
    ProtocolError,
    /// A message of the negotiated form broke its rules.
    Malformed,
    /// The client came back and goes on in another session.
    Replaced,
}

impl CloseReason {
    /// All of them.
    pub const ALL: [CloseReason; 8] = [
        CloseReason::GoingAway,
        CloseReason::TextMessage,
        CloseReason::MessageTooBig,
        CloseReason::Silent,
        CloseReason::Full,
        CloseReason::ProtocolError,
        CloseReason::Malformed,
        CloseReason::Replaced,
    ];

    /// The code on the wire: RFC 6455 §7.4.1 and IANA's registry; 4000 and up are ours (§7.4.2).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            CloseReason::GoingAway => 1001,
            CloseReason::ProtocolError => 1002,
            CloseReason::TextMessage => 1003,
            CloseReason::MessageTooBig => 1009,
            CloseReason::Full => 1013,
            CloseReason::Silent => 4000,
            CloseReason::Malformed => 4001,
            CloseReason::Replaced => 4002,
        }
    }

    /// The reason that goes with the code: for a person to read, at most 123 bytes (RFC 6455 §5.5).
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            CloseReason::GoingAway => "the relay is shutting down",
            CloseReason::TextMessage => {
                "text message: this tunnel carries one Ethernet frame in one binary message"
            }
            CloseReason::MessageTooBig => "message too big to be an Ethernet frame",
            CloseReason::Silent => "nothing heard from this client for too long",
            CloseReason::Full => "the relay has as many clients as it takes; try again later",
            CloseReason::ProtocolError => "broken WebSocket framing",
            CloseReason::Malformed => "a message that breaks the rules of ethertab.v1",
            CloseReason::Replaced => "this client came back and goes on in another session",
        }
    }

    /// The reason that a code stands for.
    #[must_use]
    pub fn from_code(code: u16) -> Option<CloseReason> {
        CloseReason::ALL
            .into_iter()
            .find(|reason| reason.code() == code)
    }

    /// Whether the same client may well be welcome again in a moment.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(
            self,
            CloseReason::GoingAway | CloseReason::Silent | CloseReason::Full
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_that_leads_back_to_it() {
        for reason in CloseReason::ALL {
            assert_eq!(CloseReason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(CloseReason::from_code(1000), None);
    }

    #[test]
    fn every_reason_fits_into_a_close_frame() {
        for reason in CloseReason::ALL {
            assert!(!reason.text().is_empty() && reason.text().len() <= 123);
        }
    }

    #[test]
    fn the_largest_message_holds_a_tagged_frame_of_the_largest_network() {
        assert_eq!(largest_frame(DEFAULT_MTU), 1_514);
        assert_eq!(LARGEST_MESSAGE, 65_553);
    }
}
