//! What a server granted, and when it has to be asked again.

use crate::event::Lease;
use crate::random::Random;
use crate::time::{Duration, Instant};
use crate::wire::dhcp::{INFINITE, Message};
use core::net::{IpAddr, Ipv4Addr};

/// The duration of a lease that never ends.
pub const INFINITE_LEASE: Duration = Duration::MAX;

/// Shorter leases are taken for this long: nobody could renew them in time.
const SHORTEST: u32 = 10;
/// What a grant without a lease time is taken for. RFC 2131 table 3 demands one; not every server gives it.
const UNTOLD: u32 = 3_600;
/// Smallest MTU believed: what every host can receive (RFC 791). Less would only slow us down.
const SMALLEST_MTU: u16 = 576;

/// A lease with the moments at which it is renewed, rebound, and over. None of them for one that never ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) renew_at: Option<Instant>,
    pub(super) rebind_at: Option<Instant>,
    pub(super) expires_at: Option<Instant>,
}

impl Held {
    /// Reads an offer or a grant; `None` if no host could live with it. `since`: when it was asked for, from which
    /// its life counts (RFC 2131 §4.4.1). `server`: who gives it, if the message does not say.
    pub(super) fn from_message(
        message: &Message,
        server: Option<Ipv4Addr>,
        since: Instant,
        random: &mut Random,
    ) -> Option<Held> {
        let options = &message.options;
        let address = Some(message.your_address).filter(is_host)?;
        let prefix_length = prefix_length(address, options.subnet_mask);
        let host_bits = u32::MAX.checked_shr(prefix_length.into()).unwrap_or(0);
        let host = address.to_bits() & host_bits;
        if prefix_length < 31 && (host == 0 || host == host_bits) {
            // The network's own address, or its broadcast.
            return None;
        }
        let server = options.server.or(server).filter(is_host)?;
        let seconds = options.lease_seconds.unwrap_or(UNTOLD).max(SHORTEST);
        let lease = Lease {
            address,
            prefix_length,
            gateway: options.routers.iter().copied().find(is_host),
            name_servers: options
                .name_servers
                .iter()
                .copied()
                .filter(is_host)
                .map(IpAddr::V4)
                .collect(),
            domain: Some(options.domain.clone()).filter(|domain| !domain.is_empty()),
            mtu: options.mtu.filter(|&mtu| mtu >= SMALLEST_MTU),
            server,
            duration: match seconds {
                INFINITE => INFINITE_LEASE,
                _ => Duration::from_secs(seconds.into()),
            },
        };
        if seconds == INFINITE {
            return Some(Held {
                lease,
                renew_at: None,
                rebind_at: None,
                expires_at: None,
            });
        }
        let (renew, rebind) = renewal_times(message, seconds, random);
        let after = |seconds: u32| Some(since + Duration::from_secs(seconds.into()));
        Some(Held {
            lease,
            renew_at: after(renew),
            rebind_at: after(rebind),
            expires_at: after(seconds),
        })
    }
}

/// T1 and T2 in seconds: as told, if they are in order, or as RFC 2131 §4.4.5 says, somewhat earlier at random so
/// that clients that began together do not renew together.
fn renewal_times(message: &Message, seconds: u32, random: &mut Random) -> (u32, u32) {
    let rebind = match message.options.rebinding_seconds {
        Some(told) if (2..seconds).contains(&told) => told,
        _ => seconds - seconds / 8 - random.below(seconds / 32),
    };
    let renew = match message.options.renewal_seconds {
        Some(told) if (1..rebind).contains(&told) => told,
        _ => (seconds / 2 - random.below(seconds / 32)).min(rebind - 1),
    };
    (renew, rebind)
}

/// Whether it can be one host's address.
pub(super) fn is_host(address: &Ipv4Addr) -> bool {
    let first = address.octets()[0];
    first != 0 && first != 127 && first < 224
}

/// The length of the network's prefix: from the mask if there is one that makes sense, or from the address's class
/// (RFC 791 §3.2), as there is nothing better.
fn prefix_length(address: Ipv4Addr, mask: Option<Ipv4Addr>) -> u8 {
    let told = mask.map(Ipv4Addr::to_bits).filter(|&mask| {
        let ones = mask.leading_ones();
        ones > 0 && ones == mask.count_ones()
    });
    match (told, address.octets()[0]) {
        (Some(mask), _) => mask.leading_ones() as u8,
        (None, ..128) => 8,
        (None, 128..192) => 16,
        (None, 192..) => 24,
    }
}
