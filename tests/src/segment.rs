//! One Ethernet segment: what a host sends arrives at all others. And the link that a driver holds on it.

use crate::cable::{Cable, Impairments};
use crate::pcap::Capture;
use ethertab_stack::Instant;
use ethertab_stack::driver::{Clock, Link, LinkEvent};
use ethertab_stack::random::Random;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The hosts' cables and what waits at their ends.
#[derive(Default)]
pub struct Segment {
    ports: Vec<Port>,
    /// Every frame as it was sent, whatever the cable did to it afterwards.
    pub capture: Capture,
}

struct Port {
    cable: Cable,
    inbox: VecDeque<(Instant, Vec<u8>)>,
    receiver: Option<Waker>,
    restored: bool,
    blocked: bool,
    sender: Option<Waker>,
}

impl Segment {
    /// Adds a port and returns its number.
    pub fn add(&mut self, impairments: Impairments, random: Random) -> usize {
        self.ports.push(Port {
            cable: Cable::new(impairments, random),
            inbox: VecDeque::new(),
            receiver: None,
            restored: false,
            blocked: false,
            sender: None,
        });
        self.ports.len() - 1
    }

    /// The cable from `port` to the others.
    pub fn cable(&mut self, port: usize) -> &mut Cable {
        &mut self.ports[port].cable
    }

    /// Tells the driver at `port` that its link was away and is back.
    pub fn restore(&mut self, port: usize) {
        self.ports[port].restored = true;
        self.wake_receiver(port);
    }

    /// Makes the link at `port` refuse frames, or take them again.
    pub fn block(&mut self, port: usize, blocked: bool) {
        self.ports[port].blocked = blocked;
        if let Some(waker) = self.ports[port].sender.take() {
            waker.wake();
        }
    }

    /// Puts a frame of nobody's in front of `port`.
    pub fn inject(&mut self, port: usize, frame: Vec<u8>, now: Instant) {
        self.ports[port].inbox.push_back((now, frame));
        self.wake_receiver(port);
    }

    /// When the next frame arrives anywhere.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.ports
            .iter()
            .filter_map(|port| port.cable.next_arrival())
            .min()
    }

    /// Moves what has arrived at `now` to the inboxes.
    pub fn deliver(&mut self, now: Instant) {
        for from in 0..self.ports.len() {
            while let Some((at, frame)) = self.ports[from].cable.receive(now) {
                for to in (0..self.ports.len()).filter(|&to| to != from) {
                    self.ports[to].inbox.push_back((at, frame.clone()));
                    self.wake_receiver(to);
                }
            }
        }
    }

    fn wake_receiver(&mut self, port: usize) {
        if let Some(waker) = self.ports[port].receiver.take() {
            waker.wake();
        }
    }

    fn send(&mut self, from: usize, frame: &[u8], now: Instant) {
        self.capture.record(now, frame);
        let Impairments {
            path_mtu,
            black_hole,
            ..
        } = self.ports[from].cable.impairments;
        if path_mtu > 0 && frame.len() > 14 + path_mtu {
            self.ports[from].cable.tally.too_big += 1;
            if let Some(answer) = router_says_too_big(frame, path_mtu).filter(|_| !black_hole) {
                self.capture.record(now, &answer);
                self.inject(from, answer, now);
            }
            return;
        }
        self.ports[from].cable.send(frame, now);
    }
}

/// What a router with a narrow next hop answers (RFC 1191 §4); nothing unless "don't fragment" is set.
fn router_says_too_big(frame: &[u8], mtu: usize) -> Option<Vec<u8>> {
    const ROUTER: [u8; 4] = [10, 0, 0, 254];
    let packet = frame.get(14..)?;
    if packet.first()? >> 4 != 4 || packet.get(6)? & 0x40 == 0 {
        return None;
    }
    let mut icmp = vec![3, 4, 0, 0, 0, 0];
    icmp.extend_from_slice(&u16::try_from(mtu).ok()?.to_be_bytes());
    icmp.extend_from_slice(packet.get(..28)?);
    let sum = internet_checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());

    let mut header = vec![0x45, 0];
    header.extend_from_slice(&(20 + icmp.len() as u16).to_be_bytes());
    header.extend_from_slice(&[0, 0, 0, 0, 64, 1, 0, 0]);
    header.extend_from_slice(&ROUTER);
    header.extend_from_slice(&packet[12..16]);
    let sum = internet_checksum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());

    let mut answer = frame[6..12].to_vec();
    answer.extend_from_slice(&[2, 0, 0, 0, 0, 0xfe, 0x08, 0x00]);
    answer.extend_from_slice(&header);
    answer.extend_from_slice(&icmp);
    Some(answer)
}

/// RFC 1071, written here once more so that the tests do not lean on what they test.
#[must_use]
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A driver's link: one port of a segment.
pub struct PortLink<C> {
    segment: Rc<RefCell<Segment>>,
    port: usize,
    clock: C,
}

impl<C: Clock> PortLink<C> {
    /// The link at `port`.
    pub fn new(segment: Rc<RefCell<Segment>>, port: usize, clock: C) -> PortLink<C> {
        PortLink {
            segment,
            port,
            clock,
        }
    }
}

impl<C: Clock> Link for PortLink<C> {
    type Error = Infallible;

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Vec<u8>,
    ) -> Poll<Result<LinkEvent, Infallible>> {
        let mut segment = self.segment.borrow_mut();
        let port = &mut segment.ports[self.port];
        if std::mem::take(&mut port.restored) {
            return Poll::Ready(Ok(LinkEvent::Restored));
        }
        let Some((at, arrived)) = port.inbox.pop_front() else {
            port.receiver = Some(context.waker().clone());
            return Poll::Pending;
        };
        *frame = arrived;
        Poll::Ready(Ok(LinkEvent::Frame(at)))
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        let mut segment = self.segment.borrow_mut();
        let port = &mut segment.ports[self.port];
        if port.blocked {
            port.sender = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), Infallible> {
        let now = self.clock.now();
        self.segment.borrow_mut().send(self.port, frame, now);
        Ok(())
    }
}
