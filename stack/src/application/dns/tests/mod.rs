//! Lookups, answered message by message.

mod answers;
mod cache;
mod servers;

use super::*;
use crate::time::Duration;
use crate::wire::dns::{
    Authority, Data, Emitter, Flags, Message, Name, Query, Question, ResponseCode,
};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};
use proptest::prelude::*;

const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 53));

const TWO: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 53));

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 80));

fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

fn seconds(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn resolver() -> Resolver {
    Resolver::new(ResolverConfig::default(), Random::new([7; 32]))
}

/// A resolver with one lookup under way.
struct Run {
    resolver: Resolver,
    lookup: Lookup,
    now: Instant,
}

impl Run {
    fn new(text: &str, servers: &[IpAddr]) -> Run {
        Run::with(resolver(), text, servers, Instant::ZERO)
    }

    fn with(resolver: Resolver, text: &str, servers: &[IpAddr], now: Instant) -> Run {
        let lookup = resolver.lookup(text, Family::V4, servers, Some("home.example"));
        Run {
            resolver,
            lookup,
            now,
        }
    }

    fn step(&mut self) -> Step {
        self.lookup.next(&mut self.resolver, self.now)
    }

    fn ask(&mut self) -> Ask {
        match self.step() {
            Step::Ask(ask) => ask,
            Step::Done(result) => panic!("already done: {result:?}"),
        }
    }

    fn done(&mut self) -> Result<Vec<IpAddr>, ResolveError> {
        match self.step() {
            Step::Done(result) => result,
            Step::Ask(ask) => panic!("still asks {:?}", question(&ask).name),
        }
    }

    fn reply(&mut self, ask: &Ask, message: &[u8]) -> bool {
        self.lookup
            .receive(&mut self.resolver, ask.server, message, self.now)
    }

    fn fail(&mut self, failure: Failure) {
        self.lookup.failed(&self.resolver, failure);
    }

    /// Asks, answers by `response`, and says whether that was taken for an answer.
    fn answer(&mut self, response: impl FnOnce(&Query) -> Vec<u8>) -> bool {
        let ask = self.ask();
        let message = response(&query(&ask));
        self.reply(&ask, &message)
    }
}

/// The query inside an ask, as a server would read it.
fn query(ask: &Ask) -> Query {
    let bytes = match ask.carrier {
        Carrier::Datagram => &ask.message[..],
        Carrier::Stream => {
            let (length, message) = ask.message.split_first_chunk().unwrap();
            assert_eq!(usize::from(u16::from_be_bytes(*length)), message.len());
            message
        }
    };
    Query::parse(bytes).unwrap()
}

fn question(ask: &Ask) -> Question {
    query(ask).question
}

fn address(query: &Query, life: u32) -> Vec<u8> {
    let mut response = query.respond(ResponseCode::NO_ERROR);
    response.answer(
        &query.question.name,
        life,
        &Data::A(Ipv4Addr::new(203, 0, 113, 80)),
    );
    query.finish(response)
}

fn absent(query: &Query, code: ResponseCode, life: u32) -> Vec<u8> {
    let mut response = query.respond(code);
    let authority = Authority {
        primary: name("ns.example"),
        mailbox: name("root.example"),
        numbers: [1, 2, 3, 4, life],
    };
    response.authority(&name("example"), 9_999, &Data::Soa(authority));
    query.finish(response)
}

fn aliases(query: &Query, chain: &[(&str, &str)], last: Option<&str>) -> Vec<u8> {
    let mut response = query.respond(ResponseCode::NO_ERROR);
    for (owner, target) in chain {
        response.answer(&name(owner), 60, &Data::Cname(name(target)));
    }
    if let Some(last) = last {
        response.answer(&name(last), 60, &Data::A(Ipv4Addr::new(203, 0, 113, 80)));
    }
    query.finish(response)
}

proptest! {
    #[test]
    fn whatever_servers_say_a_lookup_ends(
        replies in prop::collection::vec(
            (0..9_u8, prop::collection::vec((0..120_usize, any::<u8>()), 0..4)),
            1..40,
        ),
    ) {
        let mut run = Run::new("host-0.example", &[ONE, TWO]);
        let mut replies = replies.into_iter().cycle();
        let mut steps = 0;
        while let Step::Ask(ask) = run.step() {
            steps += 1;
            prop_assert!(steps <= 64);
            let (kind, changes) = replies.next().unwrap();
            let query = query(&ask);
            let target = alloc::format!("host-{steps}.example");
            let mut message = match kind {
                0 => query.failure(ResponseCode::SERVER_FAILURE),
                1 => query.failure(ResponseCode::FORMAT_ERROR),
                2 => crate::wire::dns::truncated(&address(&query, 5)).unwrap(),
                3 | 4 => {
                    let mut response = query.respond(ResponseCode::NO_ERROR);
                    response.answer(&query.question.name, 60, &Data::Cname(name(&target)));
                    query.finish(response)
                }
                5 => address(&query, 60),
                _ => Vec::new(),
            };
            for (at, value) in changes {
                let length = message.len().max(1);
                if let Some(byte) = message.get_mut(at % length) {
                    *byte = value;
                }
            }
            if !run.reply(&ask, &message) {
                run.fail(if kind == 6 { Failure::Unreachable } else { Failure::TimedOut });
            }
        }
    }

    #[test]
    fn no_answer_makes_the_resolver_panic(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut run = Run::new("www.example.com", &[ONE]);
        let ask = run.ask();
        // The question right, the rest noise, so that the records are read.
        let mut message = query(&ask).failure(ResponseCode::NO_ERROR);
        message.truncate(message.len() - 11);
        message[7] = 4;
        message.extend_from_slice(&noise);
        run.reply(&ask, &message);
    }
}
