//! The server (RFC 2131 §4.3).

use super::lease::{INFINITE_LEASE, is_host};
use super::pool::{Client, LeaseState, Pool, ServerLease};
use crate::time::{Duration, Instant};
use crate::wire::address::MacAddress;
use crate::wire::dhcp::{
    CLIENT_PORT, GUARANTEED_LENGTH, INFINITE, Message, MessageType, Operation, Options,
    SERVER_PORT, code,
};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

/// Shortest lease given, whatever a client asks for, in seconds.
const SHORTEST: u32 = 60;
/// Longest message sent: what one Ethernet frame carries.
const LONGEST_MESSAGE: usize = 1_472;
/// IP and UDP headers, which option 57 counts as well.
const HEADERS: usize = 28;

/// What the server gives.
#[derive(Clone, Debug)]
pub struct DhcpServerConfig {
    /// The server's own address.
    pub address: Ipv4Addr,
    /// Length of the network's prefix in bits: 1 to 30.
    pub prefix_length: u8,
    /// First address given. The network's own address, its broadcast, the server's address, the router's and the
    /// name servers' are never given.
    pub first: Ipv4Addr,
    /// Last address given.
    pub last: Ipv4Addr,
    /// The gateway that clients are told.
    pub router: Option<Ipv4Addr>,
    /// The DNS servers that clients are told, at most eight.
    pub name_servers: Vec<Ipv4Addr>,
    /// The domain to search that clients are told.
    pub domain: Option<String>,
    /// The MTU that clients are told.
    pub mtu: Option<u16>,
    /// How long a lease is, at least a minute; [`INFINITE_LEASE`]: for ever.
    pub lease_time: Duration,
    /// How long an offered address is kept for the client.
    pub offer_time: Duration,
    /// How long an address that a client declined is kept from everybody.
    pub decline_time: Duration,
    /// Addresses remembered at once; when all are taken, further clients get no answer.
    pub leases: usize,
    /// Addresses that one hardware address may hold at once, with however many client identifiers: 1 to half of those that
    /// are given. Several, because systems that boot one after another, and containers that share a card, each have an
    /// identifier of their own.
    pub leases_each: usize,
}

impl DhcpServerConfig {
    /// Gives every address of the server's network for an hour, with the server as gateway and name server.
    #[must_use]
    pub fn new(address: Ipv4Addr, prefix_length: u8) -> DhcpServerConfig {
        let hosts = hosts(address, prefix_length);
        DhcpServerConfig {
            address,
            prefix_length,
            first: Ipv4Addr::from(*hosts.start()),
            last: Ipv4Addr::from(*hosts.end()),
            router: Some(address),
            name_servers: alloc::vec![address],
            domain: None,
            mtu: None,
            lease_time: Duration::from_secs(3_600),
            offer_time: Duration::from_secs(30),
            decline_time: Duration::from_secs(600),
            leases: 4_096,
            leases_each: 8,
        }
    }
}

/// Why a client got no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// All addresses are taken.
    RangeUsedUp,
    /// Its hardware address holds as many as one may.
    TooManyEach,
}

/// How many messages were refused, and whose was the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// For [`Refusal::RangeUsedUp`].
    pub range_used_up: u64,
    /// For [`Refusal::TooManyEach`].
    pub too_many_each: u64,
    /// The last one, and who sent it.
    pub last: Option<(Refusal, MacAddress)>,
}

/// An answer to send from port 67.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpReply {
    /// The UDP payload.
    pub bytes: Vec<u8>,
    /// Where to.
    pub destination: SocketAddrV4,
    /// Teach the neighbour cache this first: the client cannot answer ARP for an address that it does not have yet
    /// (RFC 2131 §4.1).
    pub learn: Option<(Ipv4Addr, MacAddress)>,
}

/// A server for one network, the only one there: it answers for every address of the network and remembers nothing
/// beyond its own life.
#[derive(Debug)]
pub struct DhcpServer {
    config: DhcpServerConfig,
    pool: Pool,
    refusals: Refusals,
}

impl DhcpServer {
    /// A server that has given nothing yet.
    #[must_use]
    pub fn new(config: DhcpServerConfig) -> DhcpServer {
        let hosts = hosts(config.address, config.prefix_length);
        let first = config.first.to_bits().max(*hosts.start());
        let last = config.last.to_bits().min(*hosts.end());
        let mut excluded = config.name_servers.clone();
        excluded.extend(config.router);
        excluded.push(config.address);
        DhcpServer {
            pool: Pool::new(first..=last, excluded, config.leases, config.leases_each),
            config,
            refusals: Refusals::default(),
        }
    }

    /// Takes the payload of a datagram that came to port 67; the answer, if there is one to give.
    pub fn respond(&mut self, message: &[u8], now: Instant) -> Option<DhcpReply> {
        let request = Message::parse(message).ok()?;
        if request.operation != Operation::Request || !request.hardware.is_unicast() {
            return None;
        }
        let relay = request.relay_address;
        if !relay.is_unspecified() && !self.is_inside(relay) {
            // Another network's clients: none of our addresses would do them any good.
            return None;
        }
        let client = Client::of(&request);
        match request.kind {
            MessageType::Discover => self.discover(&request, &client, now),
            MessageType::Request => self.request(&request, &client, now),
            MessageType::Inform => self.inform(&request),
            MessageType::Decline => {
                let until = now + self.config.decline_time;
                let address = request.options.requested_address?;
                self.pool.decline(address, &client, until, now);
                None
            }
            MessageType::Release => {
                self.pool.release(request.client_address, &client, now);
                None
            }
            MessageType::Offer | MessageType::Ack | MessageType::Nak => None,
        }
    }

    /// The table, by address.
    pub fn leases(&self, now: Instant) -> impl Iterator<Item = ServerLease<'_>> {
        self.pool.leases(now)
    }

    /// What could not be given, so that somebody can be told.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        self.refusals
    }

    fn count(&mut self, refusal: Refusal, hardware: MacAddress) {
        match refusal {
            Refusal::RangeUsedUp => self.refusals.range_used_up += 1,
            Refusal::TooManyEach => self.refusals.too_many_each += 1,
        }
        self.refusals.last = Some((refusal, hardware));
    }

    /// RFC 2131 §4.3.1.
    fn discover(&mut self, request: &Message, client: &Client, now: Instant) -> Option<DhcpReply> {
        if !self.pool.has_room(client, request.hardware, now) {
            self.count(Refusal::TooManyEach, request.hardware);
            return None;
        }
        let wish = request.options.requested_address;
        let Some(address) = self.pool.choose(client, wish, now) else {
            self.count(Refusal::RangeUsedUp, request.hardware);
            return None;
        };
        if !self.pool.holds(address, client, now) {
            let until = now + self.config.offer_time;
            self.pool
                .take(address, client, request, LeaseState::Offered, until, now);
        }
        let mut reply = request.reply(MessageType::Offer);
        reply.your_address = address;
        self.fill(&mut reply, request, true);
        Some(self.send(&reply, request))
    }

    /// RFC 2131 §4.3.2.
    fn request(&mut self, request: &Message, client: &Client, now: Instant) -> Option<DhcpReply> {
        if let Some(chosen) = request.options.server
            && chosen != self.config.address
        {
            // The client took another server's offer.
            if let Some(address) = self.pool.offered(client, now) {
                self.pool.release(address, client, now);
            }
            return None;
        }
        // SELECTING and INIT-REBOOT name the address in option 50, RENEWING and REBINDING in ciaddr.
        let address = match request.options.requested_address {
            Some(address) => address,
            None if request.client_address.is_unspecified() => return None,
            None => request.client_address,
        };
        // Deviation: RFC 2131 §4.3.2 wants silence for clients that we have no record of, for the sake of other
        // servers. There is none, and after a restart we have no record of anybody: whoever asks for an address that
        // is free keeps it, and its connections with it.
        if !self.pool.is_free_for(address, client, now) {
            return Some(self.refuse(request, address));
        }
        if !self.pool.has_room(client, request.hardware, now) {
            self.count(Refusal::TooManyEach, request.hardware);
            return Some(self.refuse(request, address));
        }
        let seconds = self.lease_seconds(request);
        let until = match seconds {
            INFINITE => now + INFINITE_LEASE,
            _ => now + Duration::from_secs(seconds.into()),
        };
        self.pool
            .take(address, client, request, LeaseState::Bound, until, now);
        let mut reply = request.reply(MessageType::Ack);
        reply.client_address = request.client_address;
        reply.your_address = address;
        self.fill(&mut reply, request, true);
        Some(self.send(&reply, request))
    }

    /// RFC 2131 §4.3.5: everything but an address and a lease.
    fn inform(&self, request: &Message) -> Option<DhcpReply> {
        if !is_host(&request.client_address) || !self.is_inside(request.client_address) {
            return None;
        }
        let mut reply = request.reply(MessageType::Ack);
        reply.client_address = request.client_address;
        self.fill(&mut reply, request, false);
        Some(self.send(&reply, request))
    }

    fn refuse(&self, request: &Message, address: Ipv4Addr) -> DhcpReply {
        let mut reply = request.reply(MessageType::Nak);
        reply.options.server = Some(self.config.address);
        reply.options.text = if self.is_inside(address) {
            "the address is taken or not given here".into()
        } else {
            "the address belongs to another network".into()
        };
        // RFC 2131 §4.3.2: a relay must broadcast it, for the client may be deaf to anything else.
        reply.broadcast = reply.broadcast || !request.relay_address.is_unspecified();
        self.send(&reply, request)
    }

    /// Puts in what the network is like and, if there is a lease, how long it is.
    fn fill(&self, reply: &mut Message, request: &Message, leased: bool) {
        let config = &self.config;
        let wanted = &request.options.parameters;
        let wants = |code| wanted.is_empty() || wanted.contains(&code);
        let mask = mask(config.prefix_length);
        let seconds = self.lease_seconds(request);
        let finite = leased && seconds != INFINITE;
        reply.options = Options {
            server: Some(config.address),
            subnet_mask: Some(mask.into()),
            routers: config.router.into_iter().collect(),
            name_servers: config.name_servers.clone(),
            domain: match &config.domain {
                Some(domain) if wants(code::DOMAIN) => domain.clone(),
                _ => String::new(),
            },
            mtu: config.mtu.filter(|_| wants(code::MTU)),
            broadcast_address: Some(Ipv4Addr::from(config.address.to_bits() | !mask))
                .filter(|_| wants(code::BROADCAST_ADDRESS)),
            lease_seconds: leased.then_some(seconds),
            renewal_seconds: finite.then_some(seconds / 2),
            rebinding_seconds: finite.then_some(seconds - seconds / 8),
            client_identifier: core::mem::take(&mut reply.options.client_identifier),
            ..Options::default()
        };
    }

    /// What a client gets: the configured time, or less if it asks for less.
    fn lease_seconds(&self, request: &Message) -> u32 {
        let configured = u32::try_from(self.config.lease_time.as_secs())
            .unwrap_or(INFINITE)
            .max(SHORTEST);
        match request.options.lease_seconds {
            Some(wish) => wish.clamp(SHORTEST, configured),
            None => configured,
        }
    }

    /// Where an answer goes (RFC 2131 §4.1).
    fn send(&self, reply: &Message, request: &Message) -> DhcpReply {
        let (relay, holder) = (request.relay_address, request.client_address);
        let nak = reply.kind == MessageType::Nak;
        let (destination, learn) = if !relay.is_unspecified() {
            (SocketAddrV4::new(relay, SERVER_PORT), None)
        } else if !nak && is_host(&holder) && self.is_inside(holder) {
            (SocketAddrV4::new(holder, CLIENT_PORT), None)
        } else if nak || request.broadcast || reply.your_address.is_unspecified() {
            (SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT), None)
        } else {
            let address = reply.your_address;
            (
                SocketAddrV4::new(address, CLIENT_PORT),
                Some((address, request.hardware)),
            )
        };
        let told = request.options.maximum_length.map_or(0, usize::from);
        let limit = told
            .saturating_sub(HEADERS)
            .clamp(GUARANTEED_LENGTH, LONGEST_MESSAGE);
        let mut bytes = alloc::vec![0; limit];
        let length = reply.emit(&mut bytes).unwrap_or(0);
        bytes.truncate(length);
        DhcpReply {
            bytes,
            destination,
            learn,
        }
    }

    fn is_inside(&self, address: Ipv4Addr) -> bool {
        let mask = mask(self.config.prefix_length);
        address.to_bits() & mask == self.config.address.to_bits() & mask
    }
}

fn mask(prefix_length: u8) -> u32 {
    u32::MAX
        .checked_shl(32_u32.saturating_sub(prefix_length.into()))
        .unwrap_or(0)
}

/// The addresses of a network that hosts can have.
fn hosts(address: Ipv4Addr, prefix_length: u8) -> core::ops::RangeInclusive<u32> {
    let mask = mask(prefix_length);
    let network = address.to_bits() & mask;
    network.saturating_add(1)..=(network | !mask).saturating_sub(1)
}
