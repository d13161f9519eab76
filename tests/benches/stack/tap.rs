//! A TAP interface with the Linux kernel behind it.

use crate::host::{Host, PORT, Setup, address};
use crate::wire::{Frame, Wire};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes moved to measure once.
const BYTES: u64 = 256 << 20;

/// Which way the data goes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Direction {
    /// The kernel sends, the measured stack receives.
    ToStack,
    /// The measured stack sends, the kernel receives.
    FromStack,
}

/// An open TAP interface.
pub(crate) struct Tap {
    device: tun::Device,
    free: Vec<Frame>,
    frame: usize,
}

impl Tap {
    /// A TAP interface that is up, with host number 254 on the kernel's side.
    pub(crate) fn open(mtu: usize) -> Result<Tap, tun::Error> {
        let mut configuration = tun::Configuration::default();
        configuration
            .layer(tun::Layer::L2)
            .address(address(254))
            .netmask((255, 255, 255, 0))
            .mtu(u16::try_from(mtu).unwrap_or(u16::MAX))
            .up();
        let device = tun::create(&configuration)?;
        device.set_nonblock()?;
        Ok(Tap {
            device,
            free: Vec::new(),
            frame: mtu + 14,
        })
    }

    fn wait(&self, milliseconds: Option<u64>) {
        let timeout = milliseconds.map(smoltcp::time::Duration::from_millis);
        // A signal wakes us early: the caller looks again.
        let _ = smoltcp::phy::wait(self.device.as_raw_fd(), timeout);
    }
}

impl Wire for Tap {
    fn receive(&mut self) -> Option<Frame> {
        let mut frame = self.buffer()?;
        if let Ok(length) = self.device.read(frame.room()) {
            frame.set_length(length);
            Some(frame)
        } else {
            self.free.push(frame);
            None
        }
    }

    fn recycle(&mut self, frame: Frame) {
        self.free.push(frame);
    }

    fn buffer(&mut self) -> Option<Frame> {
        Some(Frame::from(&mut self.free, self.frame))
    }

    fn send(&mut self, frame: Frame) {
        // The kernel's queue is full: lost, as on any link.
        let _ = self.device.write(frame.bytes());
        self.free.push(frame);
    }
}

/// Moves data between the kernel and a fresh host; the time for one mebibyte.
pub(crate) fn measure<H: Host>(tap: &mut Tap, setup: &Setup, direction: Direction) -> Duration {
    use std::sync::atomic::{AtomicU8, Ordering};
    static NUMBER: AtomicU8 = AtomicU8::new(2);
    // A fresh address each time: no neighbour or connection of the round before is remembered.
    let mut host = H::new(setup, NUMBER.fetch_add(1, Ordering::Relaxed));
    let listener = TcpListener::bind((address(254), PORT)).expect("a free port in this namespace");
    let kernel = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        carry(stream, direction).expect("the kernel's end works");
    });
    host.connect(address(254), PORT);
    let chunk = vec![7; 64 * 1024];
    let mut buffer = vec![0; 64 * 1024];
    let (mut moved, mut began) = (0_u64, None);
    let origin = Instant::now();
    while moved < BYTES {
        let now = u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        host.poll(now, tap);
        let before = moved;
        loop {
            let count = match direction {
                Direction::ToStack => host.read(&mut buffer, now),
                Direction::FromStack => {
                    let length = chunk
                        .len()
                        .min(usize::try_from(BYTES - moved).unwrap_or(usize::MAX));
                    host.write(&chunk[..length], now)
                }
            };
            if count == 0 || moved >= BYTES {
                break;
            }
            began.get_or_insert_with(Instant::now);
            moved += count as u64;
        }
        if moved == before {
            tap.wait(host.delay(now).or(Some(100)));
        }
        assert!(
            origin.elapsed() < Duration::from_secs(60),
            "stuck after {moved} bytes"
        );
    }
    // What was written is not yet delivered: the kernel says when it has it all.
    while !kernel.is_finished() {
        let now = u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        host.poll(now, tap);
        tap.wait(Some(host.delay(now).unwrap_or(1).min(1)));
    }
    let took = began.expect("data moved").elapsed();
    kernel.join().expect("the kernel's end works");
    let now = u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX);
    host.abort(now);
    host.poll(now, tap);
    took / u32::try_from(BYTES >> 20).unwrap_or(1)
}

fn carry(mut stream: TcpStream, direction: Direction) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    let mut left = BYTES;
    while left > 0 {
        let length = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = match direction {
            Direction::ToStack => stream.write(&buffer[..length])?,
            Direction::FromStack => stream.read(&mut buffer[..length])?,
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= count as u64;
    }
    Ok(())
}
