//! From an address to a hardware address.

use super::*;

#[test]
fn the_first_packet_waits_for_the_answer_and_is_not_lost() {
    let mut cable = Cable::new();
    assert_eq!(cable.send(PEER, 1), None);
    assert_eq!(cable.send(PEER, 2), None);
    let (to, question) = cable.arp_out().expect("a question");
    assert_eq!(to, MacAddress::BROADCAST);
    assert_eq!(question, arp(ArpOperation::Request, OUR_MAC, OURS, PEER));
    assert_eq!(cable.transmit(), None, "one question is enough");
    cable.answer(PEER, PEER_MAC);
    assert_eq!(cable.released(PEER_MAC), Some(1));
    assert_eq!(
        cable.send(PEER, 3),
        None,
        "in order, behind the one that waits"
    );
    assert_eq!(cable.released(PEER_MAC), Some(2));
    assert_eq!(cable.released(PEER_MAC), Some(3));
    assert_eq!(cable.transmit(), None);
    assert_eq!(destination(cable.send(PEER, 4)), Some(PEER_MAC));
}

#[test]
fn a_dead_host_is_given_up_with_each_packet_that_waited() {
    let mut cable = Cable::new();
    cable.send(PEER, 1);
    cable.send(PEER, 2);
    let mut questions = 0;
    for _second in 0..3 {
        while let Some((to, _)) = cable.arp_out() {
            assert_eq!(to, MacAddress::BROADCAST);
            questions += 1;
        }
        assert_eq!(cable.link.poll_event(), None);
        cable.wait(1_000);
    }
    assert_eq!(questions, 3);
    for mark in [1, 2] {
        let packet = vec![0x45, mark];
        let event = cable.link.poll_event();
        assert_eq!(event, Some(LinkEvent::Unreachable { packet }));
    }
    assert_eq!(cable.link.poll_event(), None);
    assert_eq!(cable.dropped(DropReason::NeighborUnreachable), 2);
    assert_eq!(cable.link.next_deadline(), None);
    cable.send(PEER, 3);
    assert!(cable.arp_out().is_some(), "the next packet asks afresh");
}

#[test]
fn a_dead_host_delays_nobody_else() {
    let mut cable = Cable::new();
    for mark in 0..200 {
        cable.send(OTHER, mark);
    }
    cable.send(PEER, 1);
    assert_eq!(cable.arp_out().expect("a question").1.target_address, OTHER);
    assert_eq!(cable.arp_out().expect("a question").1.target_address, PEER);
    cable.answer(PEER, PEER_MAC);
    assert_eq!(cable.released(PEER_MAC), Some(1));
    assert_eq!(destination(cable.send(PEER, 2)), Some(PEER_MAC));
    assert_eq!(cable.dropped(DropReason::NeighborQueueFull), 200 - 64);
    cable.answer(OTHER, OTHER_MAC);
    assert_eq!(cable.released(OTHER_MAC), Some(136), "the newest are kept");
}

#[test]
fn memory_for_waiting_packets_is_bounded_over_all_neighbours() {
    let mut cable = Cable::with(NeighborConfig {
        pending_bytes: 20,
        ..NeighborConfig::default()
    });
    for mark in 0..30 {
        cable.send(OTHER, mark);
    }
    cable.send(PEER, 1);
    assert_eq!(cable.dropped(DropReason::NeighborQueueFull), 21);
    while cable.transmit().is_some() {}
    cable.answer(PEER, PEER_MAC);
    assert_eq!(cable.released(PEER_MAC), Some(1), "the flood paid for it");
}

#[test]
fn nobody_is_asked_while_we_have_no_address() {
    let mut cable = Cable::new();
    cable.link.set_address(None);
    assert_eq!(cable.send(PEER, 1), None);
    assert_eq!(cable.transmit(), None);
    assert_eq!(cable.dropped(DropReason::NeighborUnreachable), 1);
}

#[test]
fn a_new_address_forgets_the_old_network() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.link.set_address(Some(OURS));
    assert!(
        cable.send(PEER, 1).is_some(),
        "the same address changes nothing"
    );
    cable.link.set_address(Some(OTHER));
    assert_eq!(cable.send(PEER, 2), None);
}

#[test]
fn an_answer_that_nobody_asked_for_takes_no_place() {
    let mut cable = Cable::new();
    cable.answer(PEER, PEER_MAC);
    assert_eq!(cable.send(PEER, 1), None);
}

#[test]
fn a_taught_neighbour_needs_no_question_and_is_checked_later() {
    let mut cable = Cable::new();
    cable.link.learn(PEER.into(), PEER_MAC, cable.now);
    assert_eq!(destination(cable.send(PEER, 1)), Some(PEER_MAC));
    cable.wait(5_000);
    let (to, question) = cable.arp_out().expect("a question");
    assert_eq!((to, question.target_address), (PEER_MAC, PEER));
}
