//! Which neighbour a packet is handed to.

use ethertab_stack::config::{Addressing, StaticAddress, TcpOptions};
use ethertab_stack::internet::Prefix;
use ethertab_stack::{Config, Instant, Stack};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);

fn stack() -> Stack {
    let addressing = Addressing::Static(StaticAddress {
        address: Ipv4Addr::new(10, 0, 0, 1),
        prefix_length: 24,
        gateway: Some(GATEWAY),
        name_servers: Vec::new(),
    });
    let config = Config {
        addressing,
        ..Config::default()
    };
    Stack::new(config, [1; 32], Instant::ZERO)
}

/// Whom the stack asks for by ARP when it connects.
fn asked(stack: &mut Stack, remote: [u8; 4]) -> Ipv4Addr {
    let mut out = [0; 1_514];
    let now = Instant::ZERO;
    while stack.transmit(now, &mut out).is_some() {}
    let remote = SocketAddr::from((remote, 80));
    stack
        .tcp_connect(remote, &TcpOptions::default(), now)
        .expect("a route");
    let length = stack.transmit(now, &mut out).expect("a question");
    assert_eq!((length, &out[12..14]), (42, &[8, 6][..]), "no ARP");
    Ipv4Addr::new(out[38], out[39], out[40], out[41])
}

#[test]
fn the_longest_prefix_decides_who_takes_a_packet() {
    let mut stack = stack();
    assert_eq!(asked(&mut stack, [10, 0, 0, 9]), Ipv4Addr::new(10, 0, 0, 9));
    assert_eq!(asked(&mut stack, [10, 9, 1, 1]), GATEWAY);
    let prefix = |address: [u8; 4], length| Prefix::new(IpAddr::from(address), length);
    let mut routed = self::stack();
    assert!(routed.add_route(prefix([10, 9, 0, 0], 16), Some(OTHER.into())));
    assert!(routed.add_route(prefix([10, 9, 5, 0], 24), None));
    assert_eq!(asked(&mut routed, [10, 9, 1, 1]), OTHER);
    assert_eq!(
        asked(&mut routed, [10, 9, 5, 7]),
        Ipv4Addr::new(10, 9, 5, 7)
    );
    assert_eq!(asked(&mut routed, [10, 8, 1, 1]), GATEWAY);
}

#[test]
fn the_table_of_routes_has_a_bound() {
    let mut stack = stack();
    let full = (0..200_u8).filter(|&n| {
        let prefix = Prefix::new(IpAddr::from([10, n, 1, 0]), 24);
        !stack.add_route(prefix, Some(OTHER.into()))
    });
    // Two of the 64 are our own network's and the gateway's.
    assert_eq!(full.count(), 200 - 62);
}
