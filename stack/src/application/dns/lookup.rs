//! One name being looked up: which server is asked next, what for, and how long we wait.

use super::answer::{Asked, Verdict, judge};
use super::cache::Finding;
use super::{Family, ResolveError, Resolver};
use crate::config::ResolverConfig;
use crate::time::{Duration, Instant};
use crate::wire::dns::{self, CLASS_INTERNET, Name, Question};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Questions sent for one name in all, whatever the servers answer.
const QUESTIONS: u32 = 64;

/// How a question travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// One UDP datagram there, one back. Take a new random port for each.
    Datagram,
    /// A TCP connection; each message has its length, two bytes, in front (RFC 1035 §4.2.2).
    Stream,
}

/// A question to send.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where to.
    pub server: SocketAddr,
    /// How.
    pub carrier: Carrier,
    /// The bytes to send; for a stream the length is already in front.
    pub message: Vec<u8>,
    /// How long to wait for the answer; for a stream, connecting included.
    pub timeout: Duration,
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Ask, then hand over what comes back.
    Ask(Ask),
    /// The addresses, at least one and in the server's order; or why there are none.
    Done(Result<Vec<IpAddr>, ResolveError>),
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The time was up.
    TimedOut,
    /// The server cannot be reached, or the connection to it failed.
    Unreachable,
}

/// A lookup under way; see the [module](super) for the loop that runs it.
#[derive(Debug)]
pub struct Lookup {
    family: Family,
    /// On which network it began.
    network: u32,
    servers: Vec<IpAddr>,
    /// Names still to try, the next at the end.
    candidates: Vec<Name>,
    /// The name being tried, as the program or the search domain spells it.
    candidate: Name,
    /// What the candidate is an alias for, as far as known.
    target: Name,
    aliases: usize,
    /// How long all that was learned about the candidate lives, in seconds.
    life: u32,
    attempt: Attempt,
    questions: u32,
    asked: Option<Asked>,
    /// Whether some candidate exists, though without an address.
    exists: bool,
    result: Option<Result<Vec<IpAddr>, ResolveError>>,
}

/// Where in the schedule we are.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    round: u8,
    server: usize,
    carrier: Carrier,
    /// Whether the query says that larger answers can be received (RFC 6891).
    larger: bool,
    /// Whether some server said nothing in this round, so that another round may help.
    silence: bool,
    /// Whether some server said that it cannot answer, or cannot be reached.
    failure: bool,
    /// Whether some server said something, though no answer: it may be that it only understands the plainest of questions.
    spoke: bool,
}

impl Attempt {
    const FIRST: Attempt = Attempt {
        round: 0,
        server: 0,
        carrier: Carrier::Datagram,
        larger: true,
        silence: false,
        failure: false,
        spoke: false,
    };
}

/// In the last round names are spelled as the program did, for servers that choke on mixed case, and without OPT, for paths on
/// which that is lost.
fn plain_round(config: &ResolverConfig) -> u8 {
    config.rounds.max(2) - 1
}

impl Lookup {
    pub(super) fn new(
        resolver: &Resolver,
        text: &str,
        family: Family,
        servers: &[IpAddr],
        domain: Option<&str>,
    ) -> Lookup {
        let mut servers: Vec<IpAddr> = servers.to_vec();
        servers.truncate(resolver.config.servers);
        if let Some(place) = servers
            .iter()
            .position(|server| Some(*server) == resolver.preferred)
        {
            servers[..=place].rotate_right(1);
        }
        let mut lookup = Lookup {
            family,
            network: resolver.network,
            servers,
            candidates: Vec::new(),
            candidate: Name::root(),
            target: Name::root(),
            aliases: 0,
            life: u32::MAX,
            attempt: Attempt::FIRST,
            questions: 0,
            asked: None,
            exists: false,
            result: known(text, family),
        };
        if lookup.result.is_none() {
            match candidates(text, domain) {
                Ok(candidates) => lookup.candidates = candidates,
                Err(error) => lookup.result = Some(Err(error)),
            }
            lookup.try_next_candidate();
        }
        lookup
    }

    /// What to do next. After [`Step::Done`] it says the same again.
    pub fn next(&mut self, resolver: &mut Resolver, now: Instant) -> Step {
        while self.result.is_none() && self.asked.is_none() {
            let Some(finding) = resolver.cache.find(&self.target, self.family, now) else {
                break;
            };
            self.conclude(finding.clone());
        }
        if let Some(result) = &self.result {
            return Step::Done(result.clone());
        }
        let Some(&server) = self.servers.get(self.attempt.server) else {
            self.result = Some(Err(ResolveError::NoServers));
            return Step::Done(Err(ResolveError::NoServers));
        };
        if self.questions >= QUESTIONS {
            self.result = Some(Err(ResolveError::ServerFailure));
            return Step::Done(Err(ResolveError::ServerFailure));
        }
        self.questions += 1;
        Step::Ask(self.ask(server, resolver))
    }

    /// Takes what came back. True: it was what we waited for, so call [`next`](Self::next); false: keep waiting.
    pub fn receive(
        &mut self,
        resolver: &mut Resolver,
        source: SocketAddr,
        message: &[u8],
        now: Instant,
    ) -> bool {
        let Some(asked) = &self.asked else {
            return true;
        };
        let server = asked.server.ip();
        let verdict = judge(asked, source, message, &resolver.config);
        if verdict == Verdict::Ignore {
            return false;
        }
        self.asked = None;
        self.attempt.spoke = true;
        match verdict {
            Verdict::Ignore => {}
            // Not forged, perhaps, but only a connection can tell (RFC 5452 §9.2 leaves the choice).
            Verdict::Truncated | Verdict::OtherCase
                if self.attempt.carrier == Carrier::Datagram =>
            {
                self.attempt.carrier = Carrier::Stream;
            }
            Verdict::FormatError if self.attempt.larger => self.attempt.larger = false,
            Verdict::Truncated
            | Verdict::OtherCase
            | Verdict::FormatError
            | Verdict::ServerFailure => {
                self.attempt.failure = true;
                self.try_next_server(&resolver.config);
            }
            Verdict::Alias(name, steps, life) => {
                self.aliases += steps;
                self.life = self.life.min(life);
                self.target = name;
                self.attempt = Attempt {
                    server: self.attempt.server,
                    ..Attempt::FIRST
                };
                if self.aliases > resolver.config.aliases {
                    self.result = Some(Err(ResolveError::ServerFailure));
                }
            }
            Verdict::Addresses(addresses, life) => {
                self.learn(resolver, server, Finding::Addresses(addresses), life, now);
            }
            Verdict::NoSuchName(life) => {
                self.learn(resolver, server, Finding::NoSuchName, life, now);
            }
            Verdict::NoData(life) => self.learn(resolver, server, Finding::NoData, life, now),
        }
        true
    }

    /// Nothing came back. Call [`next`](Self::next).
    pub fn failed(&mut self, resolver: &Resolver, failure: Failure) {
        if self.asked.take().is_none() {
            return;
        }
        match (failure, self.attempt.carrier) {
            (Failure::TimedOut, Carrier::Datagram) => self.attempt.silence = true,
            // A server that is asked by TCP has said so by UDP.
            (Failure::TimedOut, Carrier::Stream) | (Failure::Unreachable, _) => {
                self.attempt.failure = true;
            }
        }
        self.try_next_server(&resolver.config);
    }

    fn ask(&mut self, server: IpAddr, resolver: &mut Resolver) -> Ask {
        let config = resolver.config;
        let random = &mut resolver.random;
        let server = SocketAddr::new(server, dns::PORT);
        let carrier = self.attempt.carrier;
        let plain = carrier == Carrier::Stream || self.attempt.round >= plain_round(&config);
        let name = if plain {
            self.target.clone()
        } else {
            self.target.respelled(|| random.next_u32() & 1 == 0)
        };
        let question = Question {
            name,
            record_type: self.family.record_type(),
            class: CLASS_INTERNET,
        };
        let id = random.next_u16();
        let mut message = dns::query(id, &question, self.attempt.larger);
        if carrier == Carrier::Stream {
            // A query is a few hundred bytes at most.
            let length = (message.len() as u16).to_be_bytes();
            message.splice(0..0, length);
        }
        self.asked = Some(Asked {
            id,
            question,
            family: self.family,
            server,
            carrier,
        });
        Ask {
            server,
            carrier,
            message,
            timeout: self.timeout(&config),
        }
    }

    fn timeout(&self, config: &ResolverConfig) -> Duration {
        let round = u32::from(self.attempt.round.min(8));
        let shared = config.timeout.saturating_mul(1 << round) / self.servers.len().max(1) as u32;
        match self.attempt.carrier {
            Carrier::Datagram => shared.max(config.timeout),
            // A connection has to be opened first.
            Carrier::Stream => shared.max(config.timeout).saturating_mul(2),
        }
    }

    fn try_next_server(&mut self, config: &ResolverConfig) {
        let Attempt {
            mut round,
            mut server,
            mut silence,
            failure,
            mut spoke,
            ..
        } = self.attempt;
        let plain_round = plain_round(config);
        server += 1;
        if server >= self.servers.len() {
            let is_last = round + 1 >= config.rounds;
            if silence && !is_last {
                round += 1;
            } else if spoke && round < plain_round {
                round = plain_round;
            } else {
                self.result = Some(Err(if failure {
                    ResolveError::ServerFailure
                } else {
                    ResolveError::TimedOut
                }));
                return;
            }
            (server, silence, spoke) = (0, false, false);
        }
        self.attempt = Attempt {
            round,
            server,
            silence,
            failure,
            spoke,
            larger: round < plain_round,
            ..Attempt::FIRST
        };
    }

    fn learn(
        &mut self,
        resolver: &mut Resolver,
        server: IpAddr,
        finding: Finding,
        life: u32,
        now: Instant,
    ) {
        if self.network == resolver.network {
            resolver.preferred = Some(server);
            let name = self.candidate.clone();
            let life = self.life.min(life);
            let cache = &mut resolver.cache;
            cache.remember(name, self.family, finding.clone(), life, now);
        }
        self.conclude(finding);
    }

    /// What is known about the candidate ends the lookup, or sends us to the next candidate.
    fn conclude(&mut self, finding: Finding) {
        match finding {
            Finding::Addresses(addresses) => self.result = Some(Ok(addresses)),
            Finding::NoData => {
                self.exists = true;
                self.try_next_candidate();
            }
            Finding::NoSuchName => self.try_next_candidate(),
        }
    }

    fn try_next_candidate(&mut self) {
        if self.result.is_some() {
            return;
        }
        match self.candidates.pop() {
            Some(name) => {
                self.target = name.clone();
                self.candidate = name;
                self.aliases = 0;
                self.life = u32::MAX;
                self.attempt = Attempt::FIRST;
            }
            None if self.exists => self.result = Some(Err(ResolveError::NoAddress)),
            None => self.result = Some(Err(ResolveError::NoSuchName)),
        }
    }
}

/// What needs no server: literal addresses, and the names that RFC 6761 and RFC 7686 reserve.
fn known(text: &str, family: Family) -> Option<Result<Vec<IpAddr>, ResolveError>> {
    let literal = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(address) = literal.parse::<IpAddr>() {
        return Some(if family.holds(address) {
            Ok(alloc::vec![address])
        } else {
            Err(ResolveError::NoAddress)
        });
    }
    let name = Name::from_text(text).ok()?;
    if name.is_under("localhost") {
        // RFC 6761 §6.3: never ask a server.
        return Some(Ok(alloc::vec![match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Family::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        }]));
    }
    // RFC 6761 §6.4, RFC 7686 §2: they do not exist, and asking would tell on the user.
    (name.is_under("invalid") || name.is_under("onion")).then_some(Err(ResolveError::NoSuchName))
}

/// The names to try, the first at the end. Deviation from RFC 1535 §6: a name with a dot in it is never looked for
/// in the search domain; what a page asks for should not depend on the network that it is on.
fn candidates(text: &str, domain: Option<&str>) -> Result<Vec<Name>, ResolveError> {
    let name = Name::from_text(text).map_err(|_| ResolveError::InvalidName)?;
    let inside = domain
        .filter(|_| !text.contains('.'))
        .and_then(|domain| Name::from_text(domain).ok())
        .and_then(|domain| name.within(&domain));
    let mut candidates = alloc::vec![name];
    candidates.extend(inside);
    Ok(candidates)
}
