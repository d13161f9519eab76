//! Acknowledgements: RFC 9293 §3.8.6.3, RFC 5681 §4.2; and the window that they announce: RFC 9293 §3.8.6.2.2.

use super::rig::*;
use crate::config::TcpOptions;
use core::task::Poll;

fn with_buffer(bytes: usize) -> Bench {
    let options = TcpOptions {
        receive_buffer: Some(bytes),
        ..TcpOptions::default()
    };
    Bench::connected_with(&config(), &options, seq(0).mss(1_000).scale(0))
}

#[test]
fn a_single_segment_is_acknowledged_after_forty_milliseconds() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"abc"));
    assert_eq!(bench.millis(1_000), [(40, "SEQ=1 ACK=4 ACK".into())]);
}

#[test]
fn every_second_full_segment_is_acknowledged_at_once() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(&[1; 1_460]));
    assert_eq!(bench.hears(), [""; 0]);
    bench.say(seq(1_461).ack(1).data(&[1; 1_460]));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=2921 ACK"]);
    assert_eq!(bench.millis(1_000), [], "and not once more");
}

#[test]
fn data_that_leaves_carries_the_acknowledgement() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"ping"));
    bench.write(b"pong");
    assert_eq!(bench.hears(), ["SEQ=1 ACK=5 LEN=4 PSH,ACK"]);
    bench.say(seq(5).ack(5));
    assert_eq!(bench.millis(1_000), []);
}

#[test]
fn pure_acknowledgements_are_not_acknowledged() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1));
    assert_eq!(bench.millis(10_000), []);
}

#[test]
fn the_window_says_what_the_buffer_can_take_and_never_creeps() {
    let mut bench = with_buffer(4_000);
    bench.say(seq(1).ack(1).data(&[1; 1_000]));
    bench.say(seq(1_001).ack(1).data(&[1; 1_000]));
    assert_eq!(bench.hear()[0].window, 2_000);
    bench.say(seq(2_001).ack(1).data(&[1; 1_000]));
    bench.say(seq(3_001).ack(1).data(&[1; 1_000]));
    assert_eq!(bench.hear()[0].window, 0);
    // The program reads little: no window of a few bytes is offered.
    let mut buffer = [0; 1_000];
    let _ = bench.tcp.read(bench.id(), &mut buffer[..999], bench.now);
    assert_eq!(bench.hears(), [""; 0]);
    bench.say(seq(4_000).ack(1));
    assert_eq!(bench.hear()[0].window, 0);
    // Half the buffer, or a segment of ours, is worth telling.
    let _ = bench.tcp.read(bench.id(), &mut buffer, bench.now);
    let heard = bench.hear();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].window, 1_999);
}

#[test]
fn reading_while_the_window_is_wide_open_sends_nothing() {
    let mut bench = Bench::connected();
    for part in 0..20 {
        bench.say(seq(1 + 1_460 * part).ack(1).data(&[1; 1_460]));
        bench.read();
    }
    assert_eq!(
        bench.hear().len(),
        1,
        "the acknowledgement of the last ones, and no updates"
    );
}

#[test]
fn what_was_announced_is_accepted_even_if_the_rounding_of_a_scaled_window_says_less() {
    let options = TcpOptions {
        receive_buffer: Some(1 << 20),
        ..TcpOptions::default()
    };
    let mut bench = Bench::connected_with(&config(), &options, seq(0).mss(1_000).scale(0));
    let (mut next, mut edge) = (1_u32, 0_u32);
    let mut length = 1;
    // The program never reads; segments of all lengths fill the buffer to the brim.
    loop {
        let left = edge.max(65_536).saturating_sub(next) as usize;
        if left == 0 {
            break;
        }
        length = (length * 7 + 3) % 1_460 + 1;
        let part = length.min(left);
        bench.say(seq(next).ack(1).data(&[1; 1_460][..part]));
        next += part as u32;
        bench.millis(50);
        bench.say(seq(0).ack(1).data(b"?"));
        let heard = bench.hear();
        assert_eq!(heard[0].acknowledgement, next);
        let announced = next + (u32::from(heard[0].window) << 4);
        assert!(announced >= edge, "moved back by {}", edge - announced);
        edge = announced;
    }
    assert!(next > 1_000_000);
    let mut buffer = alloc::vec![0; 1 << 20];
    let all = bench.tcp.read(bench.id(), &mut buffer, bench.now);
    assert_eq!(all, Poll::Ready(Ok(next as usize - 1)));
}

#[test]
fn without_the_peers_consent_no_window_is_scaled() {
    let mut bench = Bench::connected();
    bench.say(seq(0).ack(1).data(b"?"));
    assert_eq!(bench.hear()[0].window, 65_535);
}
