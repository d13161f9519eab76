//! Selective acknowledgements: RFC 2018 and RFC 6675.

use super::rig::*;
use crate::config::{Config, ListenOptions, TcpOptions};
use alloc::string::String;
use alloc::vec::Vec;

/// A peer that understands them, with segments of 1,000 bytes.
fn understood() -> Bench {
    understood_with(&config())
}

fn understood_with(config: &Config) -> Bench {
    let mut syn = seq(0).mss(1_000);
    syn.options.sack_permitted = true;
    Bench::connected_with(config, &TcpOptions::default(), syn)
}

/// The blocks in an acknowledgement, counted from the peer's initial number.
fn told(heard: &Heard) -> Vec<(u32, u32)> {
    let count = |edge: u32| edge.wrapping_sub(PEER_INITIAL);
    let blocks = heard.options.sack.as_slice().iter();
    blocks
        .map(|(left, right)| (count(*left), count(*right)))
        .collect()
}

/// The peer acknowledges up to `acknowledgement` and holds these ranges, counted from our initial number.
fn hold(bench: &mut Bench, acknowledgement: u32, ranges: &[(u32, u32)]) {
    let initial = bench.host_initial();
    let mut say = seq(1).ack(acknowledgement);
    for (left, right) in ranges {
        let edges = (initial.wrapping_add(*left), initial.wrapping_add(*right));
        say.options.sack.push(edges.0, edges.1);
    }
    bench.say(say);
}

/// Sequence numbers of what the host sends now.
fn sequences(bench: &mut Bench) -> Vec<u32> {
    bench.hear().iter().map(|heard| heard.sequence).collect()
}

#[test]
fn both_syns_must_permit_it() {
    let (_, heard) = Bench::connecting(&config(), &TcpOptions::default());
    assert!(heard[0].options.sack_permitted);
    for permits in [true, false] {
        let mut bench = Bench::listening(&config(), &ListenOptions::default());
        let mut syn = seq(0).syn().mss(1_000);
        syn.options.sack_permitted = permits;
        bench.say(syn);
        assert_eq!(bench.hear()[0].options.sack_permitted, permits);
    }
    let mut bench = Bench::connected();
    bench.say(seq(1_001).ack(1).data(&[7; 1_000]));
    assert_eq!(told(&bench.hear()[0]), [], "a peer that did not");
    let mut config = Config::default();
    config.tcp.sack = false;
    let (_, heard) = Bench::connecting(&config, &TcpOptions::default());
    assert!(!heard[0].options.sack_permitted);
}

#[test]
fn acknowledgements_tell_what_waits_until_the_gap_is_filled() {
    let mut bench = understood();
    bench.say(seq(2_001).ack(1).data(&[7; 1_000]));
    assert_eq!(told(&bench.hear()[0]), [(2_001, 3_001)]);
    bench.say(seq(5_001).ack(1).data(&[7; 1_000]));
    assert_eq!(told(&bench.hear()[0]), [(5_001, 6_001), (2_001, 3_001)]);
    bench.say(seq(1).ack(1).data(&[7; 2_000]));
    let heard = bench.hear();
    assert_eq!(heard[0].acknowledgement, 3_001);
    assert_eq!(told(&heard[0]), [(5_001, 6_001)]);
    bench.say(seq(3_001).ack(1).data(&[7; 2_000]));
    assert_eq!(told(&bench.hear()[0]), []);
}

#[test]
fn a_gap_is_told_before_data_leaves() {
    let mut bench = understood();
    bench.write(&[5; 500]);
    bench.say(seq(2_001).ack(1).data(&[7; 1_000]));
    let texts: Vec<String> = bench.hears();
    assert_eq!(texts, ["SEQ=1 ACK=1 ACK", "SEQ=1 ACK=1 LEN=500 PSH,ACK"]);
}

#[test]
fn only_what_is_lost_leaves_again_and_all_of_it_in_one_round_trip() {
    let mut bench = understood();
    bench.write(&[5; 10_000]);
    assert_eq!(bench.hear().len(), 10);
    // The first, the fourth and the sixth of ten were lost.
    hold(&mut bench, 1, &[(1_001, 2_001)]);
    hold(&mut bench, 1, &[(1_001, 3_001)]);
    assert_eq!(sequences(&mut bench), [0; 0], "two above it may overtake");
    hold(&mut bench, 1, &[(4_001, 5_001), (1_001, 3_001)]);
    assert_eq!(sequences(&mut bench), [1]);
    hold(
        &mut bench,
        1,
        &[(6_001, 8_001), (4_001, 5_001), (1_001, 3_001)],
    );
    hold(
        &mut bench,
        1,
        &[(6_001, 10_001), (4_001, 5_001), (1_001, 3_001)],
    );
    assert_eq!(sequences(&mut bench), [3_001, 5_001]);
    hold(&mut bench, 3_001, &[(6_001, 10_001), (4_001, 5_001)]);
    hold(&mut bench, 5_001, &[(6_001, 10_001)]);
    assert_eq!(sequences(&mut bench), [0; 0], "it is on its way");
    hold(&mut bench, 10_001, &[]);
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!((info.retransmits, info.in_flight), (3, 0));
}

#[test]
fn in_recovery_new_data_leaves_as_old_data_arrives() {
    let mut bench = understood();
    bench.write(&[5; 40_000]);
    assert_eq!(bench.hear().len(), 10);
    hold(&mut bench, 1, &[(1_001, 4_001)]);
    assert_eq!(sequences(&mut bench), [1]);
    // Seven of the ten may be in flight now: the one sent again, and the six above those held.
    assert_eq!(sequences(&mut bench), [0; 0]);
    hold(&mut bench, 1, &[(1_001, 6_001)]);
    assert_eq!(sequences(&mut bench), [10_001, 11_001]);
}

#[test]
fn what_may_be_lost_leaves_again_when_nothing_new_is_there() {
    let mut bench = understood();
    bench.write(&[5; 8_000]);
    assert_eq!(bench.hear().len(), 8);
    hold(&mut bench, 1, &[(1_001, 5_001), (6_001, 7_001)]);
    // 5,001 has one segment held behind it, which is too little to be sure.
    assert_eq!(sequences(&mut bench), [1, 5_001]);
}

#[test]
fn a_timeout_believes_nothing_of_what_was_told() {
    let mut bench = understood();
    bench.write(&[5; 5_000]);
    bench.hear();
    hold(&mut bench, 1, &[(1_001, 3_001)]);
    bench.now = bench.tcp.next_deadline().unwrap();
    bench.tcp.advance(bench.now);
    assert_eq!(sequences(&mut bench), [1]);
    bench.say(seq(1).ack(1_001));
    assert_eq!(sequences(&mut bench), [1_001, 2_001], "RFC 2018 §8");
}

#[test]
fn blocks_of_what_was_never_sent_change_nothing() {
    let mut bench = understood();
    bench.write(&[5; 2_000]);
    bench.hear();
    for _ in 0..5 {
        hold(&mut bench, 1, &[(2_001, 9_001), (0, 1), (u32::MAX, 1)]);
    }
    // Five duplicates are a loss all the same, and the first segment alone leaves again.
    assert_eq!(sequences(&mut bench), [1]);
}

/// All that is heard, which must be few.
fn drain(bench: &mut Bench) -> usize {
    let mut count = 0;
    while bench.hear_one().is_some() {
        count += 1;
        assert!(count < 1_000, "it does not end");
    }
    count
}

#[test]
fn a_peer_that_gives_up_what_it_held_is_sent_it_again_and_no_flood() {
    let mut bench = understood();
    bench.write(&[7; 10_000]);
    assert_eq!(bench.hear().len(), 10);
    hold(&mut bench, 1, &[(1_001, 5_001)]);
    hold(&mut bench, 1, &[(1_001, 6_001)]);
    assert!(sequences(&mut bench).contains(&1));
    // RFC 2018 §8: the hole is filled, and no more is acknowledged.
    bench.say(seq(1).ack(1_001));
    drain(&mut bench);
    let again = bench.millis(3_000);
    assert!(
        again.iter().any(|(_, said)| said.starts_with("SEQ=1001 ")),
        "{again:?}"
    );
}

#[test]
fn blocks_at_the_acknowledgement_itself_cause_no_flood() {
    let mut bench = understood();
    bench.write(&[7; 10_000]);
    assert_eq!(bench.hear().len(), 10);
    for right in [5_001, 6_001, 7_001] {
        hold(&mut bench, 1, &[(1, right)]);
    }
    drain(&mut bench);
}

#[test]
fn one_stray_duplicate_does_not_make_the_next_loss_look_like_many() {
    let mut bench = understood();
    bench.write(&[7; 1_000]);
    bench.hear();
    // The network repeated it. All that is sent now is within the window: none of it is limited transmit (RFC 3042).
    bench.say(seq(1).ack(1));
    bench.write(&[7; 9_000]);
    bench.hear();
    hold(&mut bench, 1, &[(1_001, 10_001)]);
    let info = bench.tcp.info(bench.id()).unwrap();
    assert!(
        info.slow_start_threshold >= 7_000,
        "{}",
        info.slow_start_threshold
    );
}
