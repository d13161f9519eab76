//! The link floor against a scripted neighbour.

use super::*;
use crate::time::Duration;
use crate::wire::arp::{ArpOperation, ArpPacket};
use alloc::vec;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
const OUR_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const PEER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
const OTHER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 3]);

/// A link under test, and its clock.
struct Cable {
    link: Link,
    now: Instant,
}

impl Cable {
    fn with(config: NeighborConfig) -> Cable {
        let capabilities = LinkCapabilities::default();
        let mut link = Link::new(OUR_MAC, &capabilities, &config, Random::new([7; 32]));
        link.set_address(Some(OURS));
        Cable {
            link,
            now: Instant::from_millis(1_000),
        }
    }

    fn new() -> Cable {
        Cable::with(NeighborConfig::default())
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.link.advance(self.now);
    }

    /// Sends a packet of two bytes; the frame if it left at once.
    fn send(&mut self, to: Ipv4Addr, mark: u8) -> Option<Vec<u8>> {
        let mut frame = vec![0; HEADER];
        frame.extend([0x45, mark]);
        let hop = NextHop::Neighbor(to.into());
        let leaves = self.link.send(hop, &mut frame, self.now);
        leaves.then_some(frame)
    }

    fn transmit(&mut self) -> Option<Vec<u8>> {
        let mut out = [0; 2_048];
        let length = self.link.transmit(self.now, &mut out)?;
        Some(out[..length].to_vec())
    }

    fn arp_out(&mut self) -> Option<(MacAddress, ArpPacket)> {
        let frame = self.transmit()?;
        let (header, packet) = EthernetHeader::parse(&frame).expect("a frame");
        assert_eq!(header.source, OUR_MAC);
        assert_eq!(header.ether_type, EtherType::ARP);
        let packet = ArpPacket::parse(packet).expect("an ARP packet");
        Some((header.destination, packet))
    }

    /// The next frame must be a waiting packet for `to`; its mark.
    fn released(&mut self, to: MacAddress) -> Option<u8> {
        let frame = self.transmit()?;
        let (header, packet) = EthernetHeader::parse(&frame).expect("a frame");
        assert_eq!((header.destination, header.source), (to, OUR_MAC));
        assert_eq!(header.ether_type, EtherType::IPV4);
        Some(packet[1])
    }

    fn arp_in(&mut self, destination: MacAddress, packet: ArpPacket) {
        let mut frame = [0; 60];
        let header = EthernetHeader {
            destination,
            source: packet.sender_hardware,
            ether_type: EtherType::ARP,
        };
        packet.emit(header.emit(&mut frame).expect("room"));
        assert!(self.link.receive(&frame, self.now).is_none());
    }

    fn answer(&mut self, address: Ipv4Addr, hardware: MacAddress) {
        let packet = arp(ArpOperation::Reply, hardware, address, OURS);
        self.arp_in(OUR_MAC, packet);
    }

    fn request(&mut self, hardware: MacAddress, sender: Ipv4Addr, target: Ipv4Addr) {
        let packet = arp(ArpOperation::Request, hardware, sender, target);
        self.arp_in(MacAddress::BROADCAST, packet);
    }

    /// Makes `PEER` reachable.
    fn meet_peer(&mut self) {
        assert_eq!(self.send(PEER, 0), None);
        assert!(self.arp_out().is_some());
        self.answer(PEER, PEER_MAC);
        assert_eq!(self.released(PEER_MAC), Some(0));
        assert_eq!(self.transmit(), None);
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.link.counters.dropped(reason)
    }
}

fn arp(
    operation: ArpOperation,
    hardware: MacAddress,
    sender: Ipv4Addr,
    target: Ipv4Addr,
) -> ArpPacket {
    ArpPacket {
        operation,
        sender_hardware: hardware,
        sender_address: sender,
        target_hardware: MacAddress::default(),
        target_address: target,
    }
}

fn destination(frame: Option<Vec<u8>>) -> Option<MacAddress> {
    frame.map(|frame| MacAddress([frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]]))
}

mod frames {
    use super::*;

    fn frame(destination: MacAddress, source: MacAddress, ether_type: u16) -> Vec<u8> {
        let header = EthernetHeader {
            destination,
            source,
            ether_type: EtherType(ether_type),
        };
        let mut frame = vec![0; 60];
        header.emit(&mut frame);
        frame
    }

    #[test]
    fn those_for_us_go_up_and_those_for_others_do_not() {
        let mut cable = Cable::new();
        let mut cast = |destination, source| {
            let frame = frame(destination, source, 0x0800);
            let arrival = cable.link.receive(&frame, Instant::ZERO);
            arrival.map(|arrival| {
                assert_eq!((arrival.source, arrival.packet.len()), (source, 46));
                arrival.cast
            })
        };
        let group = MacAddress([1, 0, 0x5e, 0, 0, 1]);
        assert_eq!(cast(OUR_MAC, PEER_MAC), Some(Cast::Unicast));
        assert_eq!(cast(MacAddress::BROADCAST, PEER_MAC), Some(Cast::Broadcast));
        assert_eq!(cast(group, PEER_MAC), Some(Cast::Multicast));
        assert_eq!(cast(OTHER_MAC, PEER_MAC), None);
        assert_eq!(cast(OUR_MAC, group), None, "a group is no source");
        assert_eq!(cast(MacAddress::BROADCAST, OUR_MAC), None, "our own echo");
        assert_eq!(cable.dropped(DropReason::NotOurFrame), 3);
    }

    #[test]
    fn too_short_and_too_long_ones_are_counted() {
        let mut cable = Cable::new();
        let mut long = frame(OUR_MAC, PEER_MAC, 0x0800);
        assert!(cable.link.receive(&long[..13], cable.now).is_none());
        long.resize(1_515, 0);
        assert!(cable.link.receive(&long, cable.now).is_none());
        assert_eq!(cable.dropped(DropReason::FrameLength), 2);
        assert!(cable.link.receive(&long[..1_514], cable.now).is_some());
    }

    #[test]
    fn a_broadcast_and_a_multicast_need_no_neighbour() {
        let mut cable = Cable::new();
        let mut frame = [0x45; 40];
        assert!(cable.link.send(NextHop::Broadcast, &mut frame, cable.now));
        assert_eq!(frame[..6], [0xff; 6]);
        let group = NextHop::Multicast(Ipv4Addr::new(239, 129, 2, 3).into());
        assert!(cable.link.send(group, &mut frame, cable.now));
        assert_eq!(frame[..6], [1, 0, 0x5e, 1, 2, 3]);
        let group = "ff02::1:ff00:1234".parse::<core::net::Ipv6Addr>();
        let group = NextHop::Multicast(group.expect("an address").into());
        frame[14] = 0x60;
        assert!(cable.link.send(group, &mut frame, cable.now));
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0, 0x12, 0x34]);
        assert_eq!(frame[12..14], [0x86, 0xdd]);
    }

    #[test]
    fn a_frame_without_a_packet_is_dropped() {
        let mut cable = Cable::new();
        for length in 0..=HEADER {
            let mut frame = vec![0; length];
            let hop = NextHop::Neighbor(PEER.into());
            assert!(!cable.link.send(hop, &mut frame, cable.now));
            assert!(!cable.link.send(NextHop::Broadcast, &mut frame, cable.now));
        }
        assert_eq!(
            cable.dropped(DropReason::FrameLength),
            2 * (HEADER as u64 + 1)
        );
        assert_eq!(cable.transmit(), None);
    }
}

mod resolution {
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
}

mod ageing {
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
        assert!(cable.send(PEER, 2).is_some());
        cable.wait(5_000);
        let targets: Vec<_> = core::iter::from_fn(|| cable.arp_out())
            .map(|(_, packet)| packet.target_address)
            .collect();
        assert!(targets.contains(&PEER));
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
}

mod our_address {
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
}
