//! How connections end.

use super::*;

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
