//! A relay to test, clients for it, and frames.

use clap::Parser;
use ethertab_relay::Relay;
use ethertab_relay::config::{Options, Plan};
use ethertab_relay::switch::port::{DropReason, Port};
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) const ALICE: [u8; 6] = [2, 0, 0, 0, 0, 0xa];
pub(crate) const BOB: [u8; 6] = [2, 0, 0, 0, 0, 0xb];
pub(crate) const CAROL: [u8; 6] = [2, 0, 0, 0, 0, 0xc];
pub(crate) const ALL: [u8; 6] = [0xff; 6];

/// An Ethernet type for experiments (IEEE 802 §9.2).
const EXPERIMENTAL: [u8; 2] = [0x88, 0xb5];

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a relay on a free port.
pub(crate) async fn relay(flags: &[&str]) -> Relay {
    let fixed = ["ethertab-relay", "--no-tap", "--listen", "127.0.0.1:0"];
    let options = Options::parse_from([&fixed[..], flags].concat());
    Relay::start(&Plan::try_from(options).unwrap())
        .await
        .unwrap()
}

/// Ends when `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, met)
        .await
        .unwrap_or_else(|_| panic!("never happened: {what}"));
}

/// The ports of clients, the oldest first.
pub(crate) fn clients(relay: &Relay) -> Vec<Arc<Port>> {
    let mut ports = relay.switch().ports();
    ports.retain(|port| port.name.starts_with("tab"));
    ports
}

pub(crate) fn drops(port: &Port, reason: DropReason) -> u64 {
    port.counters.drops(reason)
}

/// A frame that the stack does not look at.
pub(crate) fn frame(to: [u8; 6], from: [u8; 6], payload: &[u8]) -> Vec<u8> {
    [&to[..], &from[..], &EXPERIMENTAL, payload].concat()
}

/// A client as browsers are one.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) response: Response,
}

/// The opening handshake, with headers added to it.
pub(crate) async fn open(relay: &Relay, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
    open_at(relay.address(), headers).await
}

/// The same to a relay that is a process of its own.
pub(crate) async fn open_at(
    address: SocketAddr,
    headers: &[(&'static str, &str)],
) -> Result<Client, Error> {
    let mut request: Request = format!("ws://{address}/tunnel").into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await?;
    // As browsers do: one message does not wait for the one before it to be acknowledged.
    stream.set_nodelay(true)?;
    let (socket, response) = client_async(request, stream).await?;
    Ok(Client { socket, response })
}

/// A client that is plugged into the switch.
pub(crate) async fn client(relay: &Relay) -> Client {
    let before = clients(relay).len();
    let client = open(relay, &[]).await.unwrap();
    until("the client is plugged in", || clients(relay).len() > before).await;
    client
}

impl Client {
    pub(crate) async fn send(&mut self, frame: Vec<u8>) {
        self.message(Message::binary(frame)).await;
    }

    pub(crate) async fn message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next frame. Pings are answered on the way; a text message is a failure.
    pub(crate) async fn receive(&mut self) -> Vec<u8> {
        let socket = &mut self.socket;
        let frame = async move {
            loop {
                match socket.next().await.expect("the connection ended").unwrap() {
                    // The gateway announces itself when it likes; tests speak of what clients say.
                    Message::Binary(frame) if frame[12..14] == EXPERIMENTAL => {
                        return frame.to_vec();
                    }
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("not a frame: {other:?}"),
                }
            }
        };
        timeout(PATIENCE, frame).await.expect("no frame came")
    }

    /// Reads until the relay closes, and says with which code and reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let socket = &mut self.socket;
        let close = async move {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Close(frame))) => {
                        let frame = frame.expect("a close without a code");
                        return (frame.code.into(), frame.reason.to_string());
                    }
                    Some(Ok(Message::Text(text))) => panic!("a text message: {text}"),
                    Some(Ok(_)) => {}
                    end => panic!("it ended without a close frame: {end:?}"),
                }
            }
        };
        timeout(PATIENCE, close).await.expect("no close came")
    }
}

/// Sends a request of HTTP and gives the whole response.
pub(crate) async fn request(relay: &Relay, head: &str) -> String {
    let mut stream = TcpStream::connect(relay.address()).await.unwrap();
    let request = format!(
        "{head}\r\nHost: {}\r\nConnection: close\r\n\r\n",
        relay.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.unwrap();
    String::from_utf8_lossy(&response).into_owned()
}
