//! What one processor's worth of relay can switch: hand-made frames, no stack, from one tab to another and to the TAP.
//!
//! The sender is always ahead of the relay, yet to another tab only as far as that one's queue holds, so that the relay spends no
//! time on frames that it drops later. What counts is what *arrives*, for each second of the relay's processor time: the
//! relay is held on one processor, and senders and receivers that would not keep up cost it nothing while it waits.

use crate::Failure;
use crate::figure::Figure;
use crate::program::{Program, arrived_at_host};
use crate::station::HOST;
use crate::traffic::{Frames, HOST_HARDWARE, RECEIVER, SENDER};
use crate::tunnel::{Credit, Form, Socket, open};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

const ROUNDS: usize = 3;

/// How long frames are sent for one measurement.
const TIME: Duration = Duration::from_millis(1_000);

/// How far the sender may be ahead of what arrived, where the relay has a queue: a quarter of that, so nothing waits long either.
const AHEAD: u64 = 1_000_000;
const FRAMES_AHEAD: u64 = 1_024;

/// Where frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Tab,
    Tap,
}

/// What arrived.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    frames: u64,
    bytes: u64,
}

/// What arrived at another tab, and word of it.
#[derive(Default)]
struct Arrivals {
    frames: AtomicU64,
    bytes: AtomicU64,
    more: Notify,
}

/// How many bytes the relay lets the sender send, and word of it.
struct Allowance {
    bytes: AtomicU64,
    more: Notify,
}

/// Prints the figures.
pub(crate) async fn figures(relay: &Path) -> Result<(), Failure> {
    let program = Program::start(relay, true)?;
    // Segments without an acknowledgement mean nothing to a listener: the kernel drops them without an answer.
    let listener = TcpListener::bind((HOST, 0))?;
    let port = listener.local_addr()?.port();
    let names = [
        (
            To::Tab,
            [
                "relay-switch-tab-to-tab-frames-60",
                "relay-switch-tab-to-tab-frames-1514",
                "relay-switch-tab-to-tab-bytes",
            ],
        ),
        (
            To::Tap,
            [
                "relay-switch-tab-to-tap-frames-60",
                "relay-switch-tab-to-tap-frames-1514",
                "relay-switch-tab-to-tap-bytes",
            ],
        ),
    ];
    for (to, [short, full, segments]) in names {
        let destination = match to {
            To::Tab => (RECEIVER, Ipv4Addr::new(10, 77, 7, 2)),
            To::Tap => (HOST_HARDWARE, HOST),
        };
        let mut rounds: [Vec<(f64, f64)>; 3] = Default::default();
        for _ in 0..ROUNDS {
            let mut plain_bytes = 0.0;
            for (round, length) in [60, 1_514].into_iter().enumerate() {
                let frames = |form| Frames::complete(form, destination.0, length);
                let ours = measure(&program, to, &frames(Form::Negotiated)).await?;
                let plain = measure(&program, to, &frames(Form::Plain)).await?;
                rounds[round].push((ours.0, plain.0));
                plain_bytes = plain.1;
            }
            let frames = Frames::segments(destination.0, destination.1, port);
            let ours = measure(&program, to, &frames).await?;
            rounds[2].push((ours.1 / 1e9, plain_bytes / 1e9));
        }
        for (name, rounds) in [(short, &rounds[0]), (full, &rounds[1])] {
            Figure {
                name,
                unit: "frames/s",
                peer_name: "the plain form",
            }
            .print(rounds);
        }
        Figure {
            name: segments,
            unit: "GB/s",
            peer_name: "the plain form's frames of 1514",
        }
        .print(&rounds[2]);
    }
    Ok(())
}

/// Frames and bytes that arrive for each second of the relay's processor time.
async fn measure(program: &Program, to: To, frames: &Frames) -> Result<(f64, f64), Failure> {
    let (sender, credit) = open(program.address, frames.form).await?;
    let arrivals = Arc::new(Arrivals::default());
    let receiver = match to {
        To::Tab => Some(receive(program, frames, Arc::clone(&arrivals)).await?),
        To::Tap => None,
    };
    let arrived = || match to {
        To::Tab => Ok(arrivals.count()),
        To::Tap => arrived_at_host().map(|(frames, bytes)| Count { frames, bytes }),
    };
    let before = (arrived()?, program.processor_time()?);
    let (sink, source) = sender.split();
    let allowance = Allowance {
        bytes: AtomicU64::new(credit.allowed),
        more: Notify::new(),
    };
    let waited_for = (to == To::Tab).then_some(&*arrivals);
    tokio::select! {
        sent = send(sink, frames, credit, &allowance, waited_for) => sent?,
        error = listen(source, frames.form, &allowance) => return Err(error),
    };
    // What is on its way arrives or was dropped.
    let mut after = arrived()?;
    loop {
        sleep(Duration::from_millis(30)).await;
        let now = arrived()?;
        if now.frames == after.frames {
            break;
        }
        after = now;
    }
    let seconds = (program.processor_time()? - before.1).as_secs_f64();
    if let Some(receiver) = receiver {
        receiver.abort();
    }
    let rate = |after: u64, before: u64| (after - before) as f64 / seconds;
    Ok((
        rate(after.frames, before.0.frames),
        rate(after.bytes, before.0.bytes),
    ))
}

/// Sends for a while, and returns when the socket has taken all of it.
async fn send(
    mut sink: SplitSink<Socket, Message>,
    frames: &Frames,
    mut credit: Credit,
    allowance: &Allowance,
    arrivals: Option<&Arrivals>,
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut sent = Count::default();
    while began.elapsed() < TIME {
        if let Some(arrivals) = arrivals {
            let arrived = arrivals.count();
            let is_ahead = sent.bytes.saturating_sub(arrived.bytes) > AHEAD
                || sent.frames.saturating_sub(arrived.frames) > FRAMES_AHEAD.max(2 * frames.each);
            if is_ahead {
                sink.flush().await?;
                let more = timeout(Duration::from_millis(50), arrivals.more.notified());
                if more.await.is_err() {
                    // What has not come by now was dropped.
                    sent = arrivals.count();
                }
                continue;
            }
        }
        credit.allowed = allowance.bytes.load(Ordering::Relaxed);
        if credit.is_used_up() {
            sink.flush().await?;
            allowance.more.notified().await;
            continue;
        }
        sink.feed(Message::Binary(frames.message.clone())).await?;
        credit.sent += frames.message.len() as u64;
        sent.frames += frames.each;
        sent.bytes += frames.bytes;
    }
    sink.flush().await?;
    // Kept open until all has been taken: the relay drops what it has not read of a client that is gone.
    sleep(Duration::from_millis(100)).await;
    Ok(())
}

/// Hears of credit, until it ends.
async fn listen(mut source: SplitStream<Socket>, form: Form, allowance: &Allowance) -> Failure {
    loop {
        match source.next().await {
            Some(Ok(Message::Binary(message))) if form == Form::Negotiated => {
                if let Some(total) = crate::traffic::credit(&message) {
                    allowance.bytes.store(total, Ordering::Relaxed);
                    allowance.more.notify_one();
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return error.into(),
            None => return Error::ConnectionClosed.into(),
        }
    }
}

/// Another tab, which counts what comes.
async fn receive(
    program: &Program,
    frames: &Frames,
    arrivals: Arc<Arrivals>,
) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let (mut socket, _) = open(program.address, frames.form).await?;
    // The switch learns where it is from a frame of its own.
    let frame = Frames::one(frames.form, SENDER, RECEIVER, 60);
    socket.send(Message::Binary(frame)).await?;
    sleep(Duration::from_millis(50)).await;
    let form = frames.form;
    Ok(tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Binary(message) = message {
                let (frames, bytes) = crate::traffic::count(form, &message);
                arrivals.bytes.fetch_add(bytes, Ordering::Relaxed);
                arrivals.frames.fetch_add(frames, Ordering::Relaxed);
                arrivals.more.notify_one();
            }
        }
    }))
}

impl Arrivals {
    fn count(&self) -> Count {
        Count {
            frames: self.frames.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}
