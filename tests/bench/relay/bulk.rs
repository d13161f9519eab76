//! Bulk data between a station and this host's kernel: how fast, and what the relay's part in it costs.

use crate::Failure;
use crate::figure::Figure;
use crate::program::Program;
use crate::station::{HOST, PATIENCE, station};
use ethertab_stack::config::TcpOptions;
use ethertab_stack::driver::Network;
use ethertab_tests::tunnel::Form;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const ROUNDS: usize = 3;

/// Bytes that each form moves at once: enough for the clock of `/proc`, which counts in hundredths of a second.
const NEGOTIATED: u64 = 1_000_000_000;
const PLAIN: u64 = 200_000_000;

/// Bytes of a read or a write.
pub(crate) const BLOCK: usize = 256 * 1_024;

/// Which way the data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the host to the station.
    Down,
    /// From the station to the host.
    Up,
}

struct Measured {
    seconds_per_gigabyte: f64,
    gigabits_per_second: f64,
}

/// Prints the figures of both directions.
pub(crate) async fn figures(relay: &Path) -> Result<(), Failure> {
    let program = Program::start(relay, &[])?;
    let names = [
        (
            Direction::Down,
            "relay-cpu-per-gigabyte-down",
            "relay-native-client-down",
        ),
        (
            Direction::Up,
            "relay-cpu-per-gigabyte-up",
            "relay-native-client-up",
        ),
    ];
    let mut number = 0;
    for (direction, costs, speed) in names {
        let (mut processor, mut native) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            number += 2;
            let ours = measure(&program, Form::Negotiated, direction, number).await?;
            let plain = measure(&program, Form::Plain, direction, number + 1).await?;
            processor.push((ours.seconds_per_gigabyte, plain.seconds_per_gigabyte));
            native.push((ours.gigabits_per_second, 5.0));
        }
        Figure {
            name: costs,
            unit: "s/GB",
            peer_name: "the plain form",
        }
        .print(&processor);
        Figure {
            name: speed,
            unit: "Gbit/s",
            peer_name: "the goal",
        }
        .print(&native);
    }
    drop(program);
    beside_one_frame_a_read(relay).await
}

/// Prints what the download costs beside a relay without offload whose client speaks the plain form: one frame of the MTU from the TAP
/// is one message, as other relays of Ethernet have it in both directions, though this one gathers messages for one write. The plain
/// form of [`figures`] is cheaper on the way down, as the relay takes segments from the kernel for it too, and cuts them itself.
async fn beside_one_frame_a_read(relay: &Path) -> Result<(), Failure> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut costs = [0.0; 2];
        let sides = [
            (&[][..], Form::Negotiated),
            (&["--no-offload"], Form::Plain),
        ];
        for (cost, (flags, form)) in costs.iter_mut().zip(sides) {
            // Both have the same interface and addresses, so each goes before the other comes.
            let program = Program::start(relay, flags)?;
            *cost = measure(&program, form, Direction::Down, 1)
                .await?
                .seconds_per_gigabyte;
        }
        rounds.push((costs[0], costs[1]));
    }
    Figure {
        name: "relay-cpu-per-gigabyte-down-beside-one-frame-a-read",
        unit: "s/GB",
        peer_name: "the plain form without offload: one frame a read and a message",
    }
    .print(&rounds);
    Ok(())
}

/// Prints what a second queue of the TAP does for several downloads at once.
pub(crate) async fn queues(relay: &Path) -> Result<(), Failure> {
    let (mut speed, mut processor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut measured = Vec::new();
        for count in ["2", "1"] {
            let program = Program::start(relay, &["--tap-queues", count])?;
            measured.push(transfer(&program, Form::Negotiated, Direction::Down, 1..=4).await?);
        }
        let pair = |value: fn(&Measured) -> f64| (value(&measured[0]), value(&measured[1]));
        speed.push(pair(|measured| measured.gigabits_per_second));
        processor.push(pair(|measured| measured.seconds_per_gigabyte));
    }
    for (name, unit, rounds) in [
        ("relay-two-tap-queues-down", "Gbit/s", speed),
        ("relay-two-tap-queues-cpu-per-gigabyte", "s/GB", processor),
    ] {
        Figure {
            name,
            unit,
            peer_name: "one queue, four clients",
        }
        .print(&rounds);
    }
    Ok(())
}

async fn measure(
    program: &Program,
    form: Form,
    direction: Direction,
    number: u16,
) -> Result<Measured, Failure> {
    transfer(program, form, direction, number..=number).await
}

/// Stations of these numbers share the bytes, all at once.
async fn transfer(
    program: &Program,
    form: Form,
    direction: Direction,
    numbers: RangeInclusive<u16>,
) -> Result<Measured, Failure> {
    let all = match form {
        Form::Negotiated => NEGOTIATED,
        Form::Plain => PLAIN,
    };
    let each = all / numbers.len() as u64;
    let listener = TcpListener::bind((HOST, 0)).await?;
    let address = listener.local_addr()?;
    let mut networks = Vec::new();
    for number in numbers.clone() {
        networks.push(station(program.address, form, number).await?);
    }
    let before = program.processor_time()?;
    let began = Instant::now();
    let mut ends = JoinSet::new();
    for network in networks.clone() {
        ends.spawn(async move { client(&network, address, direction, each).await });
    }
    for _ in numbers {
        let (stream, _) = timeout(PATIENCE, listener.accept()).await??;
        ends.spawn(host(stream, direction, each));
    }
    while let Some(ended) = timeout(PATIENCE, ends.join_next()).await? {
        ended??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let processor = (program.processor_time()? - before).as_secs_f64();
    networks.iter().for_each(Network::close);
    Ok(Measured {
        seconds_per_gigabyte: processor / (all as f64 / 1e9),
        gigabits_per_second: all as f64 * 8.0 / 1e9 / seconds,
    })
}

/// The kernel's end.
async fn host(
    mut stream: tokio::net::TcpStream,
    direction: Direction,
    mut bytes: u64,
) -> Result<(), Failure> {
    let mut block = vec![7; BLOCK];
    while bytes > 0 {
        let most = block.len().min(usize::try_from(bytes)?);
        let moved = match direction {
            Direction::Down => stream.write(&block[..most]).await?,
            Direction::Up => stream.read(&mut block).await?,
        };
        if moved == 0 {
            return Err("the connection ended early".into());
        }
        bytes = bytes.saturating_sub(moved as u64);
    }
    Ok(())
}

/// The station's end.
async fn client(
    network: &Network,
    address: SocketAddr,
    direction: Direction,
    mut bytes: u64,
) -> Result<(), Failure> {
    let mut stream = network.connect_to(address, TcpOptions::default()).await?;
    let mut block = vec![7; BLOCK];
    while bytes > 0 {
        let most = block.len().min(usize::try_from(bytes)?);
        let moved = match direction {
            Direction::Down => stream.read(&mut block).await?,
            Direction::Up => stream.write(&block[..most]).await?,
        };
        if moved == 0 {
            return Err("the connection ended early".into());
        }
        bytes = bytes.saturating_sub(moved as u64);
    }
    stream.close().await?;
    Ok(())
}
