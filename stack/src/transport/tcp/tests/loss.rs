//! What is lost is sent again: RFC 6298, RFC 5681, RFC 6582, RFC 3042.

use super::rig::*;
use crate::config::{Config, CongestionAlgorithm, ListenOptions, TcpOptions};
use crate::time::Duration;
use crate::transport::TcpError;
use alloc::string::String;
use alloc::vec::Vec;

/// A connection with NewReno and segments of 1,000 bytes.
fn reno() -> Bench {
    let mut config = Config::default();
    config.tcp.congestion = CongestionAlgorithm::NewReno;
    Bench::connected_with(&config, &TcpOptions::default(), seq(0).mss(1_000))
}

fn sequences(bench: &mut Bench) -> Vec<u32> {
    bench
        .hear()
        .iter()
        .map(|segment| segment.sequence)
        .collect()
}

fn times(sent: &[(u64, String)]) -> Vec<u64> {
    sent.iter().map(|(at, _)| *at).collect()
}

#[test]
fn a_lost_segment_is_repeated_after_the_timeout_which_doubles() {
    let mut bench = reno();
    bench.write(b"hello");
    let sent = bench.millis(10_000);
    assert_eq!(times(&sent), [0, 200, 600, 1_400, 3_000, 6_200]);
    assert!(
        sent.iter()
            .all(|(_, text)| text == "SEQ=1 ACK=1 LEN=5 PSH,ACK")
    );
    assert_eq!(bench.tcp.counters().tcp_timeout_retransmits, 5);
}

#[test]
fn the_timeout_follows_the_round_trip() {
    let mut bench = reno();
    for round in 0..30 {
        bench.write(b"x");
        bench.hear();
        bench.millis(400);
        bench.say(seq(1).ack(2 + round));
    }
    let info = bench.tcp.info(bench.id()).unwrap();
    let smoothed = info.smoothed_round_trip.unwrap().as_millis();
    assert!((380..=400).contains(&smoothed), "{smoothed}");
    assert!(info.retransmission_timeout > Duration::from_millis(400));
}

#[test]
fn a_segment_that_was_repeated_is_not_measured() {
    let mut bench = reno();
    bench.write(b"hello");
    assert_eq!(bench.millis(500).len(), 2);
    let before = bench.tcp.info(bench.id()).unwrap();
    bench.say(seq(1).ack(6));
    let after = bench.tcp.info(bench.id()).unwrap();
    assert_eq!(before.smoothed_round_trip, after.smoothed_round_trip);
    // The back-off stays until something is measured.
    assert_eq!(after.retransmission_timeout, Duration::from_millis(400));
    bench.write(b"again");
    bench.hear();
    bench.say(seq(1).ack(11));
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!(info.retransmission_timeout, Duration::from_millis(200));
}

#[test]
fn after_a_timeout_the_window_is_one_segment_and_grows_again() {
    let mut bench = reno();
    bench.write(&[7; 20_000]);
    assert_eq!(sequences(&mut bench).len(), 10);
    let sent = bench.millis(250);
    assert_eq!(sent.len(), 1);
    assert_eq!(bench.tcp.info(bench.id()).unwrap().congestion_window, 1_000);
    bench.say(seq(1).ack(1_001));
    assert_eq!(sequences(&mut bench), [1_001, 2_001]);
    bench.say(seq(1).ack(3_001));
    assert_eq!(sequences(&mut bench), [3_001, 4_001, 5_001]);
}

#[test]
fn what_the_peer_held_is_not_repeated_after_a_timeout() {
    let mut bench = reno();
    bench.write(&[7; 10_000]);
    bench.hear();
    assert_eq!(bench.millis(250)[0].1, "SEQ=1 ACK=1 LEN=1000 ACK");
    bench.say(seq(1).ack(9_001));
    assert_eq!(sequences(&mut bench), [9_001]);
}

#[test]
fn an_acknowledgement_after_a_timeout_carries_the_highest_sequence_number() {
    let mut bench = reno();
    bench.write(&[7; 5_000]);
    bench.hear();
    assert_eq!(bench.millis(250).len(), 1, "the first is repeated");
    bench.say(seq(5).ack(1).data(b"out of order"));
    assert_eq!(bench.hears(), ["SEQ=5001 ACK=1 ACK"]);
}

#[test]
fn the_third_duplicate_repeats_the_first_segment_at_once() {
    let mut bench = reno();
    bench.write(&[7; 10_000]);
    bench.hear();
    for _ in 0..2 {
        bench.say(seq(1).ack(1));
        assert_eq!(bench.hears(), [""; 0]);
    }
    bench.say(seq(1).ack(1));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 LEN=1000 ACK"]);
    assert_eq!(bench.tcp.counters().tcp_fast_retransmits, 1);
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!(info.slow_start_threshold, 5_000);
    // Everything arrives: recovery is over.
    bench.say(seq(1).ack(10_001));
    let info = bench.tcp.info(bench.id()).unwrap();
    assert!(info.congestion_window <= 5_000);
    assert_eq!(info.in_flight, 0);
}

#[test]
fn the_first_two_duplicates_let_one_new_segment_out_each() {
    let mut bench = reno();
    bench.write(&[7; 20_000]);
    bench.hear();
    bench.say(seq(1).ack(1));
    assert_eq!(sequences(&mut bench), [10_001]);
    bench.say(seq(1).ack(1));
    assert_eq!(sequences(&mut bench), [11_001]);
    bench.say(seq(1).ack(1));
    assert_eq!(sequences(&mut bench), [1]);
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!(info.slow_start_threshold, 5_000, "they do not count");
}

#[test]
fn further_duplicates_let_new_segments_out_once_half_has_left() {
    let mut bench = reno();
    bench.write(&[7; 30_000]);
    bench.hear();
    (0..3).for_each(|_| bench.say(seq(1).ack(1)));
    // The first is repeated; of limited transmit's allowance nothing was used.
    assert_eq!(sequences(&mut bench), [1]);
    let mut new = Vec::new();
    for _ in 0..7 {
        bench.say(seq(1).ack(1));
        new.extend(sequences(&mut bench));
    }
    // 5 + 3 + 7 segments of inflated window, 10 in flight.
    assert_eq!(new, [10_001, 11_001, 12_001, 13_001, 14_001]);
}

#[test]
fn a_partial_acknowledgement_repeats_the_next_hole_at_once() {
    let mut bench = reno();
    bench.write(&[7; 10_000]);
    bench.hear();
    (0..3).for_each(|_| bench.say(seq(1).ack(1)));
    assert_eq!(sequences(&mut bench), [1]);
    bench.say(seq(1).ack(4_001));
    assert_eq!(sequences(&mut bench), [4_001]);
    bench.say(seq(1).ack(6_001));
    assert_eq!(sequences(&mut bench), [6_001]);
    bench.say(seq(1).ack(10_001));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().in_flight, 0);
    assert_eq!(bench.tcp.counters().tcp_timeout_retransmits, 0);
}

#[test]
fn a_new_loss_right_after_recovery_is_found_by_duplicates_again() {
    let mut bench = reno();
    bench.write(&[7; 40_000]);
    bench.hear();
    (0..3).for_each(|_| bench.say(seq(1).ack(1)));
    bench.hear();
    bench.say(seq(1).ack(10_001));
    bench.hear();
    assert_eq!(bench.tcp.counters().tcp_fast_retransmits, 1);
    (0..3).for_each(|_| bench.say(seq(1).ack(10_001)));
    assert_eq!(sequences(&mut bench)[0], 10_001);
    assert_eq!(bench.tcp.counters().tcp_fast_retransmits, 2);
}

#[test]
fn duplicates_that_repeated_segments_cause_do_not_repeat_more() {
    let mut bench = reno();
    bench.write(&[7; 10_000]);
    bench.hear();
    assert_eq!(bench.millis(250).len(), 1);
    // The timeout was false: the whole flight arrives, and go-back-N's repetitions bring duplicates.
    bench.say(seq(1).ack(5_001));
    assert!(!bench.hear().is_empty());
    (0..5).for_each(|_| bench.say(seq(1).ack(5_001)));
    bench.hear();
    assert_eq!(bench.tcp.counters().tcp_fast_retransmits, 0);
}

#[test]
fn what_is_no_duplicate_is_not_counted_as_one() {
    let mut bench = reno();
    bench.write(&[7; 10_000]);
    bench.hear();
    for round in 0..5 {
        // Data of the peer's, and changes of its window.
        bench.say(seq(1 + round).ack(1).data(b"x"));
        bench.say(seq(1).ack(1).window(60_000 + round as u16));
    }
    assert_eq!(bench.tcp.counters().tcp_fast_retransmits, 0);
}

#[test]
fn a_syn_is_repeated_with_doubling_gaps_and_given_up_after_three_minutes() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    let sent = bench.millis(600_000);
    assert_eq!(
        times(&sent),
        [1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000]
    );
    assert!(sent.iter().all(|(_, text)| text == "SEQ=0 SYN"));
    assert_eq!(bench.error(), Some(TcpError::TimedOut));
}

#[test]
fn a_connect_ends_when_its_own_time_is_up() {
    let options = TcpOptions {
        connect_timeout: Some(Duration::from_millis(2_500)),
        ..TcpOptions::default()
    };
    let (mut bench, _) = Bench::connecting(&config(), &options);
    bench.millis(2_499);
    assert_eq!(bench.error(), None);
    assert_eq!(bench.millis(1), []);
    assert_eq!(bench.error(), Some(TcpError::TimedOut));
    // A late answer finds nobody.
    bench.say(seq(0).ack(1).syn());
    assert_eq!(bench.hears(), ["SEQ=1 RST"]);
}

#[test]
fn a_syn_ack_is_repeated_by_time_and_when_the_syn_is() {
    let mut bench = Bench::listening(&config(), &ListenOptions::default());
    bench.say(seq(0).syn());
    assert_eq!(bench.hears(), ["SEQ=0 ACK=1 SYN,ACK"]);
    assert_eq!(bench.millis(1_000), [(1_000, "SEQ=0 ACK=1 SYN,ACK".into())]);
    bench.say(seq(0).syn());
    assert_eq!(bench.hears(), ["SEQ=0 ACK=1 SYN,ACK"]);
    let sent = bench.millis(600_000);
    assert!(sent.iter().all(|(_, text)| text == "SEQ=0 ACK=1 SYN,ACK"));
    assert_eq!(bench.millis(600_000), []);
    assert!(bench.tcp.next_deadline().is_none(), "it is gone");
}

#[test]
fn after_a_lost_syn_the_window_is_one_segment_and_the_timeout_three_seconds() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.millis(1_000);
    bench.say(seq(0).ack(1).syn().mss(1_000));
    bench.write(&[7; 5_000]);
    assert_eq!(sequences(&mut bench), [1]);
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!(info.retransmission_timeout, Duration::from_secs(3));
}

#[test]
fn a_lost_fin_is_repeated() {
    let mut bench = reno();
    bench.finish();
    let sent = bench.millis(500);
    assert_eq!(times(&sent), [0, 200]);
    assert!(sent.iter().all(|(_, text)| text == "SEQ=1 ACK=1 FIN,ACK"));
    bench.say(seq(1).ack(2));
    assert_eq!(bench.state(), "FIN-WAIT-2");
    assert_eq!(bench.millis(10_000), []);
}

#[test]
fn a_fin_behind_lost_data_is_repeated_with_it() {
    let mut bench = reno();
    bench.write(&[7; 1_500]);
    bench.finish();
    assert_eq!(bench.hears().len(), 2);
    bench.millis(200);
    bench.say(seq(1).ack(1_001));
    assert_eq!(bench.hears(), ["SEQ=1001 ACK=1 LEN=500 FIN,PSH,ACK"]);
}

#[test]
fn data_that_is_never_acknowledged_ends_the_connection_at_the_user_timeout() {
    let options = TcpOptions {
        user_timeout: Some(Duration::from_secs(20)),
        ..TcpOptions::default()
    };
    let mut bench = Bench::connected_with(&config(), &options, seq(0).mss(1_000));
    bench.millis(100_000);
    bench.write(b"hello");
    let sent = bench.millis(19_999);
    assert!(sent.len() >= 4, "at least three repetitions: {sent:?}");
    assert_eq!(bench.error(), None);
    assert_eq!(bench.millis(1), [(1, "SEQ=6 RST".into())]);
    assert_eq!(bench.error(), Some(TcpError::TimedOut));
}

#[test]
fn the_program_can_see_that_nothing_is_acknowledged() {
    let mut bench = reno();
    bench.write(b"hello");
    bench.millis(3_100);
    assert_eq!(bench.tcp.info(bench.id()).unwrap().timeouts, 4);
    bench.say(seq(1).ack(6));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().timeouts, 0);
}

#[test]
fn the_defaults_are_as_patient_as_the_rfc_asks() {
    let config = config().tcp;
    assert!(config.user_timeout >= Duration::from_secs(100));
    assert!(
        config.max_retransmission_timeout >= Duration::from_secs(60),
        "RFC 6298 §2.5"
    );
}

#[test]
fn the_program_can_change_the_user_timeout() {
    let mut bench = reno();
    let (id, now) = (bench.id(), bench.now);
    bench
        .tcp
        .set_user_timeout(id, Some(Duration::from_secs(5)), now);
    bench.write(b"hello");
    bench.millis(5_000);
    assert_eq!(bench.error(), Some(TcpError::TimedOut));
}

#[test]
fn when_the_link_is_back_what_waits_leaves_at_once() {
    let mut bench = reno();
    bench.write(b"hello");
    bench.millis(20_000);
    bench.tcp.link_restored(bench.now);
    bench.tcp.advance(bench.now);
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 LEN=5 PSH,ACK"]);
}

#[test]
fn an_idle_connection_begins_again_with_the_initial_window() {
    let mut bench = reno();
    let mut acknowledged = 1;
    for _ in 0..4 {
        bench.write(&[7; 60_000]);
        let count = bench.hear().len() as u32;
        acknowledged += 1_000 * count;
        bench.say(seq(1).ack(acknowledged));
    }
    while !bench.hear().is_empty() {
        acknowledged = bench.tcp.info(bench.id()).unwrap().bytes_sent as u32
            + 1
            + bench.tcp.info(bench.id()).unwrap().in_flight as u32;
        bench.say(seq(1).ack(acknowledged));
    }
    assert!(bench.tcp.info(bench.id()).unwrap().congestion_window > 10_000);
    bench.millis(10_000);
    bench.write(&[7; 60_000]);
    assert_eq!(bench.hear().len(), 10);
}

#[test]
fn a_host_that_leaves_three_repetitions_unanswered_is_put_in_doubt_once() {
    let mut bench = Bench::connected();
    bench.write(&[5; 100]);
    bench.hear();
    bench.millis(200 + 400);
    assert_eq!(bench.tcp.take_doubted(), None);
    bench.millis(800);
    assert_eq!(bench.tcp.take_doubted(), Some(peer_address()));
    bench.millis(10_000);
    assert_eq!(bench.tcp.take_doubted(), None);
}

#[test]
fn slow_start_after_a_timeout_doubles_with_each_round_trip() {
    let mut config = Config::default();
    config.tcp.unsent_low_water = 1 << 30;
    let syn = seq(0).mss(1_000).scale(7);
    let mut bench = Bench::connected_with(&config, &TcpOptions::default(), syn);
    let furthest = |bench: &mut Bench, before: u32| {
        let ends =
            (bench.hear().into_iter()).map(|heard| heard.sequence + heard.payload.len() as u32);
        ends.fold(before, u32::max)
    };
    let acknowledge = |bench: &mut Bench, from: &mut u32, to: u32| {
        while *from < to {
            *from = (*from + 2_000).min(to);
            bench.say(seq(1).ack(*from).window(60_000));
        }
    };
    let (mut acknowledged, mut sent) = (1, 1);
    for round in 0..9 {
        bench.write(&[7; 600_000]);
        sent = furthest(&mut bench, sent);
        if round < 8 {
            bench.millis(20);
            acknowledge(&mut bench, &mut acknowledged, sent);
        }
    }
    assert!(
        sent - acknowledged > 300_000,
        "a flight of hundreds of segments"
    );
    // All of it is lost, and nothing that comes later.
    assert!(!bench.millis(500).is_empty());
    let (mut next, mut rounds) = (acknowledged + 1_000, 0);
    while acknowledged < sent {
        acknowledge(&mut bench, &mut acknowledged, next);
        next = furthest(&mut bench, next);
        bench.now += Duration::from_millis(20);
        rounds += 1;
        assert!(
            rounds < 40,
            "the window is {}",
            bench.tcp.info(bench.id()).unwrap().congestion_window
        );
    }
}
