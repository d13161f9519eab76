//! DNS (RFC 1034, RFC 1035): a stub resolver without I/O.
//!
//! A [`Resolver`] lives as long as the host: the cache, and which server answered last. Each question is a
//! [`Lookup`], and whoever owns the sockets runs it by a short loop:
//!
//! ```text
//!  let mut lookup = resolver.lookup(name, family, servers, domain);
//!  loop {
//!      match lookup.next(&mut resolver, now) {
//!          Step::Done(result) => return result,
//!          Step::Ask(ask) => send ask.message to ask.server from a fresh random port (or over a TCP connection);
//!              for each datagram (or message) within ask.timeout:
//!                  if lookup.receive(&mut resolver, source, bytes, now) { continue the outer loop }
//!              otherwise: lookup.failed(TimedOut, or Unreachable if the socket said so)
//!      }
//!  }
//! ```
//!
//! Forged answers have to guess the id, the port, the server and the case of every letter (RFC 5452 §4;
//! draft-vixie-dnsext-dns0x20). What was learned, absences included (RFC 2308), is remembered as long as it lives.

mod answer;
mod cache;
mod lookup;
#[cfg(test)]
mod tests;

pub use cache::Cached;
pub use lookup::{Ask, Carrier, Failure, Lookup, Step};

use crate::config::ResolverConfig;
use crate::random::Random;
use crate::time::Instant;
use crate::wire::dns::RecordType;
use cache::Cache;
use core::fmt;
use core::net::IpAddr;

/// Why a name could not be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// Not a name that DNS can carry (RFC 1035 §2.3.4).
    InvalidName,
    /// The name does not exist (NXDOMAIN).
    NoSuchName,
    /// The name exists and has no address.
    NoAddress,
    /// No server is configured.
    NoServers,
    /// Every server failed or refused.
    ServerFailure,
    /// No server answered in time.
    TimedOut,
    /// As many lookups are under way as [`ResolverConfig::lookups`] allows.
    TooMany,
}

impl ResolveError {
    /// What went wrong, in words.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            ResolveError::InvalidName => "not a name that DNS can carry",
            ResolveError::NoSuchName => "no such name",
            ResolveError::NoAddress => "the name has no address",
            ResolveError::NoServers => "no name server is known",
            ResolveError::ServerFailure => "every name server failed or refused",
            ResolveError::TimedOut => "no name server answered in time",
            ResolveError::TooMany => "too many names are being looked up",
        }
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for ResolveError {}

/// Which kind of address is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    #[default]
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The kind of record to ask for.
    #[must_use]
    pub const fn record_type(self) -> RecordType {
        match self {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        }
    }

    /// Whether `address` is of this kind.
    #[must_use]
    pub const fn holds(self, address: IpAddr) -> bool {
        matches!(
            (self, address),
            (Family::V4, IpAddr::V4(_)) | (Family::V6, IpAddr::V6(_))
        )
    }
}

/// What outlives one question.
#[derive(Debug)]
pub struct Resolver {
    config: ResolverConfig,
    random: Random,
    cache: Cache,
    /// The server that answered last: it is asked first.
    preferred: Option<IpAddr>,
    /// How many networks we have been on: what a lookup of an earlier one finds is not remembered.
    network: u32,
}

impl Resolver {
    /// A resolver that remembers nothing yet.
    #[must_use]
    pub fn new(config: ResolverConfig, random: Random) -> Resolver {
        Resolver {
            config,
            cache: Cache::new(&config),
            random,
            preferred: None,
            network: 0,
        }
    }

    /// Begins to look up a name. `servers`: the best first. `domain`: where names without a dot are looked for
    /// first. Addresses written as text and names that every host knows are answered without a question.
    #[must_use]
    pub fn lookup(
        &self,
        name: &str,
        family: Family,
        servers: &[IpAddr],
        domain: Option<&str>,
    ) -> Lookup {
        Lookup::new(self, name, family, servers, domain)
    }

    /// Forgets everything, and what lookups under way still find: the host moved to another network.
    pub fn forget(&mut self) {
        self.network = self.network.wrapping_add(1);
        self.cache.clear();
        self.preferred = None;
    }

    /// What is remembered at `now`, for who wants to look.
    pub fn cached(&self, now: Instant) -> impl Iterator<Item = Cached<'_>> {
        self.cache.entries(now)
    }
}
