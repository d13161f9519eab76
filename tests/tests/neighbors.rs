//! What transport finds out about hosts, link heeds about neighbours.

use ethertab_stack::config::{Addressing, ListenOptions, StaticAddress, TcpOptions};
use ethertab_stack::event::Event;
use ethertab_stack::{Config, Duration, Instant, MacAddress, Stack, TcpId};
use std::net::{Ipv4Addr, SocketAddr};

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Two hosts with a connection, and what they sent.
struct Pair {
    near: Stack,
    far: Stack,
    connection: TcpId,
    now: Instant,
    /// When the near one spoke ARP since the connection was made.
    arp: Vec<Instant>,
    cut: bool,
}

fn host(address: Ipv4Addr) -> Stack {
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 0, 0, address.octets()[3]]),
        addressing: Addressing::Static(StaticAddress {
            address,
            prefix_length: 24,
            gateway: None,
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    Stack::new(config, [address.octets()[3]; 32], Instant::ZERO)
}

impl Pair {
    fn connected() -> Pair {
        let (mut near, mut far) = (host(NEAR), host(FAR));
        far.tcp_listen(SocketAddr::from((FAR, 80)), &ListenOptions::default())
            .expect("a free port");
        let connection = near
            .tcp_connect(
                SocketAddr::from((FAR, 80)),
                &TcpOptions::default(),
                Instant::ZERO,
            )
            .expect("a route");
        let mut pair = Pair {
            near,
            far,
            connection,
            now: Instant::ZERO,
            arp: Vec::new(),
            cut: false,
        };
        // Announcements are over after three seconds, and each has proved the other's address after six.
        for _ in 0..70 {
            pair.step(Duration::from_millis(100));
        }
        assert!(pair.near.tcp(connection, pair.now).connected().is_ready());
        pair.arp.clear();
        pair
    }

    /// Lets time pass, then carries what both have to say.
    fn step(&mut self, time: Duration) {
        self.now += time;
        let mut out = [0; 1_514];
        self.near.advance(self.now);
        self.far.advance(self.now);
        loop {
            let mut silent = true;
            for near_speaks in [true, false] {
                let (from, to) = if near_speaks {
                    (&mut self.near, &mut self.far)
                } else {
                    (&mut self.far, &mut self.near)
                };
                while let Some(length) = from.transmit(self.now, &mut out) {
                    silent = false;
                    if near_speaks && out[12..14] == [8, 6] {
                        self.arp.push(self.now);
                    }
                    if !self.cut {
                        to.receive(&out[..length], self.now);
                    }
                }
            }
            if silent {
                return;
            }
        }
    }

    fn write(&mut self) {
        let _ = self.near.tcp(self.connection, self.now).write(&[7; 100]);
    }
}

#[test]
fn acknowledgements_keep_a_neighbour_reachable() {
    let mut pair = Pair::connected();
    for _ in 0..600 {
        pair.write();
        pair.step(Duration::from_millis(500));
    }
    assert_eq!(pair.arp, [], "five minutes of data need no question");
}

#[test]
fn a_silent_neighbour_is_asked_for_after_three_repetitions() {
    let mut pair = Pair::connected();
    pair.cut = true;
    pair.write();
    let began = pair.now;
    while pair.arp.is_empty() {
        pair.step(Duration::from_millis(10));
        assert!(
            pair.now.since(began) < Duration::from_secs(10),
            "no question"
        );
    }
    let took = pair.arp[0].since(began);
    assert!(took < Duration::from_millis(2_500), "asked after {took:?}");
}

#[test]
fn events_that_nobody_polls_are_kept_up_to_the_limit() {
    let config = Config {
        addressing: Addressing::Static(StaticAddress {
            address: NEAR,
            prefix_length: 24,
            gateway: None,
            name_servers: Vec::new(),
        }),
        host_events: 3,
        ..Config::default()
    };
    let mut stack = Stack::new(config, [1; 32], Instant::ZERO);
    // A stranger claims our address (RFC 826): once is answered, and each repetition is told.
    let stranger = [2, 0, 0, 0, 0, 0x66];
    let header = [0, 1, 8, 0, 6, 4, 0, 2];
    let frame = [
        &[0xff; 6][..],
        &stranger,
        &[8, 6],
        &header,
        &stranger,
        &NEAR.octets(),
        &[0; 6],
        &NEAR.octets(),
    ]
    .concat();
    for _ in 0..20 {
        stack.receive(&frame, Instant::ZERO);
    }
    let told = Event::AddressConflict {
        address: NEAR,
        claimant: MacAddress(stranger),
    };
    let events: Vec<Event> = std::iter::from_fn(|| stack.poll_event()).collect();
    assert_eq!(events, [told.clone(), told.clone(), told]);
}
