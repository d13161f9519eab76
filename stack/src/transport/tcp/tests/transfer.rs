//! Data both ways.

use super::rig::*;
use crate::config::TcpOptions;
use crate::event::TcpId;
use alloc::vec;
use alloc::vec::Vec;
use core::task::Poll;

/// Byte `index` of the stream that `host` sends.
fn byte(host: usize, index: usize) -> u8 {
    (index.wrapping_mul(31) ^ (index >> 8) ^ (host * 77)) as u8
}

/// One direction of a transfer.
pub(super) struct Stream {
    pub(super) from: usize,
    pub(super) names: [TcpId; 2],
    pub(super) length: usize,
    written: usize,
    read: usize,
    ended: bool,
}

impl Stream {
    pub(super) fn new(from: usize, names: [TcpId; 2], length: usize) -> Stream {
        Stream {
            from,
            names,
            length,
            written: 0,
            read: 0,
            ended: false,
        }
    }

    /// Writes and reads as much as goes now.
    pub(super) fn pump(&mut self, wire: &mut Wire) {
        let (now, to) = (wire.now, 1 - self.from);
        while self.written < self.length {
            let end = self.length.min(self.written + 10_000);
            let bytes: Vec<u8> = (self.written..end).map(|at| byte(self.from, at)).collect();
            let host = &mut wire.hosts[self.from];
            match host.write(self.names[self.from], &bytes, now) {
                Poll::Ready(count) => self.written += count.unwrap(),
                Poll::Pending => break,
            }
        }
        if self.written == self.length {
            let host = &mut wire.hosts[self.from];
            host.finish(self.names[self.from], now).unwrap();
        }
        let mut buffer = vec![0; 20_000];
        while !self.ended {
            match wire.hosts[to].read(self.names[to], &mut buffer, now) {
                Poll::Ready(Ok(0)) => self.ended = true,
                Poll::Ready(count) => {
                    for got in &buffer[..count.unwrap()] {
                        assert_eq!(*got, byte(self.from, self.read), "at {}", self.read);
                        self.read += 1;
                    }
                }
                Poll::Pending => break,
            }
        }
        if self.ended {
            assert_eq!(self.read, self.length);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Sends `lengths` both ways at once and ends cleanly; returns the seconds that it took.
pub(super) fn exchange(wire: &mut Wire, lengths: [usize; 2], options: &TcpOptions) -> f64 {
    let (client, server) = wire.connect(options);
    let names = [client, server];
    let begin = wire.now;
    let mut streams = [
        Stream::new(0, names, lengths[0]),
        Stream::new(1, names, lengths[1]),
    ];
    for _ in 0..3_000_000 {
        streams.iter_mut().for_each(|stream| stream.pump(wire));
        if streams.iter().all(Stream::has_ended) {
            break;
        }
        assert!(wire.step(), "it stopped");
    }
    assert!(
        streams.iter().all(Stream::has_ended),
        "it takes too long: {} of {lengths:?}",
        streams[0].read
    );
    let took = wire.now.micros_since(begin) as f64 / 1e6;
    for (host, name) in wire.hosts.iter_mut().zip(names) {
        host.close(name, wire.now);
    }
    for _ in 0..100_000 {
        if !wire.step() {
            break;
        }
    }
    assert!(wire.is_still(), "nothing is left behind");
    took
}

#[test]
fn a_megabyte_each_way_arrives_intact() {
    let mut wire = Wire::new(&config(), Weather::calm(10), 1);
    let took = exchange(&mut wire, [1_000_000, 1_000_000], &TcpOptions::default());
    assert!(took < 1.0, "{took} s");
}

#[test]
fn a_stream_longer_than_the_sequence_space_has_no_seam() {
    // 64 KiB segments, so that it does not take long.
    let mut config = config();
    config.link.mtu = 65_535;
    config.tcp.congestion = crate::config::CongestionAlgorithm::None;
    let mut wire = Wire::new(&config, Weather::calm(0), 1);
    let (client, server) = wire.connect(&TcpOptions::default());
    let chunk = vec![7; 1 << 20];
    let mut buffer = vec![0; 1 << 20];
    let (mut written, mut read) = (0_u64, 0_u64);
    let total = (1_u64 << 32) + (1 << 22);
    while read < total {
        while written < total {
            let Poll::Ready(count) = wire.hosts[0].write(client, &chunk, wire.now) else {
                break;
            };
            written += count.unwrap() as u64;
        }
        assert!(wire.step());
        while let Poll::Ready(count) = wire.hosts[1].read(server, &mut buffer, wire.now) {
            read += count.unwrap() as u64;
        }
    }
}
