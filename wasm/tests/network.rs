//! The library in a Worker of headless Chromium, with a real relay beside it (`tests/run.sh` starts it): the sockets of other
//! wasm crates.
#![cfg(target_arch = "wasm32")]

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use ethertab_stack::Duration;
use ethertab_wasm::link::LinkState;
use ethertab_wasm::{
    ListenOptions, Network, NetworkOptions, OpenError, PingOptions, TcpOptions, TcpStream,
};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const RELAY: &str = "ws://127.0.0.1:8080/tunnel";
/// The same relay behind `cutter.mjs`.
const CABLE: &str = "ws://127.0.0.1:8081/tunnel";
/// The kernel's end of the TAP: an HTTP server on port 80, RFC 862's echo on port 7.
const HOST: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

async fn open() -> Network {
    Network::open(RELAY)
        .await
        .expect("a relay that gives an address")
}

/// Bytes that are the same each time and do not repeat soon.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// Sends all of `bytes` while reading as many back.
async fn exchange(stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    let (mut reader, mut writer) = stream.split();
    let mut back = vec![0; bytes.len()];
    let write = async {
        writer.write_all(bytes).await?;
        writer.close().await
    };
    let (sent, received) = futures_util::join!(write, reader.read_exact(&mut back));
    sent.expect("everything is taken");
    received.expect("everything comes back");
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.expect("an orderly end");
    assert!(rest.is_empty());
    back
}

#[wasm_bindgen_test]
async fn a_network_opens_with_an_address_from_the_relay() {
    let network = open().await;
    let (address, gateway, servers) = network.with_stack(|stack, _| {
        (
            stack.address(),
            stack.gateway(),
            stack.name_servers().to_vec(),
        )
    });
    assert!(matches!(address, Some((IpAddr::V4(address), _)) if address.octets()[..2] == [10, 77]));
    assert!(gateway.is_some() && !servers.is_empty());
    network.close();
}

#[wasm_bindgen_test]
async fn two_networks_of_one_page_have_addresses_of_their_own() {
    let (one, other) = (open().await, open().await);
    let address = |network: &Network| network.with_stack(|stack, _| stack.address());
    assert_ne!(address(&one), address(&other));
    one.close();
    other.close();
}

#[wasm_bindgen_test]
async fn a_page_is_fetched_by_name_over_tcp() {
    let network = open().await;
    let mut stream = network
        .connect("www.example.com", 80, TcpOptions::default())
        .await
        .expect("a server listens");
    stream
        .write_all(b"GET / HTTP/1.0\r\nHost: www.example.com\r\n\r\n")
        .await
        .expect("sent");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .await
        .expect("an orderly end");
    assert!(answer.starts_with(b"HTTP/1.") && answer.ends_with(b"</html>\n"));
    network.close();
}

#[wasm_bindgen_test]
async fn bytes_come_back_from_the_kernels_echo_as_they_were_sent() {
    let network = open().await;
    let bytes = pattern(3_000_000);
    let stream = network
        .connect_to(SocketAddr::new(HOST.into(), 7), TcpOptions::default())
        .await
        .expect("an echo server");
    assert!(exchange(stream, &bytes).await == bytes);
    network.close();
}

#[wasm_bindgen_test]
async fn one_tab_listens_and_another_connects() {
    let (server, client) = (open().await, open().await);
    let listener = server
        .listen(SocketAddr::new(ANY, 0), ListenOptions::default())
        .expect("a free port");
    let port = listener.local_address().expect("listening").port();
    let (address, _) = server
        .with_stack(|stack, _| stack.address())
        .expect("an address");
    let serve = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (mut reader, mut writer) = stream.split();
        let copied = futures_util::io::copy(&mut reader, &mut writer).await;
        writer.close().await.expect("closed");
        copied.expect("echoed")
    };
    let bytes = pattern(500_000);
    let ask = async {
        let remote = SocketAddr::new(address, port);
        let stream = client
            .connect_to(remote, TcpOptions::default())
            .await
            .expect("accepted");
        exchange(stream, &bytes).await
    };
    let (copied, back) = futures_util::join!(serve, ask);
    assert_eq!(copied, 500_000);
    assert!(back == bytes);
    server.close();
    client.close();
}

#[wasm_bindgen_test]
async fn datagrams_come_back_from_the_kernels_echo() {
    let network = open().await;
    let socket = network
        .bind_udp(SocketAddr::new(ANY, 0))
        .expect("a free port");
    // The larger ones travel in fragments.
    for length in [0, 1, 1_472, 1_473, 9_000] {
        let bytes = pattern(length);
        let echo = SocketAddr::new(HOST.into(), 7);
        socket.send_to(&bytes, echo).await.expect("sent");
        let mut buffer = vec![0; 65_535];
        let datagram = socket.receive(&mut buffer).await.expect("received");
        assert_eq!((datagram.length, datagram.source), (length, echo));
        assert!(buffer[..length] == bytes);
    }
    network.close();
}

#[wasm_bindgen_test]
async fn names_resolve_and_the_gateway_and_the_host_answer_a_ping() {
    let network = open().await;
    assert_eq!(
        network.resolve("www.example.com").await,
        Ok(vec![HOST.into()])
    );
    assert_eq!(
        network.resolve("10.1.2.3").await,
        Ok(vec![Ipv4Addr::new(10, 1, 2, 3).into()])
    );
    let gateway = network
        .with_stack(|stack, _| stack.gateway())
        .expect("a gateway");
    for address in [gateway, HOST.into()] {
        let options = PingOptions {
            size: 1_000,
            ..PingOptions::default()
        };
        let reply = network.ping(address, options).await.expect("a reply");
        assert_eq!((reply.source, reply.size), (address, 1_000));
        assert!(reply.hop_limit > 0 && reply.round_trip > Duration::ZERO);
    }
    network.close();
}

#[wasm_bindgen_test]
async fn what_goes_wrong_has_its_own_code() {
    let network = open().await;
    let connect = async |address: [u8; 4], port, timeout| {
        let options = TcpOptions {
            connect_timeout: Some(timeout),
            ..TcpOptions::default()
        };
        let remote = SocketAddr::new(Ipv4Addr::from(address).into(), port);
        network
            .connect_to(remote, options)
            .await
            .err()
            .map(|error| error.code())
    };
    let long = Duration::from_secs(20);
    assert_eq!(connect(HOST.octets(), 4, long).await, Some("ECONNREFUSED"));
    // Nobody has this address: ARP finds out.
    assert_eq!(
        connect([10, 77, 15, 250], 80, long).await,
        Some("EHOSTUNREACH")
    );
    assert_eq!(
        connect([10, 77, 15, 251], 80, Duration::from_millis(200)).await,
        Some("ETIMEDOUT")
    );
    assert_eq!(connect([255; 4], 80, long).await, Some("EINVAL"));
    let code = |error: ethertab_wasm::Error| error.code();
    assert_eq!(
        network.resolve("no.such.name.ethertab").await.map_err(code),
        Err("ENOTFOUND")
    );
    assert_eq!(
        network.resolve("not a name").await.map_err(code),
        Err("EINVAL")
    );
    network.close();
    assert_eq!(
        network.resolve("www.example.com").await.map_err(code),
        Err("ENETDOWN")
    );
    assert_eq!(connect(HOST.octets(), 80, long).await, Some("ENETDOWN"));
}

#[wasm_bindgen_test]
async fn a_relay_that_is_not_there_fails_the_open() {
    let outcome = Network::open("ws://127.0.0.1:9/tunnel").await.map(|_| ());
    assert!(
        matches!(&outcome, Err(error @ OpenError::Relay { .. }) if error.code() == "ERELAY"),
        "{outcome:?}"
    );
    let outcome = Network::open("not a url").await.map(|_| ());
    assert!(
        matches!(&outcome, Err(OpenError::Relay { .. })),
        "{outcome:?}"
    );
    let mut options = NetworkOptions::default();
    options.config.link.mtu = 100;
    let outcome = Network::open_with(RELAY, options).await.map(|_| ());
    assert!(
        matches!(&outcome, Err(OpenError::InvalidOption(_))),
        "{outcome:?}"
    );
}

#[wasm_bindgen_test]
async fn a_connection_outlives_the_websocket() {
    let network = Network::open(CABLE)
        .await
        .expect("a relay behind the cable");
    let address = network.with_stack(|stack, _| stack.address());
    let hardware = network.with_stack(|stack, _| stack.hardware_address());
    let mut stream = network
        .connect_to(SocketAddr::new(HOST.into(), 7), TcpOptions::default())
        .await
        .expect("an echo server");
    let mut back = [0; 6];
    stream.write_all(b"before").await.expect("sent");
    stream.read_exact(&mut back).await.expect("received");
    assert_eq!(&back, b"before");

    cut().await;
    let (mut seen, mut state) = (0, network.link().state());
    while network.link().counters().reconnects == 0 || state != LinkState::Open {
        (seen, state) = network.link().changed(seen).await;
    }
    stream.write_all(b"after.").await.expect("sent");
    stream.read_exact(&mut back).await.expect("received");
    assert_eq!(&back, b"after.");
    assert_eq!(network.with_stack(|stack, _| stack.address()), address);
    assert_eq!(
        network.with_stack(|stack, _| stack.hardware_address()),
        hardware
    );
    network.close();
}

/// Breaks every WebSocket that passes the cutter.
async fn cut() {
    let fetch =
        js_sys::Reflect::get(&js_sys::global(), &"fetch".into()).expect("a scope with fetch");
    let fetch: js_sys::Function = fetch.unchecked_into();
    let promise = fetch
        .call1(&js_sys::global(), &"http://127.0.0.1:8082/".into())
        .expect("a promise");
    JsFuture::from(js_sys::Promise::from(promise))
        .await
        .expect("the cutter answers");
}
