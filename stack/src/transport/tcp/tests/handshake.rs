//! Opening: RFC 9293 §3.5, §3.10.7.2, §3.10.7.3.

use super::rig::*;
use crate::config::{ListenOptions, TcpOptions};
use crate::transport::TcpError;
use crate::wire::tcp::Flags;

#[test]
fn a_connect_is_three_segments() {
    let (mut bench, heard) = Bench::connecting(&config(), &TcpOptions::default());
    assert_eq!(heard[0].text(), "SEQ=0 SYN");
    assert_eq!(heard[0].options.maximum_segment, Some(1_460));
    assert_eq!(heard[0].options.window_scale, Some(4));
    assert_eq!(heard[0].window, 65_535);
    assert_eq!(bench.state(), "SYN-SENT");
    bench.say(seq(0).ack(1).syn());
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    assert_eq!(bench.state(), "ESTABLISHED");
}

#[test]
fn a_listener_answers_a_syn_and_hands_the_connection_out() {
    let mut bench = Bench::listening(&config(), &ListenOptions::default());
    bench.say(seq(0).syn().mss(1_400).scale(7));
    let heard = bench.hear();
    assert_eq!(heard[0].text(), "SEQ=0 ACK=1 SYN,ACK");
    assert_eq!(heard[0].options.window_scale, Some(4));
    assert!(bench.tcp.accept(bench.listener.unwrap()).is_none());
    bench.say(seq(1).ack(1));
    let (id, remote) = bench.tcp.accept(bench.listener.unwrap()).unwrap();
    assert_eq!(remote, bench.peer);
    assert_eq!(bench.tcp.info(id).unwrap().state, "ESTABLISHED");
    assert_eq!(bench.tcp.info(id).unwrap().maximum_segment, 1_400);
}

#[test]
fn both_may_open_at_once() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(0).syn().mss(1_000));
    assert_eq!(bench.hears(), ["SEQ=0 ACK=1 SYN,ACK"]);
    assert_eq!(bench.state(), "SYN-RECEIVED");
    bench.say(seq(0).ack(1).syn());
    assert_eq!(bench.state(), "ESTABLISHED");
}

#[test]
fn a_refused_connect_says_so() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(0).ack(1).rst());
    assert_eq!(bench.error(), Some(TcpError::Refused));
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn a_segment_for_nobody_is_reset() {
    let mut bench = Bench::new(&config());
    bench.say(seq(0).syn());
    let heard = bench.hear();
    assert_eq!(heard[0].flags, Flags::RST | Flags::ACK);
    assert_eq!(heard[0].acknowledgement, 1);
}
