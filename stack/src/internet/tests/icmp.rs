//! Echo, errors in, errors out, and what path MTU discovery makes of them.

use super::*;
use crate::wire::icmpv4::ErrorKind;

const ECHO: Echo<'static> = Echo {
    identifier: 0x1234,
    sequence: 7,
    payload: b"are you there?",
};

/// An error from a router about one of our packets, which it quotes up to `quoted` bytes.
fn error_about(about: &[u8], kind: ErrorKind, quoted: usize) -> Vec<u8> {
    let quoted = &about[..quoted.min(about.len())];
    icmp_from(GATEWAY, OURS, Icmpv4::Error(IcmpError { kind, quoted }))
}

fn too_big(mtu: u16) -> ErrorKind {
    ErrorKind::DestinationUnreachable { code: 4, mtu }
}

/// One of our packets towards `FAR`, of that many bytes in all.
fn ours(length: usize) -> Vec<u8> {
    let header = Ipv4Header {
        dont_fragment: true,
        ..header(OURS, FAR, Protocol::TCP)
    };
    packet(header, &vec![5; length - HEADER])
}

mod echo {
    use super::*;

    #[test]
    fn a_ping_is_answered_from_the_address_that_was_pinged_with_all_its_data() {
        let mut host = Host::new();
        let ping = icmp_from(FAR, OURS, Icmpv4::EchoRequest(ECHO));
        assert_eq!(host.receive(&ping), Seen::Nothing);
        let (header, payload, next_hop) = host.transmit().expect("a reply");
        assert_eq!((header.source, header.destination), (OURS, FAR));
        assert_eq!((header.hop_limit, header.protocol), (64, Protocol::ICMP));
        assert_eq!(next_hop, NextHop::Neighbor(GATEWAY.into()));
        assert_eq!(Icmpv4::parse(&payload), Some(Icmpv4::EchoReply(ECHO)));
        assert_eq!(host.transmit(), None);
    }

    #[test]
    fn a_ping_to_everybody_is_not_answered() {
        let mut host = Host::new();
        for destination in [Ipv4Addr::BROADCAST, DIRECTED_BROADCAST] {
            let ping = icmp_from(PEER, destination, Icmpv4::EchoRequest(ECHO));
            assert_eq!(host.receive_in(Cast::Broadcast, &ping), Seen::Nothing);
        }
        assert_eq!(host.transmit(), None);
    }

    #[test]
    fn a_ping_to_ourselves_comes_back() {
        let mut host = Host::new();
        let local = Ipv4Addr::LOCALHOST;
        let ping = icmp_from(local, local, Icmpv4::EchoRequest(ECHO));
        let arrival = host.internet.receive_local(&ping, host.now);
        assert_eq!(seen(arrival), Seen::Nothing);
        let (header, payload, _) = host.transmit().expect("a reply");
        let reply = packet(header, &payload);
        let arrival = host.internet.receive_local(&reply, host.now);
        assert_eq!(seen(arrival), Seen::Echo(7, ECHO.payload.to_vec()));
    }

    #[test]
    fn a_reply_goes_up() {
        let mut host = Host::new();
        let reply = icmp_from(FAR, OURS, Icmpv4::EchoReply(ECHO));
        let arrival = host
            .internet
            .receive(EtherType::IPV4, &reply, Cast::Unicast, host.now);
        let InternetArrival::Echo(echo) = arrival else {
            panic!("{arrival:?}");
        };
        assert_eq!((echo.source, echo.hop_limit), (FAR.into(), 61));
        assert_eq!((echo.identifier, echo.sequence), (0x1234, 7));
        assert_eq!(echo.payload, ECHO.payload);
    }

    #[test]
    fn a_large_ping_is_answered_in_fragments() {
        let mut host = Host::new();
        let large = Echo {
            payload: &[3; 5_000],
            ..ECHO
        };
        host.receive(&icmp_from(PEER, OURS, Icmpv4::EchoRequest(large)));
        let fragments = core::iter::from_fn(|| host.transmit());
        let whole: Vec<u8> = fragments.flat_map(|(_, payload, _)| payload).collect();
        assert_eq!(Icmpv4::parse(&whole), Some(Icmpv4::EchoReply(large)));
    }

    #[test]
    fn a_flood_of_pings_fills_the_queue_and_no_more() {
        let mut host = Host::new();
        let ping = icmp_from(PEER, OURS, Icmpv4::EchoRequest(ECHO));
        for _ping in 0..1_000 {
            host.receive(&ping);
        }
        assert_eq!(host.dropped(DropReason::ReplyQueueFull), 1_000 - 256);
        assert_eq!(core::iter::from_fn(|| host.transmit()).count(), 256);
    }

    #[test]
    fn a_damaged_ping_is_counted() {
        let mut host = Host::new();
        let mut ping = icmp_from(PEER, OURS, Icmpv4::EchoRequest(ECHO));
        ping[30] ^= 1;
        assert_eq!(host.receive(&ping), Seen::Nothing);
        assert_eq!(host.dropped(DropReason::MalformedIcmp), 1);
    }
}

mod errors_out {
    use super::*;

    /// How many errors come of `original`.
    fn errors(host: &mut Host, original: &[u8]) -> usize {
        host.internet.port_unreachable(original, host.now);
        core::iter::from_fn(|| host.transmit()).count()
    }

    #[test]
    fn a_closed_port_is_reported_to_the_sender_with_its_packet() {
        let mut host = Host::new();
        let original = udp_from(FAR, OURS);
        host.internet.port_unreachable(&original, host.now);
        let (header, payload, _) = host.transmit().expect("an error");
        assert_eq!((header.source, header.destination), (OURS, FAR));
        let error = Icmpv4::Error(IcmpError {
            kind: ErrorKind::PORT_UNREACHABLE,
            quoted: &original,
        });
        assert_eq!(Icmpv4::parse(&payload), Some(error));
        host.internet.protocol_unreachable(&original, host.now);
        let (_, payload, _) = host.transmit().expect("an error");
        assert_eq!(payload[..2], [3, 2]);
    }

    #[test]
    fn an_error_fits_in_576_bytes_and_quotes_no_padding() {
        let mut host = Host::new();
        let header = header(FAR, OURS, Protocol::UDP);
        host.internet
            .port_unreachable(&packet(header, &[1; 1_400]), host.now);
        let (_, payload, _) = host.transmit().expect("an error");
        assert_eq!(HEADER + payload.len(), 576);
        let mut padded = packet(header, &[1; 8]);
        padded.extend([0; 18]);
        host.internet.port_unreachable(&padded, host.now);
        let (_, payload, _) = host.transmit().expect("an error");
        assert_eq!(payload.len(), 8 + HEADER + 8);
    }

    #[test]
    fn nothing_is_said_about_errors_broadcasts_later_fragments_and_sources_that_are_nobody() {
        let mut host = Host::new();
        let fragment = Ipv4Header {
            fragment_offset: 8,
            ..header(FAR, OURS, Protocol::UDP)
        };
        let error = error_about(&ours(100), ErrorKind::PORT_UNREACHABLE, 100);
        let cut = packet(header(FAR, OURS, Protocol::ICMP), &[]);
        for original in [
            error,
            cut,
            packet(fragment, &[1; 8]),
            udp_from(FAR, Ipv4Addr::BROADCAST),
            udp_from(FAR, DIRECTED_BROADCAST),
            udp_from(FAR, Ipv4Addr::new(224, 0, 0, 1)),
            udp_from(Ipv4Addr::UNSPECIFIED, OURS),
            udp_from(Ipv4Addr::BROADCAST, OURS),
            udp_from(DIRECTED_BROADCAST, OURS),
            udp_from(Ipv4Addr::new(224, 0, 0, 1), OURS),
            udp_from(Ipv4Addr::new(240, 0, 0, 1), OURS),
            vec![0x45; 10],
        ] {
            assert_eq!(errors(&mut host, &original), 0, "{original:?}");
        }
        let ping = icmp_from(FAR, OURS, Icmpv4::EchoRequest(ECHO));
        assert_eq!(errors(&mut host, &ping), 1, "a query may be answered");
    }

    #[test]
    fn errors_are_limited_to_about_so_many_a_second() {
        let mut host = Host::new();
        let original = udp_from(FAR, OURS);
        let burst = |host: &mut Host| -> usize { (0..200).map(|_| errors(host, &original)).sum() };
        let first = burst(&mut host);
        assert!((70..=130).contains(&first), "{first}");
        let dropped = host.dropped(DropReason::IcmpRateLimit);
        assert_eq!(dropped, 200 - first as u64);
        let mut later = 0;
        for _ in 0..100 {
            host.wait(100);
            later += burst(&mut host);
        }
        assert!((900..=1_200).contains(&later), "{later} in ten seconds");
    }

    #[test]
    fn a_closed_port_of_our_own_is_reported_to_ourselves() {
        let mut host = Host::new();
        let original = udp_from(OURS, OURS);
        host.internet.port_unreachable(&original, host.now);
        let (header, payload, _) = host.transmit().expect("an error");
        let error = packet(header, &payload);
        let arrival = host.internet.receive_local(&error, host.now);
        assert_eq!(seen(arrival), Seen::Error(Unreachable::Port, vec![7; 12]));
    }
}

mod errors_in {
    use super::*;

    #[test]
    fn an_error_goes_up_with_what_it_quotes() {
        let mut host = Host::new();
        let kind = ErrorKind::DestinationUnreachable { code: 1, mtu: 0 };
        let error = error_about(&ours(1_500), kind, 28);
        let arrival = host
            .internet
            .receive(EtherType::IPV4, &error, Cast::Unicast, host.now);
        let InternetArrival::Error(error) = arrival else {
            panic!("{arrival:?}");
        };
        assert_eq!(error.kind, Unreachable::Host);
        assert_eq!(error.reporter, IpAddr::V4(GATEWAY));
        assert_eq!((error.source, error.destination), (OURS.into(), FAR.into()));
        assert_eq!((error.protocol, error.quoted), (Protocol::TCP, &[5; 8][..]));
    }

    #[test]
    fn an_error_about_what_we_never_sent_is_counted() {
        let mut host = Host::new();
        let kind = ErrorKind::PORT_UNREACHABLE;
        let fragment = Ipv4Header {
            fragment_offset: 800,
            ..header(OURS, FAR, Protocol::UDP)
        };
        for error in [
            error_about(&udp_from(PEER, FAR), kind, 28),
            error_about(&ours(100), kind, 27),
            error_about(&ours(100), kind, 3),
            error_about(&packet(fragment, &[1; 8]), kind, 28),
            error_about(
                &ours(100),
                ErrorKind::DestinationUnreachable { code: 99, mtu: 0 },
                28,
            ),
        ] {
            assert_eq!(host.receive(&error), Seen::Nothing);
        }
        assert_eq!(host.dropped(DropReason::IcmpUnmatched), 5);
    }

    #[test]
    fn redirects_and_source_quenches_are_not_followed() {
        let mut host = Host::new();
        for kind in [4, 5, 13] {
            let message = icmp_from(GATEWAY, OURS, Icmpv4::Other { kind });
            assert_eq!(host.receive(&message), Seen::Nothing);
        }
        assert_eq!(host.transmit(), None);
    }

    #[test]
    fn an_error_sent_to_everybody_is_not_believed() {
        let mut host = Host::new();
        let error = Icmpv4::Error(IcmpError {
            kind: ErrorKind::PORT_UNREACHABLE,
            quoted: &ours(100),
        });
        let error = icmp_from(PEER, Ipv4Addr::BROADCAST, error);
        assert_eq!(host.receive_in(Cast::Broadcast, &error), Seen::Nothing);
    }
}

mod path_mtu {
    use super::*;

    fn mtu(host: &Host, destination: Ipv4Addr) -> usize {
        let path = host.internet.route(destination.into());
        path.expect("a route").mtu
    }

    fn report(host: &mut Host, told: u16, length: usize) -> Option<u16> {
        let before = mtu(host, FAR);
        let packet = error_about(&ours(length), too_big(told), 28);
        let arrival = host
            .internet
            .receive(EtherType::IPV4, &packet, Cast::Unicast, host.now);
        let InternetArrival::Error(mut error) = arrival else {
            panic!("{arrival:?}");
        };
        assert_eq!(
            mtu(host, FAR),
            before,
            "nobody has said yet that it is ours"
        );
        let heeded = host.internet.heed_path_mtu(&mut error, host.now);
        match error.kind {
            Unreachable::TooBig { mtu } => heeded.then_some(mtu),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_router_with_a_narrower_link_lowers_the_path_and_the_next_packet_is_refused_here() {
        let mut host = Host::new();
        assert_eq!(report(&mut host, 1_400, 1_500), Some(1_400));
        assert_eq!(mtu(&host, FAR), 1_400);
        assert_eq!(mtu(&host, PEER), 1_500);
        let large = Departure {
            dont_fragment: true,
            ..departure(FAR, 1_400)
        };
        assert_eq!(host.send(&large).0, Sent::TooBig { mtu: 1_400 });
        assert_eq!(host.send(&departure(FAR, 1_400)).0, Sent::Queued);
        let (first, payload, _) = host.transmit().expect("a fragment");
        assert!(first.more_fragments);
        assert_eq!(payload.len(), 1_376, "the most that is a multiple of eight");
        host.wait(600_000);
        assert_eq!(mtu(&host, FAR), 1_500);
    }

    #[test]
    fn a_router_that_does_not_tell_takes_us_to_the_next_plateau() {
        let mut host = Host::new();
        assert_eq!(report(&mut host, 0, 1_500), Some(1_492));
        assert_eq!(report(&mut host, 0, 1_492), Some(1_006));
    }

    #[test]
    fn reports_that_raise_or_contradict_themselves_change_nothing() {
        let mut host = Host::new();
        assert_eq!(report(&mut host, 1_500, 1_500), None);
        assert_eq!(report(&mut host, 9_000, 1_500), None);
        assert_eq!(report(&mut host, 1_300, 1_500), Some(1_300));
        assert_eq!(report(&mut host, 1_400, 1_500), Some(1_300));
        assert_eq!(mtu(&host, FAR), 1_300);
    }

    #[test]
    fn a_forged_tiny_value_makes_packets_small_but_not_tiny_and_lets_routers_cut_them() {
        let mut host = Host::new();
        assert_eq!(report(&mut host, 68, 1_500), Some(576));
        let (sent, packet) = host.send(&Departure {
            dont_fragment: true,
            ..departure(FAR, 556)
        });
        assert!(matches!(sent, Sent::Ready { length: 576, .. }));
        let (header, _) = Ipv4Header::parse(&packet).expect("valid");
        assert!(!header.dont_fragment);
    }

    #[test]
    fn the_links_own_mtu_is_never_passed() {
        let mut host = Host::new();
        host.internet.set_mtu(1_280);
        assert_eq!(mtu(&host, FAR), 1_280);
        assert_eq!(report(&mut host, 1_400, 1_500), Some(1_280));
        assert_eq!(mtu(&host, FAR), 1_280);
    }
}
