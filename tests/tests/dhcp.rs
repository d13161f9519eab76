//! Addresses by DHCP: our client and our server, over the cable.

use ethertab_stack::application::dhcp::{DhcpServer, DhcpServerConfig, LeaseState};
use ethertab_stack::config::{Addressing, ListenOptions, StaticAddress, TcpOptions};
use ethertab_stack::driver::Clock;
use ethertab_stack::event::Event;
use ethertab_stack::wire::dns::{Data, Query, ResponseCode};
use ethertab_stack::{Config, Duration};
use ethertab_tests::{Host, Impairments, Simulation, for_seeds, traffic};
use futures_util::{FutureExt, join};
use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn cable() -> Impairments {
    Impairments {
        delay: Duration::from_millis(2),
        ..Impairments::default()
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Adds a host that serves leases of `lease_time` from 10.0.0.100 to 10.0.0.103.
fn serve(
    simulation: &mut Simulation,
    lease_time: Duration,
    impairments: Impairments,
) -> (Host, Rc<RefCell<DhcpServer>>) {
    let host = simulation.host(Config::default(), impairments);
    let mut config = DhcpServerConfig::new(SERVER, 24);
    config.first = Ipv4Addr::new(10, 0, 0, 100);
    config.last = Ipv4Addr::new(10, 0, 0, 103);
    config.name_servers = vec![SERVER];
    config.lease_time = lease_time;
    let server = Rc::new(RefCell::new(DhcpServer::new(config)));
    let (network, shared) = (host.network.clone(), Rc::clone(&server));
    simulation.spawn(async move {
        let socket = network
            .bind_udp(SocketAddr::from(([0, 0, 0, 0], 67)))
            .expect("binding");
        let mut buffer = [0; 1_500];
        while let Ok(datagram) = socket.receive(&mut buffer).await {
            let message = &buffer[..datagram.length];
            let reply = network.with_stack(|stack, now| {
                let reply = shared.borrow_mut().respond(message, now)?;
                if let Some((address, hardware)) = reply.learn {
                    stack.learn_neighbor(IpAddr::V4(address), hardware, now);
                }
                Some(reply)
            });
            if let Some(reply) = reply {
                let destination = SocketAddr::V4(reply.destination);
                socket
                    .send_to(&reply.bytes, destination)
                    .await
                    .expect("sending");
            }
        }
    });
    (host, server)
}

fn address(host: &Host) -> Option<IpAddr> {
    host.network
        .with_stack(|stack, _| stack.address())
        .map(|(address, _)| address)
}

#[test]
fn a_client_gets_an_address_and_can_be_reached() {
    let mut simulation = Simulation::new("dhcp", 1);
    let (server, _) = serve(&mut simulation, seconds(3_600), cable());
    let client = simulation.dhcp_host(Config::default(), cable());
    simulation.run(seconds(15), async {
        client.network.configured().await.expect("a lease");
        let Some(Event::Leased(lease)) = client.network.next_event().await else {
            panic!("a lease is told");
        };
        assert_eq!((lease.server, lease.prefix_length), (SERVER, 24));
        assert_eq!(lease.name_servers, [IpAddr::V4(SERVER)]);
        let own = address(&client).expect("an address");
        assert_eq!(own, IpAddr::V4(lease.address));
        assert!(server.network.ping(own, Default::default()).await.is_ok());
        let listener = client.network.listen(
            "0.0.0.0:80".parse().expect("an address"),
            ListenOptions::default(),
        );
        let listener = listener.expect("listening");
        let (near, far) = join!(
            server
                .network
                .connect_to(SocketAddr::new(own, 80), TcpOptions::default()),
            traffic::accept(&listener)
        );
        assert!(near.is_ok() && far.is_ok());
    });
}

#[test]
fn a_lease_is_found_through_loss() {
    for_seeds(8, |seed| {
        let bad = Impairments {
            loss: 0.3,
            duplication: 0.1,
            ..cable()
        };
        let mut simulation = Simulation::new("dhcp-loss", seed);
        let (_server, _) = serve(&mut simulation, seconds(3_600), bad);
        let client = simulation.dhcp_host(Config::default(), bad);
        simulation
            .run(seconds(600), client.network.configured())
            .expect("a lease");
    });
}

#[test]
fn clients_get_addresses_of_their_own_and_the_last_waits_for_one() {
    let mut simulation = Simulation::new("dhcp-pool", 1);
    let (_server, _) = serve(&mut simulation, seconds(3_600), cable());
    let clients: Vec<Host> = (0..5)
        .map(|_| simulation.dhcp_host(Config::default(), cable()))
        .collect();
    simulation.run_for(seconds(60));
    let addresses: std::collections::BTreeSet<IpAddr> =
        clients.iter().filter_map(address).collect();
    assert_eq!(
        addresses.len(),
        4,
        "four addresses for five clients: {addresses:?}"
    );
}

#[test]
fn a_lease_is_renewed_and_connections_live_on() {
    let mut simulation = Simulation::new("dhcp-renew", 1);
    let (server, _) = serve(&mut simulation, seconds(120), cable());
    let client = simulation.dhcp_host(Config::default(), cable());
    let own = simulation.run(seconds(15), async {
        client.network.configured().await.expect("a lease");
        address(&client).expect("an address")
    });
    simulation.run(seconds(3_700), async {
        let listener = server
            .network
            .listen(server.at(80), ListenOptions::default())
            .expect("listening");
        let (near, far) = join!(
            client
                .network
                .connect_to(server.at(80), TcpOptions::default()),
            traffic::accept(&listener)
        );
        client.network.sleep(seconds(3_600)).await;
        assert_eq!(address(&client), Some(own));
        join!(
            traffic::exchange(near.expect("connecting"), 1, 10_000),
            traffic::exchange(far.expect("accepting"), 2, 10_000)
        );
    });
}

#[test]
fn events_of_the_host_wait_up_to_the_limit_that_the_network_was_opened_with() {
    let mut simulation = Simulation::new("dhcp-events", 1);
    let (_server, _) = serve(&mut simulation, seconds(120), cable());
    let config = Config {
        host_events: 3,
        ..Config::default()
    };
    let client = simulation.dhcp_host(config, cable());
    // A renewal each minute, and nobody listens.
    simulation.run_for(seconds(1_200));
    let waiting = std::iter::from_fn(|| client.network.next_event().now_or_never().flatten());
    assert_eq!(waiting.count(), 3);
}

#[test]
fn a_lease_that_nobody_renews_runs_out_and_is_taken_anew() {
    let mut simulation = Simulation::new("dhcp-expire", 1);
    let (server, _) = serve(&mut simulation, seconds(120), cable());
    let client = simulation.dhcp_host(Config::default(), cable());
    let segment = simulation.segment();
    simulation.run(seconds(1_200), async {
        client.network.configured().await.expect("a lease");
        let leased = client.network.next_event().await;
        assert!(matches!(leased, Some(Event::Leased(_))));
        segment.borrow_mut().cable(server.port).impairments.loss = 1.0;
        client.network.sleep(seconds(130)).await;
        assert_eq!(address(&client), None);
        loop {
            match client.network.next_event().await {
                Some(Event::LeaseLost) => break,
                Some(_) => {}
                None => panic!("the network was closed"),
            }
        }
        segment.borrow_mut().cable(server.port).impairments.loss = 0.0;
        client.network.configured().await.expect("a lease");
        assert!(
            client
                .network
                .ping(server.address, Default::default())
                .await
                .is_ok()
        );
    });
}

#[test]
fn an_address_that_somebody_already_uses_is_declined() {
    let mut simulation = Simulation::new("dhcp-conflict", 1);
    let (_server, _) = serve(&mut simulation, seconds(3_600), cable());
    let squatter = Config {
        addressing: Addressing::Static(StaticAddress {
            address: Ipv4Addr::new(10, 0, 0, 100),
            prefix_length: 24,
            gateway: None,
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    let squatter = simulation.host(squatter, cable());
    let clients: Vec<Host> = (0..3)
        .map(|_| simulation.dhcp_host(Config::default(), cable()))
        .collect();
    simulation.run_for(seconds(120));
    for client in &clients {
        let own = address(client).expect("an address");
        assert_ne!(own, squatter.address);
    }
}

#[test]
fn closing_gives_the_lease_back() {
    let mut simulation = Simulation::new("dhcp-release", 1);
    let (server, leases) = serve(&mut simulation, seconds(3_600), cable());
    let client = simulation.dhcp_host(Config::default(), cable());
    simulation
        .run(seconds(15), client.network.configured())
        .expect("a lease");
    let states = |simulation: &Simulation| -> Vec<LeaseState> {
        let server = leases.borrow();
        let leases = server.leases(simulation.now());
        leases.map(|lease| lease.state).collect()
    };
    assert_eq!(states(&simulation), [LeaseState::Bound]);
    client.network.close();
    simulation.run_for(seconds(2));
    assert!(client.end_watch().get());
    assert_eq!(states(&simulation), [LeaseState::Free], "the server knows");
    drop(server);
}

#[test]
fn a_lease_that_was_given_back_is_asked_for_again() {
    // At once, while the message that gives it back has not left yet, and later.
    for pause in [0, 20] {
        let mut simulation = Simulation::new("dhcp-again", 1);
        let (server, leases) = serve(&mut simulation, seconds(3_600), cable());
        let client = simulation.dhcp_host(Config::default(), cable());
        let clock = simulation.clock();
        simulation.run(seconds(60), async {
            let network = &client.network;
            assert!(matches!(network.next_event().await, Some(Event::Leased(_))));
            network.with_stack(|stack, now| stack.release_lease(now));
            if pause > 0 {
                network.sleep(seconds(pause)).await;
                assert_eq!(address(&client), None);
                let now = clock.now();
                let state = leases.borrow().leases(now).map(|lease| lease.state).next();
                assert_eq!(state, Some(LeaseState::Free), "it stays given back");
            }
            let asked = clock.now();
            network.with_stack(|stack, now| stack.request_lease(now));
            assert_eq!(network.next_event().await, Some(Event::LeaseLost));
            assert!(matches!(network.next_event().await, Some(Event::Leased(_))));
            // Probing takes at most 0.7 s; the first retry comes later than what is left of the second.
            assert!(clock.now().since(asked) < seconds(1), "without a retry");
            let reply = network.ping(server.address, Default::default()).await;
            assert!(reply.is_ok(), "{reply:?}");
        });
    }
}

#[test]
fn only_a_lease_that_was_given_back_is_asked_for() {
    let mut simulation = Simulation::new("dhcp-held", 1);
    let (_server, _) = serve(&mut simulation, seconds(3_600), cable());
    let leased = simulation.dhcp_host(Config::default(), cable());
    let fixed = simulation.host(Config::default(), cable());
    simulation.run_for(seconds(15));
    let frames = simulation.segment().borrow().capture.frames().count();
    for host in [&leased, &fixed] {
        let before = address(host);
        assert!(before.is_some());
        host.network
            .with_stack(|stack, now| stack.request_lease(now));
        simulation.run_for(seconds(5));
        assert_eq!(address(host), before);
    }
    let since = simulation.segment().borrow().capture.frames().count();
    assert_eq!(since, frames, "nothing was said");
}

#[test]
fn a_link_that_was_away_confirms_the_lease_and_keeps_the_address() {
    let mut simulation = Simulation::new("dhcp-reboot", 1);
    let (server, _) = serve(&mut simulation, seconds(3_600), cable());
    let client = simulation.dhcp_host(Config::default(), cable());
    let segment = simulation.segment();
    simulation.run(seconds(60), async {
        client.network.configured().await.expect("a lease");
        let own = address(&client);
        segment.borrow_mut().restore(client.port);
        client.network.sleep(seconds(20)).await;
        assert_eq!(address(&client), own);
        assert!(
            client
                .network
                .ping(server.address, Default::default())
                .await
                .is_ok()
        );
    });
}

#[test]
fn a_name_asked_for_on_a_new_network_does_not_wait_for_the_servers_of_the_one_before() {
    const FOUND: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);
    let mut simulation = Simulation::new("dhcp-names", 1);
    let (server, _) = serve(&mut simulation, seconds(3_600), cable());
    let client = simulation.dhcp_host(Config::default(), cable());
    let answers = Rc::new(Cell::new(false));
    let (network, answering) = (server.network.clone(), Rc::clone(&answers));
    simulation.spawn(async move {
        let any = SocketAddr::from(([0, 0, 0, 0], 53));
        let socket = network.bind_udp(any).expect("binding");
        let mut buffer = [0; 1_500];
        while let Ok(datagram) = socket.receive(&mut buffer).await {
            let query = Query::parse(&buffer[..datagram.length]).expect("a query");
            if answering.get() {
                let mut response = query.respond(ResponseCode::NO_ERROR);
                response.answer(&query.question.name, 60, &Data::A(FOUND));
                let message = query.finish(response);
                let sent = socket.send_to(&message, datagram.source).await;
                sent.expect("sending");
            }
        }
    });
    let now = || client.network.with_stack(|_, now| now);
    simulation.run(seconds(60), async {
        client.network.configured().await.expect("a lease");
        let mut doomed = Box::pin(client.network.resolve("www.example.com"));
        assert!(futures_util::poll!(&mut doomed).is_pending());
        client.network.sleep(Duration::from_millis(10)).await;
        client.network.with_stack(|stack, now| {
            stack.release_lease(now);
            stack.request_lease(now);
        });
        while client.network.next_event().await != Some(Event::LeaseLost) {}
        client.network.configured().await.expect("a lease");
        answers.set(true);
        let asked = now();
        let found = client.network.resolve("www.example.com").await;
        assert_eq!(found, Ok(vec![FOUND.into()]));
        assert!(now().since(asked) < Duration::from_millis(100));
    });
}
