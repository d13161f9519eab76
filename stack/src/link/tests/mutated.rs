//! Whatever comes, in whatever order, nothing panics and no queue passes its bound.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Send(u8, usize),
    Arp {
        reply: bool,
        hardware: u8,
        sender: u8,
        target: u8,
        change: Option<(usize, u8)>,
    },
    Learn(u8, u8),
    Confirm(u8),
    Address(Option<u8>),
    Probe(u8),
    Announce,
    Restored,
    Wait(u64),
    Transmit(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let host = 0_u8..12;
    prop_oneof![
        8 => (host.clone(), 0_usize..80).prop_map(|(to, length)| Step::Send(to, length)),
        8 => (any::<bool>(), 0_u8..6, host.clone(), host.clone(), proptest::option::weighted(0.2, (0_usize..42, any::<u8>())))
            .prop_map(|(reply, hardware, sender, target, change)| Step::Arp { reply, hardware, sender, target, change }),
        2 => (host.clone(), 0_u8..6).prop_map(|(address, hardware)| Step::Learn(address, hardware)),
        2 => host.clone().prop_map(Step::Confirm),
        1 => proptest::option::weighted(0.8, 1_u8..3).prop_map(Step::Address),
        1 => host.clone().prop_map(Step::Probe),
        1 => Just(Step::Announce),
        1 => Just(Step::Restored),
        5 => (0_u64..4_000).prop_map(Step::Wait),
        1 => (20_000_u64..60_000).prop_map(Step::Wait),
        6 => (0_usize..6).prop_map(Step::Transmit),
    ]
}

fn host(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn station(last: u8) -> MacAddress {
    MacAddress([2, 0, 0, 0, 0, last])
}

fn take(cable: &mut Cable, step: &Step) {
    let now = cable.now;
    match *step {
        Step::Send(to, length) => {
            let mut frame = vec![0x45; length];
            let hop = NextHop::Neighbor(host(to).into());
            cable.link.send(&hop, &mut frame, Offload::NONE, now);
        }
        Step::Arp {
            reply,
            hardware,
            sender,
            target,
            change,
        } => {
            let operation = if reply {
                ArpOperation::Reply
            } else {
                ArpOperation::Request
            };
            let packet = arp(operation, station(hardware), host(sender), host(target));
            let header = EthernetHeader {
                destination: MacAddress::BROADCAST,
                source: station(9),
                ether_type: EtherType::ARP,
            };
            let mut frame = [0; 42];
            packet.emit(header.emit(&mut frame).expect("room"));
            if let Some((at, value)) = change {
                frame[at] = value;
            }
            let _ = cable.link.receive(&frame, now);
        }
        Step::Learn(address, hardware) => {
            let address = host(address).into();
            cable.link.learn(address, station(hardware), now);
        }
        Step::Confirm(address) => drop(cable.link.confirm(host(address).into(), now)),
        Step::Address(address) => cable.link.set_address(address.map(host)),
        Step::Probe(address) => cable.link.probe(host(address), now),
        Step::Announce => cable.link.announce(now),
        Step::Restored => cable.link.restored(now),
        Step::Wait(millis) => cable.wait(millis),
        Step::Transmit(frames) => {
            for _frame in 0..frames {
                cable.transmit();
            }
        }
    }
}

proptest! {
    #[test]
    fn any_order_of_events_keeps_every_bound_and_ends(steps in proptest::collection::vec(step(), 1..120)) {
        let config = NeighborConfig {
            entries: 4,
            pending_packets: 3,
            pending_bytes: 300,
            ..NeighborConfig::default()
        };
        let mut cable = Cable::with(config);
        for step in &steps {
            take(&mut cable, step);
            let (neighbors, waiting) = cable.link.neighbors.census();
            prop_assert!(neighbors <= config.entries);
            prop_assert!(waiting <= config.pending_bytes);
            prop_assert!(cable.link.events.len() <= cable.link.most_events);
        }
        // Left alone, everything comes to rest: no timer, nothing to say.
        for _round in 0..1_000 {
            while cable.transmit().is_some() {}
            match cable.link.next_deadline() {
                Some(due) => {
                    cable.now = cable.now.max(due);
                    cable.link.advance(cable.now);
                }
                None => break,
            }
        }
        prop_assert_eq!(cable.link.next_deadline(), None);
        prop_assert_eq!(cable.transmit(), None);
        prop_assert_eq!(cable.link.neighbors.census().1, 0, "nobody waits for ever");
    }

    #[test]
    fn random_bytes_do_not_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..100), ether_type in prop_oneof![Just(0x0806_u16), any::<u16>()],
    ) {
        let mut cable = Cable::new();
        let mut frame = [OUR_MAC.0, PEER_MAC.0].concat();
        frame.extend(ether_type.to_be_bytes());
        frame.extend(&bytes);
        let _ = cable.link.receive(&frame, cable.now);
        let _ = cable.link.receive(&bytes, cable.now);
        cable.transmit();
    }
}
