//! Listeners, their backlog and their end.

use super::*;

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
