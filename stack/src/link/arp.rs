//! What ARP says and hears (RFC 826), and the claim on our own address (RFC 5227).
//!
//! ```text
//!             probe()                     nobody objected
//!   (nothing) ──────► three probes, wait ───────────────► ProbeClear
//!                        │ somebody uses or probes it
//!                        └──────────────────────────────► Conflict { while_probing }
//!
//!             announce()                  a claim              a second within 10 s
//!   (ours)    ──────► two announcements ───────► one defence ──────────────────────► Conflict
//! ```

use super::LinkEvent;
use super::neighbor::Evidence;
use crate::config::NeighborConfig;
use crate::counters::{Counters, DropReason};
use crate::random::Random;
use crate::time::{Duration, Instant, duration_micros};
use crate::wire::address::MacAddress;
use crate::wire::arp::{ArpOperation, ArpPacket, PACKET};
use crate::wire::ethernet::{EtherType, EthernetHeader, HEADER};
use alloc::collections::VecDeque;
use core::net::Ipv4Addr;

/// Length of a frame that carries ARP.
pub(super) const FRAME: usize = HEADER + PACKET;

/// RFC 5227 §1.1: PROBE_NUM, ANNOUNCE_NUM, ANNOUNCE_INTERVAL, MAX_CONFLICTS, RATE_LIMIT_INTERVAL, DEFEND_INTERVAL.
const PROBES: u8 = 3;
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(2);
const MOST_CONFLICTS: u8 = 10;
const RATE_LIMIT_INTERVAL: Duration = Duration::from_secs(60);
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// What an ARP packet tells about a neighbour.
pub(super) struct Learned {
    pub(super) address: Ipv4Addr,
    pub(super) hardware: MacAddress,
    pub(super) evidence: Evidence,
}

struct Probing {
    address: Ipv4Addr,
    sent: u8,
    next: Instant,
}

impl Probing {
    fn is_due(&self, now: Instant) -> bool {
        self.sent < PROBES && self.next <= now
    }
}

struct Announcing {
    sent: u8,
    next: Instant,
}

pub(super) struct Arp {
    hardware: MacAddress,
    address: Option<Ipv4Addr>,
    probing: Option<Probing>,
    announcing: Option<Announcing>,
    /// When a claim on our address was last answered.
    defended: Option<Instant>,
    /// Conflicts met while probing, until a probe came out clear.
    conflicts: u8,
    replies: VecDeque<ArpPacket>,
    most_replies: usize,
    probe_interval: Duration,
    event: Option<LinkEvent>,
    random: Random,
}

impl Arp {
    /// Whether there is nothing to say now.
    #[inline]
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        let announcing = self.announcing.as_ref();
        self.replies.is_empty()
            && self.probing.is_none()
            && announcing.is_none_or(|announcing| announcing.next > now)
    }

    pub(super) fn new(hardware: MacAddress, config: &NeighborConfig, random: Random) -> Arp {
        Arp {
            hardware,
            address: None,
            probing: None,
            announcing: None,
            defended: None,
            conflicts: 0,
            replies: VecDeque::new(),
            most_replies: config.pending_packets.max(1),
            probe_interval: config.probe_interval,
            event: None,
            random,
        }
    }

    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        self.address
    }

    /// True if it is another address than before.
    pub(super) fn set_address(&mut self, address: Option<Ipv4Addr>) -> bool {
        let changed = self.address != address;
        if changed {
            self.address = address;
            self.announcing = None;
            self.defended = None;
            self.replies.clear();
        }
        if address.is_some() && self.probing.as_ref().map(|probing| probing.address) == address {
            self.probing = None;
        }
        changed
    }

    pub(super) fn probe(&mut self, address: Ipv4Addr, now: Instant) {
        // RFC 5227 §2.1.1: who met many conflicts waits a minute between attempts.
        let wait = if self.conflicts >= MOST_CONFLICTS {
            RATE_LIMIT_INTERVAL
        } else {
            self.jitter()
        };
        self.probing = Some(Probing {
            address,
            sent: 0,
            next: now + wait,
        });
    }

    pub(super) fn announce(&mut self, now: Instant) {
        self.announcing = self.address.map(|_| Announcing { sent: 0, next: now });
    }

    /// A random part of the probe interval: PROBE_WAIT, and what PROBE_MAX is above PROBE_MIN.
    fn jitter(&mut self) -> Duration {
        let bound = u32::try_from(duration_micros(self.probe_interval)).unwrap_or(u32::MAX);
        Duration::from_micros(u64::from(self.random.below(bound)))
    }

    /// Takes an ARP packet; says what it tells about a neighbour.
    pub(super) fn receive(
        &mut self,
        payload: &[u8],
        now: Instant,
        counters: &mut Counters,
    ) -> Option<Learned> {
        let Some(packet) = ArpPacket::parse(payload) else {
            counters.drop(DropReason::MalformedArp);
            return None;
        };
        // An echo of what we said.
        if packet.sender_hardware == self.hardware {
            return None;
        }
        let sender = packet.sender_address;
        if !packet.sender_hardware.is_unicast()
            || sender.is_multicast()
            || sender.is_broadcast()
            || sender.is_loopback()
        {
            counters.drop(DropReason::MalformedArp);
            return None;
        }
        self.check_probe(&packet);
        if self.address == Some(sender) {
            self.defend(packet.sender_hardware, now);
            return None;
        }
        let for_us = self.address == Some(packet.target_address);
        if for_us && packet.operation == ArpOperation::Request {
            self.reply_to(&packet, counters);
        }
        // A probe has no sender address: there is nothing to learn (RFC 5227 §1.1).
        if sender.is_unspecified() {
            return None;
        }
        let evidence = match (for_us, packet.operation) {
            (true, ArpOperation::Request) => Evidence::Asked,
            (true, ArpOperation::Reply) => Evidence::Answer,
            (false, _) => Evidence::Overheard,
        };
        Some(Learned {
            address: sender,
            hardware: packet.sender_hardware,
            evidence,
        })
    }

    fn check_probe(&mut self, packet: &ArpPacket) {
        let Some(probing) = &self.probing else {
            return;
        };
        // RFC 5227 §2.1.1: somebody uses the address, or somebody else wants it as well.
        let used = packet.sender_address == probing.address;
        let wanted = packet.operation == ArpOperation::Request
            && packet.sender_address.is_unspecified()
            && packet.target_address == probing.address;
        if used || wanted {
            self.event = Some(LinkEvent::Conflict {
                address: probing.address,
                claimant: packet.sender_hardware,
                while_probing: true,
            });
            self.probing = None;
            self.conflicts = self.conflicts.saturating_add(1);
        }
    }

    fn defend(&mut self, claimant: MacAddress, now: Instant) {
        let recently = self
            .defended
            .is_some_and(|defended| now.since(defended) < DEFEND_INTERVAL);
        // RFC 5227 §2.4 (b): the first claim is answered; a second one soon after wins.
        if !recently {
            self.defended = Some(now);
            self.announcing = Some(Announcing {
                sent: ANNOUNCEMENTS - 1,
                next: now,
            });
        } else if let Some(address) = self.address {
            self.event = Some(LinkEvent::Conflict {
                address,
                claimant,
                while_probing: false,
            });
        }
    }

    fn reply_to(&mut self, request: &ArpPacket, counters: &mut Counters) {
        if self.replies.len() >= self.most_replies {
            counters.drop(DropReason::ReplyQueueFull);
            return;
        }
        self.replies.push_back(ArpPacket {
            operation: ArpOperation::Reply,
            sender_hardware: self.hardware,
            sender_address: request.target_address,
            target_hardware: request.sender_hardware,
            target_address: request.sender_address,
        });
    }

    /// Writes the next reply, probe or announcement that is due.
    pub(super) fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        if let Some(reply) = self.replies.pop_front() {
            return emit(&reply, reply.target_hardware, out);
        }
        if let Some(mut probing) = self.probing.take_if(|probing| probing.is_due(now)) {
            probing.sent += 1;
            // RFC 5227 §2.1.1: a random time between probes; ANNOUNCE_WAIT, the longest of them, behind the last.
            let wait = if probing.sent < PROBES {
                self.probe_interval.saturating_add(self.jitter())
            } else {
                self.probe_interval.saturating_mul(2)
            };
            probing.next = now + wait;
            let probe = self.request(Ipv4Addr::UNSPECIFIED, probing.address);
            self.probing = Some(probing);
            return emit(&probe, MacAddress::BROADCAST, out);
        }
        if let (Some(announcing), Some(address)) = (&mut self.announcing, self.address)
            && announcing.next <= now
        {
            announcing.sent += 1;
            announcing.next = now + ANNOUNCE_INTERVAL;
            if announcing.sent >= ANNOUNCEMENTS {
                self.announcing = None;
            }
            let announcement = self.request(address, address);
            return emit(&announcement, MacAddress::BROADCAST, out);
        }
        None
    }

    /// Writes the question for `address`: to everybody, or to the station that had it.
    pub(super) fn ask(
        &self,
        address: Ipv4Addr,
        hardware: Option<MacAddress>,
        out: &mut [u8],
    ) -> Option<usize> {
        let mut request = self.request(self.address?, address);
        request.target_hardware = hardware.unwrap_or_default();
        emit(&request, hardware.unwrap_or(MacAddress::BROADCAST), out)
    }

    fn request(&self, sender: Ipv4Addr, target: Ipv4Addr) -> ArpPacket {
        ArpPacket {
            operation: ArpOperation::Request,
            sender_hardware: self.hardware,
            sender_address: sender,
            target_hardware: MacAddress::default(),
            target_address: target,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let probing = self.probing.as_ref().map(|probing| probing.next);
        let announcing = self.announcing.as_ref().map(|announcing| announcing.next);
        [probing, announcing].into_iter().flatten().min()
    }

    pub(super) fn advance(&mut self, now: Instant) {
        if let Some(probing) = &self.probing
            && probing.sent >= PROBES
            && probing.next <= now
        {
            self.event = Some(LinkEvent::ProbeClear(probing.address));
            self.probing = None;
            self.conflicts = 0;
        }
    }

    pub(super) fn take_event(&mut self) -> Option<LinkEvent> {
        self.event.take()
    }
}

fn emit(packet: &ArpPacket, destination: MacAddress, out: &mut [u8]) -> Option<usize> {
    let header = EthernetHeader {
        destination,
        source: packet.sender_hardware,
        ether_type: EtherType::ARP,
    };
    packet.emit(header.emit(out)?)?;
    Some(FRAME)
}
