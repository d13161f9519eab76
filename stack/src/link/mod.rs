//! The link floor: one hop over Ethernet.
//!
//! - **Enters** from below: a frame. [`Link::receive`] checks that it is for us, keeps ARP to itself and hands the
//!   packet up. Enters from above: a packet with 14 bytes of room in front and a [`NextHop`]; [`Link::send`] writes
//!   the Ethernet header in that room.
//! - **Leaves** downwards: the frame itself, or, by [`Link::transmit`], what this floor says on its own account:
//!   ARP requests, replies, probes and announcements, and packets that waited for a neighbour's address.
//!   **Leaves** upwards: [`LinkEvent`]s.
//!
//! | room | holds | RFCs |
//! |---|---|---|
//! | `ethernet` | which frames are ours, where a next hop is sent | 894, 1112 §6.4, 2464 §7 |
//! | `arp` | what ARP says, and the claim on our own address | 826, 1122 §2.3.2, 5227 |
//! | `neighbor` | the neighbour cache: states, ageing, packets that wait | 4861 §7.3 |
//!
//! The cache is keyed by [`IpAddr`]: when neighbour discovery for IPv6 comes, it only needs another way to ask.

mod arp;
mod ethernet;
mod neighbor;
#[cfg(test)]
mod tests;

use crate::config::{LinkCapabilities, NeighborConfig};
use crate::counters::{Counters, DropReason};
use crate::random::Random;
use crate::time::Instant;
use crate::wire::address::MacAddress;
use crate::wire::ethernet::{EtherType, EthernetHeader, HEADER};
use crate::wire::ip::Cast;
use crate::wire::offload::Offload;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use arp::Arp;
use core::net::{IpAddr, Ipv4Addr};
use neighbor::{Neighbors, Solicitation};

/// Where a packet goes on this link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// One neighbour: the destination itself, or a gateway.
    Neighbor(IpAddr),
    /// Every station.
    Broadcast,
    /// The stations that listen to a multicast group.
    Multicast(IpAddr),
}

/// A packet that a frame brought.
#[derive(Clone, Copy, Debug)]
pub struct LinkArrival<'f> {
    /// What the packet is.
    pub ether_type: EtherType,
    /// The packet, with any padding of the link behind it.
    pub packet: &'f [u8],
    /// To whom the frame was addressed.
    pub cast: Cast,
    /// Which station sent the frame.
    pub source: MacAddress,
}

/// Something that the floors above should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A packet waited for a neighbour that never answered.
    Unreachable {
        /// The IP packet.
        packet: Vec<u8>,
    },
    /// Nobody claimed the address that was probed: it may be used (RFC 5227 §2.1.1).
    ProbeClear(Ipv4Addr),
    /// Another station uses the address. It must be given up (RFC 5227 §2.1.1, §2.4).
    Conflict {
        /// The address.
        address: Ipv4Addr,
        /// Who claims it.
        claimant: MacAddress,
        /// Whether we were probing it; otherwise it was ours, was defended, and the claim was repeated.
        while_probing: bool,
    },
}

/// One Ethernet interface.
pub struct Link {
    /// What was dropped on this floor.
    pub counters: Counters,
    hardware: MacAddress,
    longest_frame: usize,
    arp: Arp,
    neighbors: Neighbors,
    events: VecDeque<LinkEvent>,
    most_events: usize,
}

impl Link {
    /// An interface that knows nobody and has no address yet.
    #[must_use]
    pub fn new(
        hardware: MacAddress,
        capabilities: &LinkCapabilities,
        config: &NeighborConfig,
        mut random: Random,
    ) -> Link {
        Link {
            counters: Counters::default(),
            hardware,
            longest_frame: longest_frame(capabilities),
            arp: Arp::new(hardware, config, random.fork()),
            neighbors: Neighbors::new(config, &mut random),
            events: VecDeque::new(),
            most_events: config.entries.max(config.pending_packets),
        }
    }

    /// Takes a frame. Gives back the packet in it; `None`: it was ARP, or not for us.
    #[inline]
    pub fn receive<'f>(&mut self, frame: &'f [u8], now: Instant) -> Option<LinkArrival<'f>> {
        if !self.carries(frame.len()) {
            self.counters.drop(DropReason::FrameLength);
            return None;
        }
        let Some((header, packet)) = EthernetHeader::parse(frame) else {
            self.counters.drop(DropReason::FrameLength);
            return None;
        };
        let Some(cast) = ethernet::cast(&header, self.hardware) else {
            self.counters.drop(DropReason::NotOurFrame);
            return None;
        };
        if header.ether_type == EtherType::ARP {
            self.receive_arp(packet, now);
            return None;
        }
        Some(LinkArrival {
            ether_type: header.ether_type,
            packet,
            cast,
            source: header.source,
        })
    }

    /// The link changed what it can do and carry.
    pub fn set_capabilities(&mut self, capabilities: &LinkCapabilities) {
        self.longest_frame = longest_frame(capabilities);
    }

    /// Whether a frame of that length can come over this link.
    #[inline]
    #[must_use]
    pub fn carries(&self, length: usize) -> bool {
        length <= self.longest_frame
    }

    fn receive_arp(&mut self, packet: &[u8], now: Instant) {
        let learned = self.arp.receive(packet, now, &mut self.counters);
        if let Some(learned) = learned {
            self.neighbors.observe(
                IpAddr::V4(learned.address),
                learned.hardware,
                learned.evidence,
                now,
                &mut self.counters,
            );
        }
        self.collect_arp_event();
    }

    /// Writes the Ethernet header in front of the IP packet at `frame[14..]` and answers true if the frame may
    /// leave now. False: a copy waits for the neighbour's address, or it was dropped and counted.
    #[inline]
    pub fn send(
        &mut self,
        next_hop: &NextHop,
        frame: &mut [u8],
        offload: Offload,
        now: Instant,
    ) -> bool {
        let destination = match next_hop {
            NextHop::Neighbor(address) => match self.neighbors.hardware_of(address, now) {
                Some(hardware) => hardware,
                None => {
                    self.wait_for(*address, frame, offload, now);
                    return false;
                }
            },
            NextHop::Broadcast => MacAddress::BROADCAST,
            NextHop::Multicast(group) => ethernet::group_address(*group),
        };
        let written = ethernet::frame_packet(frame, self.hardware, destination);
        if !written {
            self.counters.drop(DropReason::FrameLength);
        }
        written
    }

    #[cold]
    fn wait_for(&mut self, address: IpAddr, frame: &[u8], offload: Offload, now: Instant) {
        let Some(packet) = frame.get(HEADER..).filter(|packet| !packet.is_empty()) else {
            self.counters.drop(DropReason::FrameLength);
            return;
        };
        // Without an address of our own nobody can be asked: the question would be a probe (RFC 5227 §1.1).
        if address.is_ipv4() && self.arp.address().is_none() {
            self.counters.drop(DropReason::NeighborUnreachable);
            return;
        }
        self.neighbors
            .wait(address, packet, offload, now, &mut self.counters);
    }

    /// Writes the next frame that this floor has to say; returns its length and what is still to be done to it.
    #[inline]
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(usize, Offload)> {
        if self.arp.is_silent(now) && self.neighbors.is_silent() {
            return None;
        }
        self.say(now, out)
    }

    fn say(&mut self, now: Instant, out: &mut [u8]) -> Option<(usize, Offload)> {
        if out.len() < arp::FRAME {
            return None;
        }
        if let Some(length) = self.arp.transmit(now, out) {
            return Some((length, Offload::NONE));
        }
        while let Some(solicitation) = self.neighbors.transmit(now) {
            let (length, offload) = match solicitation {
                Solicitation::Ask { address, hardware } => match address {
                    IpAddr::V4(address) => (self.arp.ask(address, hardware, out), Offload::NONE),
                    IpAddr::V6(_) => (None, Offload::NONE),
                },
                Solicitation::Release { packet, hardware } => (
                    ethernet::copy_packet(&packet.bytes, self.hardware, hardware, out),
                    packet.offload,
                ),
            };
            if let Some(length) = length {
                return Some((length, offload));
            }
        }
        None
    }

    /// When [`advance`](Link::advance) or [`transmit`](Link::transmit) has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.arp.next_deadline(), self.neighbors.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether packets wait for a neighbour's address.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        self.neighbors.has_waiting()
    }

    /// Repeats questions, gives up on the dead, ends probing.
    pub fn advance(&mut self, now: Instant) {
        self.arp.advance(now);
        self.collect_arp_event();
        while let Some(packets) = self.neighbors.advance(now) {
            for packet in packets {
                self.counters.drop(DropReason::NeighborUnreachable);
                let packet = packet.bytes;
                self.push_event(LinkEvent::Unreachable { packet });
            }
        }
    }

    /// The next thing that the floors above should know.
    #[inline]
    pub fn poll_event(&mut self) -> Option<LinkEvent> {
        self.events.pop_front()
    }

    fn collect_arp_event(&mut self) {
        if let Some(event) = self.arp.take_event() {
            self.push_event(event);
        }
    }

    fn push_event(&mut self, event: LinkEvent) {
        // Only an owner who never polls gets here with a full queue; what is about our own address still goes in.
        let full = self.events.len() >= self.most_events;
        if full && matches!(event, LinkEvent::Unreachable { .. }) {
            return;
        }
        if full {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// The address that ARP answers for. Another address than before means another life: neighbours are forgotten.
    pub fn set_address(&mut self, address: Option<Ipv4Addr>) {
        if self.arp.set_address(address) {
            self.neighbors.clear(&mut self.counters);
        }
    }

    /// Finds out whether anybody uses `address` (RFC 5227 §2.1). [`LinkEvent::ProbeClear`] or
    /// [`LinkEvent::Conflict`] says how it went; another call starts afresh.
    pub fn probe(&mut self, address: Ipv4Addr, now: Instant) {
        self.arp.probe(address, now);
    }

    /// Announces our address (RFC 5227 §2.3).
    pub fn announce(&mut self, now: Instant) {
        self.arp.announce(now);
    }

    /// Notes a neighbour's hardware address that came by another way than ARP; it is checked before it is trusted
    /// for long.
    pub fn learn(&mut self, address: IpAddr, hardware: MacAddress, now: Instant) {
        let evidence = neighbor::Evidence::Asked;
        if hardware.is_unicast() {
            self.neighbors
                .observe(address, hardware, evidence, now, &mut self.counters);
        }
    }

    /// The link was away and is back: whoever was a neighbour is checked again, and our address is announced.
    pub fn restored(&mut self, now: Instant) {
        self.neighbors.restored(now);
        self.arp.announce(now);
    }

    /// The floor above knows that packets reach this neighbour and come back (RFC 1122 §2.3.2.1 (4), RFC 4861
    /// §7.3.1): it need not be asked. False: it must be all the same, because it never answered.
    pub fn confirm(&mut self, address: IpAddr, now: Instant) -> bool {
        self.neighbors.confirm(address, now)
    }

    /// Whether it is worth [confirming](Link::confirm) anybody.
    #[inline]
    #[must_use]
    pub fn has_doubts(&self) -> bool {
        self.neighbors.has_doubts()
    }

    /// The floor above sends to this neighbour and hears nothing (RFC 1122 §2.3.2.1 (4)): it is asked at once.
    pub fn doubt(&mut self, address: IpAddr, now: Instant) {
        self.neighbors.doubt(address, now);
    }
}

/// A link that cuts segments for us also joins them: then a frame may be as long as a packet can be.
fn longest_frame(capabilities: &LinkCapabilities) -> usize {
    let longest_packet = if capabilities.largest_segment > 0 {
        usize::from(u16::MAX)
    } else {
        capabilities.mtu
    };
    HEADER + longest_packet
}
