//! How long a neighbour is trusted.

use super::*;

#[test]
fn a_stale_neighbour_is_used_at_once_and_asked_by_unicast_five_seconds_later() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.wait(45_001);
    assert_eq!(cable.link.next_deadline(), None, "nobody idle sets a timer");
    assert_eq!(destination(cable.send(PEER, 1)), Some(PEER_MAC));
    assert_eq!(cable.transmit(), None);
    let due = cable.link.next_deadline().expect("a deadline");
    assert_eq!(due.since(cable.now), Duration::from_secs(5));
    cable.wait(5_000);
    let (to, question) = cable.arp_out().expect("a question");
    assert_eq!((to, question.target_hardware), (PEER_MAC, PEER_MAC));
    assert!(cable.send(PEER, 2).is_some(), "packets flow meanwhile");
    cable.answer(PEER, PEER_MAC);
    assert_eq!(cable.link.next_deadline(), None);
    cable.wait(10_000);
    assert!(cable.send(PEER, 3).is_some());
    assert_eq!(cable.link.next_deadline(), None, "reachable again");
}

#[test]
fn a_neighbour_that_went_away_is_forgotten_after_three_questions() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.wait(45_001);
    cable.send(PEER, 1);
    cable.wait(5_000);
    for _second in 0..3 {
        assert_eq!(cable.arp_out().map(|(to, _)| to), Some(PEER_MAC));
        assert_eq!(cable.transmit(), None);
        cable.wait(1_000);
    }
    assert_eq!(cable.send(PEER, 2), None);
    assert_eq!(
        cable.arp_out().map(|(to, _)| to),
        Some(MacAddress::BROADCAST)
    );
}

#[test]
fn a_confirmation_from_above_saves_the_question() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.wait(45_001);
    cable.send(PEER, 1);
    cable.link.confirm(PEER.into(), cable.now);
    assert_eq!(cable.link.next_deadline(), None);
    cable.wait(6_000);
    assert_eq!(cable.transmit(), None);
    cable.link.confirm(OTHER.into(), cable.now);
    assert_eq!(cable.send(OTHER, 1), None, "a stranger is not known by it");
}

#[test]
fn a_moved_neighbour_is_followed_and_checked() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.request(OTHER_MAC, PEER, PEER); // an announcement
    assert_eq!(destination(cable.send(PEER, 1)), Some(OTHER_MAC));
    cable.wait(5_000);
    assert_eq!(cable.arp_out().map(|(to, _)| to), Some(OTHER_MAC));
}

#[test]
fn a_restored_link_checks_again_whoever_is_used() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.send(OTHER, 1);
    cable.arp_out();
    cable.link.restored(cable.now);
    let (_, announcement) = cable.arp_out().expect("an announcement");
    assert_eq!(announcement.sender_address, announcement.target_address);
    assert_eq!(cable.arp_out().expect("a question").1.target_address, OTHER);
    assert_eq!(destination(cable.send(PEER, 2)), Some(PEER_MAC));
    let (to, question) = cable.arp_out().expect("a question");
    assert_eq!((to, question.target_address), (MacAddress::BROADCAST, PEER));
    cable.answer(PEER, PEER_MAC);
    assert_eq!(destination(cable.send(PEER, 3)), Some(PEER_MAC));
    assert_eq!(cable.arp_out(), None);
}

#[test]
fn a_card_that_was_changed_while_the_link_was_away_is_found_with_the_first_packet() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.link.restored(cable.now);
    cable.arp_out();
    cable.send(PEER, 1);
    assert_eq!(
        cable.arp_out().map(|(to, _)| to),
        Some(MacAddress::BROADCAST)
    );
    cable.answer(PEER, OTHER_MAC);
    assert_eq!(destination(cable.send(PEER, 2)), Some(OTHER_MAC));
}

#[test]
fn who_is_gone_when_the_link_is_back_is_forgotten_in_three_seconds() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.link.restored(cable.now);
    cable.send(PEER, 1);
    for _second in 0..3 {
        assert!(cable.send(PEER, 2).is_some());
        cable.wait(1_000);
    }
    assert_eq!(cable.send(PEER, 3), None);
}

#[test]
fn the_least_recently_used_idle_neighbour_makes_room() {
    let mut cable = Cable::with(NeighborConfig {
        entries: 2,
        ..NeighborConfig::default()
    });
    cable.send(Ipv4Addr::new(10, 0, 0, 99), 0); // never answers, and is not idle
    cable.arp_out();
    cable.meet_peer();
    cable.wait(10);
    cable.link.learn(OTHER.into(), OTHER_MAC, cable.now);
    assert_eq!(cable.send(PEER, 1), None, "the peer was forgotten");
    assert_eq!(cable.dropped(DropReason::NeighborQueueFull), 0);
}

#[test]
fn when_all_are_busy_the_oldest_makes_room() {
    let mut cable = Cable::with(NeighborConfig {
        entries: 2,
        ..NeighborConfig::default()
    });
    for last in 10..20 {
        cable.send(Ipv4Addr::new(10, 0, 0, last), last);
        cable.wait(1);
    }
    assert_eq!(cable.dropped(DropReason::NeighborQueueFull), 8);
    let asked: Vec<_> = core::iter::from_fn(|| cable.arp_out())
        .map(|(_, packet)| packet.target_address.octets()[3])
        .collect();
    assert_eq!(asked, [18, 19]);
}

#[test]
fn a_claimed_address_is_not_confirmed_by_what_reached_the_one_before() {
    let mut cable = Cable::new();
    cable.meet_peer();
    cable.request(OTHER_MAC, PEER, PEER);
    cable.send(PEER, 1);
    cable.link.confirm(PEER.into(), cable.now);
    cable.wait(5_000);
    assert_eq!(cable.arp_out().map(|(to, _)| to), Some(OTHER_MAC));
    cable.answer(PEER, OTHER_MAC);
    cable.wait(45_001);
    cable.send(PEER, 2);
    cable.link.confirm(PEER.into(), cable.now);
    assert_eq!(cable.link.next_deadline(), None, "it has answered by now");
}
