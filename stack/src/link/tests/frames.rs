//! Which frames go up, and how packets are framed.

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
    assert!(
        cable
            .link
            .send(&NextHop::Broadcast, &mut frame, Offload::NONE, cable.now)
    );
    assert_eq!(frame[..6], [0xff; 6]);
    let group = NextHop::Multicast(Ipv4Addr::new(239, 129, 2, 3).into());
    assert!(
        cable
            .link
            .send(&group, &mut frame, Offload::NONE, cable.now)
    );
    assert_eq!(frame[..6], [1, 0, 0x5e, 1, 2, 3]);
    let group = "ff02::1:ff00:1234".parse::<core::net::Ipv6Addr>();
    let group = NextHop::Multicast(group.expect("an address").into());
    frame[14] = 0x60;
    assert!(
        cable
            .link
            .send(&group, &mut frame, Offload::NONE, cable.now)
    );
    assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0, 0x12, 0x34]);
    assert_eq!(frame[12..14], [0x86, 0xdd]);
}

#[test]
fn a_frame_without_a_packet_is_dropped() {
    let mut cable = Cable::new();
    for length in 0..=HEADER {
        let mut frame = vec![0; length];
        let hop = NextHop::Neighbor(PEER.into());
        assert!(!cable.link.send(&hop, &mut frame, Offload::NONE, cable.now));
        assert!(
            !cable
                .link
                .send(&NextHop::Broadcast, &mut frame, Offload::NONE, cable.now)
        );
    }
    assert_eq!(
        cable.dropped(DropReason::FrameLength),
        2 * (HEADER as u64 + 1)
    );
    assert_eq!(cable.transmit(), None);
}
