//! Closing: RFC 9293 §3.6, §3.10.4, §3.10.5, and what became of connections that nobody holds.

use super::rig::*;
use crate::config::{Config, TcpOptions};
use crate::event::Event;
use crate::time::Duration;
use crate::transport::TcpError;
use core::net::SocketAddr;
use core::task::Poll;

#[test]
fn an_ordinary_close_ends_in_time_wait() {
    let mut bench = Bench::connected();
    bench.write(b"hello");
    bench.finish();
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 LEN=5 FIN,PSH,ACK"]);
    assert_eq!(bench.state(), "FIN-WAIT-1");
    bench.say(seq(1).ack(7));
    assert_eq!(bench.state(), "FIN-WAIT-2");
    bench.say(seq(1).ack(7).data(b"bye").fin());
    assert_eq!(bench.hears(), ["SEQ=7 ACK=5 ACK"]);
    assert_eq!(bench.state(), "TIME-WAIT");
    assert_eq!(bench.read(), b"bye");
    assert_eq!(bench.read(), b"");
}

#[test]
fn the_end_of_time_wait_does_not_touch_unread_data() {
    let mut bench = Bench::connected();
    bench.finish();
    bench.hear();
    bench.say(seq(1).ack(2).data(b"unread").fin());
    bench.hear();
    bench.say(seq(1).ack(2).data(b"unread").fin());
    bench.millis(600_000);
    assert!(bench.tcp.next_deadline().is_none());
    assert_eq!(bench.read(), b"unread");
    assert_eq!(bench.read(), b"");
}

#[test]
fn time_wait_lasts_its_time_and_answers_a_repeated_fin() {
    let mut bench = Bench::connected();
    bench.finish();
    bench.hear();
    bench.say(seq(1).ack(2).fin());
    assert_eq!(bench.hears(), ["SEQ=2 ACK=2 ACK"]);
    bench.close();
    bench.millis(59_999);
    bench.say(seq(1).ack(2).fin());
    assert_eq!(bench.hears(), ["SEQ=2 ACK=2 ACK"]);
    bench.millis(59_999);
    bench.say(seq(1).ack(2).fin());
    assert_eq!(bench.hears(), ["SEQ=2 ACK=2 ACK"]);
    bench.millis(60_000);
    bench.say(seq(1).ack(2).fin());
    assert_eq!(bench.hears(), ["SEQ=2 RST"], "forgotten");
}

#[test]
fn connections_that_are_remembered_leave_ports_for_new_ones() {
    let mut config = Config::default();
    config.tcp.ephemeral_ports = (50_000, 50_007);
    let mut bench = Bench::new(&config);
    let local = SocketAddr::new(host_address(), 0);
    for _ in 0..20 {
        let options = TcpOptions::default();
        let id = bench
            .tcp
            .connect(local, bench.peer, 1_500, &options, bench.now);
        bench.id = Some(id.unwrap());
        let (_, port) = bench.hear_one().unwrap();
        bench.host.set_port(port);
        bench.say(seq(0).syn().ack(1));
        bench.finish();
        bench.hear();
        bench.say(seq(1).ack(2).fin());
        bench.hear();
        assert_eq!(bench.state(), "TIME-WAIT");
        bench.close();
    }
}

#[test]
fn both_may_close_at_once() {
    let mut bench = Bench::connected();
    bench.finish();
    bench.hear();
    bench.say(seq(1).ack(1).fin());
    assert_eq!(bench.hears(), ["SEQ=2 ACK=2 ACK"]);
    assert_eq!(bench.state(), "CLOSING");
    bench.say(seq(2).ack(2));
    assert_eq!(bench.state(), "TIME-WAIT");
}

#[test]
fn the_peer_may_close_first() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).fin());
    assert_eq!(bench.hears(), ["SEQ=1 ACK=2 ACK"]);
    assert_eq!(bench.state(), "CLOSE-WAIT");
    assert_eq!(bench.read(), b"");
    bench.write(b"still here");
    assert_eq!(bench.hears(), ["SEQ=1 ACK=2 LEN=10 PSH,ACK"]);
    bench.finish();
    assert_eq!(bench.hears(), ["SEQ=11 ACK=2 FIN,ACK"]);
    assert_eq!(bench.state(), "LAST-ACK");
    bench.say(seq(2).ack(12));
    assert_eq!(bench.state(), "CLOSED");
    assert_eq!(bench.read(), b"", "the end stays the end");
    assert!(bench.tcp.next_deadline().is_none());
}

#[test]
fn one_half_may_close_and_the_other_go_on() {
    let mut bench = Bench::connected();
    bench.finish();
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 FIN,ACK"]);
    bench.say(seq(1).ack(2));
    for part in 0..50 {
        bench.say(seq(1 + 1_000 * part).ack(2).data(&[1; 1_000]));
    }
    assert_eq!(bench.read().len(), 50_000);
    let write = bench.tcp.write(bench.id(), b"late", bench.now);
    assert_eq!(write, Poll::Ready(Err(TcpError::Closed)));
}

#[test]
fn a_close_before_the_handshake_ends_waits_for_it() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.write(b"early");
    bench.finish();
    assert_eq!(bench.state(), "SYN-SENT");
    bench.say(seq(0).ack(1).syn());
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 LEN=5 FIN,PSH,ACK"]);
    assert_eq!(bench.state(), "FIN-WAIT-1");
}

#[test]
fn a_close_in_syn_received_waits_for_the_handshake() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.say(seq(0).syn());
    assert_eq!(bench.state(), "SYN-RECEIVED");
    bench.close();
    assert_eq!(bench.hears(), ["SEQ=0 ACK=1 SYN,ACK"]);
    bench.say(seq(1).ack(1));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 FIN,ACK"]);
    bench.say(seq(1).ack(2).fin());
    assert_eq!(bench.hears(), ["SEQ=2 ACK=2 ACK"]);
}

#[test]
fn a_connect_that_is_given_back_before_anything_was_written_is_forgotten() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.close();
    assert_eq!(bench.state(), "gone");
    bench.say(seq(0).ack(1).syn());
    assert_eq!(bench.hears(), ["SEQ=1 RST"]);
}

#[test]
fn what_was_written_is_delivered_after_the_program_has_gone() {
    let mut bench = Bench::connected();
    bench.write(&[7; 30_000]);
    bench.close();
    assert_eq!(bench.state(), "gone");
    let (mut next, mut acknowledged) = (1, 1);
    while acknowledged < 30_002 {
        let heard = bench.hear();
        assert!(!heard.is_empty());
        for segment in heard {
            assert_eq!(segment.sequence, next);
            next += segment.payload.len() as u32
                + u32::from(segment.flags.contains(crate::wire::tcp::Flags::FIN));
        }
        acknowledged = next;
        bench.say(seq(1).ack(acknowledged));
    }
    bench.say(seq(1).ack(acknowledged).fin());
    assert_eq!(bench.hears(), ["SEQ=30002 ACK=2 ACK"]);
    assert_eq!(bench.events(), []);
}

#[test]
fn giving_back_a_connection_with_unread_data_resets_it() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"unread"));
    bench.close();
    assert_eq!(bench.hears(), ["SEQ=1 RST"]);
}

#[test]
fn but_not_before_what_was_written_is_delivered() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"unread"));
    bench.write(b"answer");
    bench.close();
    assert_eq!(bench.hears(), ["SEQ=1 ACK=7 LEN=6 PSH,ACK"]);
    assert_eq!(bench.millis(250).len(), 1, "repeated until it arrives");
    bench.say(seq(7).ack(7));
    assert_eq!(bench.hears(), ["SEQ=7 RST"]);
}

#[test]
fn data_for_a_program_that_is_gone_resets_the_connection() {
    let mut bench = Bench::connected();
    bench.close();
    bench.hear();
    bench.say(seq(1).ack(2).data(b"too late"));
    assert_eq!(bench.hears(), ["SEQ=2 RST"]);
}

#[test]
fn an_abort_tells_the_peer_and_forgets_everything() {
    let mut bench = Bench::connected();
    bench.write(b"never arrives");
    bench.hear();
    bench.write(b"never sent");
    bench.tcp.abort(bench.id(), bench.now);
    assert_eq!(bench.hears(), ["SEQ=14 RST"]);
    assert_eq!(bench.state(), "gone");
    assert_eq!(bench.millis(100_000), []);
}

#[test]
fn an_abort_before_the_peer_knows_of_us_is_silent() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.tcp.abort(bench.id(), bench.now);
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn lingering_for_no_time_is_an_abort() {
    let mut bench = Bench::connected();
    bench.write(b"x");
    let (id, now) = (bench.id(), bench.now);
    bench.tcp.set_linger(id, Some(Duration::ZERO), now);
    bench.close();
    assert_eq!(bench.hears(), ["SEQ=1 RST"]);
}

#[test]
fn lingering_resets_what_is_not_delivered_in_time() {
    let mut bench = Bench::connected();
    bench.write(b"x");
    let (id, now) = (bench.id(), bench.now);
    bench.tcp.set_linger(id, Some(Duration::from_secs(2)), now);
    bench.close();
    let sent = bench.millis(5_000);
    assert_eq!(sent.last().unwrap(), &(2_000, "SEQ=3 RST".into()));
}

#[test]
fn fin_wait_2_ends_for_a_connection_that_nobody_holds() {
    let mut bench = Bench::connected();
    bench.close();
    bench.hear();
    bench.say(seq(1).ack(2));
    assert_eq!(bench.millis(59_000), []);
    bench.say(seq(1).ack(2));
    assert_eq!(bench.hears(), [""; 0], "still there");
    bench.millis(1_000);
    assert!(bench.tcp.next_deadline().is_none());
    bench.say(seq(1).ack(2).fin());
    assert_eq!(bench.hears(), ["SEQ=2 RST"]);
}

#[test]
fn fin_wait_2_ends_too_if_the_program_goes_only_then() {
    let mut bench = Bench::connected();
    bench.finish();
    bench.hear();
    bench.say(seq(1).ack(2));
    bench.millis(300_000);
    assert_eq!(bench.state(), "FIN-WAIT-2", "as long as somebody reads");
    bench.close();
    bench.millis(60_000);
    assert!(bench.tcp.next_deadline().is_none());
}

#[test]
fn a_connection_that_nobody_holds_does_not_wait_for_ever_for_a_closed_window() {
    let mut config = Config::default();
    config.tcp.user_timeout = Duration::from_secs(30);
    let syn = seq(0).mss(1_000).window(1_000);
    let mut bench = Bench::connected_with(&config, &TcpOptions::default(), syn);
    bench.write(&[1; 5_000]);
    bench.close();
    bench.hear();
    bench.say(seq(1).ack(1_001).window(0));
    let mut last = alloc::string::String::new();
    for _ in 0..400 {
        for (_, text) in bench.millis(100) {
            last = text;
            bench.say(seq(1).ack(1_001).window(0));
        }
    }
    assert!(last.ends_with("RST"), "{last}");
}

#[test]
fn a_stale_name_is_answered_with_an_error_and_never_means_another_connection() {
    let mut bench = Bench::connected();
    let old = bench.id();
    bench.tcp.abort(old, bench.now);
    bench.hear();
    let (local, remote) = (bench.host, bench.peer);
    let options = TcpOptions::default();
    let new = bench
        .tcp
        .connect(local, remote, 1_500, &options, bench.now)
        .unwrap();
    assert_ne!(old, new);
    let now = bench.now;
    assert_eq!(bench.tcp.connected(old), Poll::Ready(Err(TcpError::Closed)));
    assert_eq!(
        bench.tcp.write(old, b"x", now),
        Poll::Ready(Err(TcpError::Closed))
    );
    bench.tcp.close(old, now);
    bench.tcp.abort(old, now);
    assert_eq!(bench.tcp.info(new).unwrap().state, "SYN-SENT");
}

#[test]
fn flushed_waits_for_the_last_byte_and_the_fin() {
    let mut bench = Bench::connected();
    let now = bench.now;
    assert_eq!(bench.tcp.flushed(bench.id(), now), Poll::Ready(Ok(())));
    bench.write(b"abc");
    bench.finish();
    bench.hear();
    bench.events();
    assert_eq!(bench.tcp.flushed(bench.id(), now), Poll::Pending);
    bench.say(seq(1).ack(4));
    assert_eq!(bench.tcp.flushed(bench.id(), now), Poll::Pending);
    bench.say(seq(1).ack(5));
    assert!(matches!(bench.events()[..], [Event::Tcp(_, ready)] if ready.writable));
    assert_eq!(bench.tcp.flushed(bench.id(), now), Poll::Ready(Ok(())));
}

#[test]
fn flushed_fails_if_the_peer_resets_before_it_has_everything() {
    let mut bench = Bench::connected();
    bench.write(b"abc");
    bench.hear();
    bench.say(seq(1).ack(1).rst());
    let flushed = bench.tcp.flushed(bench.id(), bench.now);
    assert_eq!(flushed, Poll::Ready(Err(TcpError::Reset)));
}

#[test]
fn a_syn_with_a_higher_number_opens_a_connection_again_from_time_wait() {
    let mut bench = Bench::accepted();
    bench.finish();
    bench.hear();
    bench.say(seq(1).ack(2).fin());
    bench.hear();
    assert_eq!(bench.state(), "TIME-WAIT");
    // An old one is answered with where we stand.
    bench.say(seq(1).syn());
    assert_eq!(bench.hears(), ["SEQ=2 ACK=2 ACK"]);
    let before = bench.host_initial();
    bench.say(seq(1_000).syn());
    assert_eq!(bench.hears(), ["SEQ=0 ACK=1001 SYN,ACK"]);
    assert!(bench.host_initial().wrapping_sub(before) as i32 > 2);
    bench.say(seq(1_001).ack(1));
    assert!(bench.tcp.accept(bench.listener.unwrap()).is_some());
}

#[test]
fn a_lost_address_ends_its_connections_without_a_word() {
    let mut bench = Bench::connected();
    bench.write(b"x");
    bench.tcp.address_lost(bench.now);
    assert_eq!(bench.error(), Some(TcpError::Aborted));
    assert_eq!(bench.millis(10_000), []);
}

#[test]
fn a_host_is_quiet_once_all_that_was_written_is_delivered() {
    let mut bench = Bench::connected();
    assert!(bench.tcp.is_quiet());
    bench.write(b"x");
    bench.close();
    assert!(!bench.tcp.is_quiet());
    bench.hear();
    assert!(!bench.tcp.is_quiet());
    bench.say(seq(1).ack(3));
    assert!(bench.tcp.is_quiet());
}
