//! Where packets go, and how large they may be.

use super::*;

fn ready(sent: Sent<'_>) -> (usize, NextHop, bool) {
    match sent {
        Sent::Ready {
            length,
            next_hop,
            local,
        } => (length, *next_hop, local),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_header_is_written_in_front_of_the_payload() {
    let mut host = Host::new();
    let (sent, packet) = host.send(&Departure {
        hop_limit: Some(3),
        ecn: Ecn::Capable0,
        dont_fragment: true,
        ..departure(PEER, 5)
    });
    assert_eq!(ready(sent), (25, NextHop::Neighbor(PEER.into()), false));
    let (header, payload) = Ipv4Header::parse(&packet).expect("valid");
    assert_eq!(payload, [0, 1, 2, 3, 4]);
    assert_eq!((header.source, header.destination), (OURS, PEER));
    assert_eq!((header.hop_limit, header.ecn), (3, Ecn::Capable0));
    assert!(header.dont_fragment && !header.is_fragment());
}

#[test]
fn the_next_hop_is_the_neighbour_the_gateway_or_everybody() {
    let host = Host::new();
    let path = |destination: [u8; 4]| {
        let path = host.internet.route(Ipv4Addr::from(destination).into())?;
        Some((path.next_hop, path.local))
    };
    let neighbor = |address: Ipv4Addr| NextHop::Neighbor(address.into());
    assert_eq!(path([10, 0, 0, 2]), Some((neighbor(PEER), false)));
    assert_eq!(path([192, 0, 2, 9]), Some((neighbor(GATEWAY), false)));
    assert_eq!(path([10, 0, 0, 255]), Some((NextHop::Broadcast, false)));
    assert_eq!(path([255; 4]), Some((NextHop::Broadcast, false)));
    let group = Ipv4Addr::new(239, 1, 2, 3);
    assert_eq!(
        path(group.octets()),
        Some((NextHop::Multicast(group.into()), false))
    );
    assert_eq!(path([10, 0, 0, 1]), Some((neighbor(OURS), true)));
    assert_eq!(path([127, 0, 0, 9]).map(|(_, local)| local), Some(true));
    assert_eq!(path([0, 0, 0, 0]), None);
    assert!(
        host.internet
            .route("2001:db8::1".parse().expect("valid"))
            .is_none()
    );
}

#[test]
fn without_an_address_only_everybody_can_be_reached() {
    let mut host = Host::new();
    host.internet.set_address(None, None);
    let asking = Departure {
        source: Ipv4Addr::UNSPECIFIED.into(),
        ..departure(Ipv4Addr::BROADCAST, 5)
    };
    let (sent, packet) = host.send(&asking);
    assert_eq!(ready(sent), (25, NextHop::Broadcast, false));
    assert_eq!(packet[12..16], [0; 4]);
    assert_eq!(host.send(&departure(PEER, 5)).0, Sent::NoRoute);
    assert_eq!(host.send(&departure(FAR, 5)).0, Sent::NoRoute);
    assert_eq!(host.dropped(DropReason::NoRoute), 2);
    assert!(host.internet.route(FAR.into()).is_none());
}

#[test]
fn a_source_that_is_not_ours_does_not_leave() {
    let mut host = Host::new();
    for source in [FAR, Ipv4Addr::LOCALHOST, Ipv4Addr::BROADCAST] {
        let departure = Departure {
            source: source.into(),
            ..departure(PEER, 5)
        };
        assert_eq!(host.send(&departure).0, Sent::NoRoute);
    }
    let unspecified = Departure {
        source: Ipv4Addr::UNSPECIFIED.into(),
        ..departure(PEER, 5)
    };
    let (_, packet) = host.send(&unspecified);
    assert_eq!(packet[12..16], OURS.octets(), "filled in");
}

#[test]
fn an_added_route_goes_before_the_gateway_until_the_address_is_set_again() {
    let mut host = Host::new();
    let prefix = Prefix::new(FAR.into(), 24);
    assert!(host.internet.add_route(prefix, Some(PEER.into())));
    let next_hop = |host: &Host| host.internet.route(FAR.into()).map(|path| path.next_hop);
    assert_eq!(next_hop(&host), Some(NextHop::Neighbor(PEER.into())));
    host.internet.set_address(Some((OURS, 24)), Some(GATEWAY));
    assert_eq!(next_hop(&host), Some(NextHop::Neighbor(GATEWAY.into())));
}

#[test]
fn what_does_not_fit_leaves_in_fragments_that_join_to_the_whole() {
    let (mut host, mut peer) = (Host::new(), Host::new());
    peer.internet.set_address(Some((PEER, 24)), None);
    let (sent, whole) = host.send(&departure(PEER, 4_000));
    assert_eq!(sent, Sent::Queued);
    let mut fragments = 0;
    loop {
        let (header, payload, next_hop) = host.transmit().expect("another fragment");
        assert_eq!(next_hop, NextHop::Neighbor(PEER.into()));
        assert!(header.is_fragment() && !header.dont_fragment);
        fragments += 1;
        match peer.receive(&packet(header, &payload)) {
            Seen::Nothing => {}
            Seen::Reassembled(packet) => {
                assert_eq!(packet[HEADER..], whole[HEADER..]);
                assert!(matches!(peer.receive(&packet), Seen::Datagram(..)));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fragments, 3);
    assert_eq!(host.transmit(), None);
}

#[test]
fn datagrams_in_fragments_have_identifications_of_their_own() {
    let mut host = Host::new();
    let mut identifications = Vec::new();
    for _datagram in 0..3 {
        host.send(&departure(PEER, 2_000));
        let (first, ..) = host.transmit().expect("a fragment");
        let (second, ..) = host.transmit().expect("a fragment");
        assert_eq!(first.identification, second.identification);
        identifications.push(first.identification);
    }
    identifications.sort_unstable();
    identifications.dedup();
    assert_eq!(identifications.len(), 3);
}

#[test]
fn what_must_not_be_fragmented_and_does_not_fit_is_too_big() {
    let mut host = Host::new();
    let large = Departure {
        dont_fragment: true,
        ..departure(FAR, 1_481)
    };
    let (sent, packet) = host.send(&large);
    assert_eq!(sent, Sent::TooBig { mtu: 1_500 });
    assert_eq!(host.dropped(DropReason::TooBig), 1);
    let kind = Unreachable::TooBig { mtu: 1_500 };
    let error = host.internet.quoted(&packet, kind, OURS.into());
    let error = error.expect("the header was written");
    assert_eq!((error.source, error.destination), (OURS.into(), FAR.into()));
    assert_eq!(error.quoted.len(), 1_481);
    assert_eq!(
        host.send(&departure(FAR, 65_516)).0,
        Sent::TooBig { mtu: 1_500 }
    );
}

#[test]
fn packets_to_ourselves_are_not_cut() {
    let mut host = Host::new();
    let (sent, _) = host.send(&Departure {
        dont_fragment: true,
        ..departure(OURS, 9_000)
    });
    assert_eq!(ready(sent), (9_020, NextHop::Neighbor(OURS.into()), true));
}

#[test]
fn fragments_beyond_the_queue_are_counted() {
    let mut host = Host::with(InternetConfig {
        reply_bytes: 5_000,
        ..InternetConfig::default()
    });
    for _datagram in 0..4 {
        assert_eq!(host.send(&departure(PEER, 2_000)).0, Sent::Queued);
    }
    assert_eq!(host.dropped(DropReason::ReplyQueueFull), 2);
    assert_eq!(core::iter::from_fn(|| host.transmit()).count(), 4);
}

#[test]
fn a_packet_shorter_than_it_claims_is_not_sent() {
    let mut host = Host::new();
    let mut packet = [0; 30];
    let sent = host
        .internet
        .send(&departure(PEER, 11), &mut packet, host.now);
    assert_eq!(sent, Sent::NoRoute);
}
