//! Which packets go up.

use super::*;

const UNSPECIFIED: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const ALL: Ipv4Addr = Ipv4Addr::BROADCAST;

#[test]
fn a_packet_for_us_goes_up_with_what_its_header_says() {
    let mut host = Host::new();
    let header = Ipv4Header {
        ecn: Ecn::CongestionExperienced,
        ..header(FAR, OURS, Protocol::TCP)
    };
    let mut bytes = packet(header, &[1, 2, 3]);
    bytes.extend([0; 20]); // padding
    let arrival = host
        .internet
        .receive(EtherType::IPV4, &bytes, Cast::Unicast, host.now);
    let InternetArrival::Datagram(arrival) = arrival else {
        panic!("{arrival:?}");
    };
    assert_eq!(arrival.source, IpAddr::V4(FAR));
    assert_eq!(arrival.destination, IpAddr::V4(OURS));
    assert_eq!(arrival.protocol, Protocol::TCP);
    assert_eq!(arrival.hop_limit, 61);
    assert_eq!(arrival.ecn, Ecn::CongestionExperienced);
    assert_eq!(
        (arrival.cast, arrival.payload),
        (Cast::Unicast, &[1, 2, 3][..])
    );
    assert!(arrival.verify_checksum);
}

#[test]
fn broadcasts_go_up_as_such() {
    let mut host = Host::new();
    for destination in [ALL, DIRECTED_BROADCAST] {
        let seen = host.receive_in(Cast::Broadcast, &udp_from(PEER, destination));
        assert_eq!(seen, Seen::Datagram(Cast::Broadcast, vec![7; 12]));
    }
}

#[test]
fn packets_for_others_are_counted() {
    let mut host = Host::new();
    for destination in [
        PEER,
        FAR,
        Ipv4Addr::LOCALHOST,
        UNSPECIFIED,
        [224, 0, 0, 1].into(),
    ] {
        assert_eq!(host.receive(&udp_from(PEER, destination)), Seen::Nothing);
    }
    // For us, but in a frame for all (RFC 1122 §3.3.6).
    let seen = host.receive_in(Cast::Broadcast, &udp_from(PEER, OURS));
    assert_eq!(seen, Seen::Nothing);
    assert_eq!(host.dropped(DropReason::NotOurAddress), 6);
}

#[test]
fn sources_that_cannot_be_are_martians() {
    let mut host = Host::new();
    for source in [
        OURS,
        ALL,
        DIRECTED_BROADCAST,
        UNSPECIFIED,
        [0, 1, 2, 3].into(),
        [127, 0, 0, 1].into(),
        [224, 0, 0, 1].into(),
    ] {
        assert_eq!(host.receive(&udp_from(source, OURS)), Seen::Nothing);
    }
    assert_eq!(host.dropped(DropReason::MartianSource), 7);
}

#[test]
fn a_host_that_asks_for_its_address_has_none() {
    let mut host = Host::new();
    let asking = udp_from(UNSPECIFIED, ALL);
    let seen = host.receive_in(Cast::Broadcast, &asking);
    assert_eq!(seen, Seen::Datagram(Cast::Broadcast, vec![7; 12]));
    let tcp = packet(header(UNSPECIFIED, ALL, Protocol::TCP), &[7; 12]);
    assert_eq!(host.receive_in(Cast::Broadcast, &tcp), Seen::Nothing);
}

#[test]
fn before_there_is_an_address_a_grant_may_come_to_it() {
    let mut host = Host::new();
    host.internet.set_address(None, None);
    let granted = udp_from(GATEWAY, OURS);
    assert_eq!(
        host.receive(&granted),
        Seen::Datagram(Cast::Unicast, vec![7; 12])
    );
    assert_eq!(host.receive_in(Cast::Broadcast, &granted), Seen::Nothing);
    let tcp = packet(header(GATEWAY, OURS, Protocol::TCP), &[7; 20]);
    assert_eq!(host.receive(&tcp), Seen::Nothing);
}

#[test]
fn damaged_headers_are_counted() {
    let mut host = Host::new();
    let mut bytes = udp_from(PEER, OURS);
    bytes[8] ^= 1;
    assert_eq!(host.receive(&bytes), Seen::Nothing);
    assert_eq!(host.dropped(DropReason::IpChecksum), 1);
    assert_eq!(host.receive(&bytes[..19]), Seen::Nothing);
    assert_eq!(host.dropped(DropReason::MalformedIp), 1);
    let arrival = host
        .internet
        .receive(EtherType::IPV6, &bytes, Cast::Unicast, host.now);
    assert_eq!(seen(arrival), Seen::Nothing);
    assert_eq!(host.dropped(DropReason::UnknownEtherType), 1);
}

#[test]
fn what_we_sent_to_ourselves_may_come_from_us_and_needs_no_checksum() {
    let mut host = Host::new();
    for address in [OURS, Ipv4Addr::LOCALHOST, [127, 8, 8, 8].into()] {
        let bytes = udp_from(address, address);
        let arrival = host.internet.receive_local(&bytes, host.now);
        let InternetArrival::Datagram(arrival) = arrival else {
            panic!("{arrival:?}");
        };
        assert!(!arrival.verify_checksum);
    }
    let stray = udp_from(OURS, PEER);
    let arrival = host.internet.receive_local(&stray, host.now);
    assert_eq!(seen(arrival), Seen::Nothing);
}
