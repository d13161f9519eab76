//! What a tab asks the gateway: an address, an echo, names.

use crate::station::station;
use crate::support::{ALICE, ALL, client, clients, drops, relay, request, until};
use ethertab_relay::Relay;
use ethertab_relay::switch::port::DropReason;
use ethertab_stack::MacAddress;
use ethertab_stack::config::TcpOptions;
use ethertab_stack::driver::{Error, Network, PingOptions};
use ethertab_stack::wire::dns::{
    Data, Emitter, Flags, Message, Name, Query, Question, RecordType, ResponseCode, Section,
};
use ethertab_stack::wire::{checksum, dhcp};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 2));
const PATIENCE: Duration = Duration::from_secs(20);

async fn configured(relay: &Relay, last: u8) -> Network {
    let network = station(relay, last).await;
    timeout(PATIENCE, network.configured())
        .await
        .expect("no lease came")
        .unwrap();
    network
}

/// An upstream server that answers each question by what `reply` makes of it; TCP on the same port.
async fn upstream(reply: fn(&Query, bool) -> Vec<u8>) -> SocketAddr {
    // A port that is free for UDP may be in use for TCP: another test's connection has it.
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        match TcpListener::bind(udp.local_addr().unwrap()).await {
            Ok(tcp) => break (udp, tcp),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse),
        }
    };
    let address = udp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2_048];
        loop {
            let (length, client) = udp.recv_from(&mut buffer).await.unwrap();
            let query = Query::parse(&buffer[..length]).unwrap();
            udp.send_to(&reply(&query, false), client).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let mut message = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut message).await.unwrap();
            let mut query = Query::parse(&message).unwrap();
            query.udp_size = usize::MAX;
            let answer = reply(&query, true);
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    address
}

fn answer(query: &Query, address: Ipv4Addr) -> Vec<u8> {
    let mut response = query.respond(ResponseCode::NO_ERROR);
    response.answer(&query.question.name, 60, &Data::A(address));
    query.finish(response)
}

fn question(name: &str, record_type: RecordType) -> Question {
    Question {
        name: Name::from_text(name).unwrap(),
        record_type,
        class: 1,
    }
}

#[tokio::test]
async fn a_tab_gets_an_address_of_its_own_and_reaches_the_gateway() {
    let relay = relay(&["--dhcp-range", "10.77.0.50-10.77.0.59"]).await;
    let (alice, bob) = (configured(&relay, 1).await, configured(&relay, 2).await);
    let lease = |network: &Network| {
        network
            .with_stack(|stack, _| stack.lease().cloned())
            .unwrap()
    };
    let (first, second) = (lease(&alice), lease(&bob));
    assert_ne!(first.address, second.address);
    for lease in [&first, &second] {
        assert!(
            (50..60).contains(&lease.address.octets()[3]),
            "{}",
            lease.address
        );
        assert_eq!(lease.prefix_length, 20);
        assert_eq!(lease.name_servers, [GATEWAY]);
        assert_eq!(lease.domain.as_deref(), Some("ethertab"));
        assert_eq!(lease.mtu, Some(1_500));
        assert_eq!(lease.gateway, None, "without a TAP nobody forwards");
    }
    let status = request(&relay, "GET /status HTTP/1.1").await;
    let listed = format!(
        "\"address\":\"{}\",\"hardware\":\"02:00:00:00:01:01\"",
        first.address
    );
    assert!(status.contains(&listed), "{status}");
    let reply = alice.ping(GATEWAY, PingOptions::default()).await.unwrap();
    assert_eq!((reply.source, reply.size), (GATEWAY, 56));
    let reply = alice
        .ping(second.address.into(), PingOptions::default())
        .await
        .unwrap();
    assert_eq!(
        reply.source,
        IpAddr::V4(second.address),
        "tabs reach each other"
    );
}

/// A frame that asks for an address in the name of `name`, from a client that calls itself `identifier`.
fn discover(from: [u8; 6], name: [u8; 6], identifier: u8) -> Vec<u8> {
    let mut message = dhcp::Message::request(
        dhcp::MessageType::Discover,
        identifier.into(),
        MacAddress(name),
    );
    message.options.client_identifier = vec![0, identifier];
    let mut payload = vec![0; 600];
    let length = message.emit(&mut payload).unwrap();
    let length = u16::try_from(length).unwrap();
    let mut packet = vec![0x45, 0];
    packet.extend((28 + length).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    let sum = checksum::of(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend([0, 68, 0, 67]);
    packet.extend((8 + length).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(&payload[..length.into()]);
    [&ALL[..], &from, &[8, 0], &packet].concat()
}

#[tokio::test]
async fn a_station_cannot_drain_the_pool() {
    let relay = relay(&["--dhcp-range", "10.77.0.50-10.77.0.89"]).await;
    let mut greedy = client(&relay).await;
    for identifier in 0..=99 {
        greedy.send(discover(ALICE, ALICE, identifier)).await;
        greedy
            .send(discover(ALICE, [2, 1, 1, 1, 1, identifier], identifier))
            .await;
    }
    let port = &clients(&relay)[0];
    until("all were heard", || {
        port.counters.frames_in.load(Ordering::Relaxed) >= 100
    })
    .await;
    assert_eq!(
        drops(port, DropReason::Forbidden),
        100,
        "in the name of others"
    );
    // Its turn comes after theirs.
    configured(&relay, 1).await;
    let metrics = request(&relay, "GET /metrics HTTP/1.1").await;
    let refused = "ethertab_leases_refused_total{reason=\"too_many_each\"} 92";
    assert!(metrics.contains(refused), "{metrics}");
    let status = request(&relay, "GET /status HTTP/1.1").await;
    let refused = "\"leases_refused\":{\"range_used_up\":0,\"too_many_each\":92}";
    assert!(status.contains(refused), "{status}");
}

#[tokio::test]
async fn the_same_tab_gets_the_same_address_from_a_relay_that_was_restarted() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let relay = relay(&[]).await;
        let network = configured(&relay, 7).await;
        seen.push(network.with_stack(|stack, _| stack.address()));
        relay.stop().await;
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn names_given_to_the_relay_are_answered_without_asking_anybody() {
    let relay = relay(&[
        "--host",
        "www.example.com=10.77.0.9",
        "--dns",
        "127.0.0.1:9",
    ])
    .await;
    let network = configured(&relay, 1).await;
    assert_eq!(
        network.resolve("www.example.com").await.unwrap(),
        [IpAddr::V4(Ipv4Addr::new(10, 77, 0, 9))]
    );
    assert_eq!(
        network.resolve("gateway.ethertab").await.unwrap(),
        [GATEWAY]
    );
    let error = network.resolve("nobody.ethertab").await.unwrap_err();
    assert_eq!(error.code(), "ENOTFOUND");
}

#[tokio::test]
async fn other_names_are_asked_upstream_until_one_server_knows() {
    let failing = upstream(|query, _| query.failure(ResponseCode::SERVER_FAILURE)).await;
    let knowing = upstream(|query, _| {
        if query.question.record_type == RecordType::A {
            answer(query, Ipv4Addr::new(192, 0, 2, 80))
        } else {
            query.failure(ResponseCode::NO_ERROR)
        }
    })
    .await;
    let (failing, knowing) = (failing.to_string(), knowing.to_string());
    // The first is closed, the second fails, the third knows.
    let relay = relay(&["--dns", "127.0.0.1:1", "--dns", &failing, "--dns", &knowing]).await;
    let network = configured(&relay, 1).await;
    assert_eq!(
        network.resolve("www.example.org").await.unwrap(),
        [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 80))]
    );
}

#[tokio::test]
async fn a_name_that_is_not_there_is_no_failure() {
    let server = upstream(|query, _| query.failure(ResponseCode::NAME_ERROR))
        .await
        .to_string();
    let relay = relay(&["--dns", &server]).await;
    let network = configured(&relay, 1).await;
    let Err(Error::Resolve(error)) = network.resolve("nowhere.example.org").await else {
        panic!("resolved");
    };
    assert_eq!(
        error,
        ethertab_stack::application::dns::ResolveError::NoSuchName
    );
}

#[tokio::test]
async fn an_answer_too_long_for_a_datagram_comes_by_tcp() {
    // By UDP only the mark that there is more; by TCP a hundred addresses.
    let server = upstream(|query, tcp| {
        if !tcp {
            let mut cut = Emitter::new(query.id, Flags::RESPONSE.with(Flags::TRUNCATED));
            cut.question(&query.question);
            return cut.finish();
        }
        let mut response = query.respond(ResponseCode::NO_ERROR);
        for last in 1..=100 {
            response.answer(
                &query.question.name,
                60,
                &Data::A(Ipv4Addr::new(192, 0, 2, last)),
            );
        }
        query.finish(response)
    })
    .await
    .to_string();
    let relay = relay(&["--dns", &server]).await;
    let network = configured(&relay, 1).await;
    let mut stream = network
        .connect_to(SocketAddr::new(GATEWAY, 53), TcpOptions::default())
        .await
        .unwrap();
    let asked = question("many.example.org", RecordType::A);
    let message = ethertab_stack::wire::dns::query(77, &asked, true);
    // Two questions on one connection, the second behind the first answer.
    for _ in 0..2 {
        stream
            .write_all(&(message.len() as u16).to_be_bytes())
            .await
            .unwrap();
        stream.write_all(&message).await.unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).await.unwrap();
        let mut response = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut response).await.unwrap();
        let response = Message::parse(&response).unwrap();
        assert_eq!(response.id, 77);
        assert_eq!(response.count(Section::Answer), 100);
    }
    // The stack's own resolver takes the same way by itself.
    assert!(
        !network
            .resolve("many.example.org")
            .await
            .unwrap()
            .is_empty()
    );
}
