//! What leaves and when: RFC 9293 §3.7, §3.8.6.1, §3.8.6.2.1.

use super::rig::*;
use crate::config::{BufferSize, Config, CongestionAlgorithm, ListenOptions, TcpOptions};
use crate::wire::tcp::Flags;
use alloc::vec::Vec;

fn lengths(heard: &[Heard]) -> Vec<usize> {
    heard.iter().map(|segment| segment.payload.len()).collect()
}

/// A connection to a peer with this MSS and window.
fn towards(maximum_segment: u16, window: u16) -> Bench {
    let syn = seq(0).mss(maximum_segment).window(window);
    Bench::connected_with(&config(), &TcpOptions::default(), syn)
}

#[test]
fn segments_are_as_large_as_the_peer_takes_and_the_last_is_pushed() {
    let mut bench = towards(1_000, 65_535);
    bench.write(&[5; 2_500]);
    let heard = bench.hear();
    assert_eq!(lengths(&heard), [1_000, 1_000, 500]);
    let pushed: Vec<bool> = heard
        .iter()
        .map(|segment| segment.flags.contains(Flags::PSH))
        .collect();
    assert_eq!(pushed, [false, false, true]);
}

#[test]
fn segments_are_no_larger_than_the_path_takes() {
    let mut config = config();
    config.link.mtu = 1_200;
    let (mut bench, heard) = Bench::connecting(&config, &TcpOptions::default());
    assert_eq!(heard[0].options.maximum_segment, Some(1_160));
    bench.say(seq(0).ack(1).syn().mss(9_000));
    bench.write(&[5; 3_000]);
    assert_eq!(lengths(&bench.hear()), [1_160, 1_160, 680]);
}

#[test]
fn a_peer_that_does_not_say_gets_536_bytes() {
    let mut bench = Bench::connected_with(&config(), &TcpOptions::default(), seq(0).window(10_000));
    bench.write(&[5; 1_000]);
    assert_eq!(lengths(&bench.hear()), [536, 464]);
}

#[test]
fn a_peer_that_asks_for_crumbs_gets_48_bytes() {
    let bench = towards(1, 10_000);
    assert_eq!(bench.tcp.info(bench.id()).unwrap().maximum_segment, 48);
}

#[test]
fn a_full_segment_fills_the_frame_to_the_last_byte() {
    let mut bench = towards(1_460, 65_535);
    bench.write(&[5; 3_000]);
    let mut frame = [0; 1_514];
    let headroom = crate::wire::ip::Headroom { v4: 34, v6: 54 };
    let departure = bench.tcp.transmit(bench.now, &mut frame, headroom);
    assert_eq!(departure.unwrap().length, 1_480);
    // A frame that is too short gets what fits, and the rest follows.
    let departure = bench.tcp.transmit(bench.now, &mut frame[..100], headroom);
    assert_eq!(departure.unwrap().length, 66);
    assert!(
        bench
            .tcp
            .transmit(bench.now, &mut frame[..40], headroom)
            .is_none()
    );
    assert_eq!(lengths(&bench.hear()), [1_460, 34]);
}

#[test]
fn the_mss_option_is_on_syns_only() {
    let mut bench = Bench::listening(&config(), &ListenOptions::default());
    bench.say(seq(0).syn());
    assert_eq!(bench.hear()[0].options.maximum_segment, Some(1_460));
    bench.say(seq(1).ack(1));
    let (id, _) = bench.tcp.accept(bench.listener.unwrap()).unwrap();
    bench.id = Some(id);
    bench.write(b"abc");
    assert_eq!(bench.hear()[0].options.maximum_segment, None);
}

#[test]
fn the_initial_window_is_ten_segments() {
    let mut bench = towards(1_000, 65_535);
    bench.write(&[5; 50_000]);
    assert_eq!(bench.hear().len(), 10);
    bench.say(seq(1).ack(10_001));
    assert_eq!(
        bench.hear().len(),
        18,
        "slow start, at most 8 segments an acknowledgement"
    );
}

#[test]
fn nagle_holds_a_second_short_segment_until_the_first_is_acknowledged() {
    let mut bench = towards(1_000, 65_535);
    bench.write(b"one");
    assert_eq!(bench.hears(), ["SEQ=1 ACK=1 LEN=3 PSH,ACK"]);
    bench.write(b"two");
    bench.write(b"three");
    assert_eq!(bench.hears(), [""; 0]);
    bench.say(seq(1).ack(4));
    assert_eq!(bench.hears(), ["SEQ=4 ACK=1 LEN=8 PSH,ACK"]);
}

#[test]
fn nagle_lets_the_odd_end_of_a_long_write_out() {
    let mut bench = towards(1_000, 65_535);
    bench.write(&[5; 1_500]);
    assert_eq!(lengths(&bench.hear()), [1_000, 500]);
    bench.write(&[5; 1_500]);
    assert_eq!(lengths(&bench.hear()), [1_000]);
}

#[test]
fn nagle_can_be_turned_off() {
    let mut bench = towards(1_000, 65_535);
    let (id, now) = (bench.id(), bench.now);
    bench.tcp.set_no_delay(id, true, now);
    for _ in 0..3 {
        bench.write(b"key");
        assert_eq!(lengths(&bench.hear()), [3]);
    }
    bench.tcp.set_no_delay(id, false, now);
    bench.write(b"key");
    assert_eq!(bench.hear().len(), 0);
    bench.tcp.set_no_delay(id, true, now);
    assert_eq!(
        lengths(&bench.hear()),
        [3],
        "turning it off lets out what waits"
    );
}

#[test]
fn a_fin_does_not_wait_for_nagle() {
    let mut bench = towards(1_000, 65_535);
    bench.write(b"one");
    bench.hear();
    bench.write(b"two");
    bench.finish();
    assert_eq!(bench.hears(), ["SEQ=4 ACK=1 LEN=3 FIN,PSH,ACK"]);
}

#[test]
fn no_silly_window_is_filled() {
    let mut bench = towards(1_000, 4_000);
    bench.write(&[5; 10_000]);
    assert_eq!(lengths(&bench.hear()), [1_000; 4]);
    // 300 bytes of room are neither a segment nor half of the largest window.
    bench.say(seq(1).ack(4_001).window(300));
    assert_eq!(bench.hears(), [""; 0]);
    bench.say(seq(1).ack(4_001).window(1_000));
    assert_eq!(lengths(&bench.hear()), [1_000]);
    // What is left beside a whole segment waits as well.
    bench.say(seq(1).ack(5_001).window(1_700));
    assert_eq!(lengths(&bench.hear()), [1_000]);
}

#[test]
fn half_of_the_largest_window_is_worth_a_segment_though_it_is_short() {
    let mut bench = towards(1_000, 600);
    bench.write(&[5; 3_000]);
    assert_eq!(lengths(&bench.hear()), [600]);
    bench.say(seq(1).ack(601).window(300));
    assert_eq!(lengths(&bench.hear()), [300]);
    bench.say(seq(1).ack(901).window(299));
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn a_silly_window_that_stays_is_used_within_a_second() {
    let mut bench = towards(1_000, 4_000);
    bench.write(&[5; 10_000]);
    bench.hear();
    bench.millis(100);
    bench.say(seq(1).ack(4_001).window(300));
    let sent = bench.millis(1_000);
    assert!((100..=1_000).contains(&sent[0].0), "{sent:?}");
    assert_eq!(sent[0].1, "SEQ=4001 ACK=1 LEN=300 ACK");
}

#[test]
fn a_closed_window_is_probed_after_one_timeout_and_then_ever_more_rarely() {
    let mut bench = towards(1_000, 1_000);
    bench.write(&[5; 3_000]);
    bench.hear();
    bench.millis(100);
    bench.say(seq(1).ack(1_001).window(0));
    let mut probes = Vec::new();
    let begin = bench.now;
    while probes.len() < 12 {
        for (_, text) in bench.millis(100) {
            assert_eq!(text, "SEQ=1001 ACK=1 LEN=1 ACK");
            probes.push(bench.now.micros_since(begin) / 1_000);
            bench.say(seq(1).ack(1_001).window(0));
        }
    }
    // The timeout is at its least: 200 ms more than the average, which is 12.5 ms; looked at every 100 ms.
    assert_eq!(probes[..4], [300, 700, 1_500, 3_200]);
    let gaps: Vec<u64> = probes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|&gap| gap <= 60_100), "{gaps:?}");
    // The window opens: the byte that probed is sent with all that follows it.
    bench.say(seq(1).ack(1_001).window(5_000));
    let heard = bench.hear();
    assert_eq!(
        (heard[0].sequence, lengths(&heard)),
        (1_001, [1_000, 1_000].into())
    );
    bench.say(seq(1).ack(3_001).window(5_000));
    assert_eq!(bench.tcp.info(bench.id()).unwrap().send_queued, 0);
}

#[test]
fn a_probe_that_is_taken_counts_as_sent() {
    let mut bench = towards(1_000, 1_000);
    bench.write(&[5; 3_000]);
    bench.hear();
    bench.say(seq(1).ack(1_001).window(0));
    assert_eq!(bench.millis(500).len(), 1);
    bench.say(seq(1).ack(1_002).window(0));
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!((info.in_flight, info.send_queued), (0, 1_999));
    bench.say(seq(1).ack(1_002).window(4_000));
    let heard = bench.hear();
    assert_eq!(
        (heard[0].sequence, lengths(&heard)),
        (1_002, [1_000, 999].into())
    );
}

#[test]
fn a_connection_outlives_a_window_that_stays_closed_while_probes_are_answered() {
    let mut config = config();
    config.tcp.user_timeout = crate::time::Duration::from_secs(10);
    let syn = seq(0).mss(1_000).window(1_000);
    let mut bench = Bench::connected_with(&config, &TcpOptions::default(), syn);
    bench.write(&[5; 3_000]);
    bench.hear();
    bench.say(seq(1).ack(1_001).window(0));
    for _ in 0..10_000 {
        if !bench.millis(100).is_empty() {
            bench.say(seq(1).ack(1_001).window(0));
        }
    }
    assert_eq!(bench.state(), "ESTABLISHED");
    // Once nobody answers, it ends.
    bench.millis(100_000);
    assert_eq!(bench.error(), Some(crate::transport::TcpError::TimedOut));
}

#[test]
fn a_window_that_shrinks_stops_new_data_and_is_probed() {
    let mut bench = towards(1_000, 5_000);
    bench.write(&[5; 20_000]);
    assert_eq!(bench.hear().len(), 5);
    // The peer takes back all but 2,000 of what it offered.
    bench.say(seq(1).ack(1_001).window(1_000));
    assert_eq!(bench.hears(), [""; 0], "no new data");
    let sent = bench.millis(1_000);
    assert_eq!(
        sent[0].1, "SEQ=1001 ACK=1 LEN=1000 ACK",
        "what is within is repeated"
    );
    // Now to nothing at all, with data in flight: it probes, keeps its congestion window, and does not time out.
    let before = bench.tcp.info(bench.id()).unwrap().congestion_window;
    bench.say(seq(1).ack(2_001).window(0));
    for _ in 0..1_000 {
        for (_, text) in bench.millis(1_000) {
            assert_eq!(text, "SEQ=2001 ACK=1 LEN=1 ACK");
            bench.say(seq(1).ack(2_001).window(0));
        }
    }
    let info = bench.tcp.info(bench.id()).unwrap();
    assert_eq!(info.state, "ESTABLISHED");
    assert!(info.congestion_window >= before);
    bench.say(seq(1).ack(2_001).window(5_000));
    assert!(!bench.hear().is_empty());
}

#[test]
fn a_pure_acknowledgement_is_never_outside_the_window_of_a_peer_that_shrank_it() {
    let mut bench = towards(1_000, 5_000);
    bench.write(&[5; 5_000]);
    bench.hear();
    bench.say(seq(1).ack(1).window(2_000).data(b"x"));
    bench.say(seq(3).ack(1).window(2_000).data(b"y"));
    assert_eq!(bench.hears(), ["SEQ=2001 ACK=2 ACK"]);
}

#[test]
fn urgent_data_is_pointed_at() {
    let mut bench = towards(1_000, 65_535);
    bench.write(b"plain");
    let (id, now) = (bench.id(), bench.now);
    let _ = bench.tcp.write_urgent(id, b"urgent", now);
    let heard = bench.hear();
    assert_eq!(heard[0].text(), "SEQ=1 ACK=1 LEN=11 PSH,URG,ACK");
    assert_eq!(heard[0].urgent, 11, "the first byte that is not urgent");
    bench.say(seq(1).ack(12));
    bench.write(b"calm");
    assert_eq!(bench.hears(), ["SEQ=12 ACK=1 LEN=4 PSH,ACK"]);
}

#[test]
fn urgent_data_may_be_of_any_length() {
    let mut bench = towards(1_000, 65_535);
    let (id, now) = (bench.id(), bench.now);
    let _ = bench.tcp.write_urgent(id, &[1; 200_000], now);
    let heard = bench.hear();
    assert!(heard.iter().all(|segment| segment.urgent == 65_535));
}

#[test]
fn a_link_that_cuts_segments_gets_large_ones() {
    let mut config = Config::default();
    config.link.largest_segment = 65_000;
    config.link.fill_checksums = false;
    let syn = seq(0).mss(1_000).scale(7).window(65_535);
    let mut bench = Bench::connected_with(&config, &TcpOptions::default(), syn);
    bench.write(&[5; 300_000]);
    assert_eq!(
        lengths(&bench.hear()),
        [10_000],
        "the congestion window rules"
    );
    bench.say(seq(1).ack(10_001));
    bench.say(seq(1).ack(10_001).window(60_000));
    assert_eq!(lengths(&bench.hear()), [20_000]);
    let mut acknowledged = 30_001;
    for _ in 0..10 {
        bench.say(seq(1).ack(acknowledged).window(60_000));
        let heard = bench.hear();
        assert!(lengths(&heard).iter().all(|length| *length <= 65_000));
        acknowledged += lengths(&heard).iter().sum::<usize>() as u32;
    }
    assert_eq!(bench.tcp.info(bench.id()).unwrap().retransmits, 0);
}

#[test]
fn a_link_that_completes_checksums_gets_the_sum_of_the_pseudo_header() {
    let mut config = Config::default();
    config.link.fill_checksums = false;
    let mut tcp = super::super::Tcp::new(&config, &mut crate::random::Random::new([1; 32]));
    let (local, remote) = (
        "10.0.0.1:0".parse().unwrap(),
        "10.0.0.2:80".parse().unwrap(),
    );
    let now = crate::time::Instant::ZERO;
    tcp.connect(local, remote, 1_500, &TcpOptions::default(), now)
        .unwrap();
    let mut frame = [1; 200];
    let headroom = crate::wire::ip::Headroom { v4: 34, v6: 54 };
    let departure = tcp.transmit(now, &mut frame, headroom).unwrap();
    // RFC 9293 §3.1: both addresses, the protocol, the length.
    let sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6 + departure.length as u16;
    assert_eq!(frame[34 + 16..34 + 18], sum.to_be_bytes());
    let partial = crate::wire::offload::TransportChecksum::Partial {
        start: 0,
        offset: 16,
    };
    assert_eq!(departure.offload.checksum, partial);
    assert_eq!(departure.offload.segment_size, 0);
}

#[test]
fn the_program_sets_the_differentiated_services_codepoint() {
    let mut bench = towards(1_000, 65_535);
    let (id, now) = (bench.id(), bench.now);
    bench.write(b"plain");
    assert_eq!(bench.hear()[0].departure.dscp, 0);
    bench.tcp.set_differentiated_services(id, 46, now);
    bench.say(seq(1).ack(6));
    bench.write(b"expedited");
    assert_eq!(bench.hear()[0].departure.dscp, 46);
}

#[test]
fn connections_take_turns() {
    let mut bench = Bench::new(&config());
    let local = core::net::SocketAddr::new(host_address(), 0);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = bench
            .tcp
            .connect(local, bench.peer, 1_500, &TcpOptions::default(), bench.now)
            .unwrap();
        ids.push(id);
    }
    for _ in 0..3 {
        let heard = bench.hear_one().unwrap();
        bench.host.set_port(heard.1);
        bench.say(seq(0).ack(1).syn().mss(1_000));
    }
    bench.hear();
    for &id in &ids {
        let _ = bench.tcp.write(id, &[1; 5_000], bench.now);
    }
    let ports: Vec<u16> = core::iter::from_fn(|| bench.hear_one().map(|(_, port)| port)).collect();
    assert_eq!(ports.len(), 15);
    assert!(
        ports[..12].chunks(3).all(|turn| turn == &ports[..3]),
        "{ports:?}"
    );
    assert_ne!(ports[0], ports[1]);
}

/// A connection whose writer waits above 20,000 unsent bytes, to a peer with segments of 1,000 bytes and this window.
fn with_low_water(window: u16) -> Bench {
    let mut config = config();
    config.tcp.congestion = CongestionAlgorithm::None;
    config.tcp.send_buffer = BufferSize::fixed(100_000);
    config.tcp.unsent_low_water = 20_000;
    let syn = seq(0).mss(1_000).window(window);
    let mut bench = Bench::connected_with(&config, &TcpOptions::default(), syn);
    bench.events();
    bench
}

#[test]
fn a_writer_waits_for_what_it_wrote_to_leave_and_is_told_when_it_has() {
    let mut bench = with_low_water(60_000);
    assert_eq!(bench.write(&[5; 15_000]), 15_000);
    assert_eq!(bench.write(&[5; 15_000]), 15_000, "below the mark: whole");
    assert_eq!(bench.write(&[5; 15_000]), 0);
    assert_eq!(bench.events(), []);
    for _ in 0..19 {
        bench.hear_one();
    }
    assert_eq!(bench.events(), [], "more than half of the mark still waits");
    bench.hear_one();
    assert_eq!(bench.events().len(), 1, "told without any acknowledgement");
    assert_eq!(bench.write(&[5; 15_000]), 15_000);
}

#[test]
fn a_peer_that_does_not_read_stops_no_writer_before_the_send_buffer_is_full() {
    let mut bench = with_low_water(10_000);
    assert_eq!(bench.write(&[5; 30_000]), 30_000);
    assert_eq!(bench.write(&[5; 10_000]), 0, "the peer takes what leaves");
    assert_eq!(bench.hear().len(), 10);
    assert_eq!(bench.events().len(), 1, "told that the window is full");
    assert_eq!(
        bench.write(&[5; 90_000]),
        70_000,
        "up to the buffer's limit"
    );
}

#[test]
fn a_peer_that_closes_its_window_lets_the_writer_go_on() {
    let mut bench = with_low_water(30_000);
    assert_eq!(bench.write(&[5; 60_000]), 60_000);
    for _ in 0..10 {
        bench.hear_one();
    }
    assert_eq!(bench.write(&[5; 10_000]), 0);
    bench.say(seq(1).ack(10_001).window(0));
    assert_eq!(bench.events().len(), 1);
    assert_eq!(bench.write(&[5; 10_000]), 10_000);
}

#[test]
fn the_send_buffer_grows_with_what_is_in_flight_and_no_further_than_allowed() {
    let mut config = config();
    config.tcp.congestion = CongestionAlgorithm::None;
    config.tcp.unsent_low_water = usize::MAX;
    config.tcp.send_buffer = BufferSize {
        initial: 8_000,
        largest: 50_000,
    };
    let syn = seq(0).mss(1_000).window(60_000);
    let mut bench = Bench::connected_with(&config, &TcpOptions::default(), syn);
    let mut written = Vec::new();
    for _ in 0..6 {
        written.push(bench.write(&[7; 100_000]));
        bench.hear();
        let (first, flight) = bench.unacknowledged();
        bench.say(seq(1).ack(first + flight));
    }
    assert_eq!(written, [8_000, 16_000, 32_000, 50_000, 50_000, 50_000]);
}
