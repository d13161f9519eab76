//! Trains change nothing: two pairs of hosts live through the same, one of them frame by frame, and nobody can tell them apart.

use super::*;
use crate::config::{Addressing, BufferSize, Config, ListenOptions, StaticAddress, TcpOptions};
use crate::event::{TcpId, UdpId};
use crate::stack::Stack;
use crate::time::Duration;
use crate::wire::address::MacAddress;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::task::Poll;
use proptest::prelude::*;

const PORT: u16 = 80;

/// What happens next; hosts are 0 and 1.
#[derive(Clone, Debug)]
enum Step {
    Write(usize, usize),
    Read(usize, usize),
    /// A datagram between the two, so that something else has a turn.
    Datagram(usize),
    /// One host takes what waits for it; in frame number `.1` of these, byte `.2` is changed by `.3`.
    Deliver(usize, Option<(usize, usize, u8)>),
    /// One host takes the first frames of what waits for it.
    Some(usize, usize),
    /// A host sends so many frames.
    Send(usize, usize),
    Lose(usize),
    Wait(u64),
    Finish(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let damage = (0_usize..8, prop_oneof![0_usize..60, 0_usize..1_514], 1_u8..);
    prop_oneof![
        6 => (0_usize..2, prop_oneof![0_usize..4_000, 10_000_usize..70_000]).prop_map(|(host, length)| Step::Write(host, length)),
        4 => (0_usize..2, 0_usize..70_000).prop_map(|(host, length)| Step::Read(host, length)),
        1 => (0_usize..2).prop_map(Step::Datagram),
        12 => (0_usize..2, Just(None)).prop_map(|(host, damage)| Step::Deliver(host, damage)),
        2 => (0_usize..2, damage).prop_map(|(host, damage)| Step::Deliver(host, Some(damage))),
        4 => (0_usize..2, 0_usize..6).prop_map(|(host, count)| Step::Some(host, count)),
        4 => (0_usize..2, 1_usize..20).prop_map(|(host, count)| Step::Send(host, count)),
        1 => (0_usize..2).prop_map(Step::Lose),
        3 => (0_u64..400).prop_map(Step::Wait),
        1 => (0_usize..2).prop_map(Step::Finish),
    ]
}

struct Host {
    stack: Stack,
    udp: UdpId,
    connection: TcpId,
    /// Frames on their way to it.
    incoming: Vec<Vec<u8>>,
}

/// Two hosts with a connection between them.
struct Pair {
    hosts: [Host; 2],
    now: Instant,
    /// The long ways alone, and every byte copied.
    walks_every_step: bool,
}

fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, number))
}

impl Pair {
    fn new(config: &Config, walks_every_step: bool) -> Pair {
        let now = Instant::from_millis(5);
        let mut stacks = [1, 2].map(|number| {
            let config = Config {
                hardware_address: MacAddress([2, 0, 0, 0, 0, number]),
                addressing: Addressing::Static(StaticAddress {
                    address: Ipv4Addr::new(10, 0, 0, number),
                    prefix_length: 24,
                    gateway: None,
                    name_servers: Vec::new(),
                }),
                ..config.clone()
            };
            let mut stack = Stack::new(config, [number; 32], now);
            if walks_every_step {
                stack.transport.tcp.walk_every_step();
            }
            stack
        });
        let listener = stacks[1]
            .tcp_listen(SocketAddr::new(address(2), PORT), &ListenOptions::default())
            .unwrap();
        let remote = SocketAddr::new(address(2), PORT);
        let connection = stacks[0]
            .tcp_connect(remote, &TcpOptions::default(), now)
            .unwrap();
        let [first, second] = stacks.map(|mut stack| Host {
            udp: stack
                .udp_bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 9))
                .unwrap(),
            stack,
            connection,
            incoming: Vec::new(),
        });
        let mut pair = Pair {
            hosts: [first, second],
            now,
            walks_every_step,
        };
        for _ in 0..6 {
            for host in [0, 1] {
                pair.send(host, usize::MAX);
                pair.deliver(1 - host, usize::MAX, None);
            }
        }
        let accepted = pair.hosts[1].stack.listener(listener).accept();
        pair.hosts[1].connection = accepted.expect("a connection").0;
        pair
    }

    /// Lets a host send; returns the frames.
    fn send(&mut self, host: usize, most: usize) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        let mut out = vec![0; 1_514];
        while sent.len() < most
            && let Some(length) = self.hosts[host].stack.transmit(self.now, &mut out)
        {
            sent.push(out[..length].to_vec());
        }
        self.hosts[1 - host].incoming.extend(sent.iter().cloned());
        sent
    }

    fn deliver(&mut self, host: usize, most: usize, damage: Option<(usize, usize, u8)>) {
        let host = &mut self.hosts[host];
        let count = host.incoming.len().min(most);
        for (number, mut frame) in host.incoming.drain(..count).enumerate() {
            if let Some((which, at, change)) = damage
                && which == number
                && let Some(byte) = frame.get_mut(at)
            {
                *byte ^= change;
            }
            if self.walks_every_step {
                host.stack.receive(&frame, self.now);
            } else {
                // Behind something else, as in a message of several frames.
                let mut buffer = [&[9; 7][..], &frame].concat();
                let range = 7..buffer.len();
                (host.stack).receive_owned(&mut buffer, range, Offload::NONE, self.now);
            }
        }
    }

    /// All that can be seen from outside after a step.
    fn take(&mut self, step: &Step) -> (Vec<Vec<u8>>, Vec<alloc::string::String>) {
        let now = self.now;
        let mut seen = Vec::new();
        let mut sent = Vec::new();
        match *step {
            Step::Write(host, length) => {
                let Host {
                    stack, connection, ..
                } = &mut self.hosts[host];
                let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
                seen.push(alloc::format!(
                    "{:?}",
                    stack.tcp(*connection, now).write(&bytes)
                ));
            }
            Step::Read(host, length) => {
                let Host {
                    stack, connection, ..
                } = &mut self.hosts[host];
                let mut out = vec![0; length];
                if let Poll::Ready(Ok(count)) = stack.tcp(*connection, now).read(&mut out) {
                    seen.push(alloc::format!("{:?}", &out[..count]));
                }
            }
            Step::Datagram(host) => {
                let Host { stack, udp, .. } = &mut self.hosts[host];
                let to = SocketAddr::new(address(2 - host as u8), 9);
                let _ = stack.udp(*udp).send(&[7; 100], Some(to));
            }
            Step::Deliver(host, damage) => self.deliver(host, usize::MAX, damage),
            Step::Some(host, count) => self.deliver(host, count, None),
            Step::Send(host, count) => sent = self.send(host, count),
            Step::Lose(host) => self.hosts[host].incoming.clear(),
            Step::Wait(millis) => {
                self.now += Duration::from_millis(millis);
                for host in &mut self.hosts {
                    host.stack.advance(self.now);
                }
            }
            Step::Finish(host) => {
                let Host {
                    stack, connection, ..
                } = &mut self.hosts[host];
                let _ = stack.tcp(*connection, now).finish();
            }
        }
        for host in &mut self.hosts {
            while let Some(event) = host.stack.poll_event() {
                seen.push(alloc::format!("{event:?}"));
            }
            let info = host.stack.tcp(host.connection, self.now).info();
            let counters = host.stack.counters();
            let deadline = host.stack.next_deadline();
            seen.push(alloc::format!("{info:?} {counters:?} {deadline:?}"));
        }
        (sent, seen)
    }
}

proptest! {
    #[test]
    fn frames_in_trains_do_what_single_frames_do(
        steps in proptest::collection::vec(step(), 1..80),
        receive_buffer in prop_oneof![Just(1_usize << 20), 5_000_usize..100_000],
        fill_checksums in prop_oneof![9 => Just(true), 1 => Just(false)],
    ) {
        let mut config = Config::default();
        config.tcp.receive_buffer = BufferSize::fixed(receive_buffer);
        config.link.fill_checksums = fill_checksums;
        config.link.verify_checksums = fill_checksums;
        let [mut trains, mut single] = [false, true].map(|every_step| Pair::new(&config, every_step));
        for step in &steps {
            let (frames, seen) = trains.take(step);
            let (expected_frames, expected) = single.take(step);
            prop_assert!(frames == expected_frames, "other frames after {:?}", step);
            prop_assert_eq!(seen, expected, "{:?}", step);
        }
    }
}

#[test]
fn bulk_data_travels_in_trains() {
    let mut pair = Pair::new(&Config::default(), false);
    pair.take(&Step::Write(0, 60_000));
    pair.take(&Step::Send(0, 3));
    assert!(pair.hosts[0].stack.departing.is_some());
    assert!(pair.hosts[0].stack.transport.has_train());
    pair.take(&Step::Some(1, 3));
    assert!(pair.hosts[1].stack.arriving.is_some());
}
