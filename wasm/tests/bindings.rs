//! The classes that JavaScript sees, in a Worker of headless Chromium, with a real relay beside them (`tests/run.sh`).
#![cfg(target_arch = "wasm32")]

use core::cell::RefCell;
use ethertab_wasm::bindings::{Network, TcpStream};
use js_sys::{Array, Function, JSON, Promise, Reflect, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::convert::TryFromJsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const RELAY: &str = "ws://127.0.0.1:8080/tunnel";

type Notices = Rc<RefCell<Vec<JsValue>>>;

fn start(options: &str) -> Result<(Network, Notices), JsValue> {
    let notices = Notices::default();
    let heard = Rc::clone(&notices);
    let notify = Closure::<dyn FnMut(JsValue)>::new(move |notice| heard.borrow_mut().push(notice));
    let notify: Function = notify.into_js_value().unchecked_into();
    let network = Network::start(RELAY, object(options), notify)?;
    Ok((network, notices))
}

async fn open() -> Network {
    let (network, _) = start("{}").expect("valid options");
    wait(network.configured()).await.expect("an address");
    network
}

fn object(json: &str) -> JsValue {
    JSON::parse(json).expect("JSON")
}

async fn wait(promise: Promise) -> Result<JsValue, JsValue> {
    JsFuture::from(promise).await
}

fn field(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).expect("an object")
}

fn text(value: &JsValue, name: &str) -> String {
    field(value, name).as_string().unwrap_or_default()
}

fn number(value: &JsValue, name: &str) -> f64 {
    field(value, name).as_f64().unwrap_or(f64::NAN)
}

/// The stable code of what a call failed with.
fn code<T>(outcome: Result<T, JsValue>) -> String {
    let error = outcome.err().expect("a failure");
    assert!(error.is_instance_of::<js_sys::Error>());
    text(&error, "code")
}

async fn connect(network: &Network, port: u16) -> TcpStream {
    let stream = wait(network.connect("10.77.0.1".into(), port, JsValue::NULL, None)).await;
    TcpStream::try_from_js_value(stream.expect("a server")).expect("a stream")
}

/// The bytes of pieces that were read.
fn joined(pieces: &JsValue) -> Vec<u8> {
    (Array::from(pieces).iter())
        .flat_map(|piece| Uint8Array::new(&piece).to_vec())
        .collect()
}

#[wasm_bindgen_test]
async fn a_network_tells_of_the_relay_and_the_lease_in_order() {
    let (network, notices) =
        start(r#"{"hostname": "tab", "hardwareAddress": "02:00:5e:10:00:07"}"#).expect("valid");
    assert!(network.information().is_null());
    wait(network.configured()).await.expect("an address");
    let information = network.information();
    assert_eq!(text(&information, "hardwareAddress"), "02:00:5e:10:00:07");
    assert!(text(&information, "address").starts_with("10.77."));
    assert_eq!(number(&information, "prefixLength"), 20.0);
    assert_eq!(number(&information, "mtu"), 1_500.0);
    assert!(number(&field(&information, "lease"), "duration") > 0.0);
    // The notice of the lease may be a turn behind.
    while notices.borrow().len() < 3 {
        wait(Promise::resolve(&JsValue::NULL))
            .await
            .expect("a turn");
    }
    let types: Vec<String> = notices
        .borrow()
        .iter()
        .map(|notice| text(notice, "type"))
        .collect();
    assert_eq!(types, ["relay-connecting", "relay-open", "leased"]);
    network.close();
    wait(network.ended()).await.expect("the end");
    assert_eq!(
        code(wait(network.resolve("www.example.com".into())).await),
        "ENETDOWN"
    );
}

#[wasm_bindgen_test]
async fn an_attempt_that_is_given_up_leaves_nothing_behind() {
    let network = open().await;
    let states = || -> Vec<String> {
        let connections = Array::from(&network.connections());
        connections.iter().map(|one| text(&one, "state")).collect()
    };
    let mut give_up = None;
    let given_up = Promise::new(&mut |resolve, _| give_up = Some(resolve));
    // The host does not forward, and does not say so (RFC 5737: nobody has that address).
    let attempt = network.connect("192.0.2.1".into(), 80, JsValue::NULL, Some(given_up));
    while states() != ["SYN-SENT"] {
        wait(Promise::resolve(&JsValue::NULL))
            .await
            .expect("a turn");
    }
    let give_up: Function = give_up.expect("the promise was made");
    give_up.call0(&JsValue::NULL).expect("it resolves");
    assert_eq!(code(wait(attempt).await), "ECONNABORTED");
    assert!(states().is_empty());
    network.close();
}

#[wasm_bindgen_test]
async fn options_that_cannot_be_are_refused() {
    for options in [
        r#"{"hardwareAddress": "02:00"}"#,
        r#"{"hardwareAddress": "03:00:00:00:00:01"}"#,
        r#"{"mtu": 500}"#,
        r#"{"mtu": "large"}"#,
        r#"{"address": {"address": "10.0.0.1", "prefixLength": 33}}"#,
        r#"{"address": {"address": "nowhere", "prefixLength": 24}}"#,
        r#"{"tcp": {"receiveBufferSize": 0}}"#,
        r#"{"mtu": 1499.5}"#,
        r#"{"mtu": -1}"#,
        r#"{"hostname": 5}"#,
        r#"{"address": {"address": "10.0.0.1"}}"#,
        r#"{"address": {"address": "10.0.0.1", "prefixLength": 24, "nameServers": ["nobody"]}}"#,
        r#"{"tcp": 7}"#,
        r#""not an object""#,
    ] {
        assert_eq!(code(start(options)), "EINVAL", "{options}");
    }
    let network = open().await;
    let connect =
        |options: &str| wait(network.connect("10.77.0.1".into(), 80, object(options), None));
    assert_eq!(code(connect(r#"{"keepAliveDelay": 5}"#).await), "EINVAL");
    assert_eq!(code(connect(r#"{"localPort": 70000}"#).await), "EINVAL");
    assert_eq!(
        code(network.listen(object(r#"{"port": 80, "backlog": 0}"#))),
        "EINVAL"
    );
    assert_eq!(
        code(wait(network.ping("10.77.0.1".into(), object(r#"{"size": 70000}"#))).await),
        "EINVAL"
    );
    assert_eq!(
        code(wait(network.ping("a name".into(), JsValue::NULL)).await),
        "EINVAL"
    );
    network.close();
}

#[wasm_bindgen_test]
async fn reads_and_writes_are_under_way_at_once() {
    let network = open().await;
    let stream = connect(&network, 7).await;
    assert_eq!(number(&stream.ends().expect("open"), "remotePort"), 7.0);
    let bytes: Vec<u8> = (0..2_000_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    // Several writes at once keep their order.
    let writes: Vec<Promise> = bytes
        .chunks(300_000)
        .map(|piece| stream.write(piece.to_vec()))
        .collect();
    let finish = stream.finish();
    let mut back = Vec::new();
    loop {
        let pieces = wait(stream.read(100_000)).await.expect("bytes");
        if pieces.is_undefined() {
            break;
        }
        let pieces = joined(&pieces);
        assert!(pieces.len() <= 100_000);
        back.extend(pieces);
    }
    assert!(back == bytes);
    for write in writes {
        wait(write).await.expect("written");
    }
    wait(finish).await.expect("finished");
    assert_eq!(
        number(&stream.info().expect("still held"), "bytesReceived"),
        2_000_000.0
    );
    stream.close();
    assert_eq!(code(stream.info()), "ECONNABORTED");
    network.close();
}

#[wasm_bindgen_test]
async fn what_waits_ends_when_its_socket_is_closed_or_aborted() {
    let network = open().await;
    let stream = connect(&network, 7).await;
    let read = stream.read(1);
    stream.abort();
    assert_eq!(code(wait(read).await), "ECONNABORTED");

    let listener = network
        .listen(object(r#"{"port": 8000}"#))
        .expect("a free port");
    assert_eq!(number(&listener.end().expect("open"), "localPort"), 8_000.0);
    assert_eq!(
        code(network.listen(object(r#"{"port": 8000}"#))),
        "EADDRINUSE"
    );
    let accept = listener.accept();
    listener.close();
    assert!(wait(accept).await.expect("the end").is_undefined());

    let socket = network.udp(JsValue::NULL).expect("a free port");
    let receive = socket.receive();
    socket.close();
    assert!(wait(receive).await.expect("the end").is_undefined());
    assert_eq!(
        code(wait(socket.send(vec![1], Some("10.77.0.1".into()), 7)).await),
        "EPIPE"
    );
    network.close();
}

#[wasm_bindgen_test]
async fn captures_show_each_frame_and_counters_count_it() {
    let network = open().await;
    let (one, other) = (network.capture(), network.capture());
    let reply = wait(network.ping("10.77.0.1".into(), object(r#"{"size": 100}"#)))
        .await
        .expect("a reply");
    assert_eq!(
        (text(&reply, "address").as_str(), number(&reply, "size")),
        ("10.77.0.1", 100.0)
    );
    for capture in [&one, &other] {
        let packets: Array = wait(capture.next(100))
            .await
            .expect("frames")
            .unchecked_into();
        // An echo request: IPv4's protocol 1, ICMP's type 8.
        let echo = packets.iter().find(|packet| {
            let bytes = Uint8Array::new(&field(packet, "bytes")).to_vec();
            bytes.len() == 142 && bytes[23] == 1 && bytes[34] == 8
        });
        let echo = echo.expect("an echo");
        assert_eq!(text(&echo, "direction"), "out");
        assert!(number(&echo, "at") > 0.0 && number(&echo, "missed") == 0.0);
    }
    one.stop();
    assert!(wait(one.next(1)).await.expect("the end").is_undefined());
    let counters = network.counters();
    assert!(
        number(&counters, "framesReceived") > 2.0 && number(&counters, "memoryBytes") >= 65_536.0
    );
    assert_eq!(number(&field(&counters, "link"), "receiveQueueDrops"), 0.0);
    assert!(field(&counters, "drops").is_object());
    network.close();
}
