//! Whole hosts, frame by frame: what no floor can see alone.

use super::*;
use crate::config::StaticAddress;
use crate::counters::DropReason;
use crate::socket::UdpError;
use crate::time::Duration;
use crate::wire::ethernet::{EtherType, EthernetHeader};
use crate::wire::icmpv4::{Echo, ErrorKind, IcmpError, Icmpv4};
use crate::wire::ip::{Ecn, Protocol};
use crate::wire::ipv4::Ipv4Header;
use alloc::vec;
use core::net::Ipv4Addr;
use core::task::Poll;

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 254);
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const OUR_STATION: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const PEERS_STATION: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

/// A host with an address that knows its neighbours.
fn host() -> (Stack, Instant) {
    let now = Instant::from_millis(5_000);
    let config = Config {
        hardware_address: OUR_STATION,
        addressing: Addressing::Static(StaticAddress {
            address: US,
            prefix_length: 24,
            gateway: Some(GATEWAY),
            name_servers: vec![],
        }),
        ..Config::default()
    };
    let mut stack = Stack::new(config, [3; 32], now);
    stack.learn_neighbor(PEER.into(), PEERS_STATION, now);
    stack.learn_neighbor(GATEWAY.into(), MacAddress([2, 0, 0, 0, 0, 254]), now);
    drain(&mut stack, now);
    (stack, now)
}

/// All frames that the host sends now.
fn drain(stack: &mut Stack, now: Instant) -> Vec<Vec<u8>> {
    let mut out = vec![0; 14 + 65_535];
    let mut frames = vec![];
    while let Some(length) = stack.transmit(now, &mut out) {
        frames.push(out[..length].to_vec());
    }
    frames
}

fn header(source: Ipv4Addr, destination: Ipv4Addr, protocol: Protocol, length: u16) -> Ipv4Header {
    Ipv4Header {
        source,
        destination,
        protocol,
        hop_limit: 60,
        dscp: 0,
        ecn: Ecn::NotCapable,
        identification: 7,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        payload_length: length,
    }
}

/// A packet to us in its frame.
fn frame(source: Ipv4Addr, protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 34];
    let ethernet = EthernetHeader {
        destination: OUR_STATION,
        source: PEERS_STATION,
        ether_type: EtherType::IPV4,
    };
    header(source, US, protocol, payload.len() as u16).emit(ethernet.emit(&mut frame).unwrap());
    frame.extend_from_slice(payload);
    frame
}

mod path_mtu {
    use super::*;

    /// A stranger says that a packet of ours to `FAR`, whose transport header begins so, is too big for 68 bytes.
    fn too_big(protocol: Protocol, start: [u8; 8]) -> Vec<u8> {
        let mut quoted = vec![0; 20];
        header(US, FAR, protocol, 1_480).emit(&mut quoted);
        quoted.extend_from_slice(&start);
        let error = Icmpv4::Error(IcmpError {
            kind: ErrorKind::DestinationUnreachable { code: 4, mtu: 68 },
            quoted: &quoted,
        });
        let mut message = vec![0; error.length()];
        error.emit(&mut message);
        frame(Ipv4Addr::new(203, 0, 113, 66), Protocol::ICMP, &message)
    }

    fn mtu(stack: &Stack) -> usize {
        stack.internet.route(FAR.into()).unwrap().mtu
    }

    #[test]
    fn a_stranger_cannot_narrow_the_path_of_packets_that_he_has_not_seen() {
        let (mut stack, now) = host();
        let remote = SocketAddr::new(FAR.into(), 443);
        let udp = stack.udp_bind("0.0.0.0:4000".parse().unwrap()).unwrap();
        stack.udp(udp).connect(remote).unwrap();
        stack.echo_open(FAR.into()).unwrap();
        stack
            .tcp_connect(remote, &TcpOptions::default(), now)
            .unwrap();
        let syn = drain(&mut stack, now).pop().unwrap();
        let mut guessed: [u8; 8] = syn[34..42].try_into().unwrap();
        guessed[4] ^= 0x80;
        for (protocol, start) in [
            (Protocol::TCP, [0; 8]),
            (Protocol::TCP, guessed),
            (Protocol::UDP, [0x0f, 0xa0, 0x01, 0xbc, 0, 0, 0, 0]),
            (Protocol::ICMP, [8, 0, 0, 0, 0, 0, 0, 1]),
            (Protocol(99), [0; 8]),
        ] {
            stack.receive(&too_big(protocol, start), now);
        }
        assert_eq!(mtu(&stack), 1_500);
        assert_eq!(stack.counters().dropped(DropReason::IcmpUnmatched), 5);
    }

    #[test]
    fn a_router_on_the_way_of_our_packets_is_heard() {
        let (mut stack, now) = host();
        let remote = SocketAddr::new(FAR.into(), 443);
        stack
            .tcp_connect(remote, &TcpOptions::default(), now)
            .unwrap();
        let syn = drain(&mut stack, now).pop().unwrap();
        stack.receive(
            &too_big(Protocol::TCP, syn[34..42].try_into().unwrap()),
            now,
        );
        assert_eq!(mtu(&stack), 576);

        let (mut stack, now) = host();
        stack.udp_bind("0.0.0.0:4000".parse().unwrap()).unwrap();
        stack.receive(
            &too_big(Protocol::UDP, [0x0f, 0xa0, 1, 0xbb, 0, 0, 0, 0]),
            now,
        );
        assert_eq!(mtu(&stack), 576, "a socket without a peer");

        let (mut stack, now) = host();
        let [a, b] = (stack.echo_open(FAR.into()).unwrap().0 as u16).to_be_bytes();
        stack.receive(&too_big(Protocol::ICMP, [8, 0, 0, 0, a, b, 0, 1]), now);
        assert_eq!(mtu(&stack), 576, "a ping");
    }
}

#[test]
fn a_datagram_larger_than_a_frame_leaves_whole_or_waits_in_its_socket() {
    for size in [2_000, 8_000, 60_000] {
        let (mut stack, now) = host();
        let id = stack.udp_bind("0.0.0.0:4000".parse().unwrap()).unwrap();
        let to = SocketAddr::new(PEER.into(), 4_000);
        let (mut sent, mut bytes) = (0, 0);
        let mut out = [0; 1_514];
        loop {
            // A program that waits whenever the socket says so.
            while sent < 200 && stack.udp(id).send(&vec![0; size], Some(to)).is_ready() {
                sent += 1;
            }
            match stack.transmit(now, &mut out) {
                Some(length) => bytes += length - 34,
                None if sent == 200 => break,
                None => {}
            }
        }
        assert_eq!(bytes, sent * (8 + size), "what left, of what was accepted");
    }
}

#[test]
fn a_flood_of_pings_keeps_no_datagram_of_ours_back() {
    let (mut stack, now) = host();
    let id = stack.udp_bind("0.0.0.0:4000".parse().unwrap()).unwrap();
    let to = SocketAddr::new(PEER.into(), 4_000);
    let ping = Icmpv4::EchoRequest(Echo {
        identifier: 1,
        sequence: 1,
        payload: &[0; 1_000],
    });
    let mut message = vec![0; ping.length()];
    ping.emit(&mut message);
    let ping = frame(PEER, Protocol::ICMP, &message);
    let (mut sent, mut bytes, mut out) = (0, 0, [0; 1_514]);
    for _ in 0..20_000 {
        stack.receive(&ping, now);
        stack.receive(&ping, now);
        while stack.udp(id).send(&[0; 4_000], Some(to)).is_ready() {
            sent += 1;
        }
        let length = stack.transmit(now, &mut out).unwrap();
        bytes += if out[23] == 17 { length - 34 } else { 0 };
    }
    assert!(bytes > 4_008 * 30, "{bytes} bytes of {sent} datagrams left");
}

#[test]
fn what_is_left_of_the_icmp_errors_does_not_tell_which_port_is_open() {
    let (mut stack, mut now) = host();
    let (server, attacker) = (Ipv4Addr::new(10, 0, 0, 53), Ipv4Addr::new(10, 0, 0, 66));
    stack.learn_neighbor(attacker.into(), PEERS_STATION, now);
    let id = stack.udp_bind("0.0.0.0:50050".parse().unwrap()).unwrap();
    let server_port = SocketAddr::new(server.into(), 53);
    stack.udp(id).connect(server_port).unwrap();
    // In one second a hundred ports in the name of the server, then one in its own: if that is answered, one was open.
    let mut is_told = |first: u16| {
        now += Duration::from_secs(10);
        for port in first..first + 100 {
            stack.receive(&frame(server, Protocol::UDP, &datagram(53, port)), now);
        }
        stack.receive(&frame(attacker, Protocol::UDP, &datagram(1, 9)), now);
        let frames = drain(&mut stack, now);
        frames
            .iter()
            .any(|frame| frame[12..14] == [8, 0] && frame[30..34] == attacker.octets())
    };
    let told = |is: bool| usize::from(is);
    let open: usize = (0..100).map(|_| told(is_told(50_000))).sum();
    let closed: usize = (0..100).map(|_| told(is_told(50_200))).sum();
    assert!(open.abs_diff(closed) < 35, "{open} and {closed} of 100");
}

/// Without data and checksum.
fn datagram(source: u16, destination: u16) -> [u8; 8] {
    let [a, b] = source.to_be_bytes();
    let [c, d] = destination.to_be_bytes();
    [a, b, c, d, 0, 8, 0, 0]
}

#[test]
fn a_host_answers_its_own_pings_of_every_size() {
    for size in [1_472, 1_473, 60_000, 65_507] {
        let (mut stack, now) = host();
        let id = stack.echo_open(US.into()).unwrap();
        assert!(stack.echo(id).send(1, &vec![0; size]).is_ready());
        assert_eq!(stack.transmit(now, &mut [0; 1_514]), None);
        assert!(stack.echo(id).receive().is_ready(), "{size} bytes");
    }
}

#[test]
fn a_link_that_was_away_for_hours_gets_one_dhcp_message() {
    let mut now = Instant::ZERO;
    let config = Config {
        hardware_address: OUR_STATION,
        ..Config::default()
    };
    let mut stack = Stack::new(config, [3; 32], now);
    while now < Instant::ZERO + Duration::from_secs(8 * 3_600) {
        now = stack.next_timer().expect("the next DISCOVER").at;
        stack.advance(now);
    }
    assert_eq!(drain(&mut stack, now).len(), 1);
}

#[test]
fn a_udp_socket_whose_address_is_gone_says_so_until_it_is_back() {
    let (mut stack, now) = host();
    let bound = stack.udp_bind("10.0.0.1:4000".parse().unwrap()).unwrap();
    let any = stack.udp_bind("0.0.0.0:4001".parse().unwrap()).unwrap();
    let peer = Some(SocketAddr::new(PEER.into(), 7));
    let other = Ipv4Addr::new(10, 0, 0, 7);
    stack.set_address(Some((other, 24)), Some(GATEWAY), now);
    assert_eq!(stack.poll_event(), Some(Event::Udp(bound)));
    assert_eq!(stack.poll_event(), None);
    let gone = Poll::Ready(Err(UdpError::NoRoute));
    assert_eq!(stack.udp(bound).receive(&mut []).map_ok(|_| ()), gone);
    assert_eq!(
        stack.udp(bound).receive(&mut []).map_ok(|_| ()),
        Poll::Pending
    );
    assert_eq!(stack.udp(bound).send(b"x", peer), gone);
    assert_eq!(stack.udp(any).send(b"x", peer), Poll::Ready(Ok(())));
    stack.set_address(Some((US, 24)), Some(GATEWAY), now);
    assert_eq!(stack.udp(bound).send(b"x", peer), Poll::Ready(Ok(())));
}

#[test]
fn closed_sockets_do_not_use_up_the_table_while_the_link_takes_nothing() {
    let (mut stack, now) = host();
    for number in 0..20_000 {
        // A question of a resolver whose time is up.
        let id = stack.udp_bind("0.0.0.0:0".parse().unwrap());
        let id = id.unwrap_or_else(|error| panic!("socket {number}: {error}"));
        let to = Some(SocketAddr::new(PEER.into(), 53));
        assert!(stack.udp(id).send(&[0; 40], to).is_ready());
        stack.udp(id).close();
    }
    let dropped = |stack: &Stack| stack.counters().dropped(DropReason::UdpQueueFull);
    assert_eq!(dropped(&stack), 20_000 - 256);
    let held = stack.udp_bind("0.0.0.0:0".parse().unwrap()).unwrap();
    let to = Some(SocketAddr::new(PEER.into(), 53));
    assert!(stack.udp(held).send(&[0; 40], to).is_ready());
    let restored = |stack: &mut Stack| {
        stack.link_restored(now);
        let frames = drain(stack, now);
        frames
            .iter()
            .filter(|frame| frame[12..14] == [8, 0])
            .count()
    };
    assert_eq!(restored(&mut stack), 1, "of the socket that is held");
    assert_eq!(dropped(&stack), 20_000);
    assert!(!stack.has_unsent());
}

#[test]
fn what_a_socket_said_before_it_was_closed_leaves() {
    let (mut stack, now) = host();
    let to = Some(SocketAddr::new(PEER.into(), 53));
    for _round in 0..3 {
        for _socket in 0..256 {
            let id = stack.udp_bind("0.0.0.0:0".parse().unwrap()).unwrap();
            assert!(stack.udp(id).send(&[0; 40], to).is_ready());
            stack.udp(id).close();
        }
        assert_eq!(drain(&mut stack, now).len(), 256);
    }
    assert_eq!(stack.counters().dropped(DropReason::UdpQueueFull), 0);
}
