//! Who has which address, who had it, and who may have it.

use crate::time::{Duration, Instant};
use crate::wire::address::MacAddress;
use crate::wire::dhcp::Message;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::ops::RangeInclusive;

/// Longest client identifier remembered; what is longer is told apart by its beginning.
const LONGEST_CLIENT: usize = 255;

/// How an address is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// Offered, and kept until the client says whether it wants it.
    Offered,
    /// Leased.
    Bound,
    /// In use by somebody who did not ask us: not given to anybody for a while.
    Declined,
    /// Given back or expired; the client gets it again if nobody needed it in the meantime.
    Free,
}

/// One line of the server's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLease<'p> {
    /// The address.
    pub address: Ipv4Addr,
    /// Whose it is, or was.
    pub hardware: MacAddress,
    /// What the client calls itself; empty if it does not say.
    pub hostname: &'p str,
    /// How it is taken.
    pub state: LeaseState,
    /// For how long.
    pub remaining: Duration,
}

/// What tells clients apart: the identifier, or else the hardware address (RFC 2131 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Client(Vec<u8>);

impl Client {
    pub(super) fn of(message: &Message) -> Client {
        let identifier = &message.options.client_identifier;
        if identifier.is_empty() {
            // The same as the identifier that most clients make from it, so that one that sends it only at times
            // keeps its address.
            return Client([&[1], &message.hardware.0[..]].concat());
        }
        Client(identifier[..identifier.len().min(LONGEST_CLIENT)].to_vec())
    }

    /// A number that is the same for a client whenever the server runs (FNV-1a).
    fn number(&self) -> u32 {
        self.0.iter().fold(0x811c_9dc5, |hash, &byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    }
}

#[derive(Debug)]
struct Binding {
    client: Client,
    hardware: MacAddress,
    hostname: String,
    state: LeaseState,
    until: Instant,
}

impl Binding {
    fn state(&self, now: Instant) -> LeaseState {
        if self.until <= now {
            LeaseState::Free
        } else {
            self.state
        }
    }

    /// Whether somebody has it or was promised it.
    fn is_held(&self, now: Instant) -> bool {
        matches!(self.state(now), LeaseState::Offered | LeaseState::Bound)
    }
}

/// The addresses that can be given, and what became of them. Nothing is done at an expiry: each look compares
/// with the time.
#[derive(Debug)]
pub(super) struct Pool {
    range: RangeInclusive<u32>,
    excluded: Vec<Ipv4Addr>,
    limit: usize,
    each: usize,
    bindings: BTreeMap<Ipv4Addr, Binding>,
    /// A client's address, while its binding remembers the client.
    addresses: BTreeMap<Client, Ipv4Addr>,
}

impl Pool {
    /// `limit`: addresses remembered in all. `each`: addresses that one hardware address may hold, at least one, at most
    /// half of the pool.
    pub(super) fn new(
        range: RangeInclusive<u32>,
        excluded: Vec<Ipv4Addr>,
        limit: usize,
        each: usize,
    ) -> Pool {
        let mut pool = Pool {
            range,
            excluded,
            limit,
            each,
            bindings: BTreeMap::new(),
            addresses: BTreeMap::new(),
        };
        pool.each = each.clamp(1, pool.half());
        pool
    }

    /// Half of what may be given or remembered, at least one: more is not for one station to spoil.
    fn half(&self) -> usize {
        let size = self.range.end().saturating_sub(*self.range.start());
        ((size.saturating_add(1) as usize).min(self.limit) / 2).max(1)
    }

    /// Whether a station may hold an address for `client`. Whoever has one keeps it, or may change it, whatever others
    /// took in the name of its hardware address meanwhile.
    pub(super) fn has_room(&self, client: &Client, hardware: MacAddress, now: Instant) -> bool {
        let own = self.addresses.get(client);
        let own = own.and_then(|address| self.bindings.get(address));
        let of_station = |binding: &&Binding| binding.hardware == hardware && binding.is_held(now);
        own.is_some_and(|binding| binding.is_held(now))
            || self.bindings.values().filter(of_station).count() < self.each
    }

    /// Whether `client` could have `address`: it is in the pool and nobody else has it.
    pub(super) fn is_free_for(&self, address: Ipv4Addr, client: &Client, now: Instant) -> bool {
        let in_pool = self.range.contains(&address.to_bits()) && !self.excluded.contains(&address);
        in_pool
            && match self.bindings.get(&address) {
                None => self.bindings.len() < self.limit || self.oldest_free(now).is_some(),
                Some(binding) => match binding.state(now) {
                    LeaseState::Free => true,
                    LeaseState::Declined => false,
                    LeaseState::Offered | LeaseState::Bound => binding.client == *client,
                },
            }
    }

    /// The address for a client, in the order of RFC 2131 §4.3.1: the one it has or had, the one it asks for, one
    /// that nobody ever had, one that nobody has any more.
    pub(super) fn choose(
        &self,
        client: &Client,
        wish: Option<Ipv4Addr>,
        now: Instant,
    ) -> Option<Ipv4Addr> {
        let known = self.addresses.get(client).copied();
        [known, wish]
            .into_iter()
            .flatten()
            .find(|&address| self.is_free_for(address, client, now))
            .or_else(|| self.untouched(client))
            .or_else(|| self.oldest_free(now))
    }

    /// Notes that `client` has `address`, and forgets what it had before.
    pub(super) fn take(
        &mut self,
        address: Ipv4Addr,
        client: &Client,
        message: &Message,
        state: LeaseState,
        until: Instant,
        now: Instant,
    ) {
        if let Some(&before) = self.addresses.get(client)
            && before != address
        {
            self.forget(before);
        }
        if !self.bindings.contains_key(&address) && self.bindings.len() >= self.limit {
            match self.oldest_free(now) {
                Some(oldest) => self.forget(oldest),
                None => return,
            }
        }
        // Whoever had it before has no claim any more.
        self.forget(address);
        self.addresses.insert(client.clone(), address);
        let binding = Binding {
            client: client.clone(),
            hardware: message.hardware,
            hostname: hostname(&message.options.hostname),
            state,
            until,
        };
        self.bindings.insert(address, binding);
    }

    /// Ends what `client` holds: it may have it again, and so may others. True if it held `address`.
    pub(super) fn release(&mut self, address: Ipv4Addr, client: &Client, now: Instant) -> bool {
        let Some(binding) = self.bindings.get_mut(&address) else {
            return false;
        };
        let theirs = binding.client == *client && binding.is_held(now);
        if theirs {
            binding.state = LeaseState::Free;
            binding.until = now;
        }
        theirs
    }

    /// Whether `client` has leased `address`: an offer of the same must not shorten that.
    pub(super) fn holds(&self, address: Ipv4Addr, client: &Client, now: Instant) -> bool {
        self.bindings.get(&address).is_some_and(|binding| {
            binding.client == *client && binding.state(now) == LeaseState::Bound
        })
    }

    /// The address that is offered to `client`, if one is.
    pub(super) fn offered(&self, client: &Client, now: Instant) -> Option<Ipv4Addr> {
        let address = *self.addresses.get(client)?;
        let binding = self.bindings.get(&address)?;
        (binding.state(now) == LeaseState::Offered).then_some(address)
    }

    /// Keeps an address from everybody until then, if it is this client's to say. At most half of what we may give or
    /// remember is kept so: a client that declines everything must not starve the others.
    pub(super) fn decline(
        &mut self,
        address: Ipv4Addr,
        client: &Client,
        until: Instant,
        now: Instant,
    ) -> bool {
        if !self.release(address, client, now) {
            return false;
        }
        let declined = |binding: &Binding| binding.state(now) == LeaseState::Declined;
        let count = self.bindings.values().filter(|b| declined(b)).count();
        if count >= self.half() {
            let first = self
                .bindings
                .iter()
                .filter(|(_, binding)| declined(binding))
                .min_by_key(|(_, binding)| binding.until)
                .map(|(&address, _)| address);
            if let Some(first) = first {
                self.forget(first);
            }
        }
        self.addresses.remove(client);
        if let Some(binding) = self.bindings.get_mut(&address) {
            binding.state = LeaseState::Declined;
            binding.until = until;
        }
        true
    }

    pub(super) fn leases(&self, now: Instant) -> impl Iterator<Item = ServerLease<'_>> {
        self.bindings
            .iter()
            .map(move |(&address, binding)| ServerLease {
                address,
                hardware: binding.hardware,
                hostname: &binding.hostname,
                state: binding.state(now),
                remaining: binding.until.since(now),
            })
    }

    fn forget(&mut self, address: Ipv4Addr) {
        if let Some(binding) = self.bindings.remove(&address)
            && self.addresses.get(&binding.client) == Some(&address)
        {
            self.addresses.remove(&binding.client);
        }
    }

    /// An address that nobody ever had. Where the search begins depends on the client alone, so that a server that
    /// forgot everything is likely to give everybody the same address again.
    fn untouched(&self, client: &Client) -> Option<Ipv4Addr> {
        if self.bindings.len() >= self.limit || self.range.is_empty() {
            return None;
        }
        let (first, size) = (
            *self.range.start(),
            u64::from(self.range.end() - self.range.start()) + 1,
        );
        let begin = u64::from(client.number()) % size;
        // Among one more than are taken, one is not.
        let tries = (self.bindings.len() + self.excluded.len() + 1) as u64;
        (0..tries.min(size))
            .map(|step| Ipv4Addr::from(first + ((begin + step) % size) as u32))
            .find(|address| {
                !self.bindings.contains_key(address) && !self.excluded.contains(address)
            })
    }

    /// The address that has been free for the longest time.
    fn oldest_free(&self, now: Instant) -> Option<Ipv4Addr> {
        self.bindings
            .iter()
            .filter(|(_, binding)| binding.state(now) == LeaseState::Free)
            .min_by_key(|(_, binding)| binding.until)
            .map(|(&address, _)| address)
    }
}

/// A name that is safe to show and to use as a label (RFC 1123 §2.1); empty if it is not.
fn hostname(text: &str) -> String {
    let good = text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    if good { text.into() } else { String::new() }
}
