//! A client that speaks the negotiated form.

use crate::support::*;
use ethertab_relay::Relay;
use ethertab_tunnel::v1::{
    Features, Hello, OFFLOADED_OVERHEAD, Offload, Record, Records, Stamp, frame_header, put_hello,
    put_pong,
};
use futures_util::{SinkExt, StreamExt};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

const PATIENCE: Duration = Duration::from_secs(20);

/// A record that came, or the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Frame(Offload, Vec<u8>),
    Hello(Hello),
    Pong(Stamp),
    Credit(u64),
    Closing(u16),
    Closed(u16),
}

/// A tab with its end of the tunnel.
pub(crate) struct Tab {
    pub(crate) client: Client,
    /// The relay's.
    pub(crate) hello: Hello,
    waiting: VecDeque<Heard>,
    /// Lengths of the messages that came, the hello's included.
    pub(crate) messages: Vec<usize>,
    /// Bytes of messages that were sent.
    pub(crate) sent: u64,
    /// Whether pings are answered.
    pub(crate) answers: bool,
}

/// What a capable tab says.
pub(crate) fn capable() -> Hello {
    Hello {
        features: Features::CHECKSUM | Features::TCP4 | Features::TCP6 | Features::UDP,
        credit: 1 << 40,
        ..Hello::default()
    }
}

/// One frame as a record.
pub(crate) fn record(offload: Offload, frame: &[u8]) -> Vec<u8> {
    let mut header = [0; OFFLOADED_OVERHEAD];
    let length = frame_header(&offload, frame.len(), &mut header);
    [&header[..length], frame].concat()
}

impl Tab {
    /// Opens the tunnel, and reads the relay's hello. Says nothing.
    pub(crate) async fn open(relay: &Relay) -> Tab {
        let subprotocol = [("sec-websocket-protocol", "binary, ethertab.v1")];
        let client = open(relay, &subprotocol).await.unwrap();
        assert_eq!(
            client.response.headers()["sec-websocket-protocol"],
            "ethertab.v1"
        );
        let mut tab = Tab {
            client,
            hello: Hello::default(),
            waiting: VecDeque::new(),
            messages: Vec::new(),
            sent: 0,
            answers: true,
        };
        match tab.heard().await {
            Heard::Hello(hello) => tab.hello = hello,
            other => panic!("not a hello: {other:?}"),
        }
        tab
    }

    /// A tab that is plugged into the switch.
    pub(crate) async fn new(relay: &Relay, hello: &Hello) -> Tab {
        let mut tab = Tab::open(relay).await;
        let before = clients(relay).len();
        tab.send(put_hello(hello).to_vec()).await;
        until("the tab is plugged in", || clients(relay).len() > before).await;
        tab
    }

    pub(crate) async fn send(&mut self, message: Vec<u8>) {
        self.sent += message.len() as u64;
        self.client
            .socket
            .send(Message::binary(message))
            .await
            .unwrap();
    }

    pub(crate) async fn send_frame(&mut self, offload: Offload, frame: &[u8]) {
        self.send(record(offload, frame)).await;
    }

    /// The next record that is no ping; those are answered.
    pub(crate) async fn heard(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.waiting.pop_front() {
                return heard;
            }
            let message = timeout(PATIENCE, self.client.socket.next())
                .await
                .expect("nothing came");
            match message {
                Some(Ok(Message::Binary(message))) => {
                    self.messages.push(message.len());
                    let mut pongs = Vec::new();
                    for record in Records::of(&message) {
                        self.waiting.push_back(match record.expect("a record") {
                            Record::Ping(stamp) => {
                                pongs.extend(put_pong(stamp));
                                continue;
                            }
                            Record::Frame(offload, frame) => Heard::Frame(offload, frame.to_vec()),
                            Record::Hello(hello) => Heard::Hello(hello),
                            Record::Pong(stamp) => Heard::Pong(stamp),
                            Record::Credit(total) => Heard::Credit(total),
                            Record::Closing { code, .. } => Heard::Closing(code),
                        });
                    }
                    if self.answers && !pongs.is_empty() {
                        self.send(pongs).await;
                    }
                }
                Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    /// The next frame from this station.
    pub(crate) async fn frame_from(&mut self, station: [u8; 6]) -> (Offload, Vec<u8>) {
        loop {
            match self.heard().await {
                Heard::Frame(offload, frame) if frame[6..12] == station => return (offload, frame),
                Heard::Closing(code) | Heard::Closed(code) => panic!("closed: {code}"),
                _ => {}
            }
        }
    }

    /// Reads until the relay closes: the code of its closing record, and of its close frame.
    pub(crate) async fn closed(&mut self) -> (Option<u16>, u16) {
        let mut said = None;
        loop {
            match self.heard().await {
                Heard::Closing(code) => said = Some(code),
                Heard::Closed(code) => return (said, code),
                _ => {}
            }
        }
    }
}
