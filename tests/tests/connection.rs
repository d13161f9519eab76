//! How connections begin and end.

use ethertab_stack::Duration;
use ethertab_stack::config::{Config, ListenOptions, TcpOptions};
use ethertab_stack::driver::{Error, TcpStream};
use ethertab_stack::socket::TcpError;
use ethertab_tests::{Host, Impairments, Simulation, traffic};
use futures_util::{AsyncReadExt, AsyncWriteExt, join};
use std::net::SocketAddr;

const CABLE: Impairments = Impairments {
    delay: Duration::from_millis(5),
    bandwidth: 0,
    queue: 0,
    loss: 0.0,
    duplication: 0.0,
    corruption: 0.0,
    reordering: 0.0,
    reordering_delay: Duration::ZERO,
    path_mtu: 0,
    black_hole: false,
};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// One connection, both ends.
async fn connected(client: &Host, server: &Host, options: TcpOptions) -> (TcpStream, TcpStream) {
    let listener = server
        .network
        .listen(
            server.at(7),
            ListenOptions {
                backlog: 1,
                accepted: options,
            },
        )
        .expect("listening");
    let (near, far) = join!(
        client.network.connect_to(server.at(7), options),
        traffic::accept(&listener)
    );
    (near.expect("connecting"), far.expect("accepting"))
}

fn code(error: &std::io::Error) -> &'static str {
    error
        .get_ref()
        .and_then(|error| error.downcast_ref::<Error>())
        .map_or("none", Error::code)
}

fn quiet(host: &Host) -> bool {
    host.network
        .with_stack(|stack, _| stack.is_quiet() && stack.connections() == 0)
}

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
fn a_half_closed_connection_still_carries_the_other_way() {
    let (mut simulation, client, server) = Simulation::pair("half-close", 1, CABLE);
    simulation.run(seconds(10), async {
        let (mut near, mut far) = connected(&client, &server, TcpOptions::default()).await;
        near.write_all(b"question").await.expect("writing");
        near.close().await.expect("closing");
        let mut question = Vec::new();
        far.read_to_end(&mut question).await.expect("reading");
        assert_eq!(question, b"question");
        let late = near.write(b"more").await;
        assert_eq!(late.map_err(|error| code(&error)), Err("EPIPE"));
        let (_, received) = join!(
            async {
                traffic::send(&mut far, 5, 300_000).await;
                drop(far);
            },
            traffic::receive(&mut near, 5)
        );
        assert_eq!(received, 300_000);
    });
    drop_all_and_settle(simulation, &[client, server]);
}

#[test]
fn closing_loses_nothing_that_was_written() {
    let (mut simulation, client, server) =
        Simulation::pair("close-delivers", 1, Impairments { loss: 0.1, ..CABLE });
    simulation.run(seconds(120), async {
        let (mut near, mut far) = connected(&client, &server, TcpOptions::default()).await;
        traffic::send(&mut near, 1, 500_000).await;
        drop(near);
        assert_eq!(traffic::receive(&mut far, 1).await, 500_000);
    });
    drop_all_and_settle(simulation, &[client, server]);
}

#[test]
fn dropping_the_last_handle_delivers_and_then_ends_the_driver() {
    let (mut simulation, client, server) = Simulation::pair(
        "last-handle",
        1,
        Impairments {
            loss: 0.05,
            ..CABLE
        },
    );
    let ended = client.end_watch();
    simulation.run(seconds(120), async {
        let (mut near, mut far) = connected(&client, &server, TcpOptions::default()).await;
        traffic::send(&mut near, 1, 200_000).await;
        drop(near);
        drop(client);
        assert_eq!(traffic::receive(&mut far, 1).await, 200_000);
    });
    assert!(!ended.get() || quiet(&server));
    simulation.run_for(seconds(60));
    assert!(ended.get(), "the driver must end when nobody holds it");
}

#[test]
fn both_ends_may_close_at_the_same_moment() {
    let (mut simulation, client, server) = Simulation::pair("simultaneous", 1, CABLE);
    simulation.run(seconds(10), async {
        let (mut near, mut far) = connected(&client, &server, TcpOptions::default()).await;
        let (one, other) = join!(near.close(), far.close());
        assert!(one.is_ok() && other.is_ok());
        let (one, other) = join!(
            traffic::receive(&mut near, 1),
            traffic::receive(&mut far, 1)
        );
        assert_eq!((one, other), (0, 0));
    });
    drop_all_and_settle(simulation, &[client, server]);
}

#[test]
fn an_abort_reaches_the_peer_as_a_reset() {
    let (mut simulation, client, server) = Simulation::pair("abort", 1, CABLE);
    simulation.run(seconds(10), async {
        let (near, mut far) = connected(&client, &server, TcpOptions::default()).await;
        near.abort();
        let outcome = far.read(&mut [0; 10]).await;
        assert_eq!(outcome.map_err(|error| code(&error)), Err("ECONNRESET"));
    });
    assert!(quiet(&client) && quiet(&server));
}

#[test]
fn closing_with_unread_data_resets() {
    let (mut simulation, client, server) = Simulation::pair("unread", 1, CABLE);
    simulation.run(seconds(10), async {
        let (mut near, far) = connected(&client, &server, TcpOptions::default()).await;
        near.write_all(b"never read").await.expect("writing");
        near.flushed().await.expect("flushing");
        drop(far);
        let outcome = near.read(&mut [0; 10]).await;
        assert_eq!(outcome.map_err(|error| code(&error)), Err("ECONNRESET"));
    });
    assert!(quiet(&client) && quiet(&server));
}

#[test]
fn flushed_is_ready_when_the_peer_has_acknowledged_everything() {
    let (mut simulation, client, server) = Simulation::pair("flushed", 1, CABLE);
    simulation.run(seconds(10), async {
        let (mut near, _far) = connected(&client, &server, TcpOptions::default()).await;
        let before = client.network.with_stack(|_, now| now);
        near.write_all(&[0; 1_000]).await.expect("writing");
        near.flushed().await.expect("flushing");
        let took = client.network.with_stack(|_, now| now).since(before);
        assert!(
            took >= Duration::from_millis(10),
            "a round trip at least, not {took:?}"
        );
        assert_eq!(near.info().expect("info").send_queued, 0);
    });
}

#[test]
fn a_reader_that_stalls_closes_the_window_and_opens_it_again() {
    let (mut simulation, client, server) = Simulation::pair("stall", 1, CABLE);
    simulation.run(seconds(120), async {
        let small = TcpOptions {
            receive_buffer: Some(20_000),
            send_buffer: Some(20_000),
            ..TcpOptions::default()
        };
        let (mut near, mut far) = connected(&client, &server, small).await;
        let write = async {
            traffic::send(&mut near, 1, 200_000).await;
            near.close().await.expect("closing");
        };
        let read = async {
            // Far longer than the user timeout of a peer that is silent: zero-window probes are answered.
            server.network.sleep(seconds(60)).await;
            let info = far.info().expect("info");
            assert!(info.receive_queued >= 19_000, "{info:?}");
            assert_eq!(traffic::receive(&mut far, 1).await, 200_000);
        };
        join!(write, read);
    });
    drop_all_and_settle(simulation, &[client, server]);
}

#[test]
fn a_lost_window_update_is_repaired_by_a_probe() {
    let (mut simulation, client, server) = Simulation::pair("lost-update", 1, CABLE);
    let segment = simulation.segment();
    simulation.run(seconds(120), async {
        let small = TcpOptions {
            receive_buffer: Some(20_000),
            send_buffer: Some(20_000),
            ..TcpOptions::default()
        };
        let (mut near, mut far) = connected(&client, &server, small).await;
        let write = async {
            traffic::send(&mut near, 1, 100_000).await;
            near.close().await.expect("closing");
        };
        let read = async {
            server.network.sleep(seconds(2)).await;
            segment.borrow_mut().cable(server.port).impairments.loss = 1.0;
            let mut start = vec![0; 20_000];
            far.read_exact(&mut start).await.expect("reading");
            server.network.sleep(Duration::from_millis(50)).await;
            segment.borrow_mut().cable(server.port).impairments.loss = 0.0;
            let mut position = start.len() as u64;
            let mut buffer = [0; 4_096];
            loop {
                let count = far.read(&mut buffer).await.expect("reading");
                if count == 0 {
                    break;
                }
                ethertab_tests::pattern::verify(1, position, &buffer[..count]);
                position += count as u64;
            }
            assert_eq!(position, 100_000);
        };
        join!(write, read);
    });
}

#[test]
fn keep_alive_finds_a_peer_that_died() {
    let (mut simulation, client, server) = Simulation::pair("keep-alive", 1, CABLE);
    let segment = simulation.segment();
    simulation.run(seconds(3_600), async {
        let (mut near, _far) = connected(&client, &server, TcpOptions::default()).await;
        near.set_keep_alive(Some(seconds(60)));
        // A live peer answers the probes.
        client.network.sleep(seconds(600)).await;
        assert_eq!(near.info().expect("info").state, "ESTABLISHED");
        segment.borrow_mut().cable(server.port).impairments.loss = 1.0;
        segment.borrow_mut().cable(client.port).impairments.loss = 1.0;
        let outcome = near.read(&mut [0; 10]).await;
        assert_eq!(outcome.map_err(|error| code(&error)), Err("ETIMEDOUT"));
    });
}

#[test]
fn the_user_timeout_gives_up_data_that_nobody_acknowledges() {
    let (mut simulation, client, server) = Simulation::pair("user-timeout", 1, CABLE);
    let segment = simulation.segment();
    simulation.run(seconds(60), async {
        let (mut near, _far) = connected(&client, &server, TcpOptions::default()).await;
        near.set_user_timeout(Some(seconds(10)));
        segment.borrow_mut().cable(client.port).impairments.loss = 1.0;
        near.write_all(b"hello?").await.expect("writing");
        let before = simulation_now(&client);
        let outcome = near.read(&mut [0; 10]).await;
        assert!(outcome.is_err());
        let took = simulation_now(&client).since(before);
        assert!((10..13).contains(&took.as_secs()), "took {took:?}");
    });
}

#[test]
fn a_full_backlog_delays_but_serves_everybody() {
    let (mut simulation, client, server) = Simulation::pair("backlog", 1, CABLE);
    simulation.run(seconds(60), async {
        let options = ListenOptions {
            backlog: 4,
            ..ListenOptions::default()
        };
        let listener = server
            .network
            .listen(server.at(80), options)
            .expect("listening");
        let serve = async {
            for _ in 0..12 {
                server.network.sleep(Duration::from_millis(200)).await;
                let mut stream = traffic::accept(&listener).await.expect("accepting");
                stream.write_all(b"served").await.expect("writing");
            }
        };
        let clients = (0..12).map(|_| async {
            let connection = client
                .network
                .connect_to(server.at(80), TcpOptions::default())
                .await;
            let mut reply = Vec::new();
            connection
                .expect("connecting")
                .read_to_end(&mut reply)
                .await
                .expect("reading");
            assert_eq!(reply, b"served");
        });
        join!(serve, futures_util::future::join_all(clients));
    });
}

#[test]
fn closing_a_listener_resets_those_who_wait_and_refuses_the_next() {
    let (mut simulation, client, server) = Simulation::pair("close-listener", 1, CABLE);
    simulation.run(seconds(10), async {
        let listener = server
            .network
            .listen(server.at(80), ListenOptions::default())
            .expect("listening");
        let waiting = client
            .network
            .connect_to(server.at(80), TcpOptions::default())
            .await;
        let mut waiting = waiting.expect("connecting");
        // The last acknowledgement of the handshake is on its way.
        client.network.sleep(Duration::from_millis(50)).await;
        drop(listener);
        let outcome = waiting.read(&mut [0; 10]).await;
        assert_eq!(outcome.map_err(|error| code(&error)), Err("ECONNRESET"));
        let next = client
            .network
            .connect_to(server.at(80), TcpOptions::default())
            .await;
        assert_eq!(next.map(drop), Err(Error::Tcp(TcpError::Refused)));
    });
}

#[test]
fn a_port_is_listened_on_once_and_again_after_it_was_closed() {
    let (_simulation, _client, server) = Simulation::pair("listen-twice", 1, CABLE);
    let listen = || {
        server
            .network
            .listen(server.at(80), ListenOptions::default())
    };
    let first = listen().expect("listening");
    assert_eq!(
        listen().map(drop).map_err(|error| error.code()),
        Err("EADDRINUSE")
    );
    drop(first);
    assert!(listen().is_ok());
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

fn simulation_now(host: &Host) -> ethertab_stack::Instant {
    host.network.with_stack(|_, now| now)
}

/// Nothing but TIME-WAIT is left shortly after, and not even a timer of it after two minutes more.
fn drop_all_and_settle(mut simulation: Simulation, hosts: &[Host]) {
    simulation.run_for(seconds(5));
    for host in hosts {
        assert!(quiet(host), "a connection is left behind");
    }
}
