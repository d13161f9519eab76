use super::*;
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

#[test]
fn an_answer_gives_the_addresses() {
    let mut run = Run::new("www.example.com", &[ONE]);
    let ask = run.ask();
    assert_eq!(ask.server, SocketAddr::new(ONE, 53));
    assert_eq!(question(&ask).name, name("www.example.com"));
    assert!(run.reply(&ask, &address(&query(&ask), 60)));
    assert_eq!(run.done(), Ok(alloc::vec![HOST]));
}

#[test]
fn an_answer_is_remembered_as_long_as_it_lives_and_no_longer() {
    let mut run = Run::new("www.example.com", &[ONE]);
    assert!(run.answer(|query| address(query, 60)));
    let mut again = Run::with(run.resolver, "WWW.example.COM", &[ONE], seconds(59));
    assert_eq!(again.done(), Ok(alloc::vec![HOST]));
    let mut late = Run::with(again.resolver, "www.example.com", &[ONE], seconds(60));
    late.ask();
}

#[test]
fn an_answer_that_lives_zero_seconds_is_not_remembered() {
    let mut run = Run::new("www.example.com", &[ONE]);
    assert!(run.answer(|query| address(query, 0)));
    assert!(run.done().is_ok());
    // RFC 2181 §8: neither is one with the top bit set.
    let mut again = Run::with(run.resolver, "www.example.com", &[ONE], seconds(0));
    assert!(again.answer(|query| address(query, 0x8000_0001)));
    Run::with(again.resolver, "www.example.com", &[ONE], seconds(0)).ask();
}

#[test]
fn an_absence_is_remembered_as_long_as_the_zone_says() {
    let mut run = Run::new("no.example", &[ONE]);
    assert!(run.answer(|query| absent(query, ResponseCode::NAME_ERROR, 30)));
    assert_eq!(run.done(), Err(ResolveError::NoSuchName));
    let mut again = Run::with(run.resolver, "no.example", &[ONE], seconds(29));
    assert_eq!(again.done(), Err(ResolveError::NoSuchName));
    let mut late = Run::with(again.resolver, "no.example", &[ONE], seconds(30));
    assert!(late.answer(|query| absent(query, ResponseCode::NO_ERROR, 30)));
    assert_eq!(late.done(), Err(ResolveError::NoAddress));
}

#[test]
fn an_absence_without_a_zone_is_not_remembered() {
    let mut run = Run::new("no.example", &[ONE]);
    assert!(run.answer(|query| query.failure(ResponseCode::NAME_ERROR)));
    assert_eq!(run.done(), Err(ResolveError::NoSuchName));
    Run::with(run.resolver, "no.example", &[ONE], seconds(0)).ask();
}

#[test]
fn the_cache_stays_within_its_bound_and_keeps_what_lives_longest() {
    let config = ResolverConfig {
        cache_entries: 4,
        ..ResolverConfig::default()
    };
    let mut resolver = Resolver::new(config, Random::new([1; 32]));
    for number in 0..20 {
        let text = alloc::format!("host-{number}.example");
        let mut run = Run::with(resolver, &text, &[ONE], seconds(0));
        assert!(run.answer(|query| address(query, 100 + number)));
        resolver = run.resolver;
    }
    assert_eq!(resolver.cached(seconds(0)).count(), 4);
    assert!(
        resolver
            .cached(seconds(0))
            .any(|cached| *cached.name == name("host-19.example"))
    );
    resolver.forget();
    assert_eq!(resolver.cached(seconds(0)).count(), 0);
}

#[test]
fn a_server_that_fails_sends_us_to_the_next_at_once() {
    for code in [ResponseCode::SERVER_FAILURE, ResponseCode::REFUSED] {
        let mut run = Run::new("www.example.com", &[ONE, TWO]);
        assert!(run.answer(|query| query.failure(code)));
        let ask = run.ask();
        assert_eq!(ask.server.ip(), TWO);
        assert!(run.reply(&ask, &address(&query(&ask), 60)));
        assert_eq!(run.done(), Ok(alloc::vec![HOST]));
        // From now on the server that answered is asked first.
        let mut next = Run::with(run.resolver, "other.example.com", &[ONE, TWO], seconds(0));
        assert_eq!(next.ask().server.ip(), TWO);
        next.fail(Failure::TimedOut);
        assert_eq!(next.ask().server.ip(), ONE);
    }
}

#[test]
fn when_every_server_failed_the_lookup_ends_without_waiting() {
    let mut run = Run::new("www.example.com", &[ONE, TWO]);
    assert!(run.answer(|query| query.failure(ResponseCode::SERVER_FAILURE)));
    run.ask();
    run.fail(Failure::Unreachable);
    assert_eq!(run.done(), Err(ResolveError::ServerFailure));
}

#[test]
fn silent_servers_are_asked_in_rounds_with_growing_patience() {
    let mut run = Run::new("www.example.com", &[ONE]);
    let mut waited = Vec::new();
    let result = loop {
        match run.step() {
            Step::Ask(ask) => waited.push(ask.timeout.as_millis()),
            Step::Done(result) => break result,
        }
        run.fail(Failure::TimedOut);
    };
    assert_eq!(waited, [1_500, 3_000, 6_000]);
    assert_eq!(result, Err(ResolveError::TimedOut));
}

#[test]
fn no_servers_is_an_error_of_its_own() {
    let mut run = Run::new("www.example.com", &[]);
    assert_eq!(run.done(), Err(ResolveError::NoServers));
}

#[test]
fn forgeries_are_ignored_and_the_wait_goes_on() {
    let mut run = Run::new("www.example.com", &[ONE]);
    let ask = run.ask();
    let honest = address(&query(&ask), 60);

    let mut other_id = honest.clone();
    other_id[1] ^= 1;
    assert!(!run.reply(&ask, &other_id));

    let other_question = {
        let mut query = query(&ask);
        query.question.name = name("www.example.org");
        address(&query, 60)
    };
    assert!(!run.reply(&ask, &other_question));

    let elsewhere = SocketAddr::new(TWO, 53);
    assert!(
        !run.lookup
            .receive(&mut run.resolver, elsewhere, &honest, run.now)
    );
    let other_port = SocketAddr::new(ONE, 5353);
    assert!(
        !run.lookup
            .receive(&mut run.resolver, other_port, &honest, run.now)
    );

    let the_query_itself = ask.message.clone();
    assert!(!run.reply(&ask, &the_query_itself));

    let mut bare = Emitter::new(query(&ask).id, Flags::RESPONSE);
    bare.answer(
        &name("www.example.com"),
        60,
        &Data::A(Ipv4Addr::new(1, 2, 3, 4)),
    );
    assert!(!run.reply(&ask, &bare.finish()));

    assert!(run.reply(&ask, &honest));
    assert_eq!(run.done(), Ok(alloc::vec![HOST]));
}

#[test]
fn ids_and_the_case_of_letters_are_random_by_question() {
    let mut ids = Vec::new();
    let mut spellings = Vec::new();
    let mut resolver = resolver();
    for _ in 0..16 {
        let mut run = Run::with(resolver, "www.example.com", &[ONE], seconds(0));
        let query = query(&run.ask());
        ids.push(query.id);
        spellings.push(alloc::format!("{}", query.question.name));
        resolver = run.resolver;
    }
    for list in [ids.len(), spellings.len()] {
        assert_eq!(list, 16);
    }
    ids.sort_unstable();
    ids.dedup();
    spellings.sort_unstable();
    spellings.dedup();
    assert!(ids.len() > 12 && spellings.len() > 12);
}

#[test]
fn an_answer_in_another_case_is_asked_again_by_tcp() {
    let mut run = Run::new("www.example.com", &[ONE]);
    let respell = |query: &Query| {
        let mut query = query.clone();
        query.question.name = query.question.name.respelled(|| false);
        address(&query, 60)
    };
    assert!(run.answer(respell));
    let ask = run.ask();
    assert_eq!((ask.carrier, ask.server.ip()), (Carrier::Stream, ONE));
    assert!(run.reply(&ask, &respell(&query(&ask))));
    assert_eq!(run.done(), Ok(alloc::vec![HOST]));
}

#[test]
fn a_truncated_answer_is_asked_again_by_tcp_at_the_same_server() {
    let mut run = Run::new("www.example.com", &[ONE, TWO]);
    let truncate = |query: &Query| crate::wire::dns::truncated(&address(query, 60)).unwrap();
    assert!(run.answer(truncate));
    let ask = run.ask();
    assert_eq!((ask.carrier, ask.server.ip()), (Carrier::Stream, ONE));
    // If that fails too, the next server is asked, by UDP again.
    run.fail(Failure::Unreachable);
    let ask = run.ask();
    assert_eq!((ask.carrier, ask.server.ip()), (Carrier::Datagram, TWO));
    assert!(run.reply(&ask, &address(&query(&ask), 60)));
    assert_eq!(run.done(), Ok(alloc::vec![HOST]));
}

#[test]
fn a_server_that_does_not_know_options_is_asked_without_them() {
    let mut run = Run::new("www.example.com", &[ONE]);
    let ask = run.ask();
    assert!(query(&ask).larger);
    let bare = Emitter::new(
        query(&ask).id,
        Flags::RESPONSE.with_code(ResponseCode::FORMAT_ERROR),
    );
    assert!(run.reply(&ask, &bare.finish()));
    let ask = run.ask();
    assert!(!query(&ask).larger);
    assert!(run.reply(&ask, &address(&query(&ask), 60)));
    assert_eq!(run.done(), Ok(alloc::vec![HOST]));
}

#[test]
fn aliases_inside_one_answer_are_followed_in_any_order() {
    let mut run = Run::new("a.example", &[ONE]);
    let chain = [("b.example", "c.example"), ("A.example", "b.example")];
    assert!(run.answer(|query| aliases(query, &chain, Some("c.example"))));
    assert_eq!(run.done(), Ok(alloc::vec![HOST]));
}

#[test]
fn an_alias_without_an_address_is_asked_about_and_the_whole_is_remembered() {
    let mut run = Run::new("a.example", &[ONE]);
    assert!(run.answer(|query| aliases(query, &[("a.example", "b.example")], None)));
    let ask = run.ask();
    assert_eq!(question(&ask).name, name("b.example"));
    assert!(run.reply(&ask, &address(&query(&ask), 600)));
    assert_eq!(run.done(), Ok(alloc::vec![HOST]));
    let mut again = Run::with(run.resolver, "a.example", &[ONE], seconds(59));
    assert_eq!(again.done(), Ok(alloc::vec![HOST]));
    // The alias lived sixty seconds, whatever its target does.
    Run::with(again.resolver, "a.example", &[ONE], seconds(60)).ask();
}

#[test]
fn aliases_in_a_circle_end() {
    let mut run = Run::new("a.example", &[ONE]);
    let circle = [("a.example", "b.example"), ("b.example", "a.example")];
    assert!(run.answer(|query| aliases(query, &circle, None)));
    assert_eq!(run.done(), Err(ResolveError::ServerFailure));
}

#[test]
fn a_chain_of_aliases_over_many_answers_ends() {
    let mut run = Run::new("host-0.example", &[ONE]);
    let mut questions = 0;
    let result = loop {
        let ask = match run.step() {
            Step::Ask(ask) => ask,
            Step::Done(result) => break result,
        };
        questions += 1;
        let owner = alloc::format!("host-{}.example", questions - 1);
        let target = alloc::format!("host-{questions}.example");
        let message = aliases(&query(&ask), &[(&owner, &target)], None);
        assert!(run.reply(&ask, &message));
    };
    assert_eq!(result, Err(ResolveError::ServerFailure));
    assert!(questions <= 17);
}

#[test]
fn addresses_of_names_that_nobody_asked_for_are_not_taken() {
    let mut run = Run::new("a.example", &[ONE]);
    assert!(run.answer(|query| aliases(query, &[], Some("evil.example"))));
    assert_eq!(run.done(), Err(ResolveError::NoAddress));
    assert_eq!(run.resolver.cached(seconds(0)).count(), 0);
}

#[test]
fn a_referral_is_no_answer() {
    let mut run = Run::new("a.example", &[ONE, TWO]);
    assert!(run.answer(|query| {
        let mut response = query.respond(ResponseCode::NO_ERROR);
        response.authority(&name("example"), 60, &Data::Ns(name("ns.example")));
        query.finish(response)
    }));
    assert_eq!(run.ask().server.ip(), TWO);
}

#[test]
fn a_name_without_a_dot_is_looked_for_in_the_search_domain_first() {
    let mut run = Run::new("printer", &[ONE]);
    let ask = run.ask();
    assert_eq!(question(&ask).name, name("printer.home.example"));
    assert!(run.reply(&ask, &absent(&query(&ask), ResponseCode::NAME_ERROR, 60)));
    let ask = run.ask();
    assert_eq!(question(&ask).name, name("printer"));
    assert!(run.reply(&ask, &absent(&query(&ask), ResponseCode::NAME_ERROR, 60)));
    assert_eq!(run.done(), Err(ResolveError::NoSuchName));
    let mut absolute = Run::new("printer.", &[ONE]);
    assert_eq!(question(&absolute.ask()).name, name("printer"));
    let mut dotted = Run::new("www.example", &[ONE]);
    assert_eq!(question(&dotted.ask()).name, name("www.example"));
}

#[test]
fn literals_and_reserved_names_are_answered_without_a_question() {
    let known = |text: &str| Run::new(text, &[]).done();
    assert_eq!(known("203.0.113.80"), Ok(alloc::vec![HOST]));
    assert_eq!(known("[2001:db8::1]"), Err(ResolveError::NoAddress));
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert_eq!(known("localhost"), Ok(alloc::vec![loopback]));
    assert_eq!(known("a.LocalHost."), Ok(alloc::vec![loopback]));
    assert_eq!(known("www.invalid"), Err(ResolveError::NoSuchName));
    assert_eq!(known("expyuzz.onion"), Err(ResolveError::NoSuchName));
    assert_eq!(known("no name"), Err(ResolveError::InvalidName));
    assert_eq!(known(""), Err(ResolveError::InvalidName));
}

#[test]
fn ipv6_addresses_are_asked_for_and_taken_as_such() {
    let resolver = resolver();
    let mut run = Run {
        lookup: resolver.lookup("www.example.com", Family::V6, &[ONE], None),
        resolver,
        now: Instant::ZERO,
    };
    let address = Ipv4Addr::new(1, 2, 3, 4);
    assert!(run.answer(|query| {
        assert_eq!(query.question.record_type, RecordType::AAAA);
        let mut response = query.respond(ResponseCode::NO_ERROR);
        response.answer(&query.question.name, 60, &Data::A(address));
        response.answer(
            &query.question.name,
            60,
            &Data::Aaaa("2001:db8::1".parse().unwrap()),
        );
        query.finish(response)
    }));
    assert_eq!(run.done(), Ok(alloc::vec!["2001:db8::1".parse().unwrap()]));
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

#[test]
fn the_message_of_a_stream_is_a_query() {
    let mut run = Run::new("www.example.com", &[ONE]);
    assert!(run.answer(|query| crate::wire::dns::truncated(&address(query, 60)).unwrap()));
    let ask = run.ask();
    assert!(Message::parse(&ask.message[2..]).is_ok());
    assert!(ask.timeout > Duration::from_millis(1_500));
}
