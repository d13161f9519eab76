//! The whole path on one machine: a station (our stack over a WebSocket), the relay, a TAP, and this host's kernel.
//!
//! A TAP needs a privilege and must not disturb the machine, so the one test that is not ignored runs the others in a
//! network namespace of its own.

mod offload;
mod pairings;
mod rich;
#[path = "../relay/station.rs"]
mod station;
mod stopping;
#[path = "../relay/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use clap::Parser;
use ethertab_relay::Relay;
use ethertab_relay::config::{Options, Plan};
use ethertab_stack::config::TcpOptions;
use ethertab_stack::driver::{Network, PingOptions};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use station::station;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1));
const GATEWAY: &str = "10.77.0.2";
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn all_of_these_pass_in_a_network_namespace() {
    let namespace = |flags: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(flags);
        command
    };
    let works = |flags: &[&str]| {
        let mut probe = namespace(flags);
        // Not every machine lets us make a TAP, even there.
        probe
            .args(["sh", "-c", "exec 3<>/dev/net/tun && ip link set lo up"])
            .stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    let Some(flags) = [&["-n"][..], &["-Urn"]]
        .into_iter()
        .find(|flags| works(flags))
    else {
        eprintln!(
            "skipped: neither `unshare -n` nor `unshare -Urn` gives a namespace with /dev/net/tun here"
        );
        return;
    };
    let this = std::env::current_exe().unwrap();
    let script = "ip link set lo up && exec \"$0\" --ignored --test-threads=1 --nocapture";
    let status = namespace(flags)
        .args(["sh", "-c", script])
        .arg(this)
        .status()
        .unwrap();
    assert!(status.success(), "look above");
}

async fn relay(flags: &[&str]) -> Relay {
    let fixed = ["ethertab-relay", "--listen", "127.0.0.1:0"];
    let options = Options::parse_from([&fixed[..], flags].concat());
    Relay::start(&Plan::try_from(options).unwrap())
        .await
        .unwrap()
}

async fn configured(relay: &Relay, last: u8) -> Network {
    leased(station(relay, last).await).await
}

/// Once it has an address.
async fn leased(network: Network) -> Network {
    timeout(PATIENCE, network.configured())
        .await
        .expect("no lease came")
        .unwrap();
    network
}

/// What a program printed; it must succeed.
fn shell(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "`{line}`: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: demo.ethertab\r\nConnection: close\r\n\r\n").into_bytes()
}

/// What the demonstration site answers to a station.
async fn fetch(network: &Network, path: &str) -> Vec<u8> {
    let mut stream = network
        .connect("demo.ethertab", 80, TcpOptions::default())
        .await
        .unwrap();
    stream.write_all(&request(path)).await.unwrap();
    let mut response = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut response))
        .await
        .expect("the answer did not end")
        .unwrap();
    response
}

/// What it answers to the kernel itself.
async fn fetch_by_kernel(path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(SocketAddr::new(HOST, 80)).await.unwrap();
    stream.write_all(&request(path)).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    response
}

fn body(response: &[u8]) -> &[u8] {
    let end = response
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head");
    &response[end + 4..]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn the_interface_is_set_up_and_gone_afterwards() {
    let relay = relay(&["--tap", "card0", "--mtu", "1400", "--subnet", "10.9.0.0/24"]).await;
    let shown = shell("ip -o link show card0; ip -o -4 address show card0");
    for part in [
        "mtu 1400",
        "UP",
        "02:45:54:09:00:01",
        "inet 10.9.0.1/24 brd 10.9.0.255",
    ] {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    relay.stop().await;
    assert!(!shell("cat /proc/net/dev").contains("card0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn the_kernel_pings_the_gateway_and_a_tab() {
    let relay = relay(&[]).await;
    let network = configured(&relay, 1).await;
    let tab = network.with_stack(|stack, _| stack.address()).unwrap().0;
    for target in [GATEWAY, &tab.to_string()] {
        let said = shell(&format!("ping -c 3 -i 0.2 -s 1400 {target}"));
        assert!(said.contains("3 received"), "{said}");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn a_tab_fetches_from_the_demonstration_site_over_the_kernels_tcp() {
    let relay = relay(&[]).await;
    let network = configured(&relay, 1).await;
    assert_eq!(network.with_stack(|stack, _| stack.gateway()), Some(HOST));
    assert!(network.ping(HOST, PingOptions::default()).await.is_ok());
    let page = fetch(&network, "/").await;
    assert!(String::from_utf8_lossy(&page).contains("other side of the wire"));
    let (ours, kernels) = (
        fetch(&network, "/bytes/8000000").await,
        fetch_by_kernel("/bytes/8000000").await,
    );
    assert_eq!(body(&ours).len(), 8_000_000);
    assert!(body(&ours) == body(&kernels), "the bytes differ");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn the_echo_answers_by_tcp_and_udp() {
    let relay = relay(&[]).await;
    let network = configured(&relay, 1).await;
    let echo = SocketAddr::new(HOST, 7);
    let mut stream = network
        .connect_to(echo, TcpOptions::default())
        .await
        .unwrap();
    let (mut said, mut heard) = (vec![0; 300_000], vec![0; 300_000]);
    said.iter_mut()
        .enumerate()
        .for_each(|(n, byte)| *byte = (n % 251) as u8);
    let (mut reader, mut writer) = (&mut stream).split();
    let (sent, received) = tokio::join!(writer.write_all(&said), reader.read_exact(&mut heard));
    sent.and(received).unwrap();
    assert!(said == heard, "the echo differs");
    let socket = network
        .bind_udp(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))
        .unwrap();
    socket.send_to(b"anybody there?", echo).await.unwrap();
    let mut buffer = [0; 100];
    let datagram = timeout(PATIENCE, socket.receive(&mut buffer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (&buffer[..datagram.length], datagram.source),
        (&b"anybody there?"[..], echo)
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn several_queues_carry_what_one_does() {
    let relay = relay(&["--tap-queues", "3"]).await;
    let card = shell("ip -details link show ethertab0");
    assert!(card.contains("numqueues 3"), "{card}");
    let mut stations = Vec::new();
    for last in 1..=4 {
        stations.push(configured(&relay, last).await);
    }
    for network in &stations {
        let (ours, kernels) = (
            fetch(network, "/bytes/3000000").await,
            fetch_by_kernel("/bytes/3000000").await,
        );
        assert_eq!(body(&ours).len(), 3_000_000);
        assert!(body(&ours) == body(&kernels), "the bytes differ");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn a_network_of_the_smallest_mtu_carries_a_download() {
    let relay = relay(&["--mtu", "576"]).await;
    let network = configured(&relay, 1).await;
    let response = fetch(&network, "/bytes/1000000").await;
    assert_eq!(body(&response).len(), 1_000_000);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn an_interface_that_is_taken_away_is_noticed() {
    let mut relay = relay(&["--tap", "card0"]).await;
    shell("ip link delete card0");
    let failure = timeout(PATIENCE, relay.failed())
        .await
        .expect("nobody noticed");
    assert!(failure.contains("card0 is gone"), "{failure}");
    relay.stop().await;
}
