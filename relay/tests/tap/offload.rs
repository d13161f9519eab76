//! Large segments and unfinished checksums between tabs and this host's kernel.

use crate::rich::rich;
use crate::support::{clients, until};
use crate::{HOST, PATIENCE, configured, relay, shell};
use ethertab_relay::Relay;
use ethertab_relay::switch::port::{DropReason, Kind, Port};
use ethertab_stack::config::{ListenOptions, TcpOptions};
use ethertab_stack::driver::Network;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;

const BULK: usize = 16_000_000;

fn data(seed: u8) -> Vec<u8> {
    (0..BULK).map(|n| ((n / 3) % 251) as u8 ^ seed).collect()
}

/// Bytes in both directions, one after the other, between a tab and a server of the kernel's.
async fn exchange_with_kernel(network: &Network) {
    let listener = TcpListener::bind(SocketAddr::new(HOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let kernel = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut up = vec![0; BULK];
        stream.read_exact(&mut up).await.unwrap();
        stream.write_all(&data(1)).await.unwrap();
        up
    });
    let stream = network.connect_to(address, TcpOptions::default());
    let mut stream = stream.await.unwrap();
    let both = async {
        stream.write_all(&data(2)).await.unwrap();
        let mut down = vec![0; BULK];
        stream.read_exact(&mut down).await.unwrap();
        down
    };
    let down = timeout(PATIENCE, both).await.expect("it did not end");
    assert!(down == data(1), "the bytes that came down differ");
    assert!(
        kernel.await.unwrap() == data(2),
        "the bytes that went up differ"
    );
}

/// The same between two tabs, one way.
async fn exchange(from: &Network, to: &Network) {
    let address = to.with_stack(|stack, _| stack.address()).unwrap().0;
    let local = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 5_000);
    let listener = to.listen(local, ListenOptions::default()).unwrap();
    let send = async {
        let stream = from.connect_to(SocketAddr::new(address, 5_000), TcpOptions::default());
        let mut stream = stream.await.unwrap();
        stream.write_all(&data(3)).await.unwrap();
        stream.close().await.unwrap();
    };
    let receive = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        got
    };
    let (got, ()) = timeout(PATIENCE, async { tokio::join!(receive, send) })
        .await
        .expect("it did not end");
    assert!(got == data(3), "the bytes differ");
}

fn uplink(relay: &Relay) -> Arc<Port> {
    let mut ports = relay.switch().ports().into_iter();
    ports.find(|port| port.kind == Kind::Uplink).unwrap()
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

pub(crate) fn assert_no_bad_frames(relay: &Relay) {
    for port in relay.switch().ports() {
        for reason in [
            DropReason::BadOffload,
            DropReason::Oversized,
            DropReason::Short,
        ] {
            assert_eq!(port.counters.drops(reason), 0, "{}: {reason:?}", port.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn large_segments_pass_whole_between_a_capable_tab_and_the_kernel() {
    for mtu in [576, 1_500, 9_000] {
        let relay = relay(&["--mtu", &mtu.to_string()]).await;
        let network = rich(&relay, 1, mtu).await;
        exchange_with_kernel(&network).await;
        let host = uplink(&relay);
        let (from_kernel, to_kernel) = (
            count(&host.counters.segments_in),
            count(&host.counters.segments_out),
        );
        let frames = (BULK / mtu) as u64;
        println!("mtu {mtu}: {from_kernel} large segments from the kernel, {to_kernel} to it");
        assert!(from_kernel > 100 && to_kernel > 100);
        // Far fewer frames than there are packets on a wire, in both directions together.
        let (frames_in, frames_out) = (
            count(&host.counters.frames_in),
            count(&host.counters.frames_out),
        );
        if mtu < 9_000 {
            assert!(
                frames_in + frames_out < frames,
                "{frames_in} + {frames_out}"
            );
        }
        let tab = clients(&relay).pop().unwrap();
        assert_eq!(count(&tab.counters.segments_in), to_kernel);
        assert_no_bad_frames(&relay);
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn a_plain_tab_gets_the_kernels_segments_cut_and_tshark_finds_nothing_wrong_with_them() {
    let relay = relay(&[]).await;
    let network = configured(&relay, 1).await;
    let capture = Capture::of(&network);
    exchange_with_kernel(&network).await;
    let host = uplink(&relay);
    let segments = count(&host.counters.segments_in);
    println!("{segments} large segments from the kernel, cut");
    assert!(segments > 100);
    let tab = clients(&relay).pop().unwrap();
    assert_eq!(count(&tab.counters.segments_out), 0);
    assert_no_bad_frames(&relay);
    network.capture(None);
    capture.look(1_514);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn tabs_of_both_kinds_send_each_other_bulk_data() {
    let relay = relay(&[]).await;
    let plain = configured(&relay, 1).await;
    let (first, second) = (rich(&relay, 2, 1_500).await, rich(&relay, 3, 1_500).await);
    exchange(&first, &plain).await;
    exchange(&plain, &second).await;
    exchange(&first, &second).await;
    let tabs = clients(&relay);
    assert_eq!(count(&tabs[0].counters.segments_out), 0);
    assert!(count(&tabs[2].counters.segments_out) > 100);
    assert_no_bad_frames(&relay);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn without_offload_nothing_large_passes_and_everything_works() {
    let relay = relay(&["--no-offload"]).await;
    let network = configured(&relay, 1).await;
    exchange_with_kernel(&network).await;
    let host = uplink(&relay);
    assert_eq!(count(&host.counters.segments_in), 0);
    assert_no_bad_frames(&relay);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn a_train_of_datagrams_from_the_kernel_arrives_one_by_one() {
    if Command::new("python3").arg("-V").output().is_err() {
        eprintln!("skipped: no python3 here to send a train");
        return;
    }
    let relay = relay(&[]).await;
    let network = configured(&relay, 1).await;
    let address = network.with_stack(|stack, _| stack.address()).unwrap().0;
    let local = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 6_000);
    let socket = network.bind_udp(local).unwrap();
    // SOL_UDP is 17, UDP_SEGMENT 103.
    shell(&format!(
        "python3 -c \"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); \
         s.setsockopt(17, 103, 1000); \
         s.sendto(b''.join(bytes([n]) * 1000 for n in range(20)) + b'end', ('{address}', 6000))\""
    ));
    let mut buffer = [0; 2_000];
    for n in 0..=20 {
        let datagram = timeout(PATIENCE, socket.receive(&mut buffer));
        let length = datagram.await.expect("it is missing").unwrap().length;
        let expected = if n == 20 {
            b"end".to_vec()
        } else {
            vec![n; 1_000]
        };
        assert_eq!(buffer[..length], expected);
    }
    println!(
        "trains from the kernel: {}",
        count(&uplink(&relay).counters.segments_in)
    );
    assert_no_bad_frames(&relay);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn nginx_serves_tabs_and_curl_fetches_from_them() {
    let folder = std::env::temp_dir().join(format!("ethertab-nginx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let Some(_nginx) = Nginx::start(&folder) else {
        eprintln!("skipped: no nginx here");
        return;
    };
    until("nginx listens", || {
        std::net::TcpStream::connect(("127.0.0.1", 8_081)).is_ok()
    })
    .await;
    let relay = relay(&[]).await;
    let (plain, capable) = (configured(&relay, 1).await, rich(&relay, 2, 1_500).await);
    for network in [&plain, &capable] {
        let stream = network.connect_to(SocketAddr::new(HOST, 8_081), TcpOptions::default());
        let mut stream = stream.await.unwrap();
        let request = b"GET /bulk HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut response = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut response))
            .await
            .expect("it did not end")
            .unwrap();
        assert!(crate::body(&response) == data(4), "nginx's bytes differ");
        let address = network.with_stack(|stack, _| stack.address()).unwrap().0;
        let local = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 80);
        let listener = network.listen(local, ListenOptions::default()).unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1_000];
            let _ = stream.read(&mut request).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BULK}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&data(5)).await.unwrap();
            stream.close().await.unwrap();
        };
        let curl = async {
            let mut command = tokio::process::Command::new("curl");
            command.args(["-sS", "--max-time", "60", &format!("http://{address}/")]);
            command.output().await.unwrap()
        };
        let ((), output) = tokio::join!(serve, curl);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout == data(5), "curl's bytes differ");
    }
    assert_no_bad_frames(&relay);
    relay.stop().await;
    let _ = std::fs::remove_dir_all(&folder);
}

/// nginx on every address of the namespace, ended with the test.
struct Nginx(Child);

impl Nginx {
    fn start(folder: &std::path::Path) -> Option<Nginx> {
        let place = folder.display();
        std::fs::write(folder.join("bulk"), data(4)).unwrap();
        let configuration = format!(
            "daemon off; pid {place}/pid; error_log {place}/error.log; events {{}}\n\
             http {{ access_log off; server {{ listen 8081; root {place}; }} }}\n"
        );
        std::fs::write(folder.join("conf"), configuration).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(folder.join("conf"));
        // Without this it reads whatever user the package has; the folder is ours.
        command.args(["-g", "user root;"]).stderr(Stdio::null());
        command.spawn().ok().map(Nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master takes its workers along, unlike a kill.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// The frames of a station, for tshark.
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    fn of(network: &Network) -> Capture {
        // draft-ietf-opsawg-pcap: magic, version 2.4, snapshot length, link type Ethernet.
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            file.extend(word.to_le_bytes());
        }
        let file = Arc::new(Mutex::new(file));
        let sink = Arc::clone(&file);
        network.capture(Some(Box::new(move |_, at, frame| {
            let micros = at.micros();
            let mut file = sink.lock().unwrap();
            let length = frame.len() as u32;
            for word in [
                (micros / 1_000_000) as u32,
                (micros % 1_000_000) as u32,
                length,
                length,
            ] {
                file.extend(word.to_le_bytes());
            }
            file.extend_from_slice(frame);
        })));
        Capture(file)
    }

    /// Has tshark look at every length and checksum, and at the order of segments.
    fn look(&self, longest: usize) {
        let path = std::env::temp_dir().join(format!("ethertab-{}.pcap", std::process::id()));
        std::fs::write(&path, &*self.0.lock().unwrap()).unwrap();
        let tshark = |filter: &str| {
            let mut command = Command::new("tshark");
            command.arg("-r").arg(&path);
            for option in ["ip", "tcp", "udp"] {
                command.args(["-o", &format!("{option}.check_checksum:TRUE")]);
            }
            command.args(["-Y", filter]).stderr(Stdio::null());
            let output = command.output().ok()?;
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let wrong = format!(
            "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || \
             _ws.malformed || frame.len > {longest} || tcp.analysis.lost_segment || \
             tcp.analysis.out_of_order"
        );
        let Some(right) = tshark("tcp.checksum.status == 1 && tcp.len > 1000") else {
            eprintln!("no tshark here: it did not look");
            return;
        };
        let right = right.lines().count();
        println!("tshark saw {right} large segments of right checksum");
        assert!(right > BULK / 1_460);
        assert_eq!(tshark(&wrong).unwrap(), "");
        let _ = std::fs::remove_file(path);
    }
}
