//! Everybody with everybody: plain and negotiated tabs and this host's kernel, with and without offload of the TAP, on networks of every
//! MTU. Each pair speaks TCP and UDP of odd sizes, up to datagrams of many fragments, and pings, both ways.

use crate::offload::assert_no_bad_frames;
use crate::rich::rich;
use crate::station::station_of_mtu;
use crate::{HOST, PATIENCE, leased, relay};
use ethertab_stack::config::{ListenOptions, TcpOptions};
use ethertab_stack::driver::{self, Network, PingOptions};
use futures_util::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::compat::TokioAsyncReadCompatExt;

const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Bytes of an IP and a UDP (or ICMP) header.
const HEADERS: usize = 28;

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// One of the two that speak.
enum End {
    Kernel,
    Tab(&'static str, Network),
}

enum Listener {
    Kernel(TcpListener),
    Tab(driver::TcpListener),
}

enum Datagrams {
    Kernel(UdpSocket),
    Tab(driver::UdpSocket),
}

impl End {
    fn name(&self) -> &'static str {
        match self {
            End::Kernel => "kernel",
            End::Tab(name, _) => name,
        }
    }

    fn at(&self, port: u16) -> SocketAddr {
        let address = match self {
            End::Kernel => HOST,
            End::Tab(_, network) => network.with_stack(|stack, _| stack.address()).unwrap().0,
        };
        SocketAddr::new(address, port)
    }

    async fn listen(&self) -> (Listener, SocketAddr) {
        match self {
            End::Kernel => {
                let listener = TcpListener::bind(ANY).await.unwrap();
                let port = listener.local_addr().unwrap().port();
                (Listener::Kernel(listener), self.at(port))
            }
            End::Tab(_, network) => {
                let listener = network.listen(ANY, ListenOptions::default()).unwrap();
                let port = listener.local_address().unwrap().port();
                (Listener::Tab(listener), self.at(port))
            }
        }
    }

    async fn connect(&self, to: SocketAddr) -> Box<dyn Stream> {
        match self {
            End::Kernel => Box::new(TcpStream::connect(to).await.unwrap().compat()),
            End::Tab(_, network) => {
                let stream = network.connect_to(to, TcpOptions::default());
                Box::new(stream.await.unwrap())
            }
        }
    }

    async fn datagrams(&self) -> (Datagrams, SocketAddr) {
        match self {
            End::Kernel => {
                let socket = UdpSocket::bind(ANY).await.unwrap();
                let port = socket.local_addr().unwrap().port();
                (Datagrams::Kernel(socket), self.at(port))
            }
            End::Tab(_, network) => {
                let socket = network.bind_udp(ANY).unwrap();
                let port = socket.local_address().unwrap().port();
                (Datagrams::Tab(socket), self.at(port))
            }
        }
    }

    async fn ping(&self, to: IpAddr, size: usize) {
        match self {
            End::Kernel => {
                let mut ping = Command::new("ping");
                let size = size.to_string();
                ping.args(["-c", "1", "-W", "20", "-s", &size, &to.to_string()]);
                let output = ping.output().await.unwrap();
                assert!(output.status.success(), "{output:?}");
            }
            End::Tab(_, network) => {
                let options = PingOptions {
                    size,
                    timeout: PATIENCE,
                    ..PingOptions::default()
                };
                network.ping(to, options).await.unwrap();
            }
        }
    }
}

impl Listener {
    async fn accept(self) -> Box<dyn Stream> {
        match self {
            Listener::Kernel(listener) => Box::new(listener.accept().await.unwrap().0.compat()),
            Listener::Tab(listener) => Box::new(listener.accept().await.unwrap().0),
        }
    }
}

impl Datagrams {
    async fn send(&self, payload: &[u8], to: SocketAddr) {
        match self {
            Datagrams::Kernel(socket) => drop(socket.send_to(payload, to).await.unwrap()),
            Datagrams::Tab(socket) => socket.send_to(payload, to).await.unwrap(),
        }
    }

    async fn receive(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_535];
        let (length, source) = match self {
            Datagrams::Kernel(socket) => socket.recv_from(&mut buffer).await.unwrap(),
            Datagrams::Tab(socket) => {
                let datagram = socket.receive(&mut buffer).await.unwrap();
                (datagram.length, datagram.source)
            }
        };
        buffer.truncate(length);
        (buffer, source)
    }
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| ((n / 3) % 251) as u8).collect()
}

/// So many bytes there, the other end's FIN, and all of them back.
async fn tcp(from: &End, to: &End, length: usize) {
    let (listener, address) = to.listen().await;
    let serve = async {
        let mut stream = listener.accept().await;
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        stream.write_all(&got).await.unwrap();
        stream.close().await.unwrap();
    };
    let ask = async {
        let mut stream = from.connect(address).await;
        stream.write_all(&bytes(length)).await.unwrap();
        stream.close().await.unwrap();
        let mut back = Vec::new();
        stream.read_to_end(&mut back).await.unwrap();
        back
    };
    let ((), back) = tokio::join!(serve, ask);
    assert!(back == bytes(length), "{length} bytes of TCP differ");
}

/// A datagram there and back.
async fn udp(from: &End, to: &End, length: usize) {
    let ((here, _), (there, address)) = (from.datagrams().await, to.datagrams().await);
    here.send(&bytes(length), address).await;
    let (payload, source) = there.receive().await;
    assert!(payload == bytes(length), "{length} bytes of UDP differ");
    there.send(&payload, source).await;
    let (payload, source) = here.receive().await;
    assert!(payload == bytes(length), "{length} bytes of UDP differ");
    assert_eq!(source, address);
}

async fn all_of_it(from: &End, to: &End, mtu: usize) {
    let segment = mtu - 40;
    for length in [0, 1, segment - 1, segment, segment + 1, 65_537, 300_001] {
        tcp(from, to, length).await;
    }
    // Of one packet, of exactly as much as one holds, of two fragments, and of as many as it takes.
    let fits = mtu - HEADERS;
    for length in [0, 1, 3, fits - 1, fits, fits + 1, 2 * mtu + 7, 20_001] {
        udp(from, to, length).await;
        from.ping(to.at(0).ip(), length).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn everybody_speaks_with_everybody_at_every_mtu() {
    for offload in [true, false] {
        for mtu in [576, 1_280, 1_499, 1_500, 9_000] {
            let mtu_flag = format!("--mtu={mtu}");
            let flags: &[&str] = match offload {
                true => &[&mtu_flag],
                false => &[&mtu_flag, "--no-offload"],
            };
            let relay = relay(flags).await;
            let ends = [
                End::Kernel,
                End::Tab(
                    "plain tab",
                    leased(station_of_mtu(&relay, 1, mtu).await).await,
                ),
                End::Tab(
                    "plain tab",
                    leased(station_of_mtu(&relay, 2, mtu).await).await,
                ),
                End::Tab("negotiated tab", rich(&relay, 3, mtu).await),
                End::Tab("negotiated tab", rich(&relay, 4, mtu).await),
            ];
            for (at, from) in ends.iter().enumerate() {
                for (beside, to) in ends.iter().enumerate() {
                    if at == beside {
                        continue;
                    }
                    let pair = format!(
                        "{} to {}, MTU {mtu}, {} offload",
                        from.name(),
                        to.name(),
                        if offload { "with" } else { "without" }
                    );
                    println!("{pair}");
                    let all = timeout(PATIENCE, all_of_it(from, to, mtu));
                    all.await.unwrap_or_else(|_| panic!("{pair}: no end"));
                }
            }
            assert_no_bad_frames(&relay);
            relay.stop().await;
        }
    }
}
