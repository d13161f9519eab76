use super::*;
use crate::wire::ip::Ecn;
use crate::wire::udp::HEADER_LENGTH;
use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use proptest::prelude::*;

const HERE: &str = "10.0.0.2";
const HEADROOM: Headroom = Headroom { v4: 34, v6: 54 };

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn udp(change: impl FnOnce(&mut Config)) -> Udp {
    let mut config = Config::default();
    change(&mut config);
    Udp::new(&config, &mut Random::new([1; 32]))
}

fn fresh() -> Udp {
    udp(|_| {})
}

/// The route that every test has.
fn here(_: IpAddr) -> Option<IpAddr> {
    Some(HERE.parse().unwrap())
}

fn nowhere(_: IpAddr) -> Option<IpAddr> {
    None
}

/// A datagram on the wire, with its checksum.
fn written(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut sender = fresh();
    let id = sender.bind(source).unwrap();
    assert!(sender.send(id, payload, Some(destination)).is_ready());
    let mut out = vec![0; 2_000];
    let route = |_| Some(source.ip());
    let Some(Outgoing::Written(departure)) = sender.transmit(&mut out, HEADROOM, &route) else {
        panic!("nothing was written")
    };
    assert_eq!(departure.length, payload.len() + HEADER_LENGTH);
    out[HEADROOM.before(destination.ip())..][..departure.length].to_vec()
}

fn arrival<'p>(source: SocketAddr, destination: SocketAddr, payload: &'p [u8]) -> Arrival<'p> {
    Arrival {
        source: source.ip(),
        destination: destination.ip(),
        cast: Cast::Unicast,
        protocol: Protocol::UDP,
        hop_limit: 64,
        ecn: Ecn::NotCapable,
        payload,
        verify_checksum: true,
    }
}

fn deliver(udp: &mut Udp, source: &str, destination: &str, payload: &[u8]) -> Received {
    let (source, destination) = (at(source), at(destination));
    let datagram = written(source, destination, payload);
    udp.receive(&arrival(source, destination, &datagram))
}

fn take(udp: &mut Udp, id: UdpId) -> Poll<Result<(Datagram, Vec<u8>), UdpError>> {
    let mut buffer = [0; 100];
    udp.take(id, &mut buffer)
        .map_ok(|datagram| (datagram, buffer[..datagram.length].to_vec()))
}

#[test]
fn a_datagram_goes_to_the_socket_at_its_port_and_says_where_it_came_from() {
    let mut udp = fresh();
    let (one, other) = (
        udp.bind(at("0.0.0.0:53")).unwrap(),
        udp.bind(at("10.0.0.2:54")).unwrap(),
    );
    assert_eq!(
        deliver(&mut udp, "10.0.0.1:5000", "10.0.0.2:54", b"hello"),
        Received::Consumed
    );
    assert_eq!(udp.poll_event(), Some(other));
    assert_eq!(udp.poll_event(), None);
    let Poll::Ready(Ok((datagram, bytes))) = take(&mut udp, other) else {
        panic!("no datagram")
    };
    assert_eq!(
        (datagram.source, datagram.destination),
        (at("10.0.0.1:5000"), at("10.0.0.2:54"))
    );
    assert_eq!(bytes, b"hello");
    assert_eq!(take(&mut udp, other), Poll::Pending);
    assert_eq!(take(&mut udp, one), Poll::Pending);
}

#[test]
fn a_closed_port_is_reported_unless_many_were_addressed() {
    let mut udp = fresh();
    assert_eq!(
        deliver(&mut udp, "10.0.0.1:5000", "10.0.0.2:9", b""),
        Received::PortUnreachable
    );
    let (source, destination) = (at("10.0.0.1:5000"), at("10.0.0.255:9"));
    let datagram = written(source, destination, b"");
    let broadcast = Arrival {
        cast: Cast::Broadcast,
        ..arrival(source, destination, &datagram)
    };
    assert_eq!(udp.receive(&broadcast), Received::Consumed);
    assert_eq!(udp.counters.dropped(DropReason::UdpNoSocket), 2);
}

#[test]
fn a_broadcast_reaches_the_socket_bound_to_all_addresses() {
    let mut udp = fresh();
    let id = udp.bind(at("0.0.0.0:68")).unwrap();
    deliver(&mut udp, "10.0.0.1:67", "255.255.255.255:68", b"offer");
    assert!(take(&mut udp, id).is_ready());
}

#[test]
fn a_connected_socket_hears_only_its_peer() {
    let mut udp = fresh();
    let id = udp.bind(at("0.0.0.0:5000")).unwrap();
    udp.connect(id, at("10.0.0.1:53")).unwrap();
    assert_eq!(
        deliver(&mut udp, "10.0.0.3:53", "10.0.0.2:5000", b"forged"),
        Received::PortUnreachable
    );
    deliver(&mut udp, "10.0.0.1:53", "10.0.0.2:5000", b"answer");
    let Poll::Ready(Ok((_, bytes))) = take(&mut udp, id) else {
        panic!("no datagram")
    };
    assert_eq!(bytes, b"answer");
}

#[test]
fn errors_reach_connected_sockets_and_only_about_their_peer() {
    let mut udp = fresh();
    let connected = udp.bind(at("0.0.0.0:5000")).unwrap();
    let open = udp.bind(at("0.0.0.0:5001")).unwrap();
    udp.connect(connected, at("10.0.0.1:53")).unwrap();
    let report = |udp: &mut Udp, kind, source, destination| {
        let quoted = written(source, destination, b"question");
        udp.error(&PacketError {
            kind,
            reporter: destination.ip(),
            source: source.ip(),
            destination: destination.ip(),
            protocol: Protocol::UDP,
            length: 100,
            quoted: &quoted[..8],
        });
    };
    let (peer, other) = (at("10.0.0.1:53"), at("10.0.0.1:54"));
    report(&mut udp, Unreachable::Port, at("10.0.0.2:5000"), other);
    report(&mut udp, Unreachable::Port, at("10.0.0.2:5001"), peer);
    report(
        &mut udp,
        Unreachable::TooBig { mtu: 1_000 },
        at("10.0.0.2:5000"),
        peer,
    );
    assert_eq!(udp.poll_event(), None);
    report(&mut udp, Unreachable::Port, at("10.0.0.2:5000"), peer);
    assert_eq!(udp.poll_event(), Some(connected));
    let refused = UdpError::Unreachable(Unreachable::Port);
    assert_eq!(take(&mut udp, connected), Poll::Ready(Err(refused)));
    assert_eq!(take(&mut udp, connected), Poll::Pending);
    assert_eq!(take(&mut udp, open), Poll::Pending);
    assert_eq!(udp.counters.dropped(DropReason::IcmpUnmatched), 1);
}

#[test]
fn a_damaged_datagram_is_dropped_and_one_without_checksum_is_taken() {
    let mut udp = fresh();
    let id = udp.bind(at("0.0.0.0:53")).unwrap();
    let (source, destination) = (at("10.0.0.1:5000"), at("10.0.0.2:53"));
    let mut datagram = written(source, destination, b"hello");
    datagram[9] ^= 1;
    udp.receive(&arrival(source, destination, &datagram));
    assert_eq!(udp.counters.dropped(DropReason::UdpChecksum), 1);
    assert_eq!(take(&mut udp, id), Poll::Pending);
    datagram[6..8].fill(0);
    udp.receive(&arrival(source, destination, &datagram));
    assert!(take(&mut udp, id).is_ready());
    udp.receive(&arrival(source, destination, &datagram[..12]));
    assert_eq!(udp.counters.dropped(DropReason::MalformedUdp), 1);
}

#[test]
fn over_ipv6_a_checksum_is_required() {
    let mut udp = fresh();
    let id = udp.bind(at("[::]:53")).unwrap();
    let (source, destination) = (at("[fe80::1]:5000"), at("[fe80::2]:53"));
    let mut datagram = written(source, destination, b"hello");
    udp.receive(&arrival(source, destination, &datagram));
    assert!(take(&mut udp, id).is_ready());
    datagram[6..8].fill(0);
    udp.receive(&arrival(source, destination, &datagram));
    assert_eq!(take(&mut udp, id), Poll::Pending);
}

#[test]
fn a_checksum_that_comes_out_as_zero_is_sent_as_all_ones() {
    let (source, destination) = (at("10.0.0.1:5000"), at("10.0.0.2:53"));
    let plain = written(source, destination, &[0, 0]);
    let sum = [plain[6], plain[7]];
    // Adding the checksum itself as data makes the sum come out as zero.
    let datagram = written(source, destination, &sum);
    assert_eq!(datagram[6..8], [0xff, 0xff]);
    assert!(is_intact(
        &arrival(source, destination, &datagram),
        &UdpDatagram::parse(&datagram).unwrap()
    ));
}

#[test]
fn a_full_receive_queue_drops_and_counts() {
    let mut udp = udp(|config| config.udp.receive_bytes = 1_000);
    let id = udp.bind(at("0.0.0.0:53")).unwrap();
    for _ in 0..20 {
        deliver(&mut udp, "10.0.0.1:5000", "10.0.0.2:53", &[0; 36]);
    }
    let taken = (0..20).filter(|_| take(&mut udp, id).is_ready()).count();
    assert_eq!(taken, 10);
    assert_eq!(udp.counters.dropped(DropReason::UdpQueueFull), 10);
}

#[test]
fn a_full_send_queue_waits_and_says_when_there_is_room() {
    let mut udp = udp(|config| config.udp.send_bytes = 1_000);
    let id = udp.bind(at("0.0.0.0:53")).unwrap();
    let peer = Some(at("10.0.0.1:53"));
    let mut sent = 0;
    while udp.send(id, &[0; 36], peer).is_ready() {
        sent += 1;
    }
    assert_eq!(sent, 10);
    assert_eq!(udp.poll_event(), None);
    let mut out = [0; 200];
    assert!(udp.transmit(&mut out, HEADROOM, &here).is_some());
    assert_eq!(udp.poll_event(), Some(id));
    assert!(udp.send(id, &[0; 36], peer).is_ready());
}

#[test]
fn sockets_take_turns() {
    let mut udp = fresh();
    let peer = Some(at("10.0.0.1:9"));
    for port in [1, 2, 3] {
        let id = udp.bind(at("0.0.0.0:0")).unwrap();
        for _ in 0..2 {
            assert!(udp.send(id, &[port], peer).is_ready());
        }
    }
    let mut order = Vec::new();
    let mut out = [0; 100];
    while let Some(Outgoing::Written(_)) = udp.transmit(&mut out, HEADROOM, &here) {
        order.push(out[HEADROOM.v4 + HEADER_LENGTH]);
    }
    assert_eq!(order, [1, 2, 3, 1, 2, 3]);
    assert!(!udp.has_work());
}

#[test]
fn what_was_queued_still_leaves_after_a_close_and_the_port_is_free_at_once() {
    let mut udp = fresh();
    let id = udp.bind(at("0.0.0.0:53")).unwrap();
    assert!(
        udp.send(id, b"last words", Some(at("10.0.0.1:9")))
            .is_ready()
    );
    udp.close(id);
    assert_eq!(take(&mut udp, id), Poll::Ready(Err(UdpError::Closed)));
    let again = udp.bind(at("0.0.0.0:53")).unwrap();
    assert_ne!(again, id);
    let mut out = [0; 100];
    assert!(udp.transmit(&mut out, HEADROOM, &here).is_some());
    assert!(udp.transmit(&mut out, HEADROOM, &here).is_none());
    assert_eq!(udp.sockets.len(), 1);
    udp.close(again);
    assert!(udp.sockets.len() == 0);
}

#[test]
fn without_a_route_a_datagram_is_an_error_except_a_broadcast_before_the_lease() {
    let mut udp = fresh();
    let id = udp.bind(at("0.0.0.0:68")).unwrap();
    assert!(udp.send(id, b"x", Some(at("10.0.0.1:9"))).is_ready());
    assert!(
        udp.send(id, b"discover", Some(at("255.255.255.255:67")))
            .is_ready()
    );
    let mut out = [0; 100];
    let Some(Outgoing::Written(departure)) = udp.transmit(&mut out, HEADROOM, &nowhere) else {
        panic!("the broadcast did not leave")
    };
    assert_eq!(departure.source, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    assert_eq!(take(&mut udp, id), Poll::Ready(Err(UdpError::NoRoute)));
}

#[test]
fn a_datagram_larger_than_the_buffer_is_handed_over_whole() {
    let mut udp = fresh();
    let id = udp.bind(at("0.0.0.0:9")).unwrap();
    let peer = Some(at("10.0.0.1:9"));
    assert_eq!(
        udp.send(id, &[7; 65_508], peer),
        Poll::Ready(Err(UdpError::TooLong))
    );
    assert!(udp.send(id, &[7; 65_507], peer).is_ready());
    let mut out = [0; 1_514];
    let Some(Outgoing::Large { departure, payload }) = udp.transmit(&mut out, HEADROOM, &here)
    else {
        panic!("it cannot have fitted")
    };
    assert_eq!((departure.length, payload.len()), (65_515, 65_515));
    let back = arrival(at("10.0.0.2:9"), at("10.0.0.1:9"), &payload);
    assert!(is_intact(&back, &UdpDatagram::parse(&payload).unwrap()));
}

#[test]
fn sockets_ports_and_destinations_are_checked() {
    let mut udp = udp(|config| {
        config.udp.sockets = 3;
        config.tcp.ephemeral_ports = (50_000, 50_000);
    });
    let id = udp.bind(at("0.0.0.0:0")).unwrap();
    assert_eq!(udp.local_address(id), Ok(at("0.0.0.0:50000")));
    assert_eq!(udp.bind(at("0.0.0.0:0")), Err(BindError::PortInUse));
    assert_eq!(udp.bind(at("10.0.0.2:50000")), Err(BindError::PortInUse));
    udp.bind(at("0.0.0.0:1")).unwrap();
    udp.bind(at("0.0.0.0:2")).unwrap();
    assert_eq!(udp.bind(at("0.0.0.0:3")), Err(BindError::TooMany));
    let wrong = Poll::Ready(Err(UdpError::Destination));
    assert_eq!(udp.send(id, b"", None), wrong);
    assert_eq!(udp.send(id, b"", Some(at("10.0.0.1:0"))), wrong);
    assert_eq!(udp.send(id, b"", Some(at("0.0.0.0:9"))), wrong);
    assert_eq!(udp.send(id, b"", Some(at("[fe80::1]:9"))), wrong);
    udp.connect(id, at("10.0.0.1:9")).unwrap();
    assert_eq!(udp.remote_address(id), Some(at("10.0.0.1:9")));
    assert_eq!(udp.send(id, b"", Some(at("10.0.0.1:9"))), wrong);
}

proptest! {
    #[test]
    fn no_bytes_can_make_it_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..64),
        honest: bool,
        verify_checksum: bool,
    ) {
        let mut udp = fresh();
        let id = udp.bind(at("0.0.0.0:53")).unwrap();
        if honest && bytes.len() >= HEADER_LENGTH {
            let length = (bytes.len() as u16).to_be_bytes();
            bytes[2..4].copy_from_slice(&53_u16.to_be_bytes());
            bytes[4..6].copy_from_slice(&length);
        }
        let from = arrival(at("10.0.0.1:5000"), at("10.0.0.2:53"), &bytes);
        udp.receive(&Arrival { verify_checksum, ..from });
        let _ = take(&mut udp, id);
        udp.error(&PacketError {
            kind: Unreachable::Host,
            reporter: from.source,
            source: from.destination,
            destination: from.source,
            protocol: Protocol::UDP,
            length: 100,
            quoted: &bytes,
        });
    }
}
