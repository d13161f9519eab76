//! What one processor's worth of relay can switch: hand-made frames, no stack, from one tab to another and to the TAP.
//!
//! The sender is always ahead of the relay, yet to another tab only as far as that one's queue holds, so that the relay spends no
//! time on frames that it drops later. What counts is what *arrives*, for each second of the relay's processor time: the
//! relay is held on one processor, and senders and receivers that would not keep up cost it nothing while it waits.

use crate::Failure;
use crate::figure::Figure;
use crate::program::{Program, arrived_at_host};
use crate::raw::{Ahead, Client};
use crate::station::HOST;
use crate::traffic::{Frames, HOST_HARDWARE, RECEIVER, SENDER};
use ethertab_tests::tunnel::Form;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

const ROUNDS: usize = 3;

/// How long frames are sent for one measurement.
const TIME: Duration = Duration::from_millis(1_000);

/// How far the sender may be ahead, where the relay has a queue: a quarter or half of that, so nothing waits long either.
const AHEAD: Ahead = Ahead {
    frames: 2_048,
    bytes: 1_000_000,
};

/// Where frames go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Tab,
    Tap,
}

/// Prints the figures.
pub(crate) async fn figures(relay: &Path) -> Result<(), Failure> {
    let program = Program::start_on_one_processor(relay)?;
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
                let frames = |form| Frames::complete(form, destination.0, SENDER, length);
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
    let announced = |from, to| Frames::one(frames.form, to, from);
    let open = |announcement| Client::open(program.address, frames.form, announcement);
    let mut sender = open(announced(SENDER, RECEIVER)).await?;
    let receiver = open(announced(RECEIVER, SENDER)).await?;
    let inbox = &receiver.inbox;
    let arrived = || match to {
        To::Tab => Ok(inbox.count()),
        To::Tap => arrived_at_host(),
    };
    sleep(Duration::from_millis(50)).await;
    let before = (arrived()?, program.processor_time()?);
    let waits_for = (to == To::Tab).then_some((&**inbox, AHEAD));
    sender.send(frames, TIME, waits_for).await?;
    sender.close().await;
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
    receiver.close().await;
    let rate = |after: u64, before: u64| (after - before) as f64 / seconds;
    Ok((
        rate(after.frames, before.0.frames),
        rate(after.bytes, before.0.bytes),
    ))
}
