//! UDP, fragments, and the neighbour cache below them.

use ethertab_stack::config::{ListenOptions, TcpOptions};
use ethertab_stack::counters::DropReason;
use ethertab_stack::driver::UdpSocket;
use ethertab_stack::{Config, Duration};
use ethertab_tests::{Host, Impairments, Simulation, for_seeds, pattern, traffic};
use futures_util::join;
use std::net::SocketAddr;

fn cable() -> Impairments {
    Impairments {
        delay: Duration::from_millis(2),
        ..Impairments::default()
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn bind(host: &Host, port: u16) -> UdpSocket {
    host.network.bind_udp(host.at(port)).expect("binding")
}

#[test]
fn a_datagram_arrives_with_both_addresses() {
    let (mut simulation, one, other) = Simulation::pair("datagram", 1, cable());
    simulation.run(seconds(5), async {
        let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
        sender
            .send_to(b"hello", other.at(2_000))
            .await
            .expect("sending");
        let mut buffer = [0; 100];
        let datagram = receiver.receive(&mut buffer).await.expect("receiving");
        assert_eq!(&buffer[..datagram.length], b"hello");
        assert_eq!(
            (datagram.source, datagram.destination),
            (one.at(1_000), other.at(2_000))
        );
    });
}

#[test]
fn an_empty_datagram_is_a_datagram() {
    let (mut simulation, one, other) = Simulation::pair("empty", 1, cable());
    simulation.run(seconds(5), async {
        let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
        sender.send_to(b"", other.at(2_000)).await.expect("sending");
        let datagram = receiver.receive(&mut [0; 10]).await.expect("receiving");
        assert_eq!((datagram.length, datagram.full_length), (0, 0));
    });
}

#[test]
fn a_buffer_that_is_too_small_learns_the_full_length() {
    let (mut simulation, one, other) = Simulation::pair("small-buffer", 1, cable());
    simulation.run(seconds(5), async {
        let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
        sender
            .send_to(&[7; 100], other.at(2_000))
            .await
            .expect("sending");
        let datagram = receiver.receive(&mut [0; 10]).await.expect("receiving");
        assert_eq!((datagram.length, datagram.full_length), (10, 100));
    });
}

/// Lets the hosts announce their addresses, so that nobody learns from it afterwards; the moment after.
fn settled(simulation: &mut Simulation) -> ethertab_stack::Instant {
    simulation.run_for(seconds(3));
    simulation.now()
}

#[test]
fn the_first_datagrams_wait_for_arp_and_are_not_lost() {
    let (mut simulation, one, other) = Simulation::pair("arp-first", 1, cable());
    let started = settled(&mut simulation);
    simulation.run(seconds(5), async {
        let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
        for number in 0..20_u8 {
            sender
                .send_to(&[number], other.at(2_000))
                .await
                .expect("sending");
        }
        for number in 0..20_u8 {
            let mut buffer = [0; 10];
            receiver.receive(&mut buffer).await.expect("receiving");
            assert_eq!(buffer[0], number);
        }
    });
    assert_eq!(
        simulation.now().since(started),
        Duration::from_millis(6),
        "one round trip of ARP, then the way there"
    );
}

#[test]
fn the_first_datagram_survives_a_lost_arp_request() {
    let (mut simulation, one, other) = Simulation::pair("arp-lost", 1, cable());
    settled(&mut simulation);
    let segment = simulation.segment();
    simulation.run(seconds(5), async {
        let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
        segment.borrow_mut().cable(one.port).impairments.loss = 1.0;
        sender
            .send_to(b"patience", other.at(2_000))
            .await
            .expect("sending");
        one.network.sleep(Duration::from_millis(500)).await;
        segment.borrow_mut().cable(one.port).impairments.loss = 0.0;
        let datagram = receiver.receive(&mut [0; 100]).await.expect("receiving");
        assert_eq!(datagram.length, 8);
    });
}

#[test]
fn a_dead_host_delays_nobody_else() {
    let (mut simulation, one, other) = Simulation::pair("dead-host", 1, cable());
    let started = settled(&mut simulation);
    simulation.run(seconds(5), async {
        let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
        for dead in 100..120 {
            let dead: SocketAddr = format!("10.0.0.{dead}:9").parse().expect("an address");
            sender.send_to(b"anyone?", dead).await.expect("sending");
        }
        sender
            .send_to(b"hello", other.at(2_000))
            .await
            .expect("sending");
        receiver.receive(&mut [0; 100]).await.expect("receiving");
    });
    let took = simulation.now().since(started);
    assert_eq!(took, Duration::from_millis(6));
}

#[test]
fn a_connected_socket_hears_that_nobody_listens() {
    let (mut simulation, one, other) = Simulation::pair("port-unreachable", 1, cable());
    simulation.run(seconds(5), async {
        let sender = bind(&one, 1_000);
        sender.connect(other.at(9)).expect("connecting");
        sender.send(b"anyone?").await.expect("sending");
        let outcome = sender.receive(&mut [0; 10]).await;
        assert_eq!(outcome.map_err(|error| error.code()), Err("ECONNREFUSED"));
        // The error is told once; the socket goes on.
        sender.send(b"still there").await.expect("sending");
    });
}

#[test]
fn a_connected_socket_hears_that_the_host_is_not_there() {
    let (mut simulation, one, _other) = Simulation::pair("host-unreachable", 1, cable());
    simulation.run(seconds(10), async {
        let sender = bind(&one, 1_000);
        let nobody: SocketAddr = "10.0.0.77:9".parse().expect("an address");
        sender.connect(nobody).expect("connecting");
        sender.send(b"anyone?").await.expect("sending");
        let outcome = sender.receive(&mut [0; 10]).await;
        assert_eq!(outcome.map_err(|error| error.code()), Err("EHOSTUNREACH"));
    });
}

#[test]
fn a_connected_socket_hears_its_peer_alone() {
    let mut simulation = Simulation::new("connected", 1);
    let [one, peer, stranger] =
        std::array::from_fn(|_| simulation.host(Config::default(), cable()));
    simulation.run(seconds(5), async {
        let receiver = bind(&one, 1_000);
        receiver.connect(peer.at(2_000)).expect("connecting");
        let strange = bind(&stranger, 2_000);
        strange
            .send_to(b"let me in", one.at(1_000))
            .await
            .expect("sending");
        one.network.sleep(Duration::from_millis(100)).await;
        let friend = bind(&peer, 2_000);
        friend
            .send_to(b"it is me", one.at(1_000))
            .await
            .expect("sending");
        let datagram = receiver.receive(&mut [0; 100]).await.expect("receiving");
        assert_eq!(datagram.source, peer.at(2_000));
    });
}

#[test]
fn a_broadcast_reaches_everybody() {
    let mut simulation = Simulation::new("broadcast", 1);
    let [one, two, three] = std::array::from_fn(|_| simulation.host(Config::default(), cable()));
    simulation.run(seconds(5), async {
        let sender = bind(&one, 1_000);
        let any = |host: &Host| {
            host.network
                .bind_udp("0.0.0.0:2000".parse().expect("an address"))
                .expect("binding")
        };
        let (second, third) = (any(&two), any(&three));
        for destination in ["255.255.255.255:2000", "10.0.0.255:2000"] {
            let destination: SocketAddr = destination.parse().expect("an address");
            sender.send_to(b"all", destination).await.expect("sending");
            for receiver in [&second, &third] {
                let datagram = receiver.receive(&mut [0; 10]).await.expect("receiving");
                assert_eq!(
                    (datagram.source, datagram.destination),
                    (one.at(1_000), destination)
                );
            }
        }
    });
}

#[test]
fn large_datagrams_travel_in_fragments() {
    for_seeds(4, |seed| {
        let impairments = Impairments {
            reordering: 0.3,
            reordering_delay: Duration::from_millis(5),
            duplication: 0.1,
            ..cable()
        };
        let (mut simulation, one, other) = Simulation::pair("fragments", seed, impairments);
        simulation.run(seconds(5), async {
            let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
            for length in [1_472, 1_473, 2_952, 9_000, 40_000, 65_507] {
                let payload = pattern::bytes(1, 0, length);
                sender
                    .send_to(&payload, other.at(2_000))
                    .await
                    .expect("sending");
                let mut buffer = vec![0; 65_535];
                // The cable may deliver an earlier one twice, and UDP does not mind.
                loop {
                    let datagram = receiver.receive(&mut buffer).await.expect("receiving");
                    assert!(datagram.length <= length);
                    if datagram.length == length {
                        break;
                    }
                }
                pattern::verify(1, 0, &buffer[..length]);
            }
            let too_long = sender.send_to(&vec![0; 65_508], other.at(2_000)).await;
            assert_eq!(too_long.map_err(|error| error.code()), Err("EMSGSIZE"));
        });
    });
}

#[test]
fn a_lost_fragment_costs_its_datagram_and_no_other() {
    let (mut simulation, one, other) = Simulation::pair("lost-fragment", 1, cable());
    let segment = simulation.segment();
    simulation.run(seconds(5), async {
        let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
        sender
            .send_to(b"arp", other.at(2_000))
            .await
            .expect("sending");
        receiver.receive(&mut [0; 10]).await.expect("receiving");
        segment.borrow_mut().cable(one.port).impairments.loss = 0.5;
        sender
            .send_to(&vec![1; 30_000], other.at(2_000))
            .await
            .expect("sending");
        one.network.sleep(Duration::from_millis(10)).await;
        segment.borrow_mut().cable(one.port).impairments.loss = 0.0;
        sender
            .send_to(&vec![2; 30_000], other.at(2_000))
            .await
            .expect("sending");
        let mut buffer = vec![0; 65_535];
        let datagram = receiver.receive(&mut buffer).await.expect("receiving");
        assert!(datagram.length == 30_000 && buffer[..30_000].iter().all(|&byte| byte == 2));
    });
    simulation.run_for(seconds(70));
    let dropped = other
        .network
        .with_stack(|stack, _| stack.counters().dropped(DropReason::FragmentTimeout));
    assert_eq!(dropped, 1);
}

#[test]
fn a_reader_that_never_reads_costs_bounded_memory_and_counted_drops() {
    let (mut simulation, one, other) = Simulation::pair("udp-flood", 1, cable());
    simulation.run(seconds(60), async {
        let (sender, receiver) = (bind(&one, 1_000), bind(&other, 2_000));
        // A flood before ARP has answered would be dropped at its source.
        let ping = one.network.ping(other.address, Default::default()).await;
        assert!(ping.is_ok());
        for _ in 0..2_000 {
            sender
                .send_to(&[0; 1_000], other.at(2_000))
                .await
                .expect("sending");
        }
        one.network.sleep(seconds(1)).await;
        let dropped = other
            .network
            .with_stack(|stack, _| stack.counters().dropped(DropReason::UdpQueueFull));
        assert!(dropped > 1_000, "{dropped} dropped");
        let mut held = 0;
        let timer = other.network.sleep(Duration::from_millis(1));
        futures_util::pin_mut!(timer);
        loop {
            let mut buffer = [0; 2_000];
            let receive = receiver.receive(&mut buffer);
            futures_util::pin_mut!(receive);
            match futures_util::future::select(receive, &mut timer).await {
                futures_util::future::Either::Left(_) => held += 1,
                futures_util::future::Either::Right(_) => break,
            }
        }
        assert_eq!(held + dropped, 2_000);
    });
}

#[test]
fn datagrams_and_streams_share_the_link() {
    let impairments = Impairments {
        bandwidth: 1_000_000,
        queue: 64 * 1_024,
        ..cable()
    };
    let (mut simulation, one, other) = Simulation::pair("share", 1, impairments);
    simulation.run(seconds(30), async {
        let listener = other
            .network
            .listen(other.at(80), ListenOptions::default())
            .expect("listening");
        let bulk = async {
            let (near, far) = join!(
                one.network.connect_to(other.at(80), TcpOptions::default()),
                traffic::accept(&listener)
            );
            join!(
                traffic::exchange(near.expect("connecting"), 1, 2_000_000),
                traffic::exchange(far.expect("accepting"), 2, 2_000_000)
            );
        };
        let pings = async {
            let mut answered = 0;
            for _ in 0..20 {
                one.network.sleep(Duration::from_millis(50)).await;
                answered += u32::from(
                    one.network
                        .ping(other.address, Default::default())
                        .await
                        .is_ok(),
                );
            }
            answered
        };
        let (_, answered) = join!(bulk, pings);
        assert!(
            answered >= 15,
            "{answered} of 20 pings were answered beside a bulk transfer"
        );
    });
}
