//! Whom a lookup asks, how, and how often.

use super::*;

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
fn when_every_server_failed_the_plainest_question_is_left_and_then_the_lookup_ends() {
    let mut run = Run::new("www.example.com", &[ONE, TWO]);
    for plain in [false, true] {
        let ask = run.ask();
        let spelled = query(&ask)
            .question
            .name
            .is_spelled_like(&name("www.example.com"));
        assert_eq!((spelled, query(&ask).larger), (plain, !plain));
        run.reply(&ask, &query(&ask).failure(ResponseCode::SERVER_FAILURE));
        assert_eq!(run.ask().server.ip(), TWO);
        run.fail(Failure::Unreachable);
    }
    assert_eq!(run.done(), Err(ResolveError::ServerFailure));
}

#[test]
fn when_no_server_can_be_reached_the_lookup_ends_without_waiting() {
    let mut run = Run::new("www.example.com", &[ONE, TWO]);
    for _server in 0..2 {
        run.ask();
        run.fail(Failure::Unreachable);
    }
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
fn the_message_of_a_stream_is_a_query() {
    let mut run = Run::new("www.example.com", &[ONE]);
    assert!(run.answer(|query| crate::wire::dns::truncated(&address(query, 60)).unwrap()));
    let ask = run.ask();
    assert!(Message::parse(&ask.message[2..]).is_ok());
    assert!(ask.timeout > Duration::from_millis(1_500));
}

/// Looks a name up at a server that is asked plainly in the end.
fn found_by_plain_question(respond: fn(&mut Run, &Ask)) -> Vec<(Carrier, bool)> {
    let mut run = Run::new("www.example.com", &[ONE]);
    let mut asked = Vec::new();
    let result = loop {
        let ask = match run.step() {
            Step::Ask(ask) => ask,
            Step::Done(result) => break result,
        };
        asked.push((ask.carrier, query(&ask).larger));
        respond(&mut run, &ask);
    };
    assert_eq!(result, Ok(alloc::vec![HOST]), "{asked:?}");
    asked
}

#[test]
fn a_server_that_spells_names_its_own_way_and_knows_no_tcp_is_asked_plainly() {
    for failure in [Failure::Unreachable, Failure::TimedOut] {
        let asked = found_by_plain_question(match failure {
            Failure::Unreachable => |run, ask| respell_or(run, ask, Failure::Unreachable),
            Failure::TimedOut => |run, ask| respell_or(run, ask, Failure::TimedOut),
        });
        assert_eq!(asked.len(), 3);
    }

    fn respell_or(run: &mut Run, ask: &Ask, failure: Failure) {
        let mut query = query(ask);
        query.question.name = query.question.name.respelled(|| false);
        match ask.carrier {
            Carrier::Stream => run.fail(failure),
            Carrier::Datagram => assert!(run.reply(ask, &address(&query, 60))),
        }
    }
}

#[test]
fn a_server_that_fails_on_mixed_case_is_asked_plainly() {
    let asked = found_by_plain_question(|run, ask| {
        let query = query(ask);
        let plain = query
            .question
            .name
            .is_spelled_like(&name("www.example.com"));
        let message = match plain {
            true => address(&query, 60),
            false => query.failure(ResponseCode::REFUSED),
        };
        run.reply(ask, &message);
    });
    assert_eq!(asked.len(), 2);
}

#[test]
fn a_path_that_loses_queries_with_options_is_asked_without_them() {
    let asked = found_by_plain_question(|run, ask| match query(ask).larger {
        true => run.fail(Failure::TimedOut),
        false => assert!(run.reply(ask, &address(&query(ask), 60))),
    });
    assert_eq!(asked.len(), 3);
}
