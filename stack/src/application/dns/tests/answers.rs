//! What is asked, and what is taken for an answer.

use super::*;

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
    for _plainly in [false, true] {
        assert!(run.answer(|query| aliases(query, &circle, None)));
    }
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
