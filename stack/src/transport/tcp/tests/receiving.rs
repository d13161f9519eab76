//! SEGMENT ARRIVES in the synchronized states, step by step: RFC 9293 §3.10.7.4 with RFC 5961.

use super::rig::*;
use crate::config::{BufferSize, TcpOptions};
use crate::counters::DropReason;
use crate::event::{Event, Readiness};
use crate::transport::TcpError;
use crate::wire::ip::Cast;
use crate::wire::tcp::Flags;
use alloc::vec;
use alloc::vec::Vec;
use core::task::Poll;

/// A connection whose receive buffer holds 1,000 bytes.
fn narrow() -> Bench {
    let options = TcpOptions {
        receive_buffer: Some(1_000),
        ..TcpOptions::default()
    };
    Bench::connected_with(&config(), &options, seq(0).mss(1_000))
}

#[test]
fn data_in_order_is_read_in_order() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"one "));
    bench.say(seq(5).ack(1).data(b"two"));
    assert_eq!(bench.read(), b"one two");
}

#[test]
fn segments_out_of_order_are_held_and_acknowledged_at_once() {
    let mut bench = Bench::connected();
    bench.say(seq(4).ack(1).data(b"def"));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    bench.say(seq(10).ack(1).data(b"jkl"));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    assert_eq!(bench.read(), b"");
    bench.say(seq(1).ack(1).data(b"abc"));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=7 ACK"], "the gap is filled");
    assert_eq!(bench.read(), b"abcdef");
    bench.say(seq(7).ack(1).data(b"ghi"));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=13 ACK"]);
    assert_eq!(bench.read(), b"ghijkl");
}

#[test]
fn all_that_arrived_is_processed_before_one_acknowledgement_is_sent() {
    let mut bench = Bench::connected();
    for start in (1..2_001).step_by(100) {
        bench.say(seq(start).ack(1).data(&[7; 100]));
    }
    assert_eq!(bench.hears(), ["SEQ=1 ACK=2001 ACK"]);
}

#[test]
fn what_overlaps_is_taken_once() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"abcdef"));
    bench.say(seq(4).ack(1).data(b"defghi"));
    assert_eq!(bench.read(), b"abcdefghi");
    bench.hear();
    bench.say(seq(1).ack(1).data(b"abcdefghi"));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=10 ACK"]);
    assert_eq!(bench.read(), b"");
}

#[test]
fn a_fin_on_a_segment_that_is_trimmed_in_front_still_counts() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"abc"));
    bench.say(seq(1).ack(1).data(b"abcdef").fin());
    assert_eq!(bench.read(), b"abcdef");
    assert_eq!(bench.read(), b"");
    assert_eq!(bench.state(), "CLOSE-WAIT");
    assert_eq!(bench.hears(), ["SEQ=1 ACK=8 ACK"]);
}

#[test]
fn a_fin_that_comes_before_the_data_in_front_of_it_waits_for_it() {
    let mut bench = Bench::connected();
    bench.say(seq(4).ack(1).data(b"def").fin());
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    assert_eq!(bench.state(), "ESTABLISHED");
    bench.say(seq(1).ack(1).data(b"abc"));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=8 ACK"]);
    assert_eq!(bench.state(), "CLOSE-WAIT");
    assert_eq!(bench.read(), b"abcdef");
}

#[test]
fn a_bare_fin_out_of_order_waits_too() {
    let mut bench = Bench::connected();
    bench.say(seq(4).ack(1).fin());
    bench.say(seq(1).ack(1).data(b"abc"));
    assert_eq!(bench.state(), "CLOSE-WAIT");
}

#[test]
fn data_beyond_the_window_is_cut_off_and_its_fin_with_it() {
    let mut bench = narrow();
    bench.say(seq(1).ack(1).data(&[1; 600]));
    bench.say(seq(601).ack(1).data(&[2; 600]).fin());
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1001 ACK"]);
    assert_eq!(bench.state(), "ESTABLISHED");
    assert_eq!(bench.read().len(), 1_000);
}

#[test]
fn an_unacceptable_segment_is_answered_and_dropped() {
    let mut bench = Bench::connected();
    bench.say(seq(70_000).ack(1).data(b"far"));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    bench.say(seq(0).ack(1).data(b"x"));
    assert_eq!(
        bench.hears(),
        ["SEQ=1 ACK=1 ACK"],
        "as is a keep-alive probe"
    );
    let drops = bench.tcp.counters().dropped(DropReason::TcpOutOfWindow);
    assert_eq!(drops, 2);
    assert_eq!(bench.read(), b"");
}

#[test]
fn a_closed_window_lets_acknowledgements_resets_and_urgent_pointers_in() {
    let mut bench = narrow();
    bench.write(b"hello");
    bench.hear();
    bench.say(seq(1).ack(1).data(&[1; 1_000]));
    bench.millis(40);
    bench.say(seq(1_001).ack(1));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().receive_window, 0);
    bench.say(seq(1_001).ack(6).data(b"probe").urgent(5));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().in_flight, 0);
    assert_eq!(bench.tcp.urgent(bench.id()), Some(1_005));
    assert_eq!(bench.hears(), ["SEQ=6 ACK=1001 ACK"], "the data is refused");
    bench.say(seq(1_001).ack(6).rst());
    assert_eq!(bench.error(), Some(TcpError::Reset));
}

#[test]
fn a_reset_at_exactly_the_awaited_number_ends_the_connection() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(b"last words"));
    bench.say(seq(11).rst());
    assert_eq!(bench.state(), "CLOSED");
    assert_eq!(bench.read(), b"last words", "what came before is not lost");
    assert_eq!(bench.try_read(), Poll::Ready(Err(TcpError::Reset)));
    assert_eq!(bench.hears(), [""; 0], "a reset is not answered");
}

#[test]
fn a_reset_elsewhere_in_the_window_is_challenged_and_outside_it_ignored() {
    let mut bench = Bench::connected();
    bench.say(seq(2).rst());
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    bench.say(seq(70_000).rst());
    assert_eq!(bench.hears(), [""; 0]);
    assert_eq!(bench.state(), "ESTABLISHED");
    assert_eq!(bench.tcp.counters().tcp_challenge_acks, 1);
}

#[test]
fn a_reset_may_carry_data() {
    let mut bench = Bench::connected();
    bench.say(seq(1).rst().data(b"because"));
    assert_eq!(bench.error(), Some(TcpError::Reset));
}

#[test]
fn a_syn_in_a_synchronized_state_is_challenged_wherever_it_stands() {
    let mut bench = Bench::connected();
    for sequence in [1, 500, 100_000] {
        bench.say(seq(sequence).ack(1).syn());
        assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    }
    assert_eq!(bench.state(), "ESTABLISHED");
}

#[test]
fn challenges_are_limited_each_second() {
    let mut bench = Bench::connected();
    let mut sent = 0;
    for _ in 0..1_000 {
        bench.say(seq(2).rst());
        sent += bench.hear().len();
    }
    assert!((50..=150).contains(&sent), "{sent}");
    bench.millis(1_000);
    bench.say(seq(2).rst());
    assert_eq!(bench.hear().len(), 1);
}

#[test]
fn an_acknowledgement_of_data_not_yet_sent_is_answered_and_dropped() {
    let mut bench = Bench::connected();
    bench.write(b"abc");
    bench.hear();
    bench.say(seq(1).ack(5).data(b"x"));
    assert_eq!(bench.hears(), ["SEQ=4 ACK=1 ACK"]);
    assert_eq!(bench.read(), b"", "and so is its data");
    assert_eq!(bench.tcp.info(bench.id()).unwrap().in_flight, 3);
}

#[test]
fn an_acknowledgement_older_than_any_window_is_answered_and_dropped() {
    let mut bench = Bench::connected();
    bench.write(b"abc");
    bench.hear();
    bench.say(seq(1).ack(4));
    // 4 - 65,535 is the oldest that may still be about.
    bench.say(seq(1).ack(4_u32.wrapping_sub(65_536)).data(b"x"));
    assert_eq!(bench.hears(), ["SEQ=4 ACK=1 ACK"]);
    bench.say(seq(1).ack(4_u32.wrapping_sub(65_535)).data(b"y"));
    assert_eq!(
        bench.read(),
        b"y",
        "an old one within the window does no harm"
    );
}

#[test]
fn a_segment_without_an_acknowledgement_is_dropped() {
    let mut bench = Bench::connected();
    bench.say(seq(1).data(b"abc"));
    assert_eq!(bench.read(), b"");
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn urgent_data_is_announced_and_measured() {
    let mut bench = Bench::connected();
    bench.events();
    bench.say(seq(1).ack(1).urgent(6));
    let readable = Readiness {
        readable: true,
        writable: false,
    };
    assert_eq!(bench.events(), [Event::Tcp(bench.id(), readable)]);
    assert_eq!(
        bench.tcp.urgent(bench.id()),
        Some(6),
        "before its data came"
    );
    bench.say(seq(1).ack(1).data(b"urgentplain"));
    let mut buffer = [0; 4];
    let _ = bench.tcp.read(bench.id(), &mut buffer, bench.now);
    assert_eq!(bench.tcp.urgent(bench.id()), Some(2));
    bench.read();
    assert_eq!(bench.tcp.urgent(bench.id()), None);
    // It advances, and the program hears of it again.
    bench.events();
    bench.say(seq(12).ack(1).urgent(60_000).data(b"x"));
    assert_eq!(bench.events().len(), 1);
    assert_eq!(bench.tcp.urgent(bench.id()), Some(60_000));
}

#[test]
fn segments_to_many_or_from_nobody_are_dropped_in_silence() {
    let mut bench = Bench::listening(&config(), &Default::default());
    let bytes = bench.bytes_of(bench.peer, &seq(0).syn());
    let mut arrival = arrival(peer_address(), host_address(), &bytes);
    arrival.verify_checksum = false;
    arrival.cast = Cast::Broadcast;
    bench.tcp.receive(&arrival, bench.now);
    arrival.cast = Cast::Unicast;
    for nobody in [[0, 0, 0, 0], [224, 0, 0, 1]] {
        arrival.source = nobody.into();
        bench.tcp.receive(&arrival, bench.now);
    }
    arrival.source = [255, 255, 255, 255].into();
    bench.tcp.receive(&arrival, bench.now);
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn a_damaged_segment_is_dropped_and_counted() {
    let mut bench = Bench::connected();
    let mut bytes = bench.bytes_of(bench.peer, &seq(1).ack(1).data(b"abc"));
    bytes[21] ^= 1;
    let damaged = arrival(peer_address(), bench.host.ip(), &bytes);
    bench.tcp.receive(&damaged, bench.now);
    let short = arrival(peer_address(), bench.host.ip(), &bytes[..19]);
    bench.tcp.receive(&short, bench.now);
    assert_eq!(bench.read(), b"");
    let counters = bench.tcp.counters();
    assert_eq!(counters.dropped(DropReason::TcpChecksum), 1);
    assert_eq!(counters.dropped(DropReason::MalformedTcp), 1);
}

#[test]
fn a_checksum_that_the_link_verified_is_not_looked_at() {
    let mut bench = Bench::connected();
    let mut bytes = bench.bytes_of(bench.peer, &seq(1).ack(1).data(b"abc"));
    bytes[16] ^= 1;
    let mut trusted = arrival(peer_address(), bench.host.ip(), &bytes);
    trusted.verify_checksum = false;
    bench.tcp.receive(&trusted, bench.now);
    assert_eq!(bench.read(), b"abc");
}

#[test]
fn options_on_any_segment_and_of_any_kind_do_no_harm() {
    let mut bench = Bench::connected();
    let plain = bench.bytes_of(bench.peer, &seq(1).ack(1).data(b"abc"));
    for options in [
        [1, 1, 1, 1],
        [254, 4, 9, 9],
        [2, 4, 1, 0],
        [5, 0, 0, 0],
        [8, 200, 1, 1],
        [0, 0, 0, 0],
    ] {
        let mut bytes = plain[..20].to_vec();
        bytes[12] = 6 << 4;
        bytes.extend(options);
        bytes.extend(&plain[20..]);
        let mut strange = arrival(peer_address(), bench.host.ip(), &bytes);
        strange.verify_checksum = false;
        bench.tcp.receive(&strange, bench.now);
    }
    assert_eq!(bench.read(), b"abc");
    assert_eq!(bench.tcp.info(bench.id()).unwrap().maximum_segment, 1_000);
}

#[test]
fn the_peers_window_counts_as_unsigned() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).window(65_535));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().send_window, 65_535);
}

#[test]
fn a_gap_too_many_is_not_held_and_does_no_harm() {
    let mut bench = Bench::connected();
    for gap in 0..200 {
        bench.say(seq(2 + 2 * gap).ack(1).data(&[gap as u8]));
    }
    let all: alloc::vec::Vec<u8> = vec![9; 500];
    bench.say(seq(1).ack(1).data(&all));
    assert_eq!(bench.read().len(), 500);
}

#[test]
fn each_segment_of_a_train_costs_no_event_of_its_own() {
    let mut bench = Bench::connected();
    bench.events();
    for start in 0..10 {
        bench.say(seq(1 + start).ack(1).data(b"x"));
    }
    assert_eq!(bench.events().len(), 1);
}

#[test]
fn flags_that_mean_nothing_together_do_no_harm() {
    let mut bench = Bench::connected();
    for bits in 0..=255_u8 {
        bench.say(seq(300).ack(1).flag(Flags(bits)).data(b"x"));
        bench.hear();
    }
    assert_eq!(bench.state(), "ESTABLISHED");
}

const MIB: u32 = 1 << 20;

/// A connection whose handshake took 100 ms and whose peer scales windows; it holds 1 MiB and may hold 4.
fn over_100_ms(options: &TcpOptions) -> Bench {
    let mut config = config();
    config.tcp.receive_buffer = BufferSize {
        initial: MIB as usize,
        largest: 4 * MIB as usize,
    };
    let (mut bench, _) = Bench::connecting(&config, options);
    bench.millis(100);
    bench.say(seq(0).ack(1).syn().mss(1_000).scale(0));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
    bench
}

/// The peer sends so many bytes and the host acknowledges them.
fn fill(bench: &mut Bench, sent: &mut u32, bytes: u32) {
    for _ in 0..bytes / 32_768 {
        bench.say(seq(1 + *sent).ack(1).data(&[7; 32_768]));
        bench.hear();
        *sent += 32_768;
    }
}

fn window(bench: &Bench) -> u32 {
    bench.tcp.info(bench.id()).unwrap().receive_window as u32
}

#[test]
fn the_window_grows_to_twice_what_is_read_in_a_round_trip_and_no_further_than_allowed() {
    let mut bench = over_100_ms(&TcpOptions::default());
    let mut sent = 0;
    let mut windows = Vec::new();
    for _ in 0..8 {
        // Three quarters of the window in each round, the last piece of it after the round trip.
        let whole = window(&bench);
        windows.push(whole / (MIB / 16));
        for part in [whole / 2, whole / 4] {
            fill(&mut bench, &mut sent, part);
            while !bench.read().is_empty() {}
        }
        bench.millis(100);
        fill(&mut bench, &mut sent, 32_768);
        while !bench.read().is_empty() {}
    }
    // In sixteenths of a MiB; one part in 32 is held back, and a piece was not read yet.
    assert_eq!(windows[0], 15);
    assert!(windows.is_sorted() && windows[1] > 20, "{windows:?}");
    assert_eq!(windows[7], 61, "4 MiB, {windows:?}");
}

#[test]
fn the_window_of_a_program_that_reads_slowly_stays() {
    let mut bench = over_100_ms(&TcpOptions::default());
    let mut sent = 0;
    for _ in 0..20 {
        bench.millis(100);
        let room = window(&bench);
        fill(&mut bench, &mut sent, room);
        bench.read();
    }
    assert!(sent < 3 * MIB + 100_000, "{sent}");
}

#[test]
fn the_window_of_a_fixed_buffer_stays() {
    let mut bench = over_100_ms(&TcpOptions {
        receive_buffer: Some(MIB as usize),
        ..TcpOptions::default()
    });
    let mut sent = 0;
    for _ in 0..6 {
        let whole = window(&bench);
        assert!(whole <= MIB);
        fill(&mut bench, &mut sent, whole / 2);
        while !bench.read().is_empty() {}
        bench.millis(100);
    }
}

#[test]
fn a_reset_with_a_payload_must_match_exactly_too() {
    let mut bench = Bench::connected();
    bench.say(seq(1).ack(1).data(&[7; 2_000]));
    bench.hear();
    // RFC 5961 §3.2: 2,001 is awaited, and lies within.
    bench.say(seq(1_001).rst().data(&[0; 1_400]));
    assert_eq!(bench.hears(), ["SEQ=1 ACK=2001 ACK"]);
    assert_eq!(bench.state(), "ESTABLISHED");
    bench.say(seq(2_001).rst().data(&[0; 100]));
    assert_eq!(bench.state(), "CLOSED");
}
