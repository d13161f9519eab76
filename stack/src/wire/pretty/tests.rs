use super::*;
use crate::wire::dhcp::{Message as DhcpMessage, MessageType, Operation, Options};
use crate::wire::dns::{Data, Flags as DnsFlags, Name, Query, Question, RecordType, ResponseCode};
use crate::wire::icmpv4::{Echo, ErrorKind, IcmpError, Icmpv4};
use crate::wire::ip::{Ecn, Protocol};
use crate::wire::ipv4::Ipv4Header;
use crate::wire::tcp::{Flags, TcpHeader};
use crate::wire::tcp_options::SegmentOptions;
use crate::wire::udp::UdpHeader;
use core::net::Ipv4Addr;
use proptest::prelude::*;

const US: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const THEM: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
const OUR: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const THEIR: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

fn ethernet(ether_type: EtherType, payload: &[u8]) -> Vec<u8> {
    let mut frame = alloc::vec![0; 14 + payload.len()];
    let header = EthernetHeader {
        destination: THEM,
        source: US,
        ether_type,
    };
    let room = header.emit(&mut frame).unwrap();
    room.copy_from_slice(payload);
    frame
}

fn header(protocol: Protocol, payload: &[u8]) -> Ipv4Header {
    Ipv4Header {
        source: OUR,
        destination: THEIR,
        protocol,
        hop_limit: 64,
        dscp: 0,
        ecn: Ecn::NotCapable,
        identification: 0x1234,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        payload_length: payload.len() as u16,
    }
}

fn ip(header: Ipv4Header, payload: &[u8]) -> Vec<u8> {
    let mut packet = alloc::vec![0; 20 + payload.len()];
    let room = header.emit(&mut packet).unwrap();
    room.copy_from_slice(payload);
    packet
}

fn frame(protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    ethernet(EtherType::IPV4, &ip(header(protocol, payload), payload))
}

fn udp(source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = alloc::vec![0; 8];
    UdpHeader {
        source_port,
        destination_port,
    }
    .emit(payload.len(), &mut datagram);
    datagram.extend_from_slice(payload);
    frame(Protocol::UDP, &datagram)
}

fn tcp(header: TcpHeader, options: &SegmentOptions, payload: &[u8]) -> Vec<u8> {
    let mut segment = alloc::vec![0; 60];
    let length = header.emit(options, &mut segment);
    segment.truncate(length);
    segment.extend_from_slice(payload);
    frame(Protocol::TCP, &segment)
}

fn icmp(message: &Icmpv4<'_>) -> Vec<u8> {
    let mut bytes = alloc::vec![0; message.length()];
    message.emit(&mut bytes).unwrap();
    frame(Protocol::ICMP, &bytes)
}

fn arp(operation: ArpOperation, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut bytes = alloc::vec![0; 28];
    ArpPacket {
        operation,
        sender_hardware: US,
        sender_address: sender,
        target_hardware: THEM,
        target_address: target,
    }
    .emit(&mut bytes)
    .unwrap();
    ethernet(EtherType::ARP, &bytes)
}

#[test]
fn a_syn_is_one_readable_line_and_one_a_layer() {
    let syn = TcpHeader {
        source_port: 50_212,
        destination_port: 80,
        sequence: 7,
        flags: Flags::SYN,
        window: 65_535,
        ..TcpHeader::default()
    };
    let options = SegmentOptions {
        maximum_segment: Some(1_460),
        window_scale: Some(7),
        sack_permitted: true,
        ..SegmentOptions::default()
    };
    let packet = PacketSummary::of(&tcp(syn, &options, &[]));
    assert_eq!(packet.protocol, "TCP");
    assert_eq!(packet.source, "10.0.2.15:50212");
    assert_eq!(packet.destination, "10.0.2.2:80");
    assert_eq!(
        packet.summary,
        "50212 → 80 [SYN] Seq=7 Win=65535 Len=0 MSS=1460 WS=128 SACK_PERM"
    );
    assert_eq!(
        packet.layers,
        [
            "Ethernet 02:00:00:00:00:01 → 02:00:00:00:00:02, IPv4",
            "IPv4 10.0.2.15 → 10.0.2.2, TCP, 32 bytes, TTL 64, DF",
            "TCP 50212 → 80 [SYN] Seq=7 Win=65535 Len=0 MSS=1460 WS=128 SACK_PERM",
        ]
    );
}

#[test]
fn an_http_request_shows_its_first_line() {
    let data = TcpHeader {
        source_port: 50_212,
        destination_port: 8_080,
        sequence: 8,
        acknowledgement: 9,
        flags: Flags::PSH | Flags::ACK,
        window: 1_000,
        urgent: 0,
    };
    let request = b"GET /picture.png HTTP/1.1\r\nHost: a\r\n\r\n";
    let packet = PacketSummary::of(&tcp(data, &SegmentOptions::default(), request));
    assert_eq!(packet.protocol, "HTTP");
    assert_eq!(packet.summary, "GET /picture.png HTTP/1.1");
    assert_eq!(
        packet.layers[2],
        "TCP 50212 → 8080 [PSH, ACK] Seq=8 Ack=9 Win=1000 Len=38"
    );
    assert_eq!(packet.layers.len(), 4);
}

#[test]
fn arp_is_told_apart_by_what_it_means() {
    let summary = |operation, sender, target| {
        let packet = PacketSummary::of(&arp(operation, sender, target));
        assert_eq!(packet.protocol, "ARP");
        assert_eq!(packet.source, "02:00:00:00:00:01");
        packet.summary
    };
    let none = Ipv4Addr::UNSPECIFIED;
    assert_eq!(
        summary(ArpOperation::Request, OUR, THEIR),
        "Who has 10.0.2.2? Tell 10.0.2.15"
    );
    assert_eq!(
        summary(ArpOperation::Reply, OUR, THEIR),
        "10.0.2.15 is at 02:00:00:00:00:01"
    );
    assert_eq!(
        summary(ArpOperation::Request, none, OUR),
        "Does anybody use 10.0.2.15? (probe)"
    );
    assert_eq!(
        summary(ArpOperation::Request, OUR, OUR),
        "10.0.2.15 is at 02:00:00:00:00:01 (announcement)"
    );
}

#[test]
fn icmp_says_what_it_means_and_what_it_is_about() {
    let echo = Echo {
        identifier: 0x4242,
        sequence: 3,
        payload: &[0; 56],
    };
    let packet = PacketSummary::of(&icmp(&Icmpv4::EchoRequest(echo)));
    assert_eq!(packet.protocol, "ICMP");
    assert_eq!(packet.summary, "Echo request 3 of 0x4242, 56 bytes");
    let about = ip(header(Protocol::UDP, &[0; 8]), &[0, 99, 0, 98, 0, 8, 0, 0]);
    let error = Icmpv4::Error(IcmpError {
        kind: ErrorKind::PORT_UNREACHABLE,
        quoted: &about,
    });
    assert_eq!(
        PacketSummary::of(&icmp(&error)).summary,
        "Port unreachable, about UDP 10.0.2.15:99 → 10.0.2.2:98"
    );
}

#[test]
fn fragments_say_which_part_they_are() {
    let part = Ipv4Header {
        more_fragments: true,
        fragment_offset: 1_480,
        dont_fragment: false,
        ..header(Protocol::UDP, &[0; 1_480])
    };
    let packet = PacketSummary::of(&ethernet(EtherType::IPV4, &ip(part, &[0; 1_480])));
    assert_eq!(packet.protocol, "IPv4");
    assert_eq!(
        packet.summary,
        "fragment of UDP datagram 0x1234: bytes 1480 to 2960, more follow"
    );
}

#[test]
fn dhcp_says_what_is_asked_and_given() {
    let mut message = DhcpMessage::request(MessageType::Discover, 5, US);
    message.options.hostname = "tab".into();
    let mut out = [0; 600];
    let length = message.emit(&mut out).unwrap();
    let packet = PacketSummary::of(&udp(68, 67, &out[..length]));
    assert_eq!(
        (packet.protocol, packet.summary.as_str()),
        ("DHCP", "Discover \"tab\"")
    );
    let ack = DhcpMessage {
        operation: Operation::Reply,
        your_address: OUR,
        options: Options {
            server: Some(THEIR),
            lease_seconds: Some(3_600),
            ..Options::default()
        },
        ..message.reply(MessageType::Ack)
    };
    let length = ack.emit(&mut out).unwrap();
    let packet = PacketSummary::of(&udp(67, 68, &out[..length]));
    assert_eq!(packet.summary, "Ack 10.0.2.15 by 10.0.2.2 for 3600 s");
}

#[test]
fn dns_says_the_question_and_the_answers() {
    let question = Question {
        name: Name::from_text("www.example.com").unwrap(),
        record_type: RecordType::A,
        class: 1,
    };
    let bytes = crate::wire::dns::query(5, &question, true);
    let packet = PacketSummary::of(&udp(5_555, 53, &bytes));
    assert_eq!(
        (packet.protocol, packet.summary.as_str()),
        ("DNS", "Query A www.example.com")
    );
    let query = Query::parse(&bytes).unwrap();
    let mut response = query.respond(ResponseCode::NO_ERROR);
    let alias = Name::from_text("a.example.com").unwrap();
    response.answer(&question.name, 60, &Data::Cname(alias.clone()));
    for last in 0..8 {
        response.answer(&alias, 60, &Data::A(Ipv4Addr::new(192, 0, 2, last)));
    }
    let packet = PacketSummary::of(&udp(53, 5_555, &query.finish(response)));
    assert_eq!(
        packet.summary,
        "Answer A www.example.com: alias of a.example.com, 192.0.2.0, 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4 and 3 more"
    );
    let failure = query.failure(ResponseCode::NAME_ERROR);
    let packet = PacketSummary::of(&udp(53, 5_555, &failure));
    assert_eq!(packet.summary, "Answer A www.example.com: no such name");
    assert!(!DnsFlags(0).has(DnsFlags::RESPONSE));
}

#[test]
fn what_is_cut_off_or_unknown_is_said_to_be_so() {
    assert_eq!(PacketSummary::of(&[1, 2, 3]).layers, ["Ethernet, cut off"]);
    assert_eq!(PacketSummary::of(&[]).protocol, "Ethernet");
    let strange = ethernet(EtherType(0x88cc), &[0; 20]);
    assert_eq!(PacketSummary::of(&strange).summary, "type 0x88cc");
    assert_eq!(
        PacketSummary::of(&ethernet(EtherType::ARP, &[0; 4])).summary,
        "malformed"
    );
    let mut six = alloc::vec![0; 60];
    (six[0], six[6]) = (0x60, 58);
    let packet = PacketSummary::of(&ethernet(EtherType::IPV6, &six));
    assert_eq!(
        (packet.protocol, packet.summary.as_str()),
        ("IPv6", "ICMPv6, 0 bytes")
    );
    let mut broken = frame(Protocol::TCP, &[0; 20]);
    broken[24] ^= 1;
    assert!(PacketSummary::of(&broken).layers[1].contains("wrong header checksum"));
}

#[test]
fn the_whole_line_names_both_ends() {
    let line = PacketSummary::of(&udp(1, 2, b"x")).to_string();
    assert_eq!(line, "10.0.2.15:1 → 10.0.2.2:2 UDP 1 → 2 Len=1");
}

fn check(frame: &[u8]) {
    let packet = PacketSummary::of(frame);
    assert_eq!(packet.length, frame.len());
    assert!(!packet.layers.is_empty());
    let all = [packet.to_string(), packet.layers.concat()].concat();
    assert!(
        !all.contains(|character: char| character.is_control()),
        "{all:?}"
    );
}

proptest! {
    #[test]
    fn no_frame_makes_it_panic(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&frame);
    }

    #[test]
    fn no_payload_makes_it_panic(
        protocol in prop::sample::select(alloc::vec![1_u8, 6, 17, 99]),
        ports in prop::sample::select(alloc::vec![(53_u16, 1_u16), (1, 53), (67, 68), (80, 5)]),
        noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        check(&frame(Protocol(protocol), &noise));
        check(&udp(ports.0, ports.1, &noise));
        let header = TcpHeader {
            source_port: ports.0,
            destination_port: ports.1,
            ..TcpHeader::default()
        };
        check(&tcp(header, &SegmentOptions::default(), &noise));
    }

    #[test]
    fn no_mutation_makes_it_panic(
        changes in prop::collection::vec((0..400_usize, any::<u8>()), 1..6),
        length in 0..400_usize,
    ) {
        let mut message = DhcpMessage::request(MessageType::Discover, 5, US);
        message.options.hostname = "tab".into();
        let mut out = [0; 600];
        let end = message.emit(&mut out).unwrap();
        let mut frame = udp(68, 67, &out[..end]);
        for (at, value) in changes {
            let at = at % frame.len();
            frame[at] = value;
        }
        frame.truncate(length);
        check(&frame);
    }
}
