//! Our stack, measured.

use crate::host::{Host, Setup, address};
use crate::wire::Wire;
use ethertab_stack::config::{
    Addressing, BufferSize, CongestionAlgorithm, LinkCapabilities, ListenOptions, StaticAddress,
    TcpConfig, TcpOptions,
};
use ethertab_stack::wire::offload::Offload;
use ethertab_stack::{Config, Instant, ListenerId, MacAddress, Stack, TcpId};
use std::net::{Ipv4Addr, SocketAddr};
use std::task::Poll;

/// Our stack with one connection.
pub(crate) struct Ours {
    stack: Stack,
    listener: Option<ListenerId>,
    connection: Option<TcpId>,
}

impl Host for Ours {
    fn new(setup: &Setup, number: u8) -> Ours {
        let config = Config {
            hardware_address: MacAddress([2, 0, 0, 0, 0, number]),
            link: LinkCapabilities {
                mtu: setup.mtu,
                verify_checksums: setup.checksums,
                fill_checksums: setup.checksums,
                ..LinkCapabilities::default()
            },
            addressing: Addressing::Static(StaticAddress {
                address: address(number),
                prefix_length: 24,
                gateway: None,
                name_servers: Vec::new(),
            }),
            tcp: TcpConfig {
                receive_buffer: BufferSize::fixed(setup.buffer),
                send_buffer: BufferSize::fixed(setup.buffer),
                congestion: if setup.congestion_control {
                    CongestionAlgorithm::Cubic
                } else {
                    CongestionAlgorithm::None
                },
                ..TcpConfig::default()
            },
            ..Config::default()
        };
        Ours {
            stack: Stack::new(config, [number; 32], Instant::ZERO),
            listener: None,
            connection: None,
        }
    }

    fn connect(&mut self, remote: Ipv4Addr, port: u16) {
        let remote = SocketAddr::new(remote.into(), port);
        let options = TcpOptions {
            no_delay: true,
            ..TcpOptions::default()
        };
        self.connection = Some(
            self.stack
                .tcp_connect(remote, &options, Instant::ZERO)
                .expect("a route"),
        );
    }

    fn listen(&mut self, port: u16) {
        let local = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
        self.listener = Some(
            self.stack
                .tcp_listen(local, &ListenOptions::default())
                .expect("a free port"),
        );
    }

    fn poll(&mut self, now: u64, wire: &mut impl Wire) {
        let now = Instant::from_micros(now);
        self.stack.advance(now);
        while let Some(mut frame) = wire.receive() {
            let (buffer, length) = frame.parts();
            (self.stack).receive_owned(buffer, 0..length, Offload::NONE, now);
            wire.recycle(frame);
        }
        while let Some(mut frame) = wire.buffer() {
            if let Some(length) = self.stack.transmit(now, frame.room()) {
                frame.set_length(length);
                wire.send(frame);
            } else {
                wire.recycle(frame);
                break;
            }
        }
        while self.stack.poll_event().is_some() {}
        if let (Some(listener), None) = (self.listener, self.connection) {
            self.connection = self.stack.listener(listener).accept().map(|(id, _)| id);
        }
    }

    fn delay(&mut self, now: u64) -> Option<u64> {
        self.stack.next_deadline().map(|deadline| {
            deadline
                .at
                .micros_since(Instant::from_micros(now))
                .div_ceil(1_000)
        })
    }

    fn write(&mut self, bytes: &[u8], now: u64) -> usize {
        match self
            .connection
            .map(|id| self.stack.tcp(id, Instant::from_micros(now)).write(bytes))
        {
            Some(Poll::Ready(Ok(count))) => count,
            _ => 0,
        }
    }

    fn read(&mut self, buffer: &mut [u8], now: u64) -> usize {
        match self
            .connection
            .map(|id| self.stack.tcp(id, Instant::from_micros(now)).read(buffer))
        {
            Some(Poll::Ready(Ok(count))) => count,
            _ => 0,
        }
    }

    fn abort(&mut self, now: u64) {
        if let Some(id) = self.connection.take() {
            self.stack.tcp(id, Instant::from_micros(now)).abort();
        }
    }
}
