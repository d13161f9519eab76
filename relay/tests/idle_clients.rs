//! What a client costs that is there and says nothing: a program of its own, whose memory is looked at from outside.

use ethertab_tunnel::v1::{Features, Hello, Record, Records, Stamp, put_hello, put_ping};
use futures_util::{SinkExt, StreamExt};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

const CLIENTS: usize = 400;

/// Bytes for each client, at most.
const GOAL: usize = 64 * 1_024;

/// The relay, ended with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    /// Starts it, and gives its address.
    fn start() -> (Program, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ethertab-relay"));
        command.args(["--no-tap", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let program = Program(child);
        for line in lines {
            let line = line.unwrap();
            if let Some((_, url)) = line.split_once("Open http://") {
                let address = url.split(['/', ' ']).next().unwrap();
                return (program, address.to_owned());
            }
        }
        panic!("it ended");
    }

    /// Bytes of memory in use.
    fn resident(&self) -> usize {
        let path = format!("/proc/{}/statm", self.0.id());
        let pages = std::fs::read_to_string(path).unwrap();
        let pages: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4_096
    }
}

/// A client of the negotiated form whose ping was answered: it is all there.
async fn client(address: &str) -> WebSocketStream<TcpStream> {
    let mut request = format!("ws://{address}/tunnel")
        .into_client_request()
        .unwrap();
    let subprotocol = "ethertab.v1".parse().unwrap();
    (request.headers_mut()).insert("sec-websocket-protocol", subprotocol);
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = client_async(request, stream).await.unwrap();
    let hello = put_hello(&Hello {
        features: Features::CHECKSUM | Features::TCP4,
        credit: 1 << 30,
        ..Hello::default()
    });
    let both = [&hello[..], &put_ping(Stamp(7))].concat();
    socket.send(Message::binary(both)).await.unwrap();
    loop {
        let message = socket.next().await.unwrap().unwrap().into_data();
        if Records::of(&message).any(|record| record == Ok(Record::Pong(Stamp(7)))) {
            return socket;
        }
    }
}

#[tokio::test]
async fn an_idle_client_costs_little_memory() {
    let (program, address) = Program::start();
    // What is set aside once, for whoever comes.
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(client(&address).await);
    }
    let before = program.resident();
    for _ in 0..CLIENTS {
        sockets.push(client(&address).await);
    }
    let each = program.resident().saturating_sub(before) / CLIENTS;
    println!("{each} bytes for each idle client");
    assert!(each <= GOAL, "{each} bytes for each idle client");
}
