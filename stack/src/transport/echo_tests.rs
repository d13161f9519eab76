use super::*;

const HEADROOM: Headroom = Headroom { v4: 34, v6: 54 };
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

fn fresh() -> Echo {
    Echo::new(&Config::default(), &mut Random::new([1; 32]))
}

fn here(_: IpAddr) -> Option<IpAddr> {
    Some(HERE)
}

/// The next request on the wire, as its identifier, sequence number and payload.
fn transmitted(echo: &mut Echo) -> Option<(u16, u16, Vec<u8>)> {
    let mut out = [0; 1_500];
    match echo.transmit(&mut out, HEADROOM, &here)? {
        Outgoing::Written(departure) => {
            assert_eq!((departure.source, departure.destination), (HERE, PEER));
            match Icmpv4::parse(&out[HEADROOM.v4..][..departure.length]) {
                Some(Icmpv4::EchoRequest(echo)) => {
                    Some((echo.identifier, echo.sequence, echo.payload.to_vec()))
                }
                other => panic!("not a request: {other:?}"),
            }
        }
        Outgoing::Large { .. } => panic!("it would have fitted"),
    }
}

#[test]
fn a_reply_comes_back_to_the_socket_that_asked() {
    let mut echo = fresh();
    let (one, other) = (echo.open(PEER).unwrap(), echo.open(PEER).unwrap());
    assert!(echo.send(one, 7, b"ping").is_ready());
    assert!(echo.send(other, 8, b"pong").is_ready());
    let (identifier, sequence, payload) = transmitted(&mut echo).unwrap();
    assert_eq!((sequence, payload.as_slice()), (7, &b"ping"[..]));
    let second = transmitted(&mut echo).unwrap();
    assert_ne!(identifier, second.0);
    assert!(transmitted(&mut echo).is_none());

    let now = Instant::from_millis(3);
    echo.receive(PEER, identifier, 7, 61, b"ping", now);
    assert_eq!(echo.poll_event(), Some(one));
    assert_eq!(echo.poll_event(), None);
    let reply = EchoReply {
        sequence: 7,
        source: PEER,
        hop_limit: 61,
        payload: b"ping".to_vec(),
        at: now,
    };
    assert_eq!(echo.take(one), Poll::Ready(Ok(reply)));
    assert_eq!(echo.take(one), Poll::Pending);
    assert_eq!(echo.take(other), Poll::Pending);
}

#[test]
fn replies_that_nobody_asked_for_are_counted() {
    let mut echo = fresh();
    let id = echo.open(PEER).unwrap();
    let identifier = id.0 as u16;
    echo.receive(PEER, identifier.wrapping_add(1), 1, 64, b"", Instant::ZERO);
    echo.receive(HERE, identifier, 1, 64, b"", Instant::ZERO);
    assert_eq!(echo.counters.dropped(DropReason::EchoNoSocket), 2);
    assert_eq!(echo.take(id), Poll::Pending);
}

#[test]
fn anybody_may_answer_a_broadcast() {
    let mut echo = fresh();
    let id = echo.open(IpAddr::V4(Ipv4Addr::BROADCAST)).unwrap();
    echo.receive(PEER, id.0 as u16, 1, 64, b"", Instant::ZERO);
    assert!(echo.take(id).is_ready());
}

#[test]
fn an_error_names_the_request_that_it_is_about() {
    let mut echo = fresh();
    let id = echo.open(PEER).unwrap();
    assert!(echo.send(id, 9, b"ping").is_ready());
    let mut out = [0; 100];
    assert!(echo.transmit(&mut out, HEADROOM, &here).is_some());
    let report = |echo: &mut Echo, kind, destination, length| {
        echo.error(&PacketError {
            kind,
            reporter: destination,
            source: HERE,
            destination,
            protocol: Protocol::ICMP,
            length: 100,
            quoted: &out[HEADROOM.v4..][..length],
        });
    };
    report(&mut echo, Unreachable::TooBig { mtu: 1_000 }, PEER, 8);
    report(&mut echo, Unreachable::Host, HERE, 8);
    report(&mut echo, Unreachable::Host, PEER, 7);
    assert_eq!(echo.take(id), Poll::Pending);
    assert_eq!(echo.counters.dropped(DropReason::IcmpUnmatched), 2);
    report(&mut echo, Unreachable::TimeExceeded, PEER, 8);
    let exceeded = UdpError::Unreachable(Unreachable::TimeExceeded);
    assert_eq!(echo.poll_event(), Some(id));
    assert_eq!(echo.take(id), Poll::Ready(Err((9, exceeded))));
}

#[test]
fn without_a_route_the_request_fails() {
    let mut echo = fresh();
    let id = echo.open(PEER).unwrap();
    assert!(echo.send(id, 5, b"").is_ready());
    assert!(echo.transmit(&mut [0; 100], HEADROOM, &|_| None).is_none());
    assert_eq!(echo.poll_event(), Some(id));
    assert_eq!(echo.take(id), Poll::Ready(Err((5, UdpError::NoRoute))));
}

#[test]
fn queues_are_bounded_both_ways() {
    let mut config = Config::default();
    (config.udp.send_bytes, config.udp.receive_bytes) = (1_000, 1_000);
    let mut echo = Echo::new(&config, &mut Random::new([1; 32]));
    let id = echo.open(PEER).unwrap();
    let sent = (0..20)
        .filter(|_| echo.send(id, 1, &[0; 36]).is_ready())
        .count();
    assert_eq!(sent, 10);
    assert!(transmitted(&mut echo).is_some());
    assert_eq!(echo.poll_event(), Some(id), "there is room again");
    for _ in 0..20 {
        echo.receive(PEER, id.0 as u16, 1, 64, &[0; 36], Instant::ZERO);
    }
    assert_eq!(echo.counters.dropped(DropReason::EchoNoSocket), 10);
}

#[test]
fn a_large_request_is_handed_over_whole() {
    let mut echo = fresh();
    let id = echo.open(PEER).unwrap();
    let too_long = Poll::Ready(Err(UdpError::TooLong));
    assert_eq!(echo.send(id, 1, &[0; 65_508]), too_long);
    assert!(echo.send(id, 1, &[0; 65_507]).is_ready());
    let large = echo.transmit(&mut [0; 1_500], HEADROOM, &here);
    let Some(Outgoing::Large { departure, payload }) = large else {
        panic!("it cannot have fitted")
    };
    assert_eq!((departure.length, payload.len()), (65_515, 65_515));
    assert!(matches!(
        Icmpv4::parse(&payload),
        Some(Icmpv4::EchoRequest(_))
    ));
}

#[test]
fn a_stale_id_is_answered_even_when_its_identifier_is_used_again() {
    let mut echo = fresh();
    let id = echo.open(PEER).unwrap();
    assert!(echo.send(id, 1, b"").is_ready());
    echo.close(id);
    assert!(!echo.has_work());
    assert_eq!(echo.send(id, 1, b""), Poll::Ready(Err(UdpError::Closed)));
    assert_eq!(echo.take(id), Poll::Ready(Err((0, UdpError::Closed))));
}
