//! Opening: RFC 9293 §3.5, §3.10.7.2, §3.10.7.3.

use super::rig::*;
use crate::config::{ListenOptions, TcpOptions};
use crate::transport::TcpError;
use crate::wire::tcp::Flags;
use core::task::Poll;

/// Of windows up to the default's largest, 32 MiB.
const SHIFT: u8 = 9;

#[test]
fn a_connect_is_three_segments() {
    let (mut bench, heard) = Bench::connecting(&config(), &TcpOptions::default());
    assert_eq!(heard[0].text(), "SEQ=0 SYN");
    assert_eq!(heard[0].options.maximum_segment, Some(1_460));
    assert_eq!(heard[0].options.window_scale, Some(SHIFT));
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
    assert_eq!(heard[0].options.window_scale, Some(SHIFT));
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
fn a_reset_that_acknowledges_nothing_of_ours_refuses_nothing() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(0).rst());
    bench.say(seq(0).ack(0).rst());
    bench.say(seq(0).ack(2).rst());
    assert_eq!(bench.error(), None);
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn an_old_acknowledgement_in_syn_sent_is_reset_and_the_connect_goes_on() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(77).ack(50));
    assert_eq!(bench.hears(), ["SEQ=50 RST"]);
    bench.say(seq(77).ack(0).syn());
    assert_eq!(bench.hears(), ["SEQ=0 RST"]);
    bench.say(seq(0).ack(1).syn());
    assert_eq!(bench.state(), "ESTABLISHED");
}

#[test]
fn in_syn_sent_only_a_syn_counts() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(0).ack(1).data(b"x"));
    bench.say(seq(0).data(b"x"));
    bench.say(seq(0).fin());
    assert_eq!(bench.state(), "SYN-SENT");
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn a_syn_ack_may_carry_data_and_fin() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(0).ack(1).syn().data(b"banner").fin());
    assert_eq!(bench.hears(), ["SEQ=1 ACK=8 ACK"]);
    assert_eq!(bench.read(), b"banner");
    assert_eq!(bench.state(), "CLOSE-WAIT");
}

#[test]
fn bytes_written_before_the_handshake_leave_with_its_last_segment() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.write(b"GET /");
    assert_eq!(bench.hears(), [""; 0]);
    bench.say(seq(0).ack(1).syn());
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 LEN=5 PSH,ACK"]);
}

#[test]
fn both_may_open_at_once_and_either_acknowledgement_completes_it() {
    for completion in [seq(0).ack(1).syn(), seq(1).ack(1), seq(1).ack(1).data(b"x")] {
        let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
        bench.say(seq(0).syn().mss(1_000).scale(3));
        assert_eq!(bench.hears(), ["SEQ=0 ACK=1 SYN,ACK"]);
        assert_eq!(bench.state(), "SYN-RECEIVED");
        bench.say(completion);
        assert_eq!(bench.state(), "ESTABLISHED");
        bench.hear();
        bench.write(b"abc");
        assert_eq!(bench.hear()[0].payload, b"abc");
    }
}

#[test]
fn a_reset_of_a_simultaneous_open_refuses_it() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(0).syn());
    bench.hear();
    bench.say(seq(1).rst());
    assert_eq!(bench.error(), Some(TcpError::Refused));
}

#[test]
fn two_hosts_that_open_at_once_have_one_connection() {
    let mut wire = Wire::new(&config(), Weather::calm(10), 3);
    let options = TcpOptions::default();
    let [first, second] = [0, 1].map(|host| {
        let (local, remote) = (Wire::address(host), Wire::address(1 - host));
        let now = wire.now;
        wire.hosts[host]
            .connect(local, remote, 1_500, &options, now)
            .unwrap()
    });
    while wire.step() {}
    for (host, id) in [(0, first), (1, second)] {
        assert_eq!(wire.hosts[host].info(id).unwrap().state, "ESTABLISHED");
    }
    let now = wire.now;
    let _ = wire.hosts[0].write(first, b"hello", now);
    while wire.step() {}
    let mut buffer = [0; 10];
    assert_eq!(
        wire.hosts[1].read(second, &mut buffer, wire.now),
        Poll::Ready(Ok(5))
    );
}

#[test]
fn a_scaled_window_is_used_by_both_sides_or_by_none() {
    // The peer scales: its window counts in steps, ours too.
    let mut bench = Bench::connected_with(
        &config(),
        &TcpOptions::default(),
        seq(0).mss(1_000).scale(7).window(65_535),
    );
    assert_eq!(
        bench.tcp.info(bench.id()).unwrap().send_window,
        65_535,
        "a SYN is not scaled"
    );
    bench.say(seq(1).ack(1).window(1_000));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().send_window, 128_000);
    bench.say(seq(0).ack(1).data(b"?"));
    assert_eq!(
        u32::from(bench.hear()[0].window) << SHIFT,
        1_015_808,
        "31/32 of a mebibyte"
    );
    // A shift above 14 counts as 14.
    let syn = seq(0).scale(99);
    let mut bench = Bench::connected_with(&config(), &TcpOptions::default(), syn);
    bench.say(seq(1).ack(1).window(2));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().send_window, 2 << 14);
}

#[test]
fn a_listener_scales_only_if_the_syn_did() {
    for (syn, scale) in [(seq(0).syn(), None), (seq(0).syn().scale(0), Some(SHIFT))] {
        let mut bench = Bench::listening(&config(), &ListenOptions::default());
        bench.say(syn);
        assert_eq!(bench.hear()[0].options.window_scale, scale);
    }
}

#[test]
fn the_window_of_a_syn_is_never_scaled_and_never_more_than_fits() {
    let options = TcpOptions {
        receive_buffer: Some(3_000),
        ..TcpOptions::default()
    };
    let (_, heard) = Bench::connecting(&config(), &options);
    assert_eq!(
        (heard[0].window, heard[0].options.window_scale),
        (3_000, Some(0))
    );
}

#[test]
fn a_segment_for_nobody_is_reset() {
    let mut bench = Bench::new(&config());
    bench.say(seq(0).syn());
    let heard = bench.hear();
    assert_eq!(heard[0].flags, Flags::RST | Flags::ACK);
    assert_eq!(heard[0].acknowledgement, 1);
    bench.say(seq(5).ack(9).data(b"xyz"));
    assert_eq!(bench.hears(), ["SEQ=9 RST"]);
    bench.say(seq(5).ack(9).rst());
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn a_syn_may_carry_more_data_than_is_worth_copying() {
    let mut bench = Bench::listening(&config(), &ListenOptions::default());
    let data = [7; 1_200];
    bench.say(seq(0).syn().data(&data));
    assert_eq!(bench.hears(), ["SEQ=0 ACK=1201 SYN,ACK"]);
    bench.say(seq(1_201).ack(1).data(&[8; 1_300]));
    let accepted = bench.tcp.accept(bench.listener.unwrap()).unwrap();
    bench.id = Some(accepted.0);
    assert_eq!(bench.read(), [&data[..], &[8; 1_300]].concat());
}

#[test]
fn the_window_of_a_syn_is_not_scaled_when_both_sides_open_at_once() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(0).syn().mss(1_000).scale(7).window(4_000));
    bench.hear();
    bench.say(seq(0).syn().ack(1).mss(1_000).scale(7).window(4_000));
    assert_eq!(bench.state(), "ESTABLISHED");
    // RFC 7323 §2.2.
    assert_eq!(bench.tcp.info(bench.id()).unwrap().send_window, 4_000);
    bench.say(seq(1).ack(1).window(100));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().send_window, 12_800);
}
