//! Native figures: our stack beside smoltcp, in one process and over a TAP against the Linux kernel.
//!
//! Each figure is measured in interleaved rounds, and the ratio is the median of the rounds' ratios: the machine may
//! be noisy, but it is noisy for both. Both sides get the same MTU, buffers, congestion control and checksums, the same
//! wire and the same program; every byte is written and read. One JSON object a line on standard output.
//!
//! For profilers: `ALONE=ours` or `ALONE=peer` runs that side of the named figure once, `MEBIBYTES=32` makes it short.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod host;
mod ours;
mod peer;
mod tap;
mod wire;

use host::{Host, Setup};
use std::time::{Duration, Instant};
use wire::Cable;

const ROUNDS: usize = 5;

fn main() {
    // `cargo bench` passes `--bench`; a name picks the figures that contain it.
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let picked = |name: &str| {
        wanted
            .as_ref()
            .is_none_or(|wanted| name.contains(wanted.as_str()))
    };

    let alone = std::env::var("ALONE").ok();
    let mebibytes = std::env::var("MEBIBYTES").ok();
    let mebibytes: Option<u64> = mebibytes.and_then(|count| count.parse().ok());
    for (name, setup, bytes) in in_process() {
        if let Some(side) = &alone {
            if wanted.as_deref() == Some(name) {
                let bytes = mebibytes.map_or(bytes, |count| count << 20);
                measure_alone(side, &setup, bytes);
            }
        } else if picked(name) {
            report(
                name,
                || between_two::<ours::Ours>(&setup, bytes),
                || between_two::<peer::Smoltcp>(&setup, bytes),
            );
        }
    }
    for (name, direction) in [
        ("tap-kernel-to-stack-1500", tap::Direction::ToStack),
        ("tap-stack-to-kernel-1500", tap::Direction::FromStack),
    ] {
        if alone.is_none() && picked(name) {
            let setup = Setup::default();
            let measured = tap::Tap::open(setup.mtu).map(|mut tap| {
                let tap = std::cell::RefCell::new(&mut tap);
                report(
                    name,
                    || tap::measure::<ours::Ours>(&mut tap.borrow_mut(), &setup, direction),
                    || tap::measure::<peer::Smoltcp>(&mut tap.borrow_mut(), &setup, direction),
                );
            });
            if let Err(error) = measured {
                eprintln!(
                    "{name}: no TAP, no figure: {error} (run it as root inside `unshare -n`)"
                );
            }
        }
    }
}

fn measure_alone(side: &str, setup: &Setup, bytes: u64) {
    let time = match side {
        "ours" => between_two::<ours::Ours>(setup, bytes),
        _ => between_two::<peer::Smoltcp>(setup, bytes),
    };
    println!("{time:?} for a mebibyte");
}

fn in_process() -> [(&'static str, Setup, u64); 5] {
    let plain = Setup::default();
    let huge = Setup {
        mtu: 65_535 - 14,
        ..plain
    };
    let without = |setup: Setup| Setup {
        checksums: false,
        ..setup
    };
    [
        ("two-in-process-1500", plain, 256 << 20),
        (
            "two-in-process-1500-cubic",
            Setup {
                congestion_control: true,
                ..plain
            },
            256 << 20,
        ),
        ("two-in-process-1500-no-checksum", without(plain), 256 << 20),
        ("two-in-process-65521", huge, 1 << 30),
        ("two-in-process-65521-no-checksum", without(huge), 1 << 30),
    ]
}

/// Moves `bytes` from one host to another over a cable in memory; the time it took.
fn between_two<H: Host>(setup: &Setup, bytes: u64) -> Duration {
    let (mut near, mut far) = Cable::pair(setup.mtu + 14);
    let mut sender = H::new(setup, 1);
    let mut receiver = H::new(setup, 2);
    receiver.listen(host::PORT);
    sender.connect(host::address(2), host::PORT);
    let chunk: Vec<u8> = (0..64 * 1024_u32).map(|i| (i % 251) as u8).collect();
    let mut buffer = vec![0; 64 * 1024];
    let (mut written, mut read) = (0, 0);
    let began = Instant::now();
    while read < bytes {
        let now = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        while written < bytes {
            let from = usize::try_from(written % 65_536).unwrap_or(0);
            let most = usize::try_from(bytes - written).unwrap_or(usize::MAX);
            let end = chunk.len().min(from.saturating_add(most));
            match sender.write(&chunk[from..end], now) {
                0 => break,
                count => written += count as u64,
            }
        }
        sender.poll(now, &mut near);
        near.swap(&mut far);
        receiver.poll(now, &mut far);
        loop {
            match receiver.read(&mut buffer, now) {
                0 => break,
                count => {
                    assert_eq!(
                        buffer[0],
                        chunk[usize::try_from(read % 65_536).unwrap_or(0)],
                        "a byte out of place"
                    );
                    read += count as u64;
                }
            }
        }
        receiver.poll(now, &mut far);
        near.swap(&mut far);
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "stuck after {read} bytes"
        );
    }
    began.elapsed() / u32::try_from(bytes >> 20).unwrap_or(1)
}

/// Measures both in turn and prints the median throughput of each with the median of the ratios.
/// The closures answer with the time for one mebibyte.
fn report(name: &str, mut ours: impl FnMut() -> Duration, mut peer: impl FnMut() -> Duration) {
    let gigabits = |time: Duration| 8.0 * 1_048_576.0 / time.as_secs_f64() / 1e9;
    let rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| (gigabits(ours()), gigabits(peer())))
        .collect();
    let median = |value: &dyn Fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        r#"{{"name":"{name}","ours":{:.2},"peer":{:.2},"ratio":{:.2},"unit":"Gbit/s","peer_name":"smoltcp"}}"#,
        median(&|round| round.0),
        median(&|round| round.1),
        median(&|round| round.0 / round.1),
    );
}
