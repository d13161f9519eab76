//! Any bytes as a DNS message: read, answered as a forwarder would, and believed by a resolver.
#![no_main]

use ethertab_stack::Instant;
use ethertab_stack::application::dns::{Carrier, Failure, Family, Resolver, Step};
use ethertab_stack::config::ResolverConfig;
use ethertab_stack::random::Random;
use ethertab_stack::wire::dns::{Message, Query, ResponseCode, truncated};
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;

/// Questions that one name may cost.
const QUESTIONS: usize = 100;

fuzz_target!(|input: &[u8]| {
    if let Ok(message) = Message::parse(input) {
        for record in message.records() {
            let _ = format!("{record:?}");
        }
        let _ = truncated(input);
    }
    if let Ok(query) = Query::parse(input) {
        let _ = query.failure(ResponseCode::SERVER_FAILURE);
        let _ = query.relay(input.to_vec());
    }
    resolve(input);
});

/// Servers that answer the right question, with the input as the rest.
fn resolve(input: &[u8]) {
    let now = Instant::ZERO;
    let servers: [IpAddr; 2] = [[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
    let mut resolver = Resolver::new(ResolverConfig::default(), Random::new([7; 32]));
    let mut lookup = resolver.lookup("a", Family::V4, &servers, Some("example"));
    for _ in 0..QUESTIONS {
        let ask = match lookup.next(&mut resolver, now) {
            Step::Done(_) => return,
            Step::Ask(ask) => ask,
        };
        // A stream has the length in front.
        let start = if ask.carrier == Carrier::Stream { 2 } else { 0 };
        let Ok(query) = Query::parse(&ask.message[start..]) else {
            panic!("a query that no server could read");
        };
        let (code, records) = input.split_first().unwrap_or((&0, &[]));
        let mut answer = query.respond(ResponseCode(*code & 15)).finish();
        // Some of each section: what the bytes then are is up to them.
        answer[6..12].copy_from_slice(&[0, 3, 0, 2, 0, 1]);
        answer.extend_from_slice(records);
        if !lookup.receive(&mut resolver, ask.server, &answer, now) {
            lookup.failed(&resolver, Failure::TimedOut);
        }
    }
    panic!("a name that costs more than {QUESTIONS} questions");
}
