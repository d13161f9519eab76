//! Keep-alive (RFC 9293 §3.8.4), and what ICMP says (§3.9.2.2, RFC 5927, RFC 1191).

use super::rig::*;
use crate::config::TcpOptions;
use crate::counters::DropReason;
use crate::time::Duration;
use crate::transport::TcpError;
use crate::wire::ip::Unreachable;
use alloc::vec::Vec;

fn kept_alive(idle: u64) -> Bench {
    let options = TcpOptions {
        keep_alive: Some(Duration::from_secs(idle)),
        ..TcpOptions::default()
    };
    Bench::connected_with(&config(), &options, seq(0).mss(1_000))
}

#[test]
fn without_being_asked_nobody_is_probed() {
    let mut bench = Bench::connected();
    assert_eq!(bench.wait(Duration::from_secs(1_000_000)), []);
    assert!(
        bench.tcp.next_deadline().is_none(),
        "an idle connection costs no time"
    );
}

#[test]
fn an_idle_peer_is_probed_with_an_empty_segment_that_it_must_answer() {
    let mut bench = kept_alive(30);
    assert_eq!(bench.millis(30_000), [(30_000, "SEQ=0 ACK=1 ACK".into())]);
    bench.say(seq(1).ack(1));
    assert_eq!(bench.millis(29_999), []);
    assert_eq!(bench.millis(1).len(), 1);
}

#[test]
fn anything_that_is_heard_counts_as_a_sign_of_life() {
    let mut bench = kept_alive(30);
    bench.millis(20_000);
    bench.say(seq(1).ack(1).data(b"x"));
    bench.hear();
    assert_eq!(bench.millis(29_000).len(), 1, "only the acknowledgement");
    assert_eq!(bench.millis(1_000).len(), 1);
}

#[test]
fn many_probes_without_an_answer_end_the_connection_and_a_few_do_not() {
    let mut bench = kept_alive(10);
    let sent = bench.millis(90_000);
    assert_eq!(sent.len(), 9);
    assert_eq!(bench.error(), None);
    bench.say(seq(1).ack(1));
    assert_eq!(bench.millis(99_999).len(), 9);
    let last = bench.millis(1);
    assert_eq!(last, [(1, "SEQ=1 RST".into())]);
    assert_eq!(bench.error(), Some(TcpError::TimedOut));
}

#[test]
fn keep_alive_can_be_set_and_stopped_at_any_time() {
    let mut bench = Bench::connected();
    let id = bench.id();
    bench
        .tcp
        .set_keep_alive(id, Some(Duration::from_secs(5)), bench.now);
    assert_eq!(bench.millis(5_000).len(), 1);
    bench.tcp.set_keep_alive(id, None, bench.now);
    assert_eq!(bench.millis(100_000), []);
}

#[test]
fn our_own_probes_are_answered_by_the_likes_of_us() {
    let mut bench = Bench::connected();
    for probe in [seq(0).ack(1), seq(0).ack(1).data(b"?")] {
        bench.say(probe);
        assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    }
}

#[test]
fn an_error_about_the_syn_ends_the_connect_and_says_why() {
    for kind in [
        Unreachable::Host,
        Unreachable::Port,
        Unreachable::Protocol,
        Unreachable::Prohibited,
    ] {
        let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
        bench.complain(kind, 0);
        assert_eq!(bench.error(), Some(TcpError::Unreachable(kind)));
        assert_eq!(bench.millis(10_000), []);
    }
}

#[test]
fn time_exceeded_and_parameter_problems_do_not_end_a_connect_but_explain_its_timeout() {
    for kind in [Unreachable::TimeExceeded, Unreachable::ParameterProblem] {
        let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
        bench.complain(kind, 0);
        assert_eq!(bench.error(), None);
        assert_eq!(bench.tcp.info(bench.id()).unwrap().soft_error, Some(kind));
        bench.millis(600_000);
        assert_eq!(bench.error(), Some(TcpError::Unreachable(kind)));
    }
}

#[test]
fn no_error_ends_an_established_connection() {
    let mut bench = Bench::connected();
    bench.write(b"hello");
    bench.hear();
    for kind in [
        Unreachable::Host,
        Unreachable::Port,
        Unreachable::Protocol,
        Unreachable::Prohibited,
        Unreachable::TimeExceeded,
        Unreachable::ParameterProblem,
    ] {
        bench.complain(kind, 1);
        assert_eq!(bench.state(), "ESTABLISHED");
        assert_eq!(bench.tcp.info(bench.id()).unwrap().soft_error, Some(kind));
    }
    bench.say(seq(1).ack(6));
    assert_eq!(
        bench.tcp.info(bench.id()).unwrap().soft_error,
        None,
        "it passed"
    );
}

#[test]
fn an_error_that_quotes_nothing_in_flight_is_not_believed() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.complain(Unreachable::Port, 1);
    bench.complain(Unreachable::Port, u32::MAX);
    assert_eq!(bench.error(), None);
    bench.peer.set_port(1);
    bench.complain(Unreachable::Port, 0);
    assert_eq!(bench.error(), None);
    assert_eq!(bench.tcp.counters().dropped(DropReason::IcmpUnmatched), 3);
}

#[test]
fn a_packet_too_big_is_sent_again_smaller_at_once_and_is_no_congestion() {
    let syn = seq(0).mss(1_460);
    let mut bench = Bench::connected_with(&config(), &TcpOptions::default(), syn);
    bench.write(&[7; 14_600]);
    assert_eq!(bench.hear().len(), 10);
    let window = bench.tcp.info(bench.id()).unwrap().congestion_window;
    bench.complain(Unreachable::TooBig { mtu: 1_240 }, 1);
    let heard = bench.hear();
    let lengths: Vec<usize> = heard.iter().map(|segment| segment.payload.len()).collect();
    assert_eq!(heard[0].sequence, 1);
    assert!(lengths.iter().all(|&length| length <= 1_200), "{lengths:?}");
    assert_eq!(lengths.iter().sum::<usize>(), 14_600);
    assert!(heard.iter().all(|segment| segment.departure.dont_fragment));
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!(
        (info.congestion_window, info.maximum_segment),
        (window, 1_200)
    );
    // The same again about the same packets, and larger ones, change nothing.
    bench.complain(Unreachable::TooBig { mtu: 1_240 }, 1_201);
    bench.complain(Unreachable::TooBig { mtu: 1_400 }, 1_201);
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn a_path_mtu_below_the_least_lets_routers_fragment_instead() {
    let syn = seq(0).mss(1_460);
    let mut bench = Bench::connected_with(&config(), &TcpOptions::default(), syn);
    bench.write(&[7; 3_000]);
    bench.hear();
    bench.complain(Unreachable::TooBig { mtu: 68 }, 1);
    let heard = bench.hear();
    assert_eq!(heard[0].payload.len(), 536);
    assert!(!heard[0].departure.dont_fragment);
}

#[test]
fn congestion_control_counts_in_the_segments_of_a_lowered_mtu() {
    let syn = seq(0).mss(1_460);
    let mut bench = Bench::connected_with(&config(), &TcpOptions::default(), syn);
    bench.write(&[7; 14_600]);
    bench.hear();
    bench.tcp.set_mtu(1_240);
    // RFC 5681 §3.1: the loss window is one full-sized segment.
    assert!(!bench.millis(3_000).is_empty());
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!(
        (info.congestion_window, info.maximum_segment),
        (1_200, 1_200)
    );
}

#[test]
fn segments_behind_each_other_shrink_with_the_mtu() {
    let syn = seq(0).mss(1_460);
    let mut bench = Bench::connected_with(&config(), &TcpOptions::default(), syn);
    bench.write(&[7; 14_600]);
    assert!(bench.hear_one().is_some());
    assert!(bench.tcp.has_train());
    bench.tcp.set_mtu(1_240);
    assert!(!bench.tcp.has_train());
    let heard = bench.hear();
    assert!(!heard.is_empty());
    assert!(heard.iter().all(|segment| segment.payload.len() <= 1_200));
}

#[test]
fn a_keep_alive_time_of_nothing_is_a_second() {
    let options = TcpOptions {
        keep_alive: Some(Duration::ZERO),
        ..TcpOptions::default()
    };
    let mut bench = Bench::connected_with(&config(), &options, seq(0).mss(1_000));
    assert_eq!(bench.millis(999), []);
    assert_eq!(bench.millis(1), [(1, "SEQ=0 ACK=1 ACK".into())]);
    assert_eq!(bench.state(), "ESTABLISHED");
}

#[test]
fn a_keep_alive_is_answered_while_another_peer_sends_junk() {
    let mut bench = Bench::listening(&config(), &crate::config::ListenOptions::default());
    let good = bench.peer;
    let bad = core::net::SocketAddr::new(good.ip(), 50_001);
    for peer in [good, bad] {
        bench.say_from(peer, seq(0).syn().mss(1_000));
        bench.hear();
        bench.say_from(peer, seq(1).ack(1));
        bench.hear();
    }
    let mut answers = 0;
    for _ in 0..1_000 {
        bench.say_from(bad, seq(0).ack(1));
        answers += bench.hear().len();
    }
    assert!((1..=10).contains(&answers), "{answers} in no time");
    bench.say_from(good, seq(0).ack(1));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
}
