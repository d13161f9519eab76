//! How connections begin, and how they fail to.

use super::*;

#[test]
fn both_ends_know_both_addresses() {
    let (mut simulation, client, server) = Simulation::pair("addresses", 1, CABLE);
    simulation.run(seconds(1), async {
        let (near, far) = connected(&client, &server, TcpOptions::default()).await;
        assert_eq!(near.remote_address(), Ok(server.at(7)));
        assert_eq!(far.local_address(), Ok(server.at(7)));
        assert_eq!(near.local_address(), far.remote_address());
        assert_eq!(near.info().expect("info").state, "ESTABLISHED");
    });
}

#[test]
fn the_stack_tells_of_every_connection_and_of_none_that_is_gone() {
    let (mut simulation, client, server) = Simulation::pair("status", 1, CABLE);
    let status = |host: &Host| {
        host.network.with_stack(|stack, _| {
            let seen = stack.tcp_status();
            seen.map(|(local, remote, info)| (local, remote, info.state))
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(status(&client), []);
    let (near, far) = simulation.run(
        seconds(1),
        connected(&client, &server, TcpOptions::default()),
    );
    let ends = (near.local_address().expect("ours"), server.at(7));
    assert_eq!(status(&client), [(ends.0, ends.1, "ESTABLISHED")]);
    assert_eq!(status(&server), [(ends.1, ends.0, "ESTABLISHED")]);
    near.abort();
    assert_eq!(status(&client), []);
    drop(far);
}

#[test]
fn a_port_where_nobody_listens_refuses_at_once() {
    let (mut simulation, client, server) = Simulation::pair("refused", 1, CABLE);
    let outcome = simulation.run(Duration::from_millis(100), async {
        client
            .network
            .connect_to(server.at(81), TcpOptions::default())
            .await
            .map(drop)
    });
    assert_eq!(outcome, Err(Error::Tcp(TcpError::Refused)));
    assert!(quiet(&client) && quiet(&server));
}

#[test]
fn a_host_that_is_not_there_is_unreachable_and_says_so() {
    let (mut simulation, client, _server) = Simulation::pair("nobody", 1, CABLE);
    let nobody: SocketAddr = "10.0.0.77:80".parse().expect("an address");
    let outcome = simulation.run(seconds(10), async {
        client
            .network
            .connect_to(nobody, TcpOptions::default())
            .await
            .map(drop)
    });
    assert_eq!(outcome.map_err(|error| error.code()), Err("EHOSTUNREACH"));
}

#[test]
fn a_destination_without_a_route_fails_at_once() {
    let (mut simulation, client, _server) = Simulation::pair("no-route", 1, CABLE);
    let far: SocketAddr = "192.0.2.1:80".parse().expect("an address");
    let outcome = simulation.run(seconds(1), async {
        client
            .network
            .connect_to(far, TcpOptions::default())
            .await
            .map(drop)
    });
    assert_eq!(outcome.map_err(|error| error.code()), Err("ENETUNREACH"));
}

#[test]
fn a_connect_into_silence_times_out_when_told_to() {
    let (mut simulation, client, server) = Simulation::pair("silence", 1, CABLE);
    let segment = simulation.segment();
    let outcome = simulation.run(seconds(20), async {
        // ARP knows the server; then its answers get lost.
        let ping = client
            .network
            .ping(server.address, Default::default())
            .await;
        assert!(ping.is_ok());
        segment.borrow_mut().cable(server.port).impairments.loss = 1.0;
        let options = TcpOptions {
            connect_timeout: Some(seconds(3)),
            ..TcpOptions::default()
        };
        client
            .network
            .connect_to(server.at(7), options)
            .await
            .map(drop)
    });
    assert_eq!(outcome, Err(Error::Tcp(TcpError::TimedOut)));
    let took = simulation.now().since(ethertab_stack::Instant::ZERO);
    assert!((3_000..3_200).contains(&took.as_millis()), "took {took:?}");
    assert!(quiet(&client));
}

#[test]
fn dropping_a_connect_forgets_it() {
    let (mut simulation, client, server) = Simulation::pair("cancel", 1, CABLE);
    let segment = simulation.segment();
    simulation.run(seconds(10), async {
        let ping = client
            .network
            .ping(server.address, Default::default())
            .await;
        assert!(ping.is_ok());
        segment.borrow_mut().cable(server.port).impairments.loss = 1.0;
        let connecting = client
            .network
            .connect_to(server.at(7), TcpOptions::default());
        let timer = client.network.sleep(Duration::from_millis(500));
        futures_util::pin_mut!(connecting, timer);
        futures_util::future::select(connecting, timer).await;
        assert!(!quiet(&client));
    });
    simulation.run_for(Duration::from_millis(10));
    assert!(quiet(&client));
}

#[test]
fn a_host_talks_to_itself() {
    let (mut simulation, _client, server) = Simulation::pair("itself", 1, CABLE);
    let loopback: SocketAddr = "127.0.0.1:80".parse().expect("an address");
    for address in [server.at(80), loopback] {
        simulation.run(seconds(10), async {
            let listener = server
                .network
                .listen(
                    "0.0.0.0:80".parse().expect("an address"),
                    ListenOptions::default(),
                )
                .expect("listening");
            let (near, far) = join!(
                server.network.connect_to(address, TcpOptions::default()),
                traffic::accept(&listener)
            );
            join!(
                traffic::exchange(near.expect("connecting"), 1, 300_000),
                traffic::exchange(far.expect("accepting"), 2, 300_000)
            );
        });
    }
    let segment = simulation.segment();
    let to_itself = |frame: &[u8]| frame[6..12] == frame[..6];
    assert!(
        !segment
            .borrow()
            .capture
            .frames()
            .any(|(_, frame)| to_itself(frame))
    );
}

#[test]
fn the_table_of_connections_has_a_bound() {
    let mut simulation = Simulation::new("too-many", 1);
    let mut config = Config::default();
    config.tcp.connections = 2;
    let client = simulation.host(config, CABLE);
    let server = simulation.host(Config::default(), CABLE);
    simulation.run(seconds(10), async {
        let _listener = server
            .network
            .listen(server.at(80), ListenOptions::default())
            .expect("listening");
        let connect = || {
            client
                .network
                .connect_to(server.at(80), TcpOptions::default())
        };
        let (_first, _second) = (connect().await.expect("one"), connect().await.expect("two"));
        assert_eq!(
            connect().await.map(drop).map_err(|error| error.code()),
            Err("EMFILE")
        );
    });
}
