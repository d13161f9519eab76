//! Echo requests and replies.

use ethertab_stack::Duration;
use ethertab_stack::driver::{Error, PingOptions};
use ethertab_tests::{Impairments, Simulation};
use futures_util::future::join_all;
use std::net::IpAddr;

fn cable() -> Impairments {
    Impairments {
        delay: Duration::from_millis(7),
        ..Impairments::default()
    }
}

#[test]
fn a_ping_measures_the_round_trip() {
    let (mut simulation, one, other) = Simulation::pair("ping", 1, cable());
    // Both hosts announced their addresses; later nobody learns from it.
    simulation.run_for(Duration::from_secs(3));
    simulation.run(Duration::from_secs(5), async {
        // The first one also pays for ARP.
        let first = one
            .network
            .ping(other.address, PingOptions::default())
            .await
            .expect("a reply");
        assert_eq!(first.round_trip, Duration::from_millis(28));
        let second = one
            .network
            .ping(other.address, PingOptions::default())
            .await
            .expect("a reply");
        assert_eq!(second.round_trip, Duration::from_millis(14));
        assert_eq!(
            (second.source, second.hop_limit, second.size),
            (other.address, 64, 56)
        );
    });
}

#[test]
fn pings_of_every_size_come_back() {
    let (mut simulation, one, other) = Simulation::pair("ping-sizes", 1, cable());
    simulation.run(Duration::from_secs(5), async {
        for size in [0, 1, 1_472, 1_473, 20_000, 65_507] {
            let options = PingOptions {
                size,
                ..PingOptions::default()
            };
            let reply = one.network.ping(other.address, options).await;
            assert_eq!(reply.map(|reply| reply.size), Ok(size));
        }
    });
}

#[test]
fn a_lost_ping_times_out() {
    let (mut simulation, one, other) = Simulation::pair("ping-lost", 1, cable());
    let segment = simulation.segment();
    simulation.run(Duration::from_secs(10), async {
        let known = one
            .network
            .ping(other.address, PingOptions::default())
            .await;
        assert!(known.is_ok());
        segment.borrow_mut().cable(other.port).impairments.loss = 1.0;
        let before = one.network.with_stack(|_, now| now);
        let lost = one
            .network
            .ping(other.address, PingOptions::default())
            .await;
        assert_eq!(lost, Err(Error::TimedOut));
        assert_eq!(
            one.network.with_stack(|_, now| now).since(before),
            Duration::from_secs(2)
        );
    });
}

#[test]
fn a_ping_to_nobody_says_that_the_host_is_unreachable() {
    let (mut simulation, one, _other) = Simulation::pair("ping-nobody", 1, cable());
    let nobody: IpAddr = "10.0.0.77".parse().expect("an address");
    let outcome = simulation.run(Duration::from_secs(10), async {
        let options = PingOptions {
            timeout: Duration::from_secs(8),
            ..PingOptions::default()
        };
        one.network.ping(nobody, options).await
    });
    assert_eq!(outcome.map_err(|error| error.code()), Err("EHOSTUNREACH"));
}

#[test]
fn many_pings_at_once_keep_their_replies_apart() {
    let (mut simulation, one, other) = Simulation::pair("pings", 1, cable());
    simulation.run(Duration::from_secs(5), async {
        let pings = (0..50).map(|size| {
            let options = PingOptions {
                size,
                ..PingOptions::default()
            };
            one.network.ping(other.address, options)
        });
        for (size, reply) in join_all(pings).await.into_iter().enumerate() {
            assert_eq!(reply.map(|reply| reply.size), Ok(size));
        }
    });
}

#[test]
fn a_host_answers_itself() {
    let (mut simulation, one, _other) = Simulation::pair("ping-self", 1, cable());
    simulation.run(Duration::from_secs(5), async {
        for address in [one.address, "127.0.0.1".parse().expect("an address")] {
            let reply = one
                .network
                .ping(address, PingOptions::default())
                .await
                .expect("a reply");
            assert_eq!(reply.source, address);
        }
    });
}
