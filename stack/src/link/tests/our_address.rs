//! Answering for our address, claiming it and defending it.

use super::*;

#[test]
fn a_question_for_it_is_answered_to_whoever_asked() {
    let mut cable = Cable::new();
    cable.request(PEER_MAC, PEER, OURS);
    let (to, reply) = cable.arp_out().expect("a reply");
    assert_eq!(to, PEER_MAC);
    assert_eq!(
        (reply.operation, reply.sender_hardware, reply.sender_address),
        (ArpOperation::Reply, OUR_MAC, OURS)
    );
    assert_eq!(
        (reply.target_hardware, reply.target_address),
        (PEER_MAC, PEER)
    );
    assert!(cable.send(PEER, 1).is_some(), "and the asker is known now");
    cable.request(PEER_MAC, PEER, OTHER);
    assert_eq!(cable.transmit(), None, "others answer for themselves");
}

#[test]
fn a_probe_for_it_is_answered_and_teaches_nothing() {
    let mut cable = Cable::new();
    cable.request(PEER_MAC, Ipv4Addr::UNSPECIFIED, OURS);
    let (to, reply) = cable.arp_out().expect("a reply");
    assert_eq!((to, reply.sender_address), (PEER_MAC, OURS));
    assert_eq!(cable.link.poll_event(), None);
}

#[test]
fn questions_beyond_the_queue_are_counted() {
    let mut cable = Cable::new();
    for _question in 0..100 {
        cable.request(PEER_MAC, PEER, OURS);
    }
    assert_eq!(core::iter::from_fn(|| cable.transmit()).count(), 64);
    assert_eq!(cable.dropped(DropReason::ReplyQueueFull), 36);
}

#[test]
fn it_is_announced_twice() {
    let mut cable = Cable::new();
    cable.link.announce(cable.now);
    for _announcement in 0..2 {
        let (to, packet) = cable.arp_out().expect("an announcement");
        assert_eq!(to, MacAddress::BROADCAST);
        assert_eq!(packet, arp(ArpOperation::Request, OUR_MAC, OURS, OURS));
        assert_eq!(cable.transmit(), None);
        cable.wait(2_000);
    }
    assert_eq!(cable.transmit(), None);
    assert_eq!(cable.link.next_deadline(), None);
}

#[test]
fn the_first_claim_is_answered_and_a_second_soon_after_takes_it() {
    let mut cable = Cable::new();
    cable.request(OTHER_MAC, OURS, PEER);
    let (_, defence) = cable.arp_out().expect("a defence");
    assert_eq!(defence, arp(ArpOperation::Request, OUR_MAC, OURS, OURS));
    assert_eq!(cable.transmit(), None);
    assert_eq!(cable.link.poll_event(), None);
    cable.wait(10_000);
    cable.answer(OURS, OTHER_MAC);
    assert!(
        cable.arp_out().is_some(),
        "ten seconds later it is a first again"
    );
    cable.wait(9_000);
    cable.answer(OURS, OTHER_MAC);
    let conflict = LinkEvent::Conflict {
        address: OURS,
        claimant: OTHER_MAC,
        while_probing: false,
    };
    assert_eq!(cable.link.poll_event(), Some(conflict));
    assert_eq!(cable.transmit(), None);
}

#[test]
fn an_address_that_nobody_claims_is_clear_after_three_probes() {
    let mut cable = Cable::new();
    cable.link.set_address(None);
    let started = cable.now;
    cable.link.probe(OURS, cable.now);
    let mut probes = 0;
    while let Some(due) = cable.link.next_deadline() {
        cable.now = due;
        cable.link.advance(due);
        while let Some((to, probe)) = cable.arp_out() {
            assert_eq!(to, MacAddress::BROADCAST);
            assert_eq!(
                probe,
                arp(ArpOperation::Request, OUR_MAC, Ipv4Addr::UNSPECIFIED, OURS)
            );
            probes += 1;
        }
    }
    assert_eq!(probes, 3);
    assert_eq!(cable.link.poll_event(), Some(LinkEvent::ProbeClear(OURS)));
    let took = cable.now.since(started).as_millis();
    assert!((400..=700).contains(&took), "{took} ms");
}

#[test]
fn a_probed_address_that_is_used_or_wanted_is_a_conflict() {
    for (sender, target) in [(OURS, PEER), (Ipv4Addr::UNSPECIFIED, OURS)] {
        let mut cable = Cable::new();
        cable.link.set_address(None);
        cable.link.probe(OURS, cable.now);
        cable.wait(100);
        assert!(cable.arp_out().is_some());
        cable.request(OTHER_MAC, sender, target);
        let conflict = LinkEvent::Conflict {
            address: OURS,
            claimant: OTHER_MAC,
            while_probing: true,
        };
        assert_eq!(cable.link.poll_event(), Some(conflict));
        assert_eq!(cable.link.next_deadline(), None);
    }
}

#[test]
fn an_echo_of_our_own_probe_is_no_conflict() {
    let mut cable = Cable::new();
    cable.link.set_address(None);
    cable.link.probe(OURS, cable.now);
    let echo = arp(ArpOperation::Request, OUR_MAC, Ipv4Addr::UNSPECIFIED, OURS);
    let mut frame = [0; 60];
    let header = EthernetHeader {
        destination: MacAddress::BROADCAST,
        source: PEER_MAC, // a hub that stamps its own address
        ether_type: EtherType::ARP,
    };
    echo.emit(header.emit(&mut frame).expect("room"));
    cable.link.receive(&frame, cable.now);
    assert_eq!(cable.link.poll_event(), None);
}

#[test]
fn after_ten_conflicts_probing_waits_a_minute() {
    let mut cable = Cable::new();
    cable.link.set_address(None);
    for _conflict in 0..10 {
        cable.link.probe(OURS, cable.now);
        cable.request(OTHER_MAC, OURS, PEER);
    }
    cable.link.probe(OURS, cable.now);
    let due = cable.link.next_deadline().expect("a deadline");
    assert_eq!(due.since(cable.now), Duration::from_secs(60));
}

#[test]
fn senders_that_cannot_be_are_malformed() {
    let mut cable = Cable::new();
    for sender in [[224, 0, 0, 1], [255; 4], [127, 0, 0, 1]] {
        cable.request(PEER_MAC, sender.into(), OURS);
    }
    let group = arp(ArpOperation::Request, MacAddress::BROADCAST, PEER, OURS);
    let mut frame = [0; 60];
    let header = EthernetHeader {
        destination: OUR_MAC,
        source: PEER_MAC,
        ether_type: EtherType::ARP,
    };
    group.emit(header.emit(&mut frame).expect("room"));
    cable.link.receive(&frame, cable.now);
    cable.link.receive(&frame[..30], cable.now);
    assert_eq!(cable.dropped(DropReason::MalformedArp), 5);
    assert_eq!(cable.transmit(), None);
}
