//! The client against our server.

use super::*;
use core::net::IpAddr;

#[test]
fn a_client_has_a_lease_after_four_messages_and_a_probe() {
    let mut run = Run::new();
    run.settle();
    assert_eq!(run.kinds(), [MessageType::Discover, MessageType::Request]);
    let lease = run.lease().clone();
    assert_eq!(
        run.events,
        [
            DhcpEvent::Probe(lease.address),
            DhcpEvent::Bound(lease.clone())
        ]
    );
    assert_eq!(lease.prefix_length, 24);
    assert_eq!(lease.gateway, Some(SERVER));
    assert_eq!(lease.name_servers, [IpAddr::V4(SERVER)]);
    assert_eq!(lease.domain.as_deref(), Some("home.example"));
    assert_eq!(lease.mtu, Some(1_400));
    assert_eq!(lease.server, SERVER);
    assert_eq!(lease.duration, seconds(3_600));
    let (_, request, to) = &run.sent[1];
    assert_eq!(*to, Ipv4Addr::BROADCAST);
    assert!(request.broadcast);
    assert_eq!(request.transaction, run.sent[0].1.transaction);
    assert_eq!(request.options.requested_address, Some(lease.address));
    assert_eq!(request.options.server, Some(SERVER));
    assert_eq!(request.options.hostname, "tab");
}

#[test]
fn without_a_server_the_client_goes_on_asking_ever_more_rarely() {
    let mut run = Run::with(client(7), None);
    run.pass(seconds(600));
    assert!(
        run.kinds()
            .iter()
            .all(|&kind| kind == MessageType::Discover)
    );
    let gaps: Vec<u64> = run
        .times()
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    let expected = [1, 2, 4, 8, 16, 32, 64, 64, 64];
    for (gap, expected) in gaps.iter().zip(expected) {
        assert!(gap.abs_diff(expected) <= 2, "{gaps:?}");
    }
    assert!(run.events.is_empty());
    // secs says for how long (RFC 2131 table 5).
    let (last, message, _) = run.sent.last().unwrap();
    assert!(
        last.since(Instant::ZERO)
            .as_secs()
            .abs_diff(message.seconds.into())
            <= 1
    );
}

#[test]
fn lost_messages_are_sent_again() {
    for losses in 1..6 {
        let mut run = Run::new();
        run.losses = losses;
        run.pass(seconds(120));
        assert!(run.is_bound(), "after {losses} losses");
    }
}

#[test]
fn an_offer_whose_server_falls_silent_is_given_up() {
    let mut run = Run::with(client(7), None);
    run.settle();
    let offer = server().respond(&bytes(&run.sent[0].1), run.now).unwrap();
    run.client.receive(&offer.bytes, run.now);
    run.pass(seconds(30));
    let requests = run
        .kinds()
        .iter()
        .filter(|&&kind| kind == MessageType::Request)
        .count();
    assert_eq!(requests, 4);
    assert_eq!(run.kinds()[5], MessageType::Discover);
}

#[test]
fn a_lease_is_renewed_by_unicast_at_half_its_life() {
    let mut run = Run::new();
    run.settle();
    let address = run.lease().address;
    run.until(1_799);
    assert_eq!(run.sent.len(), 2);
    run.until(1_801);
    let (_, request, to) = &run.sent[2];
    assert_eq!(*to, SERVER);
    assert_eq!(request.client_address, address);
    assert!(!request.broadcast);
    assert_eq!(request.options.requested_address, None);
    assert_eq!(request.options.server, None);
    assert!(matches!(run.events.last(), Some(DhcpEvent::Bound(_))));
    // And again and again, without a probe and without losing the address.
    run.until(36_000);
    assert!(!run.events.contains(&DhcpEvent::Lost));
    let probes = run
        .events
        .iter()
        .filter(|event| matches!(event, DhcpEvent::Probe(_)))
        .count();
    assert_eq!(probes, 1);
}

#[test]
fn a_renewal_without_an_answer_turns_to_all_servers_and_then_ends() {
    let mut run = Run::new();
    run.settle();
    run.server = None;
    run.until(3_599);
    assert!(run.is_bound());
    let rebinding_at = at(3_150);
    for (at, request, to) in &run.sent[2..] {
        let expected = if *at < rebinding_at {
            SERVER
        } else {
            Ipv4Addr::BROADCAST
        };
        assert_eq!(*to, expected);
        assert_eq!(request.kind, MessageType::Request);
    }
    let rebinds = run
        .sent
        .iter()
        .filter(|(at, ..)| *at >= rebinding_at)
        .count();
    assert!((2..=6).contains(&rebinds), "{:?}", run.times());
    // Not within a minute (RFC 2131 §4.4.5), but when the phase changes.
    let gaps: Vec<u64> = run.times()[2..]
        .windows(2)
        .filter(|pair| pair[1] != 3_150)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(gaps.iter().all(|&gap| gap >= 59), "{gaps:?}");
    run.until(3_600);
    assert_eq!(run.events.last(), Some(&DhcpEvent::Lost));
    assert_eq!(run.kinds().last(), Some(&MessageType::Discover));
    // The old address is wished for.
    let wish = run.sent.last().unwrap().1.options.requested_address;
    assert_eq!(wish, Some(run.lease().address));
}

#[test]
fn a_lease_can_be_saved_by_another_server_while_rebinding() {
    let mut run = Run::new();
    run.settle();
    let first = run.server.take();
    run.until(3_140);
    run.server = first;
    run.losses = 0;
    run.until(3_700);
    assert!(!run.events.contains(&DhcpEvent::Lost));
    assert!(run.is_bound());
}

#[test]
fn a_conflict_declines_the_address_and_takes_another_after_ten_seconds() {
    let mut run = Run::new();
    run.clear = false;
    run.settle();
    let Some(DhcpEvent::Probe(first)) = run.events.first().cloned() else {
        panic!("{:?}", run.events);
    };
    assert_eq!(
        run.kinds(),
        [
            MessageType::Discover,
            MessageType::Request,
            MessageType::Decline
        ]
    );
    let decline = &run.sent[2].1;
    assert_eq!(decline.options.requested_address, Some(first));
    assert_eq!(decline.options.server, Some(SERVER));
    assert_eq!(decline.client_address, Ipv4Addr::UNSPECIFIED);
    assert!(!run.events.contains(&DhcpEvent::Lost));
    run.clear = true;
    run.until(9);
    assert_eq!(run.sent.len(), 3);
    run.until(11);
    assert!(run.is_bound());
    assert_ne!(run.lease().address, first);
}

#[test]
fn a_conflict_while_bound_gives_the_address_up() {
    let mut run = Run::new();
    run.settle();
    let address = run.lease().address;
    run.client.conflict(Ipv4Addr::new(9, 9, 9, 9), run.now);
    run.settle();
    assert!(run.is_bound());
    run.client.conflict(address, run.now);
    run.settle();
    assert_eq!(run.events.last(), Some(&DhcpEvent::Lost));
    assert_eq!(run.kinds().last(), Some(&MessageType::Decline));
}

#[test]
fn after_the_link_was_away_the_lease_is_confirmed_and_kept() {
    let mut run = Run::new();
    run.settle();
    let before = run.lease().clone();
    run.pass(seconds(100));
    run.client.restored(run.now);
    run.settle();
    let request = &run.sent[2].1;
    assert_eq!(request.options.requested_address, Some(before.address));
    assert_eq!(request.options.server, None);
    assert_eq!(request.client_address, Ipv4Addr::UNSPECIFIED);
    assert_eq!(run.events[2..], [DhcpEvent::Bound(before)]);
    // Its life counts from now.
    run.until(1_899);
    assert_eq!(run.sent.len(), 3);
}

#[test]
fn a_server_that_forgot_everything_confirms_the_lease_all_the_same() {
    let mut run = Run::new();
    run.settle();
    let before = run.lease().clone();
    run.server = Some(server());
    run.client.restored(run.now);
    run.settle();
    assert_eq!(run.events[2..], [DhcpEvent::Bound(before)]);
}

#[test]
fn a_lease_that_nobody_confirms_is_used_until_it_ends() {
    let mut run = Run::new();
    run.settle();
    run.server = None;
    run.client.restored(run.now);
    run.pass(seconds(60));
    assert_eq!(run.sent.len(), 2 + 3);
    assert!(run.is_bound());
    run.until(3_599);
    assert!(run.is_bound());
    run.until(3_600);
    assert!(!run.is_bound());
}

#[test]
fn a_lease_that_is_refused_after_a_move_is_lost_at_once() {
    let mut run = Run::new();
    run.settle();
    let elsewhere = DhcpServerConfig::new(Ipv4Addr::new(198, 51, 100, 1), 24);
    run.server = Some(DhcpServer::new(elsewhere));
    run.client.restored(run.now);
    run.settle();
    assert_eq!(run.events[2], DhcpEvent::Lost);
    assert!(run.is_bound());
    assert_eq!(run.lease().server, Ipv4Addr::new(198, 51, 100, 1));
}

#[test]
fn a_search_begins_anew_at_once_when_the_link_is_back() {
    let mut run = Run::with(client(7), None);
    run.pass(seconds(100));
    let before = run.sent.len();
    run.server = Some(server());
    run.client.restored(run.now);
    run.settle();
    assert!(run.is_bound());
    assert_eq!(run.sent.len(), before + 2);
}

#[test]
fn a_lease_is_given_back_by_unicast_and_then_the_client_keeps_still() {
    let mut run = Run::new();
    run.settle();
    let address = run.lease().address;
    run.client.release(run.now);
    assert_eq!(run.client.poll_event(), None, "not before the message left");
    run.settle();
    let (_, release, to) = run.sent.last().unwrap();
    assert_eq!((release.kind, *to), (MessageType::Release, SERVER));
    assert_eq!(release.client_address, address);
    assert_eq!(release.options.server, Some(SERVER));
    assert!(release.options.parameters.is_empty());
    assert_eq!(run.events.last(), Some(&DhcpEvent::Lost));
    assert_eq!(run.client.next_deadline(), None);
    let server = run.server.as_ref().unwrap();
    assert_eq!(
        server.leases(run.now).next().unwrap().state,
        LeaseState::Free
    );
    let sent = run.sent.len();
    run.client.restored(run.now);
    run.pass(seconds(10_000));
    assert_eq!(run.sent.len(), sent);
    run.client.restart(run.now);
    run.settle();
    assert_eq!(run.lease().address, address);
}

#[test]
fn whatever_is_lost_in_a_day_the_address_is_only_used_while_it_is_leased() {
    for seed in 0..20_u8 {
        let mut random = Random::new([seed; 32]);
        let mut run = Run::new();
        let mut leased_until = Instant::ZERO;
        for _ in 0..500 {
            run.losses = random.below(4);
            let seen = run.events.len();
            let pause = Duration::from_secs(random.below(400).into());
            if random.below(20) == 0 {
                run.client.restored(run.now);
            }
            run.pass(pause);
            for event in &run.events[seen..] {
                if let DhcpEvent::Bound(lease) = event {
                    leased_until = run.now + lease.duration;
                }
            }
            assert!(!run.is_bound() || run.now <= leased_until, "seed {seed}");
        }
        run.losses = 0;
        run.pass(seconds(200));
        assert!(run.is_bound(), "seed {seed}");
    }
}

fn bytes(message: &Message) -> Vec<u8> {
    let mut out = [0; 600];
    let length = message.emit(&mut out).unwrap();
    out[..length].to_vec()
}
