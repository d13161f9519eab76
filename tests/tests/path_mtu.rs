//! Paths that carry less than the link (RFC 1191).

use ethertab_stack::Duration;
use ethertab_stack::config::{ListenOptions, TcpOptions};
use ethertab_tests::{Impairments, Simulation, traffic};
use futures_util::join;

fn transfer(name: &'static str, impairments: Impairments, limit: Duration) -> (Simulation, u64) {
    let (mut simulation, client, server) = Simulation::pair(name, 1, impairments);
    simulation.run(limit, async {
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
        join!(
            traffic::exchange(near.expect("connecting"), 1, 300_000),
            traffic::exchange(far.expect("accepting"), 2, 300_000)
        );
    });
    let too_big = simulation.tally(&client).too_big + simulation.tally(&server).too_big;
    (simulation, too_big)
}

#[test]
fn a_stream_finds_a_narrow_path_and_fits_through() {
    let narrow = Impairments {
        delay: Duration::from_millis(10),
        path_mtu: 1_000,
        ..Impairments::default()
    };
    let (simulation, too_big) = transfer("path-mtu", narrow, Duration::from_secs(5));
    assert!(too_big > 0, "the path was never too narrow");
    // Each side's first window may be in flight before the first answer of the router comes.
    assert!(
        too_big <= 40,
        "{too_big} segments too big: the answer was not heeded"
    );
    let segment = simulation.segment();
    let segment = segment.borrow();
    assert!(
        segment
            .capture
            .frames()
            .any(|(_, frame)| frame.len() == 1_014),
        "the path is filled"
    );
}

#[test]
fn every_width_of_path_will_do() {
    for path_mtu in [576, 1_280, 1_492, 1_499, 1_500] {
        let narrow = Impairments {
            delay: Duration::from_millis(10),
            path_mtu,
            ..Impairments::default()
        };
        transfer("path-widths", narrow, Duration::from_secs(10));
    }
}

#[test]
fn a_lowered_path_is_remembered_for_the_next_connection() {
    let narrow = Impairments {
        delay: Duration::from_millis(10),
        path_mtu: 1_000,
        ..Impairments::default()
    };
    let (mut simulation, client, server) = Simulation::pair("path-memory", 1, narrow);
    let mut counts = Vec::new();
    for round in 0..2_u16 {
        simulation.run(Duration::from_secs(5), async {
            let port = 80 + round;
            let listener = server
                .network
                .listen(server.at(port), ListenOptions::default())
                .expect("listening");
            let (near, far) = join!(
                client
                    .network
                    .connect_to(server.at(port), TcpOptions::default()),
                traffic::accept(&listener)
            );
            join!(
                traffic::exchange(near.expect("connecting"), 1, 50_000),
                traffic::exchange(far.expect("accepting"), 2, 50_000)
            );
        });
        counts.push(simulation.tally(&client).too_big + simulation.tally(&server).too_big);
    }
    assert!(counts[0] > 0);
    assert_eq!(counts[0], counts[1], "the second connection knew the path");
}
