//! DNS with servers that run on a stack of ours.

use ethertab_stack::application::dns::ResolveError;
use ethertab_stack::config::{
    Addressing, ListenOptions, ResolverConfig, StaticAddress, TcpOptions,
};
use ethertab_stack::driver::Error;
use ethertab_stack::wire::dns::{Data, Name, Query, RecordType, ResponseCode, truncated};
use ethertab_stack::{Config, Duration};
use ethertab_tests::{Host, Impairments, Simulation, traffic};
use futures_util::future::join_all;
use futures_util::{AsyncReadExt, AsyncWriteExt, FutureExt, join};
use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

const FOUND: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);

/// How a server behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Answers every name with one address.
    Answers,
    /// Answers with an alias and the address behind it.
    Alias,
    /// SERVFAIL.
    Fails,
    /// Says nothing.
    Silent,
    /// Says that the name does not exist.
    Denies,
    /// By UDP everything is too long.
    Truncates,
    /// Answers with the wrong id first, then rightly.
    Forged,
}

fn cable() -> Impairments {
    Impairments {
        delay: Duration::from_millis(3),
        ..Impairments::default()
    }
}

fn answer(bytes: &[u8], manner: Manner, by_stream: bool) -> Option<Vec<u8>> {
    let mut query = Query::parse(bytes).ok()?;
    if by_stream {
        query.udp_size = usize::MAX;
    }
    assert_eq!(query.question.record_type, RecordType::A);
    match manner {
        Manner::Silent => return None,
        Manner::Fails => return Some(query.failure(ResponseCode::SERVER_FAILURE)),
        Manner::Denies => return Some(query.failure(ResponseCode::NAME_ERROR)),
        Manner::Answers | Manner::Alias | Manner::Truncates | Manner::Forged => {}
    }
    let mut response = query.respond(ResponseCode::NO_ERROR);
    let mut name = query.question.name.clone();
    if manner == Manner::Alias {
        let target = Name::from_text("true.example").expect("a name");
        response.answer(&name, 60, &Data::Cname(target.clone()));
        name = target;
    }
    response.answer(&name, 60, &Data::A(FOUND));
    let response = query.finish(response);
    if manner == Manner::Truncates && !by_stream {
        return truncated(&response);
    }
    Some(response)
}

/// Starts a server; returns how many questions it heard by UDP, and by TCP.
fn serve(simulation: &mut Simulation, host: &Host, manner: Manner) -> [Rc<Cell<u32>>; 2] {
    let counts: [Rc<Cell<u32>>; 2] = Default::default();
    let (by_datagram, by_stream) = (Rc::clone(&counts[0]), Rc::clone(&counts[1]));
    let network = host.network.clone();
    let at = host.at(53);
    simulation.spawn(async move {
        let socket = network.bind_udp(at).expect("binding");
        let mut buffer = [0; 1_500];
        while let Ok(datagram) = socket.receive(&mut buffer).await {
            by_datagram.set(by_datagram.get() + 1);
            let Some(mut response) = answer(&buffer[..datagram.length], manner, false) else {
                continue;
            };
            if manner == Manner::Forged {
                response[0] ^= 1;
                socket
                    .send_to(&response, datagram.source)
                    .await
                    .expect("sending");
                response[0] ^= 1;
            }
            socket
                .send_to(&response, datagram.source)
                .await
                .expect("sending");
        }
    });
    let network = host.network.clone();
    simulation.spawn(async move {
        let listener = network
            .listen(at, ListenOptions::default())
            .expect("listening");
        while let Ok(mut stream) = traffic::accept(&listener).await {
            by_stream.set(by_stream.get() + 1);
            let mut length = [0; 2];
            stream.read_exact(&mut length).await.expect("reading");
            let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut query).await.expect("reading");
            if let Some(response) = answer(&query, manner, true) {
                let length = (response.len() as u16).to_be_bytes();
                stream.write_all(&length).await.expect("writing");
                stream.write_all(&response).await.expect("writing");
            }
        }
    });
    counts
}

/// A client and servers at 10.0.0.1, 10.0.0.2, ….
fn network(name: &'static str, manners: &[Manner]) -> (Simulation, Host, Vec<[Rc<Cell<u32>>; 2]>) {
    network_with(name, manners, ResolverConfig::default())
}

fn network_with(
    name: &'static str,
    manners: &[Manner],
    resolver: ResolverConfig,
) -> (Simulation, Host, Vec<[Rc<Cell<u32>>; 2]>) {
    let mut simulation = Simulation::new(name, 1);
    let mut servers = Vec::new();
    let mut counts = Vec::new();
    for &manner in manners {
        let host = simulation.host(Config::default(), cable());
        counts.push(serve(&mut simulation, &host, manner));
        servers.push(host.address);
    }
    let addressing = Addressing::Static(StaticAddress {
        address: Ipv4Addr::new(10, 0, 0, 50),
        prefix_length: 24,
        gateway: None,
        name_servers: servers,
    });
    let client = simulation.host(
        Config {
            addressing,
            resolver,
            ..Config::default()
        },
        cable(),
    );
    (simulation, client, counts)
}

fn resolve(simulation: &mut Simulation, client: &Host, name: &str) -> Result<Vec<IpAddr>, Error> {
    simulation.run(Duration::from_secs(60), client.network.resolve(name))
}

#[test]
fn a_name_is_found_and_remembered() {
    let (mut simulation, client, counts) = network("dns", &[Manner::Answers]);
    for _ in 0..3 {
        assert_eq!(
            resolve(&mut simulation, &client, "www.example.com"),
            Ok(vec![FOUND.into()])
        );
    }
    assert_eq!(counts[0][0].get(), 1, "asked once");
    simulation.run_for(Duration::from_secs(61));
    assert_eq!(
        resolve(&mut simulation, &client, "www.example.com"),
        Ok(vec![FOUND.into()])
    );
    assert_eq!(
        counts[0][0].get(),
        2,
        "asked again when its time to live was over"
    );
}

#[test]
fn a_network_is_opened_with_what_its_resolver_may_remember() {
    let resolver = ResolverConfig {
        cache_entries: 0,
        ..ResolverConfig::default()
    };
    let (mut simulation, client, counts) =
        network_with("dns-forgetful", &[Manner::Answers], resolver);
    for _ in 0..3 {
        assert!(resolve(&mut simulation, &client, "www.example.com").is_ok());
    }
    assert_eq!(counts[0][0].get(), 3, "asked each time");
}

#[test]
fn one_lookup_too_many_fails_at_once_and_the_others_go_on() {
    let resolver = ResolverConfig {
        lookups: 2,
        ..ResolverConfig::default()
    };
    let (mut simulation, client, _) = network_with("dns-full", &[Manner::Answers], resolver);
    simulation.run(Duration::from_secs(10), async {
        let mut first = Box::pin(client.network.resolve("one.example.com"));
        let mut second = Box::pin(client.network.resolve("two.example.com"));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        let error = client.network.resolve("three.example.com").now_or_never();
        let full = Error::Resolve(ResolveError::TooMany);
        assert_eq!(full.code(), "EMFILE");
        assert_eq!(error, Some(Err(full)));
        // Who asks for the same name asks nothing more, and an address is no name.
        let mut shared = Box::pin(client.network.resolve("two.example.com"));
        assert!(futures_util::poll!(&mut shared).is_pending());
        let address = client.network.resolve("10.0.0.7").await;
        assert_eq!(address, Ok(vec![IpAddr::from([10, 0, 0, 7])]));
        // One that is dropped makes room.
        drop(first);
        let third = client.network.resolve("three.example.com");
        let (second, shared, third) = join!(second, shared, third);
        for outcome in [second, shared, third] {
            assert_eq!(outcome, Ok(vec![FOUND.into()]));
        }
    });
}

#[test]
fn literal_addresses_and_localhost_need_no_server() {
    let (mut simulation, client, _) = network("dns-literal", &[]);
    for (name, address) in [
        ("10.9.8.7", "10.9.8.7"),
        ("::1", "::1"),
        ("localhost", "127.0.0.1"),
        ("a.localhost", "127.0.0.1"),
    ] {
        let address: IpAddr = address.parse().expect("an address");
        assert_eq!(resolve(&mut simulation, &client, name), Ok(vec![address]));
    }
}

#[test]
fn without_servers_it_says_so() {
    let (mut simulation, client, _) = network("dns-none", &[]);
    let outcome = resolve(&mut simulation, &client, "www.example.com");
    assert_eq!(outcome.map_err(|error| error.code()), Err("EAI_AGAIN"));
}

#[test]
fn an_alias_is_followed() {
    let (mut simulation, client, _) = network("dns-alias", &[Manner::Alias]);
    assert_eq!(
        resolve(&mut simulation, &client, "www.example.com"),
        Ok(vec![FOUND.into()])
    );
}

#[test]
fn a_server_that_fails_is_followed_by_the_next_at_once() {
    let (mut simulation, client, _) = network("dns-servfail", &[Manner::Fails, Manner::Answers]);
    assert_eq!(
        resolve(&mut simulation, &client, "www.example.com"),
        Ok(vec![FOUND.into()])
    );
    assert!(
        simulation.now().micros() < 100_000,
        "it did not wait: {:?}",
        simulation.now()
    );
}

#[test]
fn a_silent_server_is_followed_by_the_next_and_then_asked_last() {
    let (mut simulation, client, counts) =
        network("dns-silent", &[Manner::Silent, Manner::Answers]);
    assert_eq!(
        resolve(&mut simulation, &client, "one.example.com"),
        Ok(vec![FOUND.into()])
    );
    assert_eq!(
        resolve(&mut simulation, &client, "two.example.com"),
        Ok(vec![FOUND.into()])
    );
    assert_eq!(
        counts[0][0].get(),
        1,
        "the silent one is not asked first again"
    );
}

#[test]
fn a_name_that_does_not_exist_is_not_found_and_that_is_remembered() {
    let (mut simulation, client, _) = network("dns-nxdomain", &[Manner::Denies]);
    let outcome = resolve(&mut simulation, &client, "no.example.com");
    assert_eq!(outcome.map_err(|error| error.code()), Err("ENOTFOUND"));
}

#[test]
fn nobody_answering_is_no_proof_that_the_name_does_not_exist() {
    let (mut simulation, client, counts) = network("dns-dead", &[Manner::Silent, Manner::Silent]);
    let outcome = resolve(&mut simulation, &client, "www.example.com");
    assert_eq!(outcome.map_err(|error| error.code()), Err("EAI_AGAIN"));
    assert!(
        counts.iter().all(|count| count[0].get() >= 2),
        "each is asked again"
    );
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_by_tcp() {
    let (mut simulation, client, counts) = network("dns-tcp", &[Manner::Truncates]);
    assert_eq!(
        resolve(&mut simulation, &client, "www.example.com"),
        Ok(vec![FOUND.into()])
    );
    assert_eq!((counts[0][0].get(), counts[0][1].get()), (1, 1));
}

#[test]
fn a_forged_answer_is_not_believed() {
    let (mut simulation, client, counts) = network("dns-forged", &[Manner::Forged]);
    assert_eq!(
        resolve(&mut simulation, &client, "www.example.com"),
        Ok(vec![FOUND.into()])
    );
    assert_eq!(counts[0][0].get(), 1);
}

#[test]
fn fifty_who_ask_for_one_name_share_one_question() {
    let (mut simulation, client, counts) = network("dns-shared", &[Manner::Answers]);
    simulation.run(Duration::from_secs(5), async {
        let outcomes = join_all((0..50).map(|_| client.network.resolve("www.example.com"))).await;
        assert!(
            outcomes
                .iter()
                .all(|outcome| *outcome == Ok(vec![FOUND.into()]))
        );
    });
    assert_eq!(counts[0][0].get(), 1);
}

#[test]
fn one_who_gives_up_leaves_the_question_to_the_others() {
    let (mut simulation, client, _) = network("dns-heir", &[Manner::Answers]);
    simulation.run(Duration::from_secs(10), async {
        let mut first = Box::pin(client.network.resolve("www.example.com"));
        let second = client.network.resolve("www.example.com");
        // The first begins, the second waits for it, and then the first is dropped.
        futures_util::pin_mut!(second);
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await, Ok(vec![FOUND.into()]));
    });
}

#[test]
fn each_question_comes_from_another_port() {
    let (mut simulation, client, _) = network("dns-ports", &[Manner::Answers]);
    for number in 0..20 {
        let name = format!("{number}.example.com");
        assert!(resolve(&mut simulation, &client, &name).is_ok());
    }
    let segment = simulation.segment();
    let segment = segment.borrow();
    let questions = segment.capture.frames().map(|(_, frame)| frame);
    let ports: std::collections::BTreeSet<&[u8]> = questions
        .filter(|frame| frame.len() > 42 && frame[23] == 17 && frame[36..38] == [0, 53])
        .map(|frame| &frame[34..36])
        .collect();
    assert!(ports.len() >= 19, "{} ports for 20 questions", ports.len());
}

#[test]
fn connecting_by_name_tries_every_address_in_turn() {
    let (mut simulation, client, _) = network("dns-connect", &[Manner::Answers]);
    // Nobody has the address that the server gives out: the error is of the connection, not of the name.
    let outcome = simulation.run(Duration::from_secs(20), async {
        client
            .network
            .connect("www.example.com", 80, TcpOptions::default())
            .await
            .map(drop)
    });
    assert_eq!(outcome.map_err(|error| error.code()), Err("EHOSTUNREACH"));
    let web = Config {
        addressing: Addressing::Static(StaticAddress {
            address: FOUND,
            prefix_length: 24,
            gateway: None,
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    let web = simulation.host(web, cable());
    simulation.run(Duration::from_secs(20), async {
        let listener = web
            .network
            .listen(web.at(80), ListenOptions::default())
            .expect("listening");
        let (near, far) = join!(
            client
                .network
                .connect("WWW.example.com", 80, TcpOptions::default()),
            traffic::accept(&listener)
        );
        assert_eq!(near.expect("connecting").remote_address(), Ok(web.at(80)));
        assert!(far.is_ok());
    });
}
