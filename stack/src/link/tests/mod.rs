//! The link floor against a scripted neighbour.

mod ageing;
mod frames;
mod mutated;
mod our_address;
mod resolution;

use super::*;
use crate::time::Duration;
use crate::wire::arp::{ArpOperation, ArpPacket};
use alloc::vec;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
const OUR_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const PEER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
const OTHER_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 3]);

/// A link under test, and its clock.
struct Cable {
    link: Link,
    now: Instant,
}

impl Cable {
    fn with(config: NeighborConfig) -> Cable {
        let capabilities = LinkCapabilities::default();
        let mut link = Link::new(OUR_MAC, &capabilities, &config, Random::new([7; 32]));
        link.set_address(Some(OURS));
        Cable {
            link,
            now: Instant::from_millis(1_000),
        }
    }

    fn new() -> Cable {
        Cable::with(NeighborConfig::default())
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.link.advance(self.now);
    }

    /// Sends a packet of two bytes; the frame if it left at once.
    fn send(&mut self, to: Ipv4Addr, mark: u8) -> Option<Vec<u8>> {
        let mut frame = vec![0; HEADER];
        frame.extend([0x45, mark]);
        let hop = NextHop::Neighbor(to.into());
        let leaves = self.link.send(&hop, &mut frame, Offload::NONE, self.now);
        leaves.then_some(frame)
    }

    fn transmit(&mut self) -> Option<Vec<u8>> {
        let mut out = [0; 2_048];
        let (length, _) = self.link.transmit(self.now, &mut out)?;
        Some(out[..length].to_vec())
    }

    fn arp_out(&mut self) -> Option<(MacAddress, ArpPacket)> {
        let frame = self.transmit()?;
        let (header, packet) = EthernetHeader::parse(&frame).expect("a frame");
        assert_eq!(header.source, OUR_MAC);
        assert_eq!(header.ether_type, EtherType::ARP);
        let packet = ArpPacket::parse(packet).expect("an ARP packet");
        Some((header.destination, packet))
    }

    /// The next frame must be a waiting packet for `to`; its mark.
    fn released(&mut self, to: MacAddress) -> Option<u8> {
        let frame = self.transmit()?;
        let (header, packet) = EthernetHeader::parse(&frame).expect("a frame");
        assert_eq!((header.destination, header.source), (to, OUR_MAC));
        assert_eq!(header.ether_type, EtherType::IPV4);
        Some(packet[1])
    }

    fn arp_in(&mut self, destination: MacAddress, packet: ArpPacket) {
        let mut frame = [0; 60];
        let header = EthernetHeader {
            destination,
            source: packet.sender_hardware,
            ether_type: EtherType::ARP,
        };
        packet.emit(header.emit(&mut frame).expect("room"));
        assert!(self.link.receive(&frame, self.now).is_none());
    }

    fn answer(&mut self, address: Ipv4Addr, hardware: MacAddress) {
        let packet = arp(ArpOperation::Reply, hardware, address, OURS);
        self.arp_in(OUR_MAC, packet);
    }

    fn request(&mut self, hardware: MacAddress, sender: Ipv4Addr, target: Ipv4Addr) {
        let packet = arp(ArpOperation::Request, hardware, sender, target);
        self.arp_in(MacAddress::BROADCAST, packet);
    }

    /// Makes `PEER` reachable.
    fn meet_peer(&mut self) {
        assert_eq!(self.send(PEER, 0), None);
        assert!(self.arp_out().is_some());
        self.answer(PEER, PEER_MAC);
        assert_eq!(self.released(PEER_MAC), Some(0));
        assert_eq!(self.transmit(), None);
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.link.counters.dropped(reason)
    }
}

fn arp(
    operation: ArpOperation,
    hardware: MacAddress,
    sender: Ipv4Addr,
    target: Ipv4Addr,
) -> ArpPacket {
    ArpPacket {
        operation,
        sender_hardware: hardware,
        sender_address: sender,
        target_hardware: MacAddress::default(),
        target_address: target,
    }
}

fn destination(frame: Option<Vec<u8>>) -> Option<MacAddress> {
    frame.map(|frame| MacAddress([frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]]))
}
