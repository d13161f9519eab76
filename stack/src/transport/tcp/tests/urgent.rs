//! Urgent data (RFC 9293 §3.8.5): where it ends, as the peer and we say.

use super::rig::*;
use crate::config::{Config, TcpOptions};
use crate::wire::tcp::Flags;

#[test]
fn the_pointer_counts_from_the_segments_own_number() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(&[7; 100]));
    // Repeated, with ten more bytes.
    bench.say(seq(1).ack(1).data(&[7; 110]).urgent(105));
    assert_eq!(bench.tcp.urgent(bench.id()), Some(105));
}

#[test]
fn urgent_data_of_the_past_stays_in_the_past() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"x").urgent(1));
    bench.read();
    let block = alloc::vec![7; 60_000];
    let mut total = 2_u64;
    // Numbers that far behind seem to lie ahead.
    while total < (1 << 31) + 1_000_000 {
        bench.say(seq(total as u32).ack(1).data(&block));
        total += block.len() as u64;
        bench.read();
        bench.hear();
    }
    assert_eq!(bench.awaited(), total as u32);
    assert_eq!(bench.tcp.urgent(bench.id()), None);
    bench.say(seq(total as u32).ack(1).data(b"x").urgent(1));
    assert_eq!(bench.tcp.urgent(bench.id()), Some(1));
}

#[test]
fn a_segment_that_the_link_is_to_cut_holds_none() {
    let mut config = Config::default();
    config.link.largest_segment = 60_000;
    config.link.fill_checksums = false;
    let mut bench = Bench::connected_with(&config, &TcpOptions::default(), seq(0).mss(1_000));
    assert!(
        bench
            .tcp
            .write_urgent(bench.id(), &[7; 5_000], bench.now)
            .is_ready()
    );
    let heard = bench.hear();
    assert!(heard.iter().any(|heard| heard.flags.contains(Flags::URG)));
    for heard in heard {
        assert!(!heard.flags.contains(Flags::URG) || heard.departure.offload.segment_size == 0);
    }
}
