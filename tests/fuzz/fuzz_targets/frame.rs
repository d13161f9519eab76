//! Any sequence of frames, at any pace, at a host with open sockets.
#![no_main]

use ethertab_stack::config::{Addressing, ListenOptions, StaticAddress, TcpOptions};
use ethertab_stack::{Config, Duration, Instant, Stack};
use libfuzzer_sys::fuzz_target;
use std::net::{Ipv4Addr, SocketAddr};

/// Frames that a run answers with at the most for one frame in: an amplifier would be a bug.
const ANSWERS: usize = 1_000;

fuzz_target!(|input: &[u8]| {
    let mut now = Instant::ZERO;
    let config = Config {
        addressing: Addressing::Static(StaticAddress {
            address: Ipv4Addr::new(10, 0, 0, 1),
            prefix_length: 24,
            gateway: Some(Ipv4Addr::new(10, 0, 0, 2)),
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    let mut stack = Stack::new(config, [7; 32], now);
    let any = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let listener = stack.tcp_listen(any(80), &ListenOptions::default()).expect("a free port");
    let udp = stack.udp_bind(any(53)).expect("a free port");
    let echo = stack.echo_open(Ipv4Addr::new(10, 0, 0, 2).into()).expect("a free identifier");
    let remote = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 2), 80));
    let _ = stack.tcp_connect(remote, &TcpOptions::default(), now);
    let mut out = vec![0; 1_514];
    let mut buffer = vec![0; 2_048];
    // Each frame is led by its length and a delay in milliseconds.
    let mut rest = input;
    while let [length, pause, tail @ ..] = rest {
        let length = usize::from(*length).min(tail.len());
        let (frame, next) = tail.split_at(length);
        rest = next;
        now += Duration::from_millis(u64::from(*pause));
        stack.advance(now);
        stack.receive(frame, now);
        let mut answers = 0;
        while stack.transmit(now, &mut out).is_some() {
            answers += 1;
            assert!(answers < ANSWERS, "one frame, {answers} answers");
        }
        while stack.poll_event().is_some() {}
        while let Some((id, _)) = stack.listener(listener).accept() {
            let _ = stack.tcp(id, now).read(&mut buffer);
            let _ = stack.tcp(id, now).write(b"hello");
        }
        let _ = stack.udp(udp).receive(&mut buffer);
        let _ = stack.echo(echo).receive();
    }
});
