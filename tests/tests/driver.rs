//! The loop itself: it sleeps when there is nothing to do, wakes whom it must, and ends when it should.

use ethertab_stack::config::{ListenOptions, TcpOptions};
use ethertab_stack::driver::{Driver, Error, Network, TcpListener, TcpStream, UdpSocket};
use ethertab_stack::{Duration, Instant};
use ethertab_tests::{Host, Impairments, Simulation, traffic};
use futures_util::{AsyncReadExt, AsyncWriteExt, join};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

fn cable() -> Impairments {
    Impairments {
        delay: Duration::from_millis(5),
        ..Impairments::default()
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

async fn connected(client: &Host, server: &Host) -> (TcpStream, TcpStream) {
    let listener = server
        .network
        .listen(server.at(7), ListenOptions::default())
        .expect("listening");
    let (near, far) = join!(
        client
            .network
            .connect_to(server.at(7), TcpOptions::default()),
        traffic::accept(&listener)
    );
    (near.expect("connecting"), far.expect("accepting"))
}

#[test]
fn handles_may_be_used_from_any_thread() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>(_: &T) {}
    shared::<Network>();
    shared::<TcpStream>();
    shared::<TcpListener>();
    shared::<UdpSocket>();
    #[expect(dead_code, reason = "compiled, never called")]
    fn futures(network: &Network) {
        sent(&network.connect("name", 80, TcpOptions::default()));
        sent(&network.resolve("name"));
        sent(&network.sleep(Duration::ZERO));
        sent(&network.next_event());
    }
    #[expect(dead_code, reason = "compiled, never called")]
    fn driver<L, C>(driver: &Driver<L, C>)
    where
        L: ethertab_stack::driver::Link + Send,
        C: ethertab_stack::driver::Clock,
        C::Sleep: Send,
    {
        sent(driver);
    }
}

#[test]
fn an_idle_network_is_not_polled() {
    let (mut simulation, client, server) = Simulation::pair("idle", 1, cable());
    let streams = simulation.run(seconds(5), connected(&client, &server));
    simulation.run_for(seconds(10));
    let before = simulation.polls();
    simulation.run_for(seconds(3_600));
    let polls = simulation.polls() - before;
    assert!(
        polls < 20,
        "{polls} polls in an hour in which nothing happened"
    );
    drop(streams);
}

#[test]
fn sleeping_takes_as_long_as_asked() {
    let (mut simulation, client, _server) = Simulation::pair("sleep", 1, cable());
    let order = RefCell::new(Vec::new());
    simulation.run(seconds(20), async {
        let nap = |millis: u64| {
            let order = &order;
            let network = &client.network;
            async move {
                network.sleep(Duration::from_millis(millis)).await;
                order
                    .borrow_mut()
                    .push((millis, network.with_stack(|_, now| now)));
            }
        };
        join!(nap(3_000), nap(10), nap(500));
    });
    let expected = [10, 500, 3_000].map(|millis| (millis, Instant::from_millis(millis)));
    assert_eq!(*order.borrow(), expected);
}

#[test]
fn closing_fails_every_pending_call_and_resets_connections() {
    let (mut simulation, client, server) = Simulation::pair("close", 1, cable());
    let ended = client.end_watch();
    simulation.run(seconds(20), async {
        let (mut near, mut far) = connected(&client, &server).await;
        let listener = client
            .network
            .listen(client.at(80), ListenOptions::default())
            .expect("listening");
        let socket = client.network.bind_udp(client.at(9)).expect("binding");
        let silence = "10.0.0.99:80".parse().expect("an address");
        let mut buffer = [0; 10];
        let calls = async {
            join!(
                async { traffic::accept(&listener).await.map(drop) },
                async { socket.receive(&mut buffer).await.map(drop) },
                async {
                    client
                        .network
                        .connect_to(silence, TcpOptions::default())
                        .await
                        .map(drop)
                },
                async {
                    client
                        .network
                        .next_event()
                        .await
                        .map(drop)
                        .ok_or(Error::NetworkClosed)
                },
                async {
                    near.read(&mut [0; 10])
                        .await
                        .map(drop)
                        .map_err(|_| Error::NetworkClosed)
                },
            )
        };
        let close = async {
            client.network.sleep(Duration::from_millis(100)).await;
            client.network.close();
        };
        let (outcomes, ()) = join!(calls, close);
        let closed = || Err(Error::NetworkClosed);
        assert_eq!(outcomes, (closed(), closed(), closed(), closed(), closed()));
        assert!(
            far.read(&mut [0; 10]).await.is_err(),
            "the peer learns it by RST"
        );
    });
    // A SYN still waits for the address of a host that is not there: a second, not for ever.
    simulation.run_for(seconds(2));
    assert!(ended.get(), "the driver has ended");
    assert_eq!(
        client.network.bind_udp(client.at(10)).map(drop),
        Err(Error::NetworkClosed)
    );
    let outcome = simulation.run(seconds(1), client.network.resolve("www.example.com"));
    assert_eq!(outcome, Err(Error::NetworkClosed));
}

#[test]
fn a_link_that_takes_no_frame_stalls_and_goes_on() {
    let (mut simulation, client, server) = Simulation::pair("blocked", 1, cable());
    let segment = simulation.segment();
    simulation.run(seconds(60), async {
        let (mut near, mut far) = connected(&client, &server).await;
        segment.borrow_mut().block(client.port, true);
        let write = async {
            traffic::send(&mut near, 1, 100_000).await;
            near.close().await.expect("closing");
        };
        let unblock = async {
            client.network.sleep(seconds(5)).await;
            segment.borrow_mut().block(client.port, false);
        };
        let (_, received, _) = join!(write, traffic::receive(&mut far, 1), unblock);
        assert_eq!(received, 100_000);
    });
}

#[test]
fn timers_run_while_the_link_takes_no_frame() {
    let (mut simulation, client, server) = Simulation::pair("blocked-timers", 1, cable());
    let segment = simulation.segment();
    segment.borrow_mut().block(client.port, true);
    let before = simulation.polls();
    let outcome = simulation.run(seconds(60), async {
        let options = TcpOptions {
            connect_timeout: Some(seconds(20)),
            ..TcpOptions::default()
        };
        client
            .network
            .connect_to(server.at(7), options)
            .await
            .map(drop)
    });
    assert_eq!(outcome.map_err(|error| error.code()), Err("ETIMEDOUT"));
    assert!(
        simulation.polls() - before < 100,
        "and nothing spins meanwhile"
    );
}

#[test]
fn a_link_that_was_away_takes_connections_up_again_at_once() {
    let (mut simulation, client, server) = Simulation::pair("restored", 1, cable());
    let segment = simulation.segment();
    simulation.run(seconds(120), async {
        let (mut near, mut far) = connected(&client, &server).await;
        segment.borrow_mut().cable(client.port).impairments.loss = 1.0;
        near.write_all(b"while away").await.expect("writing");
        client.network.sleep(seconds(30)).await;
        segment.borrow_mut().cable(client.port).impairments.loss = 0.0;
        segment.borrow_mut().restore(client.port);
        let before = client.network.with_stack(|_, now| now);
        let mut buffer = [0; 10];
        far.read_exact(&mut buffer).await.expect("reading");
        let took = client.network.with_stack(|_, now| now).since(before);
        assert!(took < Duration::from_millis(50), "took {took:?}");
    });
}

#[test]
fn the_capture_sees_every_frame_in_both_directions_until_it_is_taken_off() {
    let (mut simulation, client, server) = Simulation::pair("capture", 1, cable());
    let seen = Arc::new(Mutex::new([0_u64; 2]));
    let tap = Arc::clone(&seen);
    client
        .network
        .capture(Some(Box::new(move |outbound, _, frame| {
            assert!(frame.len() >= 14);
            tap.lock().expect("the tap")[usize::from(outbound)] += 1;
        })));
    simulation.run(seconds(5), async {
        for _ in 0..3 {
            assert!(
                client
                    .network
                    .ping(server.address, Default::default())
                    .await
                    .is_ok()
            );
        }
    });
    let counters = client.network.with_stack(|stack, _| stack.counters());
    let counted = [counters.frames_received, counters.frames_transmitted];
    assert_eq!(*seen.lock().expect("the tap"), counted);
    client.network.capture(None);
    simulation.run(seconds(5), async {
        assert!(
            client
                .network
                .ping(server.address, Default::default())
                .await
                .is_ok()
        );
    });
    assert_eq!(*seen.lock().expect("the tap"), counted);
    assert_eq!(Arc::strong_count(&seen), 1, "the tap is dropped");
}

#[test]
fn several_may_wait_on_one_listener() {
    let (mut simulation, client, server) = Simulation::pair("accepts", 1, cable());
    simulation.run(seconds(20), async {
        let listener = server
            .network
            .listen(server.at(80), ListenOptions::default())
            .expect("listening");
        let accepts = futures_util::future::join_all((0..10).map(|_| traffic::accept(&listener)));
        let connects = futures_util::future::join_all((0..10).map(|_| {
            client
                .network
                .connect_to(server.at(80), TcpOptions::default())
        }));
        let (accepted, connected) = join!(accepts, connects);
        assert!(accepted.iter().all(Result::is_ok) && connected.iter().all(Result::is_ok));
    });
}

#[test]
fn a_driver_that_is_dropped_fails_what_is_pending() {
    use ethertab_stack::driver::Link;
    struct Nowhere;
    impl Link for Nowhere {
        type Error = std::convert::Infallible;
        fn poll_receive(
            &mut self,
            _: &mut std::task::Context<'_>,
            _: &mut Vec<u8>,
        ) -> std::task::Poll<Result<ethertab_stack::driver::LinkEvent, Self::Error>> {
            std::task::Poll::Pending
        }
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn transmit(&mut self, _: &[u8]) -> Result<(), Self::Error> {
            Ok(())
        }
    }
    let mut simulation = Simulation::new("dropped", 1);
    let stack = ethertab_stack::Stack::new(Default::default(), [1; 32], Instant::ZERO);
    let (network, driver) = Network::new(stack, Nowhere, simulation.clock());
    let slot = Rc::new(RefCell::new(Some(driver)));
    let outcome = simulation.run(seconds(1), async {
        let mut waiting = Box::pin(network.configured());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        slot.borrow_mut().take();
        waiting.await
    });
    assert_eq!(outcome, Err(Error::NetworkClosed));
}
