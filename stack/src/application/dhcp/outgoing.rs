//! What the client says, field by field (RFC 2131 table 5).

use crate::wire::address::MacAddress;
use crate::wire::dhcp::{Message, MessageType, code};
use core::net::Ipv4Addr;

/// Longest message that we take, with its IP and UDP headers (option 57).
const MAXIMUM_LENGTH: u16 = 1_500;
/// What we want to be told (option 55).
const PARAMETERS: [u8; 9] = [
    code::SUBNET_MASK,
    code::ROUTERS,
    code::NAME_SERVERS,
    code::DOMAIN,
    code::MTU,
    code::LEASE_SECONDS,
    code::SERVER,
    code::RENEWAL_SECONDS,
    code::REBINDING_SECONDS,
];

/// An address and who gives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) address: Ipv4Addr,
    pub(super) server: Ipv4Addr,
}

/// A message that waits to be taken by `transmit`.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// Who can give us an address, best of all this one?
    Discover(Option<Ipv4Addr>),
    /// We take this offer.
    Select(Offer),
    /// Is this address still ours (INIT-REBOOT)?
    Confirm(Ipv4Addr),
    /// Let us keep this address; the server is the broadcast address while rebinding.
    Renew(Offer),
    /// Somebody else uses this address.
    Decline(Offer),
    /// We give this address back.
    Release(Offer),
}

impl Outgoing {
    /// Where it goes: to the server alone only when we have an address to be answered at.
    pub(super) fn destination(&self) -> Ipv4Addr {
        match self {
            Outgoing::Renew(offer) | Outgoing::Release(offer) => offer.server,
            _ => Ipv4Addr::BROADCAST,
        }
    }

    pub(super) fn message(
        &self,
        transaction: u32,
        hardware: MacAddress,
        hostname: &str,
    ) -> Message {
        let kind = match self {
            Outgoing::Discover(_) => MessageType::Discover,
            Outgoing::Select(_) | Outgoing::Confirm(_) | Outgoing::Renew(_) => MessageType::Request,
            Outgoing::Decline(_) => MessageType::Decline,
            Outgoing::Release(_) => MessageType::Release,
        };
        let mut message = Message::request(kind, transaction, hardware);
        let options = &mut message.options;
        match *self {
            Outgoing::Discover(wish) => options.requested_address = wish,
            Outgoing::Select(offer) | Outgoing::Decline(offer) => {
                options.requested_address = Some(offer.address);
                options.server = Some(offer.server);
            }
            Outgoing::Confirm(address) => options.requested_address = Some(address),
            Outgoing::Renew(offer) => message.client_address = offer.address,
            Outgoing::Release(offer) => {
                message.client_address = offer.address;
                options.server = Some(offer.server);
            }
        }
        // Hardware type and address, the identifier that every server knows (RFC 2132 §9.14).
        options.client_identifier = [&[1], &hardware.0[..]].concat();
        if matches!(kind, MessageType::Discover | MessageType::Request) {
            options.hostname = hostname.into();
            options.parameters = PARAMETERS.to_vec();
            options.maximum_length = Some(MAXIMUM_LENGTH);
            // Before we have the address, the internet floor drops packets to it, so the answer must come by
            // broadcast (RFC 2131 §4.1); when the address is only being confirmed, it may be refused.
            message.broadcast = message.client_address.is_unspecified();
        }
        message
    }
}
