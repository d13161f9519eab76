//! Datagrams that come in parts.

use super::*;
use crate::wire::icmpv4::ErrorKind;

fn part(identification: u16, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let header = Ipv4Header {
        identification,
        fragment_offset: offset,
        more_fragments: more,
        ..header(FAR, OURS, Protocol::UDP)
    };
    packet(header, payload)
}

fn joined(seen: Seen) -> Vec<u8> {
    match seen {
        Seen::Reassembled(packet) => {
            let (header, payload) = Ipv4Header::parse(&packet).expect("valid");
            assert!(!header.is_fragment());
            assert_eq!((header.source, header.destination), (FAR, OURS));
            payload.to_vec()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn parts_join_in_any_order() {
    let parts = [
        part(1, 0, true, &[1; 8]),
        part(1, 8, true, &[2; 16]),
        part(1, 24, false, &[3; 5]),
    ];
    let whole = [&[1; 8][..], &[2; 16], &[3; 5]].concat();
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut host = Host::new();
        assert_eq!(host.receive(&parts[order[0]]), Seen::Nothing);
        assert_eq!(host.receive(&parts[order[1]]), Seen::Nothing);
        assert_eq!(joined(host.receive(&parts[order[2]])), whole);
        assert_eq!(host.internet.next_deadline(), None);
    }
}

#[test]
fn several_datagrams_come_at_once() {
    let mut host = Host::new();
    for identification in 0..20 {
        host.receive(&part(identification, 0, true, &[identification as u8; 8]));
    }
    for identification in 0..20 {
        let last = part(identification, 8, false, &[0xff]);
        let mut whole = vec![identification as u8; 8];
        whole.push(0xff);
        assert_eq!(joined(host.receive(&last)), whole);
    }
}

#[test]
fn the_same_identification_from_another_host_is_another_datagram() {
    let mut host = Host::new();
    host.receive(&part(1, 0, true, &[1; 8]));
    let other = Ipv4Header {
        identification: 1,
        fragment_offset: 8,
        ..header(PEER, OURS, Protocol::UDP)
    };
    assert_eq!(host.receive(&packet(other, &[9])), Seen::Nothing);
    assert_eq!(joined(host.receive(&part(1, 8, false, &[2]))).len(), 9);
}

#[test]
fn a_part_that_comes_twice_does_no_harm() {
    let mut host = Host::new();
    for _copy in 0..2 {
        assert_eq!(host.receive(&part(1, 0, true, &[1; 8])), Seen::Nothing);
    }
    assert_eq!(host.receive(&part(1, 16, false, &[3; 4])), Seen::Nothing);
    assert_eq!(host.receive(&part(1, 16, false, &[3; 4])), Seen::Nothing);
    assert_eq!(joined(host.receive(&part(1, 8, true, &[2; 8]))).len(), 20);
}

#[test]
fn an_overlap_drops_the_datagram_and_what_still_comes_of_it() {
    for overlapping in [
        part(1, 0, true, &[9; 8]),   // the same place, other bytes
        part(1, 8, true, &[9; 16]),  // over the next
        part(1, 0, true, &[9; 24]),  // around all
        part(1, 16, true, &[9; 16]), // from behind
    ] {
        let mut host = Host::new();
        host.receive(&part(1, 0, true, &[1; 8]));
        host.receive(&part(1, 16, true, &[2; 8]));
        assert_eq!(host.receive(&overlapping), Seen::Nothing);
        assert_eq!(host.dropped(DropReason::FragmentOverlap), 1);
        host.receive(&part(1, 8, true, &[3; 8]));
        assert_eq!(host.receive(&part(1, 24, false, &[4])), Seen::Nothing);
        assert_eq!(host.dropped(DropReason::FragmentOverlap), 3);
        host.wait(60_000);
        assert_eq!(host.transmit(), None);
        assert_eq!(host.internet.next_deadline(), None);
    }
}

#[test]
fn impossible_parts_are_invalid() {
    let mut host = Host::new();
    host.receive(&part(1, 0, true, &[1; 9])); // not a multiple of eight
    host.receive(&part(2, 0, true, &[])); // nothing
    host.receive(&part(3, 65_528, false, &[1; 8])); // beyond the largest packet
    assert_eq!(host.dropped(DropReason::FragmentInvalid), 3);
    assert_eq!(host.internet.next_deadline(), None);
}

#[test]
fn parts_that_disagree_about_the_end_drop_the_datagram() {
    for parts in [
        [part(1, 16, false, &[1; 4]), part(1, 24, false, &[1; 4])],
        [part(1, 16, false, &[1; 4]), part(1, 24, true, &[1; 8])],
        [part(1, 24, true, &[1; 8]), part(1, 16, false, &[1; 4])],
    ] {
        let mut host = Host::new();
        host.receive(&parts[0]);
        host.receive(&parts[1]);
        assert_eq!(host.dropped(DropReason::FragmentInvalid), 1);
        host.receive(&part(1, 0, true, &[1; 8]));
        assert_eq!(host.receive(&part(1, 8, true, &[1; 8])), Seen::Nothing);
    }
}

#[test]
fn one_mark_of_congestion_marks_the_whole() {
    let mut host = Host::new();
    host.receive(&part(1, 0, true, &[1; 8]));
    let marked = Ipv4Header {
        identification: 1,
        fragment_offset: 8,
        ecn: Ecn::CongestionExperienced,
        ..header(FAR, OURS, Protocol::UDP)
    };
    let Seen::Reassembled(whole) = host.receive(&packet(marked, &[2])) else {
        panic!("not whole");
    };
    let (header, _) = Ipv4Header::parse(&whole).expect("valid");
    assert_eq!(header.ecn, Ecn::CongestionExperienced);
}

#[test]
fn after_a_minute_the_sender_is_told_if_its_first_part_came() {
    let mut host = Host::new();
    let first = part(1, 0, true, &[1; 16]);
    host.receive(&first);
    host.receive(&part(2, 8, true, &[2; 8]));
    host.wait(59_999);
    assert_eq!(host.transmit(), None);
    host.wait(1);
    assert_eq!(host.dropped(DropReason::FragmentTimeout), 2);
    let (header, payload, next_hop) = host.transmit().expect("an error");
    assert_eq!((header.source, header.destination), (OURS, FAR));
    assert_eq!(next_hop, NextHop::Neighbor(GATEWAY.into()));
    let error = Icmpv4::Error(IcmpError {
        kind: ErrorKind::REASSEMBLY_TIME_EXCEEDED,
        quoted: &first,
    });
    assert_eq!(Icmpv4::parse(&payload), Some(error));
    assert_eq!(host.transmit(), None, "the other's first part never came");
    assert_eq!(host.internet.next_deadline(), None);
}

#[test]
fn too_many_datagrams_push_out_the_oldest() {
    let mut host = Host::with(InternetConfig {
        reassemblies: 2,
        ..InternetConfig::default()
    });
    for identification in 1..=3 {
        host.receive(&part(identification, 0, true, &[1; 8]));
    }
    assert_eq!(host.dropped(DropReason::FragmentMemory), 1);
    assert_eq!(joined(host.receive(&part(2, 8, false, &[2]))).len(), 9);
    assert_eq!(joined(host.receive(&part(3, 8, false, &[2]))).len(), 9);
}

#[test]
fn too_many_bytes_push_out_the_oldest_and_at_last_the_newest() {
    let mut host = Host::with(InternetConfig {
        reassembly_bytes: 3_000,
        ..InternetConfig::default()
    });
    host.receive(&part(1, 0, true, &[1; 1_400]));
    host.receive(&part(2, 0, true, &[1; 1_400]));
    assert_eq!(host.dropped(DropReason::FragmentMemory), 0);
    host.receive(&part(2, 1_400, true, &[1; 1_400]));
    assert_eq!(host.dropped(DropReason::FragmentMemory), 1);
    host.receive(&part(2, 2_800, true, &[1; 1_400]));
    assert_eq!(host.dropped(DropReason::FragmentMemory), 2);
    assert_eq!(host.internet.next_deadline(), None);
}

#[test]
fn a_datagram_of_the_largest_size_joins() {
    let mut host = Host::new();
    for at in 0..44 {
        let offset = at * 1_480;
        assert_eq!(
            host.receive(&part(1, offset, true, &[5; 1_480])),
            Seen::Nothing
        );
    }
    let whole = joined(host.receive(&part(1, 44 * 1_480, false, &[5; 395])));
    assert_eq!(whole, vec![5; 65_515]);
}
