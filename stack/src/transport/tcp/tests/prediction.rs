//! The short way through SEGMENT ARRIVES is the long one: two hosts hear the same, one of them step by step, and nobody can
//! tell them apart.

use super::rig::*;
use crate::config::{Config, TcpOptions};
use crate::event::Event;
use crate::wire::tcp::Flags;
use alloc::string::String;
use alloc::vec::Vec;
use proptest::prelude::*;

/// What happens next, in numbers that follow from where the connection stands.
#[derive(Clone, Debug)]
enum Step {
    /// The peer says something: distance from what is awaited, bytes, distance of the acknowledgement from SND.UNA in
    /// percent of what is in flight, window, flags, and whether a router marked it.
    Hear(i8, usize, u8, u16, u8, bool),
    Write(usize),
    Read(usize),
    Wait(u16),
    Finish,
}

fn step() -> impl Strategy<Value = Step> {
    let flags = prop_oneof![
        20 => Just(0_u8),
        1 => Just(Flags::FIN.0),
        1 => Just(Flags::URG.0),
        1 => Just(Flags::SYN.0),
        2 => Just(Flags::PSH.0),
        1 => Just(Flags::ECE.0),
        1 => Just(Flags::CWR.0),
    ];
    let offset = prop_oneof![8 => Just(0_i8), 2 => Just(100), 1 => any::<i8>()];
    let acknowledged = prop_oneof![Just(0_u8), Just(100), 0_u8..=101];
    let window = prop_oneof![6 => Just(30_000_u16), 1 => any::<u16>(), 1 => Just(0)];
    prop_oneof![
        10 => (offset, prop_oneof![Just(0_usize), Just(100), 0_usize..1_500], acknowledged, window, flags, prop_oneof![20 => Just(false), 1 => Just(true)])
            .prop_map(|(offset, length, ack, window, flags, marked)| Step::Hear(offset, length, ack, window, flags, marked)),
        3 => (0_usize..5_000).prop_map(Step::Write),
        3 => (0_usize..5_000).prop_map(Step::Read),
        2 => (0_u16..500).prop_map(Step::Wait),
        1 => Just(Step::Finish),
    ]
}

/// All that can be seen from outside after a step.
type View = (Vec<(u64, String)>, Vec<Event>, String, Vec<u8>);

fn take(bench: &mut Bench, step: &Step) -> View {
    let mut read = Vec::new();
    let mut sent = Vec::new();
    match step {
        Step::Hear(offset, length, acknowledged, window, flags, marked) => {
            let next = bench.awaited().wrapping_add_signed(i32::from(*offset));
            let (first, in_flight) = bench.unacknowledged();
            let ack = first + in_flight * u32::from(*acknowledged) / 100;
            let mut say = seq(next).ack(ack).window(*window).flag(Flags(*flags));
            if *marked {
                say = say.marked();
            }
            bench.say(say.data(&[next as u8; 1_500][..*length]));
        }
        Step::Write(length) => {
            let _ = bench
                .tcp
                .write(bench.id(), &[3; 5_000][..*length], bench.now);
        }
        Step::Read(length) => {
            read = alloc::vec![0; *length];
            let _ = bench.tcp.read(bench.id(), &mut read, bench.now);
        }
        Step::Wait(millis) => sent = bench.millis(u64::from(*millis)),
        Step::Finish => {
            let _ = bench.tcp.finish(bench.id(), bench.now);
        }
    }
    let heard = bench.hear();
    sent.extend(
        heard
            .iter()
            .map(|segment| (u64::from(segment.window), segment.text())),
    );
    let info = alloc::format!("{:?}", bench.tcp.info(bench.id()));
    (sent, bench.events(), info, read)
}

proptest! {
    #[test]
    fn the_short_way_does_what_the_steps_do(
        steps in proptest::collection::vec(step(), 1..60),
        receive_buffer in prop_oneof![Just(1_usize << 20), 1_000_usize..20_000],
    ) {
        let options = TcpOptions {
            receive_buffer: Some(receive_buffer),
            ..TcpOptions::default()
        };
        let [mut short, mut long] = [false, true].map(|every_step| {
            let syn = seq(0).mss(1_000).scale(2).flag(Flags::ECE);
            let mut bench = Bench::connected_with(&Config::default(), &options, syn);
            bench.tcp.shared.walks_every_step = every_step;
            bench
        });
        for step in &steps {
            prop_assert_eq!(take(&mut short, step), take(&mut long, step), "{:?}", step);
        }
    }
}
