//! What is remembered, and for how long.

use super::*;

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
fn what_a_server_of_the_network_before_says_is_not_remembered() {
    let mut run = Run::new("www.example.com", &[ONE, TWO]);
    run.ask();
    run.fail(Failure::TimedOut);
    let ask = run.ask();
    run.resolver.forget();
    run.reply(&ask, &address(&query(&ask), 3_600));
    assert_eq!(
        run.done(),
        Ok(alloc::vec![HOST]),
        "who had asked is answered"
    );
    assert_eq!(run.resolver.cached(run.now).count(), 0);
    let mut next = Run::with(run.resolver, "www.example.com", &[ONE, TWO], run.now);
    assert_eq!(next.ask().server.ip(), ONE);
}
