//! Client and server in virtual time: a small network on which messages can be lost.

mod client;
mod scripted;
mod server;

use super::*;
use crate::event::Lease;
use crate::random::Random;
use crate::time::{Duration, Instant};
use crate::wire::address::MacAddress;
use crate::wire::dhcp::{Message, MessageType};
use alloc::vec::Vec;
use core::net::Ipv4Addr;

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fn hardware(last: u8) -> MacAddress {
    MacAddress([2, 0, 0, 0, 0, last])
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(second: u64) -> Instant {
    Instant::ZERO + seconds(second)
}

fn client(last: u8) -> DhcpClient {
    let random = Random::new([last; 32]);
    DhcpClient::new(hardware(last), Some("tab".into()), random, Instant::ZERO)
}

fn server() -> DhcpServer {
    DhcpServer::new(DhcpServerConfig {
        domain: Some("home.example".into()),
        mtu: Some(1_400),
        ..DhcpServerConfig::new(SERVER, 24)
    })
}

/// One client and, while it is plugged in, one server.
struct Run {
    client: DhcpClient,
    server: Option<DhcpServer>,
    now: Instant,
    /// What the client sent, when and where to.
    sent: Vec<(Instant, Message, Ipv4Addr)>,
    events: Vec<DhcpEvent>,
    /// How many of the next messages are lost, whoever sends them.
    losses: u32,
    /// Whether probes find nobody.
    clear: bool,
}

impl Run {
    fn new() -> Run {
        Run::with(client(7), Some(server()))
    }

    fn with(client: DhcpClient, server: Option<DhcpServer>) -> Run {
        Run {
            client,
            server,
            now: Instant::ZERO,
            sent: Vec::new(),
            events: Vec::new(),
            losses: 0,
            clear: true,
        }
    }

    fn is_lost(&mut self) -> bool {
        let lost = self.losses > 0;
        self.losses = self.losses.saturating_sub(1);
        lost
    }

    /// Carries messages and events until nothing moves.
    fn settle(&mut self) {
        let mut frame = [0; 600];
        loop {
            if let Some((length, to)) = self.client.transmit(self.now, &mut frame) {
                let message = Message::parse(&frame[..length]).unwrap();
                self.sent.push((self.now, message, to));
                if self.is_lost() {
                    continue;
                }
                let reply = self
                    .server
                    .as_mut()
                    .and_then(|server| server.respond(&frame[..length], self.now));
                if let Some(reply) = reply
                    && !self.is_lost()
                {
                    self.client.receive(&reply.bytes, self.now);
                }
                continue;
            }
            let Some(event) = self.client.poll_event() else {
                return;
            };
            self.events.push(event.clone());
            if let DhcpEvent::Probe(address) = event {
                if self.clear {
                    self.client.probe_clear(address, self.now);
                } else {
                    self.client.conflict(address, self.now);
                }
            }
        }
    }

    /// Lets time pass, stopping at every deadline on the way.
    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.settle();
        let mut stops = 0;
        while let Some(next) = self.client.next_deadline().filter(|&next| next <= end) {
            stops += 1;
            assert!(stops < 10_000, "the client never rests");
            self.now = self.now.max(next);
            self.client.advance(self.now);
            self.settle();
        }
        self.now = end;
    }

    /// Lets time pass until the client would act.
    fn until(&mut self, second: u64) {
        self.pass(at(second).since(self.now));
    }

    fn lease(&self) -> &Lease {
        self.events
            .iter()
            .rev()
            .find_map(|event| match event {
                DhcpEvent::Bound(lease) => Some(lease),
                _ => None,
            })
            .expect("never bound")
    }

    fn is_bound(&self) -> bool {
        let last = self
            .events
            .iter()
            .rev()
            .find(|event| !matches!(event, DhcpEvent::Probe(_)));
        matches!(last, Some(DhcpEvent::Bound(_)))
    }

    fn kinds(&self) -> Vec<MessageType> {
        self.sent
            .iter()
            .map(|(_, message, _)| message.kind)
            .collect()
    }

    /// The second at which each message was sent.
    fn times(&self) -> Vec<u64> {
        self.sent
            .iter()
            .map(|(at, ..)| at.micros() / 1_000_000)
            .collect()
    }
}
