//! Explicit congestion notification: RFC 3168 §6.1.

use super::rig::*;
use crate::config::{Config, ListenOptions, TcpOptions};
use crate::time::Duration;
use crate::wire::ip::Ecn;
use crate::wire::tcp::Flags;

const ASKS: Flags = Flags(Flags::ECE.0 | Flags::CWR.0);

fn has(heard: &Heard, flags: Flags) -> bool {
    heard.flags.contains(flags)
}

/// A connection whose sides agreed, to a peer with segments of 1,000 bytes.
fn agreed() -> Bench {
    let syn = seq(0).mss(1_000).flag(Flags::ECE);
    Bench::connected_with(&config(), &TcpOptions::default(), syn)
}

/// A connection whose peer knows nothing of it.
fn refused() -> Bench {
    Bench::connected()
}

fn window(bench: &Bench) -> usize {
    bench.tcp.info(bench.id()).unwrap().congestion_window
}

#[test]
fn a_syn_asks_and_the_answer_decides() {
    let (_, heard) = Bench::connecting(&config(), &TcpOptions::default());
    assert!(has(&heard[0], ASKS));
    assert_eq!(heard[0].departure.ecn, Ecn::NotCapable, "§6.1.1");
    for (answer, agrees) in [
        (Flags::ECE, true),
        (Flags::default(), false),
        (ASKS, false), // A peer that only sends back what it got.
    ] {
        let syn = seq(0).mss(1_000).flag(answer);
        let bench = Bench::connected_with(&config(), &TcpOptions::default(), syn);
        assert_eq!(bench.tcp.info(bench.id()).unwrap().ecn, agrees);
    }
}

#[test]
fn a_listener_agrees_if_it_is_asked() {
    for (asked, answer) in [(ASKS, Flags::ECE), (Flags::default(), Flags::default())] {
        let mut bench = Bench::listening(&config(), &ListenOptions::default());
        bench.say(seq(0).syn().flag(asked).mss(1_000));
        let heard = bench.hear();
        assert_eq!(heard[0].text(), "SEQ=0 ACK=1 SYN,ACK");
        assert_eq!(Flags(heard[0].flags.0 & ASKS.0), answer);
        assert_eq!(heard[0].departure.ecn, Ecn::NotCapable);
    }
}

#[test]
fn who_does_not_want_it_neither_asks_nor_agrees() {
    let mut config = Config::default();
    config.tcp.ecn = false;
    let (_, heard) = Bench::connecting(&config, &TcpOptions::default());
    assert!(!heard[0].flags.intersects(ASKS));
    let mut bench = Bench::listening(&config, &ListenOptions::default());
    bench.say(seq(0).syn().flag(ASKS).mss(1_000));
    assert!(!bench.hear()[0].flags.intersects(ASKS));
}

#[test]
fn a_repeated_syn_does_not_ask() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    bench.now += crate::time::Duration::from_secs(1);
    bench.tcp.advance(bench.now);
    let heard = bench.hear();
    assert_eq!(heard[0].text(), "SEQ=0 SYN");
    assert!(!heard[0].flags.intersects(ASKS));
    bench.say(seq(0).ack(1).syn().mss(1_000).flag(Flags::ECE));
    assert!(
        !bench.tcp.info(bench.id()).unwrap().ecn,
        "an answer to the first, when the second asked for nothing"
    );
}

#[test]
fn only_new_data_can_be_marked() {
    let mut bench = agreed();
    bench.write(&[5; 2_000]);
    let heard = bench.hear();
    assert_eq!(heard[0].departure.ecn, Ecn::Capable0);
    assert_eq!(heard[1].departure.ecn, Ecn::Capable0);
    let at = bench.tcp.next_deadline().unwrap();
    bench.now = at;
    bench.tcp.advance(at);
    let heard = bench.hear();
    assert_eq!(heard[0].text(), "SEQ=1 ACK=1 LEN=1000 ACK");
    assert_eq!(heard[0].departure.ecn, Ecn::NotCapable, "§6.1.5");
    bench.say(seq(1).ack(2_001).data(&[7; 1_000]));
    bench.say(seq(1_001).ack(2_001).data(&[7; 1_000]));
    let heard = bench.hear();
    assert_eq!(heard[0].text(), "SEQ=2001 ACK=2001 ACK");
    assert_eq!(heard[0].departure.ecn, Ecn::NotCapable, "§6.1.4");
}

#[test]
fn nothing_is_marked_on_a_connection_that_did_not_agree() {
    let mut bench = refused();
    bench.write(&[5; 1_000]);
    assert_eq!(bench.hear()[0].departure.ecn, Ecn::NotCapable);
    bench.say(seq(1).ack(1_001).data(&[7; 1_000]).marked());
    bench.say(seq(1_001).ack(1_001).data(&[7; 1_000]));
    assert!(!has(&bench.hear()[0], Flags::ECE));
    bench.write(&[5; 1_000]);
    bench.hear();
    let before = window(&bench);
    bench.say(seq(2_001).ack(2_001).flag(Flags::ECE));
    assert!(window(&bench) >= before);
}

#[test]
fn a_mark_is_echoed_until_the_peer_says_that_it_slowed_down() {
    let mut bench = agreed();
    let mut next = 1;
    let mut hear = |bench: &mut Bench, say: fn(Say) -> Say| {
        bench.say(say(seq(next).ack(1).data(&[7; 1_000])));
        bench.say(seq(next + 1_000).ack(1).data(&[7; 1_000]));
        next += 2_000;
        bench.read();
        has(&bench.hear()[0], Flags::ECE)
    };
    assert!(!hear(&mut bench, |say| say));
    assert!(hear(&mut bench, Say::marked));
    assert!(hear(&mut bench, |say| say), "§6.1.3: in each, until CWR");
    assert!(!hear(&mut bench, |say| say.flag(Flags::CWR)));
    assert!(hear(&mut bench, |say| say.flag(Flags::CWR).marked()));
}

#[test]
fn what_lies_outside_the_window_marks_nothing() {
    let mut bench = agreed();
    bench.say(seq(1).ack(1).data(&[7; 1_000]));
    bench.say(seq(1).ack(1).data(&[7; 1_000]).marked());
    assert!(!has(&bench.hear()[0], Flags::ECE), "§6.1.5");
}

#[test]
fn an_echo_slows_down_once_a_round_trip_and_sends_nothing_again() {
    let mut bench = agreed();
    bench.write(&[5; 100_000]);
    assert_eq!(bench.hear().len(), 10);
    bench.say(seq(1).ack(1_001).flag(Flags::ECE));
    let slowed = window(&bench);
    assert!((5_000..=7_500).contains(&slowed), "{slowed}");
    // The rest of that flight was marked as well.
    for acknowledged in 2..=10 {
        bench.say(seq(1).ack(acknowledged * 1_000 + 1).flag(Flags::ECE));
        assert_eq!(window(&bench), slowed, "it counts once, and nothing grows");
    }
    let heard = bench.hear();
    assert!(heard.iter().all(|heard| heard.sequence > 10_000));
    assert!(has(&heard[0], Flags::CWR), "§6.1.2");
    assert!(heard[1..].iter().all(|heard| !has(heard, Flags::CWR)));
    let sent = heard.len() as u32 * 1_000;
    bench.say(seq(1).ack(10_001 + sent).flag(Flags::ECE));
    assert!(window(&bench) < slowed, "the next round trip counts anew");
    assert_eq!(bench.tcp.info(bench.id()).unwrap().retransmits, 0);
}

#[test]
fn an_echo_counts_after_two_gibibytes_without_one() {
    let syn = seq(0).mss(60_000).scale(7).flag(Flags::ECE);
    let mut config = Config::default();
    config.link.mtu = 65_535;
    let mut bench = Bench::connected_with(&config, &TcpOptions::default(), syn);
    let block = alloc::vec![7; 500_000];
    let end = |bench: &mut Bench| {
        bench.write(&block);
        let heard = bench.hear();
        let last = heard.last().expect("something leaves");
        last.sequence.wrapping_add(last.payload.len() as u32)
    };
    let (mut next, mut total) = (1_u32, 0_u64);
    while total < (1 << 31) + 1_000_000 {
        let behind = end(&mut bench);
        total += u64::from(behind.wrapping_sub(next));
        next = behind;
        bench.now += Duration::from_millis(1);
        bench.say(seq(1).ack(next).window(60_000));
    }
    let behind = end(&mut bench);
    let before = window(&bench);
    bench.say(seq(1).ack(behind).window(60_000).flag(Flags::ECE));
    assert!(window(&bench) < before, "{} {before}", window(&bench));
}
