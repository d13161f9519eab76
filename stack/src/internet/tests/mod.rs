//! The internet floor against scripted peers.

mod fragments;
mod icmp;
mod mutated;
mod receive;
mod send;

use super::*;
use crate::time::Duration;
use crate::wire::icmpv4::{Echo, IcmpError, Icmpv4};
use crate::wire::ip::{Ecn, Protocol};
use crate::wire::ipv4::{HEADER, Ipv4Header};
use crate::wire::offload::Offload;
use alloc::vec;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 254);
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const DIRECTED_BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 255);

/// A host under test, and its clock.
struct Host {
    internet: Internet,
    now: Instant,
}

/// What a received packet turned out to be, without the borrow.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Datagram(Cast, Vec<u8>),
    Echo(u16, Vec<u8>),
    Error(Unreachable, Vec<u8>),
    Reassembled(Vec<u8>),
    Nothing,
}

impl Host {
    fn with(config: InternetConfig) -> Host {
        let mut internet = Internet::new(&config, 1_500, 64, Random::new([9; 32]));
        internet.set_address(Some((OURS, 24)), Some(GATEWAY));
        Host {
            internet,
            now: Instant::from_millis(5_000),
        }
    }

    fn new() -> Host {
        Host::with(InternetConfig::default())
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.internet.advance(self.now);
    }

    fn receive_in(&mut self, frame: Cast, packet: &[u8]) -> Seen {
        let arrival = self
            .internet
            .receive(EtherType::IPV4, packet, frame, self.now);
        seen(arrival)
    }

    fn receive(&mut self, packet: &[u8]) -> Seen {
        self.receive_in(Cast::Unicast, packet)
    }

    /// The next packet that the floor sends by itself.
    fn transmit(&mut self) -> Option<(Ipv4Header, Vec<u8>, NextHop)> {
        let mut out = [0xcc; 1_500];
        let (length, next_hop, local) = self.internet.transmit(self.now, &mut out)?;
        let (header, payload) = Ipv4Header::parse(&out[..length]).expect("a valid packet");
        assert_eq!(local, self.internet.is_local(header.destination.into()));
        Some((header, payload.to_vec(), next_hop))
    }

    fn send(&mut self, departure: &Departure) -> (Sent<'_>, Vec<u8>) {
        let mut packet = vec![0; HEADER];
        packet.extend((0..departure.length).map(|at| at as u8));
        let sent = self.internet.send(departure, &mut packet, self.now);
        (sent, packet)
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.internet.counters.dropped(reason)
    }
}

fn seen(arrival: InternetArrival<'_>) -> Seen {
    match arrival {
        InternetArrival::Datagram(arrival) => {
            Seen::Datagram(arrival.cast, arrival.payload.to_vec())
        }
        InternetArrival::Echo(echo) => Seen::Echo(echo.sequence, echo.payload.to_vec()),
        InternetArrival::Error(error) => Seen::Error(error.kind, error.quoted.to_vec()),
        InternetArrival::Reassembled(packet) => Seen::Reassembled(packet),
        InternetArrival::Nothing => Seen::Nothing,
    }
}

fn header(source: Ipv4Addr, destination: Ipv4Addr, protocol: Protocol) -> Ipv4Header {
    Ipv4Header {
        source,
        destination,
        protocol,
        hop_limit: 61,
        dscp: 0,
        ecn: Ecn::NotCapable,
        identification: 77,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        payload_length: 0,
    }
}

fn packet(header: Ipv4Header, payload: &[u8]) -> Vec<u8> {
    let header = Ipv4Header {
        payload_length: payload.len() as u16,
        ..header
    };
    let mut packet = vec![0; HEADER];
    header.emit(&mut packet);
    packet.extend_from_slice(payload);
    packet
}

fn udp_from(source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
    packet(header(source, destination, Protocol::UDP), &[7; 12])
}

fn icmp_from(source: Ipv4Addr, destination: Ipv4Addr, message: Icmpv4<'_>) -> Vec<u8> {
    let mut payload = vec![0; message.length()];
    message.emit(&mut payload);
    packet(header(source, destination, Protocol::ICMP), &payload)
}

fn departure(destination: Ipv4Addr, length: usize) -> Departure {
    Departure {
        source: OURS.into(),
        destination: destination.into(),
        protocol: Protocol::UDP,
        length,
        hop_limit: None,
        dscp: 0,
        ecn: Ecn::NotCapable,
        offload: Offload::NONE,
        dont_fragment: false,
    }
}
