//! Connections on which nothing moves: closed windows, peers that died.

use super::*;

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
