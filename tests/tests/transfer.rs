//! Bytes arrive intact, both ways at once, whatever the cable does to frames, and in bounded time.

use ethertab_stack::Duration;
use ethertab_stack::config::{BufferSize, Config, CongestionAlgorithm, ListenOptions, TcpOptions};
use ethertab_tests::{Impairments, Simulation, for_seeds, traffic};
use futures_util::join;

/// A cable as between two houses of one town.
const ORDINARY: Impairments = Impairments {
    delay: Duration::from_millis(10),
    bandwidth: 0,
    queue: 0,
    loss: 0.0,
    duplication: 0.0,
    corruption: 0.0,
    reordering: 0.0,
    reordering_delay: Duration::from_millis(8),
    path_mtu: 0,
    black_hole: false,
};

fn transfer(
    name: &'static str,
    seed: u64,
    impairments: Impairments,
    config: Config,
    length: u64,
    limit: Duration,
) -> Duration {
    let mut simulation = Simulation::new(name, seed);
    let client = simulation.host(config.clone(), impairments);
    let server = simulation.host(config, impairments);
    simulation.run(limit, async {
        let listener = server
            .network
            .listen(server.at(80), ListenOptions::default())
            .expect("listening");
        let serve = async {
            let stream = traffic::accept(&listener).await.expect("accepting");
            traffic::exchange(stream, 2, length).await;
        };
        let ask = async {
            let stream = client
                .network
                .connect_to(server.at(80), TcpOptions::default())
                .await
                .expect("connecting");
            traffic::exchange(stream, 1, length).await;
        };
        join!(serve, ask);
    });
    let took = simulation.now().since(ethertab_stack::Instant::ZERO);
    settles(&mut simulation, &[&client, &server]);
    took
}

/// Once the programs have closed, nothing but TIME-WAIT is left, and that goes too.
fn settles(simulation: &mut Simulation, hosts: &[&ethertab_tests::Host]) {
    // The last FIN may be lost as often as anything else; TIME-WAIT begins when it is through.
    simulation.run_for(Duration::from_secs(300));
    for host in hosts {
        assert!(
            host.network
                .with_stack(|stack, _| stack.is_quiet() && stack.connections() == 0),
            "state is left behind"
        );
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_perfect_cable_carries_a_transfer_in_little_more_than_its_round_trips() {
    let took = transfer(
        "perfect",
        1,
        ORDINARY,
        Config::default(),
        1_000_000,
        seconds(2),
    );
    // 1 MB from a window of 10 segments doubling each 20 ms: seven round trips, and those of opening and closing.
    assert!(took < Duration::from_millis(320), "took {took:?}");
}

#[test]
fn a_cable_without_delay_carries_ten_megabytes() {
    transfer(
        "no-delay",
        1,
        Impairments::default(),
        Config::default(),
        10_000_000,
        seconds(5),
    );
}

#[test]
fn a_narrow_cable_is_filled() {
    let narrow = Impairments {
        bandwidth: 1_250_000,
        queue: 64 * 1_024,
        ..ORDINARY
    };
    let took = transfer(
        "narrow",
        1,
        narrow,
        Config::default(),
        5_000_000,
        seconds(12),
    );
    // 5 MB at 1.25 MB/s are 4 s; headers, acknowledgements and the search for the rate may cost a quarter.
    assert!(took < Duration::from_millis(5_500), "took {took:?}");
}

#[test]
fn a_long_wide_cable_is_filled() {
    let long = Impairments {
        delay: Duration::from_millis(50),
        bandwidth: 125_000_000,
        ..ORDINARY
    };
    let took = transfer("long", 1, long, Config::default(), 200_000_000, seconds(10));
    // 1.6 s at 125 MB/s, behind some ten round trips of slow start; with buffers of 1 MiB it were 20 s.
    assert!(took < Duration::from_millis(3_500), "took {took:?}");
}

#[test]
fn losses_cost_less_time_with_selective_acknowledgements() {
    let lossy = Impairments {
        loss: 0.02,
        ..ORDINARY
    };
    let took = |sack: bool| -> Duration {
        let mut config = Config::default();
        config.tcp.sack = sack;
        let seeds = 1..=5;
        let each =
            seeds.map(|seed| transfer("sack", seed, lossy, config.clone(), 1_000_000, seconds(60)));
        each.sum()
    };
    let (with, without) = (took(true), took(false));
    assert!(with < without * 2 / 3, "{with:?}, without {without:?}");
}

#[test]
fn transfers_survive_loss() {
    for (loss, limit) in [
        (0.001, 60),
        (0.01, 60),
        (0.05, 120),
        (0.1, 300),
        (0.2, 1_200),
    ] {
        // At 20 % each way a segment often fails many times in a row, and the backed-off timeout stays until a segment
        // that was sent only once is acknowledged (RFC 6298 §3).
        for_seeds(6, |seed| {
            let impairments = Impairments { loss, ..ORDINARY };
            transfer(
                "loss",
                seed,
                impairments,
                Config::default(),
                200_000,
                seconds(limit),
            );
        });
    }
}

#[test]
fn transfers_survive_reordering() {
    for reordering in [0.01, 0.1, 0.5] {
        for_seeds(4, |seed| {
            let impairments = Impairments {
                reordering,
                ..ORDINARY
            };
            transfer(
                "reordering",
                seed,
                impairments,
                Config::default(),
                500_000,
                seconds(60),
            );
        });
    }
}

#[test]
fn transfers_survive_duplication() {
    for_seeds(4, |seed| {
        let impairments = Impairments {
            duplication: 0.2,
            ..ORDINARY
        };
        transfer(
            "duplication",
            seed,
            impairments,
            Config::default(),
            500_000,
            seconds(30),
        );
    });
}

#[test]
fn transfers_survive_flipped_bits() {
    for_seeds(4, |seed| {
        let impairments = Impairments {
            corruption: 0.05,
            ..ORDINARY
        };
        transfer(
            "corruption",
            seed,
            impairments,
            Config::default(),
            200_000,
            seconds(120),
        );
    });
}

#[test]
fn transfers_survive_everything_at_once() {
    for_seeds(24, |seed| {
        let mut random = ethertab_stack::random::Random::new([seed as u8; 32]);
        let mut share = |most: f64| f64::from(random.below(1_000)) / 1_000.0 * most;
        let impairments = Impairments {
            delay: Duration::from_micros((share(100_000.0)) as u64),
            bandwidth: 200_000 + share(2_000_000.0) as u64,
            queue: 32 * 1_024,
            loss: share(0.08),
            duplication: share(0.1),
            corruption: share(0.05),
            reordering: share(0.2),
            reordering_delay: Duration::from_micros(share(50_000.0) as u64),
            path_mtu: 0,
            black_hole: false,
        };
        transfer(
            "everything",
            seed,
            impairments,
            Config::default(),
            200_000,
            seconds(600),
        );
    });
}

#[test]
fn every_congestion_control_gets_through_loss() {
    // Without any, only where no queue can overflow: that is what it is for.
    for (congestion, bandwidth) in [
        (CongestionAlgorithm::Cubic, 2_000_000),
        (CongestionAlgorithm::NewReno, 2_000_000),
        (CongestionAlgorithm::None, 0),
    ] {
        for_seeds(3, |seed| {
            let mut config = Config::default();
            config.tcp.congestion = congestion;
            let impairments = Impairments {
                loss: 0.02,
                bandwidth,
                queue: 64 * 1_024,
                ..ORDINARY
            };
            transfer(
                "congestion",
                seed,
                impairments,
                config,
                500_000,
                seconds(120),
            );
        });
    }
}

#[test]
fn small_buffers_only_make_it_slower() {
    for_seeds(4, |seed| {
        let mut config = Config::default();
        config.tcp.receive_buffer = BufferSize::fixed(3_000);
        config.tcp.send_buffer = BufferSize::fixed(2_000);
        let impairments = Impairments {
            loss: 0.02,
            ..ORDINARY
        };
        transfer(
            "small-buffers",
            seed,
            impairments,
            config,
            60_000,
            seconds(300),
        );
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let impairments = Impairments {
            loss: 0.05,
            reordering: 0.1,
            ..ORDINARY
        };
        transfer(
            "same",
            42,
            impairments,
            Config::default(),
            100_000,
            seconds(300),
        )
    };
    assert_eq!(run(), run());
}

#[test]
fn a_hundred_connections_share_a_cable() {
    let impairments = Impairments {
        bandwidth: 5_000_000,
        queue: 256 * 1_024,
        loss: 0.005,
        ..ORDINARY
    };
    let (mut simulation, client, server) = Simulation::pair("hundred", 1, impairments);
    simulation.run(seconds(120), async {
        let listener = server
            .network
            .listen(server.at(80), ListenOptions::default())
            .expect("listening");
        let serve = async {
            let mut all = Vec::new();
            for _ in 0..100 {
                let stream = traffic::accept(&listener).await.expect("accepting");
                all.push(traffic::exchange(stream, 2, 50_000));
            }
            futures_util::future::join_all(all).await;
        };
        let ask = (0..100).map(|_| async {
            let stream = client
                .network
                .connect_to(server.at(80), TcpOptions::default())
                .await
                .expect("connecting");
            traffic::exchange(stream, 1, 50_000).await;
        });
        join!(serve, futures_util::future::join_all(ask));
    });
    settles(&mut simulation, &[&client, &server]);
}
