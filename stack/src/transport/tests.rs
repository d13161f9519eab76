use super::*;
use crate::wire::ip::{Ecn, Unreachable};
use core::net::SocketAddr;

const HEADROOM: Headroom = Headroom { v4: 34, v6: 54 };
const PEER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 1));
const HERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 2));

fn fresh() -> Transport {
    Transport::new(&Config::default(), &mut Random::new([1; 32]))
}

fn arrival(protocol: Protocol, cast: Cast) -> Arrival<'static> {
    Arrival {
        source: PEER,
        destination: HERE,
        cast,
        protocol,
        hop_limit: 64,
        ecn: Ecn::NotCapable,
        payload: &[0, 7, 0, 7, 0, 8, 0, 0],
        verify_checksum: true,
    }
}

#[test]
fn kinds_of_sockets_take_turns_so_that_a_flood_of_one_delays_no_other() {
    let mut transport = fresh();
    let udp = transport
        .udp
        .bind(SocketAddr::new(HERE, 9))
        .expect("a free port");
    let echo = transport.echo.open(PEER).expect("a free identifier");
    let peer = Some(SocketAddr::new(PEER, 9));
    for _ in 0..100 {
        assert!(transport.udp.send(udp, b"flood", peer).is_ready());
    }
    for sequence in 0..2 {
        assert!(transport.echo.send(echo, sequence, b"").is_ready());
    }
    let mut out = [0; 100];
    let mut protocols = Vec::new();
    while let Some(Outgoing::Written(departure)) =
        transport.transmit(Instant::ZERO, &mut out, HEADROOM, &|_| Some(HERE), false)
    {
        protocols.push(departure.protocol);
    }
    let (udp, icmp) = (Protocol::UDP, Protocol::ICMP);
    assert_eq!(protocols[..5], [udp, icmp, udp, icmp, udp]);
    assert_eq!(protocols.len(), 102);
    assert!(!transport.has_work());
}

#[test]
fn an_unknown_protocol_is_reported_unless_many_were_addressed() {
    let mut transport = fresh();
    let mut receive = |cast| transport.receive(&arrival(Protocol(99), cast), Instant::ZERO);
    assert_eq!(receive(Cast::Unicast), Received::ProtocolUnreachable);
    assert_eq!(receive(Cast::Broadcast), Received::Consumed);
    assert_eq!(receive(Cast::Multicast), Received::Consumed);
    assert_eq!(transport.counters().dropped(DropReason::UnknownProtocol), 3);
}

#[test]
fn a_closed_udp_port_is_reported() {
    let mut transport = fresh();
    let received = transport.receive(&arrival(Protocol::UDP, Cast::Unicast), Instant::ZERO);
    assert_eq!(received, Received::PortUnreachable);
    assert_eq!(transport.counters().dropped(DropReason::UdpNoSocket), 1);
}

#[test]
fn events_name_the_socket_and_errors_reach_the_right_kind() {
    let mut transport = fresh();
    let local = SocketAddr::new(HERE, 9);
    let udp = transport.udp.bind(local).expect("a free port");
    let connected = transport.udp.connect(udp, SocketAddr::new(PEER, 9));
    assert_eq!(connected, Ok(()));
    let echo = transport.echo.open(PEER).expect("a free identifier");
    let identifier = (echo.0 as u16).to_be_bytes();
    for (protocol, quoted) in [
        (Protocol::UDP, [0, 9, 0, 9, 0, 8, 0, 0]),
        (
            Protocol::ICMP,
            [8, 0, 0, 0, identifier[0], identifier[1], 0, 1],
        ),
        (Protocol(99), [0; 8]),
    ] {
        let error = PacketError {
            kind: Unreachable::Host,
            reporter: PEER,
            source: HERE,
            destination: PEER,
            protocol,
            length: 100,
            quoted: &quoted,
        };
        transport.error(&error, Instant::ZERO);
    }
    assert_eq!(transport.poll_event(), Some(Event::Udp(udp)));
    assert_eq!(transport.poll_event(), Some(Event::Echo(echo)));
    assert_eq!(transport.poll_event(), None);
    assert_eq!(transport.counters().dropped(DropReason::IcmpUnmatched), 1);
}
