//! Any messages of a client at a whole session of the relay, switch included: what breaks the rules is answered by a close
//! with its reason, what does not is carried; what the relay says keeps to the rules itself.
#![no_main]

use ethertab_relay::config::ClientLimits;
use ethertab_relay::session::{self, Form, SessionConfig, Shared, Tokens, Turns, websocket_config};
use ethertab_relay::switch::finish::needs;
use ethertab_relay::switch::guard::Guard;
use ethertab_relay::switch::port::{Delivery, Kind, Outlet};
use ethertab_relay::switch::queue::QueueLimits;
use ethertab_relay::switch::{Plug, Switch, SwitchConfig, TableLimits};
use ethertab_tunnel::CloseReason;
use ethertab_tunnel::v1::{
    Features, Hello, INITIAL_CREDIT, LARGEST_SINGLE, Offload, Record, Records, Stamp,
};
use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

const LARGEST_MESSAGE: u32 = 4_096;
const FEATURES: Features = Features(15);
const LIMITS: ClientLimits = ClientLimits {
    queue: QueueLimits {
        frames: 256,
        bytes: 1 << 18,
    },
    window: 128 * 1_024,
    largest_message: LARGEST_MESSAGE,
    ping_interval: Duration::from_secs(600),
    ping_timeout: Duration::from_secs(1_200),
};

/// How long a session may take that is asked to close: far longer than one should.
const PATIENCE: Duration = Duration::from_secs(20);

/// Turns that the relay has after each message.
const TURNS: usize = 4;

/// Bits of the byte that leads a message: its bytes are records that are led by a type and a length of one byte; its
/// first record is a right hello; it is made longer by a record of an unknown type.
const RECORDS: u8 = 1;
const HELLO: u8 = 2;
const LONG: u8 = 4;

/// The host: it sends every frame back to where it came from.
#[derive(Default)]
struct Mirror(Mutex<Option<Plug>>);

struct MirrorOutlet(Arc<Mirror>);

impl Outlet for MirrorOutlet {
    fn deliver(&self, frame: &[u8], offload: Offload) -> Delivery {
        let mut back = frame.to_vec();
        back[..6].copy_from_slice(&frame[6..12]);
        back[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        if let Some(plug) = &*self.0.0.lock().expect("one thread") {
            plug.forward(&back, offload, Instant::now());
        }
        Delivery::Taken
    }

    fn takes(&self) -> Features {
        FEATURES
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    })
}

fuzz_target!(|input: &[u8]| {
    let messages = messages(input);
    let heard = runtime().block_on(converse(&messages));
    let verdict = Verdict::of(&messages);
    let code = verdict.mistake.map_or(1_000, CloseReason::code);
    assert_eq!(heard.code, Some(code), "{:?}", verdict.mistake);
    heard.check(&verdict);
});

/// The messages that an input stands for.
fn messages(input: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut rest = input;
    while let [way, high, low, tail @ ..] = rest {
        let length = match way & LONG {
            0 => usize::from(*low),
            _ => usize::from(*high) << 8 | usize::from(*low),
        };
        let (bytes, next) = tail.split_at(length.min(tail.len()));
        rest = next;
        let mut message = Vec::new();
        if way & HELLO != 0 {
            let hello = Hello {
                features: Features(u32::from(*high)),
                ..Hello::default()
            };
            message.extend_from_slice(&ethertab_tunnel::v1::put_hello(&hello));
        }
        if way & RECORDS == 0 {
            message.extend_from_slice(bytes);
        } else {
            let mut bytes = bytes;
            while let [kind, length, tail @ ..] = bytes {
                let (body, next) = tail.split_at(usize::from(*length).min(tail.len()));
                bytes = next;
                message.extend_from_slice(&[*kind, 0, 0, body.len() as u8]);
                message.extend_from_slice(body);
            }
        }
        if way & LONG != 0 {
            message.extend_from_slice(&[0x7f, 0, *high, *low]);
            message.resize(message.len() + length, 0);
        }
        messages.push(message);
    }
    messages
}

/// What the relay must make of the messages.
#[derive(Default)]
struct Verdict {
    mistake: Option<CloseReason>,
    features: Features,
    /// The most bytes that it may send, in the end.
    credit: u64,
    pings: Vec<Stamp>,
}

impl Verdict {
    fn of(messages: &[Vec<u8>]) -> Verdict {
        let mut verdict = Verdict {
            credit: INITIAL_CREDIT,
            ..Verdict::default()
        };
        let mut is_known = false;
        for message in messages {
            verdict.mistake = verdict.judge(message, &mut is_known);
            if verdict.mistake.is_some() {
                break;
            }
        }
        verdict
    }

    fn judge(&mut self, message: &[u8], is_known: &mut bool) -> Option<CloseReason> {
        if message.len() > LARGEST_SINGLE {
            return Some(CloseReason::MessageTooBig);
        }
        let alone = message.first_chunk::<4>().is_some_and(|&[_, a, b, c]| {
            4 + u32::from_be_bytes([0, a, b, c]) as usize == message.len()
        });
        let malformed = Some(CloseReason::Malformed);
        if message.len() > LARGEST_MESSAGE as usize && !alone {
            return malformed;
        }
        for record in Records::of(message) {
            match record {
                Ok(Record::Hello(hello)) if !*is_known && hello.speaks_ours() => {
                    *is_known = true;
                    self.features = hello.features;
                    self.credit = hello.credit;
                }
                Ok(Record::Hello(_)) | Err(_) => return malformed,
                Ok(_) if !*is_known => return malformed,
                Ok(Record::Ping(stamp)) => self.pings.push(stamp),
                Ok(Record::Credit(total)) => self.credit = self.credit.max(total),
                Ok(_) => {}
            }
        }
        // The first message brings the hello.
        if *is_known { None } else { malformed }
    }
}

/// What the relay said: the close code, and its messages.
#[derive(Default)]
struct Heard {
    code: Option<u16>,
    messages: Vec<Vec<u8>>,
}

impl Heard {
    fn check(&self, verdict: &Verdict) {
        let mut sent = 0;
        let mut pongs = verdict.pings.iter();
        for (number, message) in self.messages.iter().enumerate() {
            let mut has_frames = false;
            for (place, record) in Records::of(message).enumerate() {
                let record = record.expect("the relay keeps to the rules");
                let is_hello = matches!(record, Record::Hello(_));
                assert_eq!(
                    is_hello,
                    (number, place) == (0, 0),
                    "one hello, the first record"
                );
                match record {
                    Record::Frame(offload, _) => {
                        has_frames = true;
                        assert!(
                            verdict.features.contains(needs(offload)),
                            "{offload:?} was not asked for"
                        );
                    }
                    Record::Pong(stamp) => assert_eq!(Some(&stamp), pongs.next()),
                    Record::Closing { code, .. } => assert_eq!(Some(code), self.code),
                    _ => {}
                }
            }
            assert!(
                !has_frames || sent < verdict.credit,
                "{sent} bytes on {}",
                verdict.credit
            );
            sent += message.len() as u64;
        }
    }
}

/// Has a client send these messages and a close to a session, and listens until the end.
async fn converse(messages: &[Vec<u8>]) -> Heard {
    let (relay, client) = UnixStream::pair().expect("sockets");
    for socket in [&relay, &client] {
        socket.set_nonblocking(true).expect("a socket");
    }
    // A stream of bytes is a stream of bytes, and ports of the loopback would run out.
    let relay = std::net::TcpStream::from(OwnedFd::from(relay));
    let relay = TcpStream::from_std(relay).expect("a socket");
    let configuration = websocket_config(Form::Negotiated, &LIMITS);
    let socket = WebSocketStream::from_raw_socket(relay, Role::Server, Some(configuration)).await;
    let switch = Switch::new(SwitchConfig {
        mtu: 1_500,
        guard: Guard {
            protected: vec![[10, 77, 0, 1].into()],
        },
        table: TableLimits {
            client: 4,
            uplink: 16,
        },
        flood_rate: 1_000,
    });
    let mirror = Arc::new(Mirror::default());
    let outlet = Box::new(MirrorOutlet(Arc::clone(&mirror)));
    let plug = switch.plug_in(Kind::Uplink, "host".into(), outlet, None);
    *mirror.0.lock().expect("one thread") = Some(plug);
    let shared = Shared {
        switch,
        tokens: Arc::new(Tokens::default()),
        turns: Turns::new(1),
        stop: Default::default(),
    };
    let config = SessionConfig {
        name: "client".into(),
        peer: SocketAddr::from(([127, 0, 0, 1], 1)),
        limits: LIMITS,
        hello: Some(Hello {
            features: FEATURES,
            largest_message: LARGEST_MESSAGE,
            credit: LIMITS.window,
            ..Hello::default()
        }),
    };
    let client = tokio::net::UnixStream::from_std(client).expect("a socket");
    let (mut reader, mut writer) = client.into_split();
    let send = async {
        for message in messages {
            // Whoever is sent away cannot write any more.
            if writer.write_all(&frame(0x2, message)).await.is_err() {
                break;
            }
            // What is sent back would be left behind by a client that hangs up at once.
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        }
        let _ = writer
            .write_all(&frame(0x8, &1_000_u16.to_be_bytes()))
            .await;
        let _ = writer.shutdown().await;
    };
    let mut bytes = Vec::new();
    let listen = reader.read_to_end(&mut bytes);
    let talk = async { tokio::join!(session::run(socket, &shared, config), send, listen) };
    let ((), (), _) = tokio::time::timeout(PATIENCE, talk).await.expect("it ends");
    // It holds its own plug, and that the switch, which holds it.
    let plug = mirror.0.lock().expect("one thread").take();
    drop(plug);
    heard(&bytes)
}

/// A client's frame of a WebSocket (RFC 6455 §5.2), masked by zeros.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Reads a server's frames.
fn heard(mut bytes: &[u8]) -> Heard {
    let mut heard = Heard::default();
    while let [kind, length, rest @ ..] = bytes {
        let (length, rest) = match (length, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                (length as usize, rest)
            }
            (length, rest) => (usize::from(*length), rest),
        };
        let (payload, rest) = rest.split_at(length);
        bytes = rest;
        match kind {
            0x82 => heard.messages.push(payload.to_vec()),
            0x88 => heard.code = Some(u16::from_be_bytes([payload[0], payload[1]])),
            // Pings.
            _ => assert_eq!(*kind, 0x89),
        }
    }
    heard
}
