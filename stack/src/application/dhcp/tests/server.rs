//! The server, asked message by message.

use super::*;
use crate::wire::dhcp::code;
use core::net::SocketAddrV4;
use proptest::prelude::*;

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

fn message(kind: MessageType, last: u8) -> Message {
    Message::request(kind, 0x55, hardware(last))
}

fn ask(server: &mut DhcpServer, message: &Message, now: Instant) -> Option<(Message, DhcpReply)> {
    let mut out = [0; 600];
    let length = message.emit(&mut out).unwrap();
    let reply = server.respond(&out[..length], now)?;
    assert!(reply.bytes.len() >= 300);
    Some((Message::parse(&reply.bytes).unwrap(), reply))
}

fn discover(server: &mut DhcpServer, last: u8, now: Instant) -> Option<Ipv4Addr> {
    let (offer, _) = ask(server, &message(MessageType::Discover, last), now)?;
    assert_eq!(offer.kind, MessageType::Offer);
    Some(offer.your_address)
}

/// Asks to have `wish` as a client would that holds it.
fn request(server: &mut DhcpServer, last: u8, wish: Ipv4Addr, now: Instant) -> MessageType {
    let mut request = message(MessageType::Request, last);
    request.options.requested_address = Some(wish);
    ask(server, &request, now).unwrap().0.kind
}

fn lease(server: &mut DhcpServer, last: u8, now: Instant) -> Ipv4Addr {
    let offered = discover(server, last, now).unwrap();
    assert_eq!(request(server, last, offered, now), MessageType::Ack);
    offered
}

fn small() -> DhcpServer {
    DhcpServer::new(DhcpServerConfig {
        first: address(10),
        last: address(13),
        ..DhcpServerConfig::new(SERVER, 24)
    })
}

#[test]
fn every_client_gets_an_address_of_its_own_until_there_are_none() {
    let mut server = small();
    let mut given: Vec<_> = (1..=4)
        .map(|last| lease(&mut server, last, at(0)))
        .collect();
    given.sort_unstable();
    assert_eq!(given, [address(10), address(11), address(12), address(13)]);
    assert_eq!(discover(&mut server, 5, at(0)), None);
    assert_eq!(server.leases(at(0)).count(), 4);
    let refused = Some((Refusal::RangeUsedUp, hardware(5)));
    assert_eq!(server.refusals().last, refused);
    // When the leases are over, the one that ended first is given away.
    assert!(discover(&mut server, 5, at(3_600)).is_some());
}

#[test]
fn a_client_gets_its_old_address_again() {
    let mut server = server();
    let first = lease(&mut server, 1, at(0));
    assert_eq!(discover(&mut server, 1, at(10)), Some(first));
    assert_eq!(discover(&mut server, 1, at(100_000)), Some(first));
    let mut wishful = message(MessageType::Discover, 1);
    wishful.options.requested_address = Some(address(77));
    let (offer, _) = ask(&mut server, &wishful, at(100_000)).unwrap();
    assert_eq!(offer.your_address, first);
    // Even from a server that knows nothing.
    assert_eq!(discover(&mut self::server(), 1, at(0)), Some(first));
}

#[test]
fn a_client_is_known_by_its_identifier_whatever_its_hardware_address() {
    let mut server = server();
    let mut one = message(MessageType::Discover, 1);
    one.options.client_identifier = b"\0tab-1".to_vec();
    let (first, _) = ask(&mut server, &one, at(0)).unwrap();
    assert_eq!(first.options.client_identifier, b"\0tab-1");
    one.hardware = hardware(2);
    let (again, _) = ask(&mut server, &one, at(0)).unwrap();
    assert_eq!(again.your_address, first.your_address);
    assert_ne!(discover(&mut server, 1, at(0)), Some(first.your_address));
}

#[test]
fn a_wish_is_granted_if_the_address_is_free_and_ours_to_give() {
    let mut server = server();
    for (wish, granted) in [(77, true), (1, false), (0, false), (255, false)] {
        let mut discover = message(MessageType::Discover, wish);
        discover.options.requested_address = Some(address(wish));
        discover.hardware = hardware(wish.max(1));
        let (offer, _) = ask(&mut server, &discover, at(0)).unwrap();
        assert_eq!(offer.your_address == address(wish), granted, "{wish}");
    }
    let mut rival = message(MessageType::Discover, 9);
    rival.options.requested_address = Some(address(77));
    let (offer, _) = ask(&mut server, &rival, at(0)).unwrap();
    assert_ne!(offer.your_address, address(77));
}

#[test]
fn an_offer_is_kept_for_its_client_and_only_for_a_while() {
    let mut server = small();
    for last in 1..=4 {
        discover(&mut server, last, at(0)).unwrap();
    }
    assert_eq!(discover(&mut server, 5, at(29)), None);
    assert!(discover(&mut server, 5, at(30)).is_some());
}

#[test]
fn the_offers_of_clients_that_chose_another_server_are_free_at_once() {
    let mut server = small();
    for last in 1..=4 {
        discover(&mut server, last, at(0)).unwrap();
    }
    let mut elsewhere = message(MessageType::Request, 2);
    elsewhere.options.server = Some(address(2));
    elsewhere.options.requested_address = Some(address(50));
    assert!(ask(&mut server, &elsewhere, at(1)).is_none());
    assert!(discover(&mut server, 5, at(1)).is_some());
}

#[test]
fn an_offer_does_not_shorten_a_lease() {
    let mut server = small();
    let first = lease(&mut server, 1, at(0));
    discover(&mut server, 1, at(1));
    assert_eq!(request(&mut server, 2, first, at(100)), MessageType::Nak);
}

#[test]
fn requests_for_taken_or_foreign_addresses_are_refused_by_broadcast() {
    let mut server = server();
    let first = lease(&mut server, 1, at(0));
    let foreign = Ipv4Addr::new(198, 51, 100, 7);
    for wish in [first, foreign, SERVER, address(255)] {
        let mut wanting = message(MessageType::Request, 2);
        wanting.options.requested_address = Some(wish);
        let (nak, reply) = ask(&mut server, &wanting, at(0)).unwrap();
        assert_eq!(nak.kind, MessageType::Nak, "{wish}");
        assert_eq!(nak.your_address, Ipv4Addr::UNSPECIFIED);
        assert_eq!(nak.options.lease_seconds, None);
        assert!(!nak.options.text.is_empty());
        assert_eq!(
            reply.destination,
            SocketAddrV4::new(Ipv4Addr::BROADCAST, 68)
        );
    }
    // The same for a client that thinks it has the address.
    let mut renewing = message(MessageType::Request, 2);
    renewing.client_address = foreign;
    assert_eq!(
        ask(&mut server, &renewing, at(0)).unwrap().0.kind,
        MessageType::Nak
    );
    // A request for nothing is no request.
    assert!(ask(&mut server, &message(MessageType::Request, 2), at(0)).is_none());
}

#[test]
fn answers_go_where_the_client_can_hear_them() {
    let mut server = server();
    let mut discover = message(MessageType::Discover, 1);
    let (offer, reply) = ask(&mut server, &discover, at(0)).unwrap();
    assert_eq!(reply.destination, SocketAddrV4::new(offer.your_address, 68));
    assert_eq!(reply.learn, Some((offer.your_address, hardware(1))));

    discover.broadcast = true;
    let (_, reply) = ask(&mut server, &discover, at(0)).unwrap();
    assert_eq!(
        reply.destination,
        SocketAddrV4::new(Ipv4Addr::BROADCAST, 68)
    );
    assert_eq!(reply.learn, None);

    let mut renewing = message(MessageType::Request, 1);
    renewing.client_address = offer.your_address;
    let (ack, reply) = ask(&mut server, &renewing, at(0)).unwrap();
    assert_eq!(ack.kind, MessageType::Ack);
    assert_eq!(reply.destination, SocketAddrV4::new(offer.your_address, 68));
    assert_eq!(reply.learn, None);

    discover.relay_address = address(200);
    let (relayed, reply) = ask(&mut server, &discover, at(0)).unwrap();
    assert_eq!(reply.destination, SocketAddrV4::new(address(200), 67));
    assert_eq!(relayed.relay_address, address(200));
    discover.relay_address = Ipv4Addr::new(198, 51, 100, 1);
    assert!(ask(&mut server, &discover, at(0)).is_none());
}

#[test]
fn a_declined_address_is_given_to_nobody_for_a_while() {
    let mut server = small();
    let bad = lease(&mut server, 1, at(0));
    let mut decline = message(MessageType::Decline, 2);
    decline.options.requested_address = Some(bad);
    assert!(ask(&mut server, &decline, at(1)).is_none());
    assert_eq!(
        request(&mut server, 1, bad, at(1)),
        MessageType::Ack,
        "not theirs to decline"
    );
    decline.hardware = hardware(1);
    assert!(ask(&mut server, &decline, at(1)).is_none());
    for last in 1..=3 {
        assert_ne!(lease(&mut server, last, at(2)), bad);
    }
    assert_eq!(request(&mut server, 4, bad, at(2)), MessageType::Nak);
    assert_eq!(discover(&mut server, 4, at(600)), None);
    assert_eq!(discover(&mut server, 4, at(601)), Some(bad));
}

#[test]
fn a_client_that_declines_everything_leaves_some_for_the_others() {
    let mut server = small();
    for round in 0..20 {
        let Some(offered) = discover(&mut server, 1, at(round)) else {
            break;
        };
        let mut decline = message(MessageType::Decline, 1);
        decline.options.requested_address = Some(offered);
        ask(&mut server, &decline, at(round));
    }
    let others = (2..=9).filter(|&last| discover(&mut server, last, at(20)).is_some());
    assert!(others.count() >= 2);
}

#[test]
fn a_released_address_is_free_but_remembered() {
    let mut server = small();
    let first = lease(&mut server, 1, at(0));
    let mut release = message(MessageType::Release, 2);
    release.client_address = first;
    assert!(ask(&mut server, &release, at(1)).is_none());
    assert_eq!(
        request(&mut server, 2, first, at(1)),
        MessageType::Nak,
        "not theirs to release"
    );
    release.hardware = hardware(1);
    assert!(ask(&mut server, &release, at(1)).is_none());
    for last in 2..=4 {
        assert_ne!(discover(&mut server, last, at(2)), Some(first));
    }
    assert_eq!(discover(&mut server, 1, at(2)), Some(first));
}

#[test]
fn an_inform_is_answered_without_a_lease() {
    let mut server = server();
    let mut inform = message(MessageType::Inform, 1);
    inform.client_address = address(77);
    let (ack, reply) = ask(&mut server, &inform, at(0)).unwrap();
    assert_eq!(ack.kind, MessageType::Ack);
    assert_eq!(ack.your_address, Ipv4Addr::UNSPECIFIED);
    assert_eq!(ack.options.lease_seconds, None);
    assert_eq!(ack.options.renewal_seconds, None);
    assert_eq!(ack.options.routers, [SERVER]);
    assert_eq!(reply.destination, SocketAddrV4::new(address(77), 68));
    inform.client_address = Ipv4Addr::UNSPECIFIED;
    assert!(ask(&mut server, &inform, at(0)).is_none());
    assert_eq!(server.leases(at(0)).count(), 0);
}

#[test]
fn a_client_can_have_a_shorter_lease_and_is_told_what_it_asks_for() {
    let mut server = server();
    let mut discover = message(MessageType::Discover, 1);
    for (wish, given) in [(600, 600), (1, 60), (1_000_000, 3_600), (u32::MAX, 3_600)] {
        discover.options.lease_seconds = Some(wish);
        let (offer, _) = ask(&mut server, &discover, at(0)).unwrap();
        assert_eq!(offer.options.lease_seconds, Some(given));
    }
    let (offer, _) = ask(&mut server, &discover, at(0)).unwrap();
    assert_eq!(offer.options.mtu, Some(1_400));
    discover.options.parameters = alloc::vec![code::DOMAIN, code::BROADCAST_ADDRESS];
    let (offer, _) = ask(&mut server, &discover, at(0)).unwrap();
    assert_eq!(offer.options.mtu, None);
    assert_eq!(offer.options.domain, "home.example");
    assert_eq!(offer.options.broadcast_address, Some(address(255)));
}

#[test]
fn the_table_stays_within_its_bound() {
    let mut server = DhcpServer::new(DhcpServerConfig {
        leases: 8,
        ..DhcpServerConfig::new(Ipv4Addr::new(10, 0, 0, 1), 8)
    });
    for last in 1..=100 {
        discover(&mut server, last, at(u64::from(last)));
    }
    assert!(server.leases(at(200)).count() <= 8);
    assert!(discover(&mut server, 200, at(200)).is_some());
}

#[test]
fn names_that_clients_give_are_shown_only_if_they_are_names() {
    let mut server = server();
    let mut discover = message(MessageType::Discover, 1);
    for (told, shown) in [("tab-1", "tab-1"), ("<b>tab", ""), ("a b", "")] {
        discover.options.hostname = told.into();
        ask(&mut server, &discover, at(0)).unwrap();
        assert_eq!(server.leases(at(0)).next().unwrap().hostname, shown);
    }
}

#[test]
fn a_pool_without_addresses_gives_none() {
    let mut server = DhcpServer::new(DhcpServerConfig {
        first: address(20),
        last: address(10),
        ..DhcpServerConfig::new(SERVER, 24)
    });
    assert_eq!(discover(&mut server, 1, at(0)), None);
    for prefix_length in [0, 30, 31, 32, 33, 255] {
        let config = DhcpServerConfig::new(SERVER, prefix_length);
        discover(&mut DhcpServer::new(config), 1, at(0));
    }
}

/// A station that calls itself something else each time, `n` of 255 ways.
fn masquerading(kind: MessageType, n: u8) -> Message {
    let mut message = message(kind, 1);
    message.options.client_identifier = alloc::vec![0, n];
    message
}

#[test]
fn a_station_with_many_identifiers_holds_no_more_than_its_share() {
    let mut server = DhcpServer::new(DhcpServerConfig {
        leases_each: 3,
        ..DhcpServerConfig::new(SERVER, 24)
    });
    let mut held = Vec::new();
    for n in 0..=254 {
        let Some((offer, _)) = ask(&mut server, &masquerading(MessageType::Discover, n), at(0))
        else {
            continue;
        };
        let mut request = masquerading(MessageType::Request, n);
        request.options.requested_address = Some(offer.your_address);
        assert_eq!(
            ask(&mut server, &request, at(0)).unwrap().0.kind,
            MessageType::Ack
        );
        held.push(offer.your_address);
    }
    assert_eq!(held.len(), 3);
    let refusals = server.refusals();
    assert_eq!((refusals.too_many_each, refusals.range_used_up), (252, 0));
    assert_eq!(refusals.last, Some((Refusal::TooManyEach, hardware(1))));
    // Nor by asking outright for an address that is free.
    let mut outright = masquerading(MessageType::Request, 99);
    outright.options.requested_address = Some(address(200));
    assert_eq!(
        ask(&mut server, &outright, at(1)).unwrap().0.kind,
        MessageType::Nak
    );
    assert_eq!(server.leases(at(1)).count(), 3);
    // Others are served, what is held can be kept, and what was given back can be had again.
    assert!(discover(&mut server, 2, at(1)).is_some());
    let mut renewal = masquerading(MessageType::Request, 0);
    renewal.client_address = held[0];
    assert_eq!(
        ask(&mut server, &renewal, at(1)).unwrap().0.kind,
        MessageType::Ack
    );
    let mut release = masquerading(MessageType::Release, 1);
    release.client_address = held[1];
    ask(&mut server, &release, at(2));
    assert!(ask(&mut server, &masquerading(MessageType::Discover, 99), at(2)).is_some());
    assert!(ask(&mut server, &masquerading(MessageType::Discover, 98), at(2)).is_none());
    assert!(
        ask(
            &mut server,
            &masquerading(MessageType::Discover, 98),
            at(3_601)
        )
        .is_some()
    );
}

#[test]
fn a_share_is_at_least_one_address_and_at_most_half_of_a_small_pool() {
    for (leases_each, expected) in [(0, 1), (2, 2), (8, 2)] {
        let mut server = DhcpServer::new(DhcpServerConfig {
            first: address(10),
            last: address(13),
            leases_each,
            ..DhcpServerConfig::new(SERVER, 24)
        });
        let offered = (0..9).filter(|&n| {
            ask(&mut server, &masquerading(MessageType::Discover, n), at(0)).is_some()
        });
        assert_eq!(offered.count(), expected, "{leases_each}");
    }
}

#[test]
fn a_station_that_holds_an_address_keeps_it_whatever_is_taken_in_its_name() {
    let mut server = server();
    let first = lease(&mut server, 1, at(0));
    for n in 0..20 {
        ask(&mut server, &masquerading(MessageType::Discover, n), at(0));
    }
    assert_eq!(discover(&mut server, 1, at(1)), Some(first));
    assert_eq!(request(&mut server, 1, first, at(1)), MessageType::Ack);
}

proptest! {
    #[test]
    fn no_message_makes_the_server_panic_or_give_an_address_twice(
        messages in prop::collection::vec(
            (1..9_u8, 1..8_u8, 0..20_u8, any::<bool>(), 0..120_u64, prop::collection::vec((0..330_usize, any::<u8>()), 0..3)),
            1..80,
        ),
    ) {
        let mut server = small();
        let mut now = at(0);
        let mut held: Vec<(Ipv4Addr, MacAddress, Instant)> = Vec::new();
        for (kind, last, wish, ours, pause, changes) in messages {
            now += seconds(pause);
            let mut asking = message(MessageType::Discover, last);
            asking.options.requested_address = Some(address(wish));
            if ours {
                asking.options.server = Some(SERVER);
            } else {
                asking.client_address = address(wish);
            }
            let mut out = [0; 600];
            let length = asking.emit(&mut out).unwrap();
            out[242] = kind;
            for (at, value) in changes {
                out[at] = value;
            }
            let request = Message::parse(&out[..length]);
            let reply = server.respond(&out[..length], now);
            let Ok(request) = request else {
                prop_assert_eq!(reply, None);
                continue;
            };
            if matches!(request.kind, MessageType::Release | MessageType::Decline) {
                held.retain(|(_, hardware, _)| *hardware != request.hardware);
            }
            let Some(reply) = reply else { continue };
            let reply = Message::parse(&reply.bytes).unwrap();
            if reply.kind != MessageType::Ack || reply.your_address.is_unspecified() {
                continue;
            }
            let mine = (reply.your_address, request.hardware);
            let rival = held.iter().any(|(address, hardware, until)| {
                *address == mine.0 && *hardware != mine.1 && *until > now
            });
            prop_assert!(!rival || !request.options.client_identifier.is_empty());
            held.retain(|(address, hardware, _)| *address != mine.0 && *hardware != mine.1);
            let seconds = seconds(reply.options.lease_seconds.unwrap().into());
            if request.options.client_identifier.is_empty() {
                held.push((mine.0, mine.1, now + seconds));
            }
        }
        prop_assert!(server.leases(now).count() <= 4);
    }
}
