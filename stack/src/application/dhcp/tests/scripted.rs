//! The client against servers that are odd, wrong or hostile.

use super::*;
use crate::wire::dhcp::Options;
use core::net::IpAddr;
use proptest::prelude::*;

/// A server that says what it is told to.
struct Scripted {
    client: DhcpClient,
    now: Instant,
}

impl Scripted {
    fn new() -> Scripted {
        Scripted {
            client: client(7),
            now: Instant::ZERO,
        }
    }

    fn take(&mut self) -> Option<Message> {
        let mut out = [0; 600];
        let (length, _) = self.client.transmit(self.now, &mut out)?;
        Some(Message::parse(&out[..length]).unwrap())
    }

    fn give(&mut self, message: &Message) {
        let mut out = [0; 600];
        let length = message.emit(&mut out).unwrap();
        self.client.receive(&out[..length], self.now);
    }

    /// Answers the client's next message by a good one of this kind, changed by `change`.
    fn answer(&mut self, kind: MessageType, change: impl FnOnce(&mut Message)) {
        let request = self.take().expect("the client says nothing");
        let mut reply = good(&request, kind);
        change(&mut reply);
        self.give(&reply);
    }

    /// Up to the lease that a changed ACK gives.
    fn lease(change: impl FnOnce(&mut Message)) -> Option<Lease> {
        let mut run = Scripted::new();
        run.answer(MessageType::Offer, |_| {});
        run.answer(MessageType::Ack, change);
        match run.client.poll_event()? {
            DhcpEvent::Probe(address) => run.client.probe_clear(address, run.now),
            other => panic!("{other:?}"),
        }
        match run.client.poll_event()? {
            DhcpEvent::Bound(lease) => Some(lease),
            other => panic!("{other:?}"),
        }
    }
}

fn good(request: &Message, kind: MessageType) -> Message {
    let mut reply = request.reply(kind);
    reply.your_address = Ipv4Addr::new(192, 0, 2, 50);
    reply.options = Options {
        server: Some(SERVER),
        subnet_mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
        lease_seconds: Some(3_600),
        ..Options::default()
    };
    reply
}

#[test]
fn answers_that_do_not_match_are_dropped() {
    let changes: [fn(&mut Message); 4] = [
        |reply| reply.transaction ^= 1,
        |reply| reply.hardware = hardware(8),
        |reply| reply.operation = crate::wire::dhcp::Operation::Request,
        |reply| reply.options.server = None,
    ];
    for change in changes {
        let mut run = Scripted::new();
        run.answer(MessageType::Offer, change);
        assert_eq!(run.take(), None);
    }
}

#[test]
fn addresses_that_no_host_can_have_are_not_taken() {
    for address in [
        "0.0.0.0",
        "127.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.0",
        "192.0.2.255",
    ] {
        let mut run = Scripted::new();
        run.answer(MessageType::Offer, |reply| {
            reply.your_address = address.parse().unwrap();
        });
        assert_eq!(run.take(), None, "{address}");
    }
}

#[test]
fn a_grant_by_another_server_than_the_chosen_is_dropped() {
    let other = Ipv4Addr::new(192, 0, 2, 2);
    assert_eq!(
        Scripted::lease(|reply| reply.options.server = Some(other)),
        None
    );
}

#[test]
fn a_first_offer_is_taken_and_later_ones_change_nothing() {
    let mut run = Scripted::new();
    let discover = run.take().unwrap();
    run.give(&good(&discover, MessageType::Offer));
    let mut second = good(&discover, MessageType::Offer);
    second.options.server = Some(Ipv4Addr::new(192, 0, 2, 2));
    run.give(&second);
    assert_eq!(run.take().unwrap().options.server, Some(SERVER));
    assert_eq!(run.take(), None);
}

#[test]
fn a_second_grant_changes_nothing() {
    let mut run = Scripted::new();
    run.answer(MessageType::Offer, |_| {});
    let request = run.take().unwrap();
    let grant = good(&request, MessageType::Ack);
    run.give(&grant);
    run.give(&grant);
    assert!(matches!(run.client.poll_event(), Some(DhcpEvent::Probe(_))));
    run.client.probe_clear(grant.your_address, run.now);
    run.give(&grant);
    run.give(&good(&request, MessageType::Nak));
    assert!(matches!(run.client.poll_event(), Some(DhcpEvent::Bound(_))));
    assert_eq!(run.client.poll_event(), None);
}

#[test]
fn a_refusal_begins_anew_and_repeated_ones_ever_later() {
    let mut run = Scripted::new();
    let mut waits = Vec::new();
    for _ in 0..10 {
        run.answer(MessageType::Offer, |_| {});
        run.answer(MessageType::Nak, |_| {});
        let refused = run.now;
        while run.client.next_deadline().is_some() {
            if let Some(message) = {
                let mut out = [0; 600];
                run.client
                    .transmit(run.now, &mut out)
                    .map(|(length, _)| Message::parse(&out[..length]).unwrap())
            } {
                assert_eq!(message.kind, MessageType::Discover);
                waits.push(run.now.since(refused).as_secs());
                run.client.restored(run.now);
                break;
            }
            run.now = run.client.next_deadline().unwrap();
            run.client.advance(run.now);
        }
    }
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 64, 64, 64]);
}

#[test]
fn a_refusal_by_another_server_than_the_chosen_is_dropped() {
    let mut run = Scripted::new();
    run.answer(MessageType::Offer, |_| {});
    run.answer(MessageType::Nak, |reply| {
        reply.options.server = Some(Ipv4Addr::new(192, 0, 2, 2));
    });
    assert_eq!(run.take(), None);
}

#[test]
fn a_lease_for_ever_has_no_deadline() {
    let lease = Scripted::lease(|reply| reply.options.lease_seconds = Some(u32::MAX)).unwrap();
    assert_eq!(lease.duration, INFINITE_LEASE);
    let mut run = Run::with(
        client(7),
        Some(DhcpServer::new(DhcpServerConfig {
            lease_time: INFINITE_LEASE,
            ..DhcpServerConfig::new(SERVER, 24)
        })),
    );
    run.settle();
    assert_eq!(run.lease().duration, INFINITE_LEASE);
    assert_eq!(run.client.next_deadline(), None);
}

#[test]
fn renewal_times_out_of_order_are_replaced_by_the_usual_ones() {
    for (renew, rebind) in [
        (Some(0), Some(0)),
        (Some(5_000), Some(6_000)),
        (Some(3_000), Some(2_000)),
        (None, None),
    ] {
        let mut run = Scripted::new();
        run.answer(MessageType::Offer, |_| {});
        run.answer(MessageType::Ack, |reply| {
            reply.options.renewal_seconds = renew;
            reply.options.rebinding_seconds = rebind;
        });
        run.client
            .probe_clear(Ipv4Addr::new(192, 0, 2, 50), run.now);
        let renew_at = run.client.next_deadline().unwrap().micros() / 1_000_000;
        assert!((1_600..2_000).contains(&renew_at), "{renew_at}");
        run.client.advance(run.client.next_deadline().unwrap());
        run.take().unwrap();
        let mut next = run.client.next_deadline().unwrap();
        while next < at(3_600) {
            run.client.advance(next);
            run.take();
            assert!(run.client.next_deadline().unwrap() > next);
            next = run.client.next_deadline().unwrap();
        }
        assert_eq!(next, at(3_600));
    }
}

#[test]
fn the_shortest_lease_is_renewed_in_time() {
    let server = DhcpServer::new(DhcpServerConfig {
        lease_time: seconds(1),
        ..DhcpServerConfig::new(SERVER, 24)
    });
    let mut run = Run::with(client(7), Some(server));
    run.pass(seconds(600));
    assert!(!run.events.contains(&DhcpEvent::Lost));
    // Each renewal may lose two messages.
    for _ in 0..10 {
        run.losses = 2;
        run.pass(seconds(60));
    }
    assert!(!run.events.contains(&DhcpEvent::Lost));
    let lease = Scripted::lease(|reply| reply.options.lease_seconds = Some(0)).unwrap();
    assert_eq!(lease.duration, seconds(10));
}

#[test]
fn a_grant_that_leaves_things_out_is_filled_in() {
    let lease = Scripted::lease(|reply| {
        reply.options = Options {
            routers: alloc::vec![Ipv4Addr::UNSPECIFIED, SERVER],
            name_servers: alloc::vec![Ipv4Addr::BROADCAST, SERVER],
            mtu: Some(68),
            ..Options::default()
        }
    })
    .unwrap();
    assert_eq!(lease.prefix_length, 24);
    assert_eq!(lease.gateway, Some(SERVER));
    assert_eq!(lease.name_servers, [IpAddr::V4(SERVER)]);
    assert_eq!(lease.mtu, None);
    assert_eq!(lease.duration, seconds(3_600));
    assert_eq!(lease.server, SERVER);
    let holes = Scripted::lease(|reply| {
        reply.options.subnet_mask = Some(Ipv4Addr::new(255, 0, 255, 0));
    });
    assert_eq!(holes.unwrap().prefix_length, 24);
}

#[test]
fn a_renewal_with_another_address_does_not_move_us() {
    let mut run = Scripted::new();
    run.answer(MessageType::Offer, |_| {});
    run.answer(MessageType::Ack, |_| {});
    run.client
        .probe_clear(Ipv4Addr::new(192, 0, 2, 50), run.now);
    while run.client.poll_event().is_some() {}
    run.now = run.client.next_deadline().unwrap();
    run.client.advance(run.now);
    run.answer(MessageType::Ack, |reply| {
        reply.your_address = Ipv4Addr::new(192, 0, 2, 51);
    });
    assert_eq!(run.client.poll_event(), None);
}

#[test]
fn a_renewal_refused_ends_the_use_of_the_address() {
    let mut run = Scripted::new();
    run.answer(MessageType::Offer, |_| {});
    run.answer(MessageType::Ack, |_| {});
    run.client
        .probe_clear(Ipv4Addr::new(192, 0, 2, 50), run.now);
    while run.client.poll_event().is_some() {}
    run.now = run.client.next_deadline().unwrap();
    run.client.advance(run.now);
    run.answer(MessageType::Nak, |_| {});
    assert_eq!(run.client.poll_event(), Some(DhcpEvent::Lost));
    assert_eq!(run.take().unwrap().kind, MessageType::Discover);
}

#[test]
fn a_clock_that_jumps_over_the_whole_lease_ends_it() {
    let mut run = Run::new();
    run.settle();
    run.now = at(100_000);
    run.client.advance(run.now);
    run.server = None;
    run.settle();
    assert_eq!(run.events.last(), Some(&DhcpEvent::Lost));
}

proptest! {
    #[test]
    fn no_message_makes_the_client_panic_or_storm(
        messages in prop::collection::vec(
            (1..9_u8, any::<[u8; 4]>(), prop::collection::vec((0..330_usize, any::<u8>()), 0..5), 0..5_000_u64),
            1..40,
        ),
    ) {
        let mut run = Scripted::new();
        let mut transaction = 0;
        let mut last = None;
        for (kind, address, changes, pause) in messages {
            if let Some(message) = run.take() {
                transaction = message.transaction;
                last = Some(message);
            }
            let Some(request) = &last else { continue };
            let mut reply = good(request, MessageType::Offer);
            reply.transaction = transaction;
            if pause % 2 == 0 {
                reply.your_address = address.into();
            }
            let mut out = [0; 600];
            let length = reply.emit(&mut out).unwrap();
            out[242] = kind;
            for (at, value) in changes {
                out[at] = value;
            }
            run.client.receive(&out[..length], run.now);
            while let Some(event) = run.client.poll_event() {
                if let DhcpEvent::Probe(address) = event {
                    match pause % 3 {
                        0 => run.client.conflict(address, run.now),
                        1 => run.client.probe_clear(address, run.now),
                        _ => run.client.restored(run.now),
                    }
                }
            }
            run.now += seconds(pause);
            let mut turns = 0;
            while run.client.next_deadline().is_some_and(|next| next <= run.now) {
                run.client.advance(run.now);
                turns += 1;
                prop_assert!(turns < 10);
            }
        }
    }
}
