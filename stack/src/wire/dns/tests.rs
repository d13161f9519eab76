use super::*;
use alloc::string::ToString;
use core::net::IpAddr;
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

fn question(text: &str) -> Question {
    Question {
        name: name(text),
        record_type: RecordType::A,
        class: CLASS_INTERNET,
    }
}

/// A header with these counts, then `rest`.
fn message(counts: [u8; 4], rest: &[u8]) -> Vec<u8> {
    let mut bytes = alloc::vec![0, 7, 0x81, 0x80];
    for count in counts {
        bytes.extend_from_slice(&[0, count]);
    }
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn a_query_reads_back_as_it_was_written() {
    let bytes = query(0x1234, &question("www.Example.com"), true);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.id, 0x1234);
    assert!(message.flags.has(Flags::RECURSION_DESIRED));
    assert!(!message.flags.has(Flags::RESPONSE));
    assert!(
        message
            .question
            .as_ref()
            .unwrap()
            .name
            .is_spelled_like(&name("www.Example.com"))
    );
    let records: Vec<_> = message.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].record_type, RecordType::OPT);
    assert_eq!(records[0].class, UDP_SIZE);
}

#[test]
fn a_query_looks_as_rfc_1035_draws_it() {
    let bytes = query(1, &question("a.bc"), false);
    assert_eq!(
        bytes,
        [
            0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1
        ]
    );
}

#[test]
fn every_kind_of_record_reads_back_as_it_was_written() {
    let text: &[u8] = b"\x05hello";
    let soa = Authority {
        primary: name("ns.example.com"),
        mailbox: name("root.example.com"),
        numbers: [1, 2, 3, 4, 5],
    };
    let data = [
        Data::A(Ipv4Addr::new(192, 0, 2, 1)),
        Data::Aaaa("2001:db8::1".parse().unwrap()),
        Data::Cname(name("other.example.com")),
        Data::Ns(name("ns.example.com")),
        Data::Ptr(name("www.example.com")),
        Data::Soa(soa),
        Data::Other(RecordType::TXT, text),
    ];
    let mut emitter = Emitter::new(9, Flags::RESPONSE);
    emitter.question(&question("www.example.com"));
    for one in &data {
        emitter.answer(&name("www.example.com"), 60, one);
    }
    let bytes = emitter.finish();
    let parsed = Message::parse(&bytes).unwrap();
    let records: Vec<_> = parsed.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), data.len());
    for (record, data) in records.iter().zip(&data) {
        assert_eq!(record.name, name("www.example.com"));
        assert_eq!(record.section, Section::Answer);
        assert_eq!(record.time_to_live, 60);
        assert_eq!(&record.data, data);
    }
}

#[test]
fn repeated_names_are_written_as_pointers() {
    let mut emitter = Emitter::new(9, Flags::RESPONSE);
    emitter.question(&question("www.example.com"));
    let before = emitter.clone().finish().len();
    emitter.answer(
        &name("www.example.com"),
        60,
        &Data::Cname(name("ftp.example.com")),
    );
    // Pointer, ten bytes of record header, "ftp" and a pointer.
    assert_eq!(emitter.finish().len(), before + 2 + 10 + 4 + 2);
}

#[test]
fn a_pointer_to_itself_forward_or_in_a_circle_is_malformed() {
    let at_itself = message([1, 0, 0, 0], &[0xc0, 12, 0, 1, 0, 1]);
    let forward = message([1, 0, 0, 0], &[0xc0, 18, 0, 1, 0, 1, 1, b'a', 0]);
    // The answer's name: label "a", then a pointer to that label.
    let mut circle = message([1, 1, 0, 0], &[0, 0, 1, 0, 1]);
    circle.extend_from_slice(&[1, b'a', 0xc0, 17, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert!(Message::parse(&at_itself).is_err());
    assert!(Message::parse(&forward).is_err());
    let parsed = Message::parse(&circle).unwrap();
    assert_eq!(parsed.records().next(), Some(Err(Malformed)));
    assert_eq!(parsed.records().count(), 1);
}

#[test]
fn names_that_pointers_make_longer_than_255_bytes_are_malformed() {
    let mut rest = Vec::new();
    for _ in 0..4 {
        rest.push(63);
        rest.extend_from_slice(&[b'x'; 63]);
    }
    rest.push(0);
    rest.extend_from_slice(&[0, 1, 0, 1]);
    assert!(Message::parse(&message([1, 0, 0, 0], &rest)).is_err());
}

#[test]
fn texts_that_are_no_names_are_refused() {
    let long_label = "x".repeat(64);
    let long_name = ["x".repeat(63).as_str(); 4].join(".");
    let bad = [
        "",
        ".",
        "a..b",
        ".a",
        "a b",
        "bücher.example",
        "a\\b",
        &long_label,
        &long_name,
    ];
    for text in bad {
        assert!(Name::from_text(text).is_err(), "{text}");
    }
    let longest = alloc::format!(
        "{}.{}",
        ["x".repeat(63).as_str(); 3].join("."),
        "x".repeat(61)
    );
    assert_eq!(longest.len(), 253);
    for text in ["a", "a.", "_tcp.example", "xn--bcher-kva.example", &longest] {
        assert!(Name::from_text(text).is_ok(), "{text}");
    }
}

#[test]
fn names_are_equal_whatever_their_case_but_the_spelling_is_kept() {
    let (one, other) = (name("WWW.example.COM"), name("www.Example.com"));
    assert_eq!(one, other);
    assert!(!one.is_spelled_like(&other));
    assert_eq!(one.to_string(), "WWW.example.COM");
    assert!(
        one.respelled(|| false)
            .is_spelled_like(&name("www.example.com"))
    );
}

#[test]
fn backward_names_lead_to_their_address_and_back() {
    let four: IpAddr = "192.0.2.17".parse().unwrap();
    assert_eq!(
        Name::of_address(four).to_string(),
        "17.2.0.192.in-addr.arpa"
    );
    let six: IpAddr = "2001:db8::567:89ab".parse().unwrap();
    for address in [four, six] {
        assert_eq!(Name::of_address(address).address(), Some(address));
    }
    assert_eq!(name("in-addr.arpa").address(), None);
    assert_eq!(name("300.2.0.192.in-addr.arpa").address(), None);
}

#[test]
fn unprintable_bytes_in_names_are_shown_as_numbers() {
    let bytes = message([1, 0, 0, 0], &[3, 0, b'.', 0xff, 0, 0, 1, 0, 1]);
    let parsed = Message::parse(&bytes).unwrap();
    assert_eq!(parsed.question.unwrap().name.to_string(), "\\000\\.\\255");
}

#[test]
fn a_server_answers_a_query_with_its_id_question_and_options() {
    let query = Query::parse(&query(5, &question("Host.Example"), true)).unwrap();
    assert_eq!(query.udp_size, usize::from(UDP_SIZE));
    let mut response = query.respond(ResponseCode::NO_ERROR);
    response.answer(
        &query.question.name,
        60,
        &Data::A(Ipv4Addr::new(192, 0, 2, 1)),
    );
    let bytes = query.finish(response);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.id, 5);
    assert!(message.flags.has(Flags::RESPONSE));
    assert!(message.flags.has(Flags::RECURSION_DESIRED));
    assert!(message.flags.has(Flags::RECURSION_AVAILABLE));
    let asked = &message.question.as_ref().unwrap().name;
    assert!(asked.is_spelled_like(&name("Host.Example")));
    assert_eq!(message.records().count(), 2);
}

#[test]
fn a_server_is_silent_to_responses_and_explains_itself_to_odd_queries() {
    let mut response = query(5, &question("a"), false);
    response[2] |= 0x80;
    assert_eq!(Query::parse(&response).unwrap_err(), QueryError::Drop);
    assert_eq!(Query::parse(&response[..11]).unwrap_err(), QueryError::Drop);

    let code = |bytes: &[u8]| match Query::parse(bytes) {
        Err(QueryError::Reply(reply)) => {
            assert_eq!(reply[..2], bytes[..2]);
            Message::parse(&reply).unwrap().flags.code()
        }
        other => panic!("{other:?}"),
    };
    let mut update = query(5, &question("a"), false);
    update[2] = 5 << 3;
    assert_eq!(code(&update), ResponseCode::NOT_IMPLEMENTED);
    let cut = &query(5, &question("a"), false)[..14];
    assert_eq!(code(cut), ResponseCode::FORMAT_ERROR);
}

#[test]
fn what_a_client_cannot_take_by_udp_is_cut_to_the_question() {
    let query = Query::parse(&query(5, &question("big.example"), false)).unwrap();
    let mut response = query.respond(ResponseCode::NO_ERROR);
    for last in 0..60 {
        let address = Data::A(Ipv4Addr::new(192, 0, 2, last));
        response.answer(&query.question.name, 60, &address);
    }
    let bytes = query.finish(response.clone());
    assert!(bytes.len() <= MINIMUM_UDP_SIZE);
    let message = Message::parse(&bytes).unwrap();
    assert!(message.flags.has(Flags::TRUNCATED));
    assert_eq!(message.question, Some(question("big.example")));
    assert_eq!(message.records().count(), 0);
    let mut by_tcp = query;
    by_tcp.udp_size = usize::MAX;
    assert_eq!(
        Message::parse(&by_tcp.finish(response))
            .unwrap()
            .records()
            .count(),
        60
    );
}

#[test]
fn an_upstream_response_is_relayed_with_the_clients_id_and_only_to_its_question() {
    let asked = Query::parse(&query(5, &question("a.example"), false)).unwrap();
    let upstream = Query::parse(&query(77, &question("a.example"), false)).unwrap();
    let response = upstream.failure(ResponseCode::NAME_ERROR);
    let relayed = asked.relay(response).unwrap();
    assert_eq!(Message::parse(&relayed).unwrap().id, 5);
    let other = Query::parse(&query(77, &question("b.example"), false)).unwrap();
    assert_eq!(asked.relay(other.failure(ResponseCode::NO_ERROR)), None);
    assert_eq!(asked.relay(query(77, &question("a.example"), false)), None);
    // A header alone: a response that repeats no question.
    let mut header = upstream.failure(ResponseCode::NAME_ERROR)[..12].to_vec();
    header[4..12].fill(0);
    assert_eq!(asked.relay(header), None);
}

/// Reads all that can be read.
fn exhaust(bytes: &[u8]) {
    if let Ok(message) = Message::parse(bytes) {
        for record in message.records() {
            let _ = record.map(|record| alloc::format!("{record:?} {}", record.name));
        }
    }
    let _ = truncated(bytes);
    if let Ok(query) = Query::parse(bytes) {
        let _ = query.failure(ResponseCode::SERVER_FAILURE);
        let _ = query.relay(bytes.to_vec());
    }
}

fn sample() -> Vec<u8> {
    let mut emitter = Emitter::new(9, Flags::RESPONSE);
    emitter.question(&question("www.example.com"));
    emitter.answer(
        &name("www.example.com"),
        60,
        &Data::Cname(name("ftp.example.com")),
    );
    emitter.answer(
        &name("ftp.example.com"),
        60,
        &Data::A(Ipv4Addr::new(192, 0, 2, 1)),
    );
    emitter.authority(
        &name("example.com"),
        60,
        &Data::Soa(Authority {
            primary: name("ns.example.com"),
            mailbox: name("root.example.com"),
            numbers: [1, 2, 3, 4, 5],
        }),
    );
    emitter.options(1232);
    emitter.finish()
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        exhaust(&bytes);
    }

    #[test]
    fn no_mutation_makes_the_parser_panic(
        changes in prop::collection::vec((0..200_usize, any::<u8>()), 1..8),
        length in 0..200_usize,
    ) {
        let mut bytes = sample();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(length);
        exhaust(&bytes);
    }

    #[test]
    fn every_name_reads_back_as_it_was_written(
        labels in prop::collection::vec("[a-zA-Z0-9_-]{1,63}", 1..4),
    ) {
        let text = labels.join(".");
        let bytes = query(1, &question(&text), false);
        let parsed = Message::parse(&bytes).unwrap().question.unwrap().name;
        prop_assert_eq!(parsed.to_string(), text);
    }
}
