//! Two hosts on a bad wire: whatever it does, streams arrive intact, connections end, and nothing is left behind.

use super::rig::*;
use super::transfer::exchange;
use crate::config::{Config, CongestionAlgorithm, TcpOptions};
use crate::time::Duration;
use proptest::prelude::*;

fn weather() -> impl Strategy<Value = Weather> {
    (
        0_u64..60,
        0_u64..30,
        0_u32..150,
        0_u32..100,
        0_u32..50,
        0_u32..50,
    )
        .prop_map(
            |(delay, jitter, loss, repetition, corruption, marks)| Weather {
                delay: Duration::from_millis(delay),
                jitter: Duration::from_millis(jitter),
                loss,
                repetition,
                corruption,
                marks,
            },
        )
}

fn options() -> impl Strategy<Value = TcpOptions> {
    let buffer = || prop_oneof![Just(None), (500_usize..200_000).prop_map(Some)];
    (buffer(), buffer(), any::<bool>()).prop_map(|(receive_buffer, send_buffer, no_delay)| {
        TcpOptions {
            receive_buffer,
            send_buffer,
            no_delay,
            ..TcpOptions::default()
        }
    })
}

proptest! {
    #[test]
    fn streams_arrive_intact_in_any_weather(
        weather in weather(),
        options in options(),
        lengths in [0_usize..120_000, 0_usize..120_000],
        algorithm in prop_oneof![Just(CongestionAlgorithm::Cubic), Just(CongestionAlgorithm::NewReno), Just(CongestionAlgorithm::None)],
        largest_segment in prop_oneof![Just(0_usize), Just(64_000)],
        seed: u64,
    ) {
        let mut config = Config::default();
        config.tcp.congestion = algorithm;
        // What a link cuts arrives cut; here the far side takes large segments as they are.
        config.link.largest_segment = largest_segment;
        config.link.fill_checksums = largest_segment == 0;
        let mut wire = Wire::new(&config, weather, seed);
        exchange(&mut wire, lengths, &options);
    }
}
