//! The two test beds: one host against a script, here, and two hosts over a [`wire`].

mod script;
mod wire;

pub(super) use script::{Heard, Say, seq};
pub(super) use wire::{Weather, Wire};

use crate::config::{Config, ListenOptions, TcpOptions};
use crate::event::{Event, ListenerId, TcpId};
use crate::random::Random;
use crate::time::{Duration, Instant};
use crate::transport::TcpError;
use crate::transport::tcp::Tcp;
use crate::wire::checksum::Checksum;
use crate::wire::ip::{
    Arrival, Cast, Departure, Ecn, Headroom, PacketError, Protocol, Unreachable,
};
use crate::wire::offload::TransportChecksum;
use crate::wire::tcp::{CHECKSUM_OFFSET, Flags, TcpHeader, TcpSegment};
use crate::wire::tcp_options::SegmentOptions;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

/// The initial sequence number of the scripted peer; close to the wrap on purpose.
pub(super) const PEER_INITIAL: u32 = u32::MAX - 500;

const HEADROOM: Headroom = Headroom { v4: 34, v6: 54 };

pub(super) fn host_address() -> IpAddr {
    [10, 0, 0, 1].into()
}

pub(super) fn peer_address() -> IpAddr {
    [10, 0, 0, 2].into()
}

/// Everything a `Tcp` wants to send now, as transport segments.
pub(super) fn drain(tcp: &mut Tcp, now: Instant) -> Vec<(Departure, Vec<u8>)> {
    let mut frame = vec![0; 70_000];
    let mut sent = Vec::new();
    while let Some(departure) = tcp.transmit(now, &mut frame, HEADROOM) {
        let mut segment = frame[HEADROOM.v4..HEADROOM.v4 + departure.length].to_vec();
        if let TransportChecksum::Partial { start, offset } = departure.offload.checksum {
            // As the link would, but for the cutting.
            let covered = &mut segment[usize::from(start)..];
            let sum = Checksum::new().with(covered).finish();
            covered[usize::from(offset)..][..2].copy_from_slice(&sum.to_be_bytes());
        }
        let sum = Checksum::pseudo_header(
            departure.source,
            departure.destination,
            Protocol::TCP,
            segment.len(),
        );
        assert!(
            sum.with(&segment).is_valid(),
            "every checksum that leaves is right"
        );
        sent.push((departure, segment));
        assert!(sent.len() < 100_000, "it never stops sending");
    }
    assert!(!tcp.has_work());
    sent
}

pub(super) fn arrival(source: IpAddr, destination: IpAddr, segment: &[u8]) -> Arrival<'_> {
    Arrival {
        source,
        destination,
        cast: Cast::Unicast,
        protocol: Protocol::TCP,
        hop_limit: 64,
        ecn: Ecn::NotCapable,
        payload: segment,
        verify_checksum: true,
    }
}

/// Gives a segment to a `Tcp`, which may keep it.
fn receive(
    tcp: &mut Tcp,
    (source, destination): (IpAddr, IpAddr),
    segment: &mut Vec<u8>,
    ecn: Ecn,
    now: Instant,
) {
    tcp.lend(segment, segment.capacity());
    let arrival = Arrival {
        ecn,
        ..arrival(source, destination, segment)
    };
    tcp.receive(&arrival, now);
    tcp.take_lent(segment, 0);
}

/// One host against a script.
pub(super) struct Bench {
    pub(super) tcp: Tcp,
    pub(super) now: Instant,
    pub(super) host: SocketAddr,
    pub(super) peer: SocketAddr,
    /// The host's initial sequence numbers as its SYNs showed them, by the peer's port and ours.
    initials: BTreeMap<(u16, u16), u32>,
    pub(super) id: Option<TcpId>,
    pub(super) listener: Option<ListenerId>,
}

pub(super) fn config() -> Config {
    Config::default()
}

impl Bench {
    pub(super) fn new(config: &Config) -> Bench {
        Bench {
            tcp: Tcp::new(config, &mut Random::new([42; 32])),
            now: Instant::from_millis(1_000),
            host: SocketAddr::new(host_address(), 80),
            peer: SocketAddr::new(peer_address(), 50_000),
            initials: BTreeMap::new(),
            id: None,
            listener: None,
        }
    }

    /// A host that listens on port 80.
    pub(super) fn listening(config: &Config, options: &ListenOptions) -> Bench {
        let mut bench = Bench::new(config);
        bench.listener = Some(bench.tcp.listen(bench.host, options).unwrap());
        bench
    }

    /// A host whose SYN was sent and not yet answered.
    pub(super) fn connecting(config: &Config, options: &TcpOptions) -> (Bench, Vec<Heard>) {
        let mut bench = Bench::new(config);
        let local = SocketAddr::new(host_address(), 40_000);
        bench.host = local;
        let id = bench
            .tcp
            .connect(local, bench.peer, config.link.mtu, options, bench.now)
            .unwrap();
        bench.id = Some(id);
        let heard = bench.hear();
        (bench, heard)
    }

    /// A connection that the host opened; the peer's SYN had an MSS of 1,000 and no scaling.
    pub(super) fn connected_with(config: &Config, options: &TcpOptions, syn: Say) -> Bench {
        let (mut bench, _) = Bench::connecting(config, options);
        bench.say(syn.ack(1).syn());
        assert_eq!(bench.hears(), ["SEQ=1 ACK=1 ACK"]);
        bench
    }

    pub(super) fn connected() -> Bench {
        Bench::connected_with(&config(), &TcpOptions::default(), seq(0).mss(1_000))
    }

    /// A connection that the peer opened, accepted by the program.
    pub(super) fn accepted() -> Bench {
        let mut bench = Bench::listening(&config(), &ListenOptions::default());
        bench.say(seq(0).syn().mss(1_000));
        assert_eq!(bench.hears(), ["SEQ=0 ACK=1 SYN,ACK"]);
        bench.say(seq(1).ack(1));
        let (id, _) = bench.tcp.accept(bench.listener.unwrap()).unwrap();
        bench.id = Some(id);
        assert_eq!(bench.hears(), [""; 0]);
        bench
    }

    /// The host's initial sequence number towards a peer; 0 before its SYN was seen.
    fn initial_for(&self, peer_port: u16, host_port: u16) -> u32 {
        let ports = (peer_port, host_port);
        self.initials.get(&ports).copied().unwrap_or(0)
    }

    pub(super) fn host_initial(&self) -> u32 {
        self.initial_for(self.peer.port(), self.host.port())
    }

    fn note_initial(&mut self, header: &TcpHeader) {
        if header.flags.contains(Flags::SYN) {
            let ports = (header.destination_port, header.source_port);
            self.initials.insert(ports, header.sequence);
        }
    }

    pub(super) fn id(&self) -> TcpId {
        self.id.unwrap()
    }

    /// The peer sends a segment.
    pub(super) fn say(&mut self, say: Say) {
        let peer = self.peer;
        self.say_from(peer, say);
    }

    pub(super) fn bytes_of(&self, peer: SocketAddr, say: &Say) -> Vec<u8> {
        let acknowledgement = say.acknowledgement.unwrap_or(0);
        let header = TcpHeader {
            source_port: peer.port(),
            destination_port: self.host.port(),
            sequence: PEER_INITIAL.wrapping_add(say.sequence),
            acknowledgement: if say.raw_acknowledgement || say.acknowledgement.is_none() {
                acknowledgement
            } else {
                self.initial_for(peer.port(), self.host.port())
                    .wrapping_add(acknowledgement)
            },
            flags: if say.acknowledgement.is_some() {
                say.flags | Flags::ACK
            } else {
                say.flags
            },
            window: say.window,
            urgent: say.urgent,
        };
        let mut segment = vec![0; 60 + say.payload.len()];
        let length = header.emit(&say.options, &mut segment);
        segment.truncate(length + say.payload.len());
        segment[length..].copy_from_slice(&say.payload);
        let sum = Checksum::pseudo_header(peer.ip(), self.host.ip(), Protocol::TCP, segment.len())
            .with(&segment)
            .finish();
        segment[CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2].copy_from_slice(&sum.to_be_bytes());
        segment
    }

    pub(super) fn say_from(&mut self, peer: SocketAddr, say: Say) {
        let mut segment = self.bytes_of(peer, &say);
        receive(
            &mut self.tcp,
            (peer.ip(), self.host.ip()),
            &mut segment,
            say.ecn,
            self.now,
        );
    }

    /// ICMP complains about a segment of the host's that began at `sequence`.
    pub(super) fn complain(&mut self, kind: Unreachable, sequence: u32) {
        let mut quoted = Vec::new();
        quoted.extend(self.host.port().to_be_bytes());
        quoted.extend(self.peer.port().to_be_bytes());
        quoted.extend(self.host_initial().wrapping_add(sequence).to_be_bytes());
        let error = PacketError {
            kind,
            reporter: [10, 0, 0, 254].into(),
            source: self.host.ip(),
            destination: self.peer.ip(),
            protocol: Protocol::TCP,
            length: 100,
            quoted: &quoted,
        };
        self.tcp.error(&error, self.now);
    }

    /// The next segment that the host sends, and the port that it comes from.
    pub(super) fn hear_one(&mut self) -> Option<(Flags, u16)> {
        let mut frame = vec![0; 2_000];
        let departure = self.tcp.transmit(self.now, &mut frame, HEADROOM)?;
        let segment = TcpSegment::parse(&frame[HEADROOM.v4..][..departure.length]).unwrap();
        self.note_initial(&segment.header);
        Some((segment.header.flags, segment.header.source_port))
    }

    /// All that the host sends now.
    pub(super) fn hear(&mut self) -> Vec<Heard> {
        let sent = drain(&mut self.tcp, self.now);
        sent.into_iter()
            .map(|(departure, segment)| {
                let segment = TcpSegment::parse(&segment).unwrap();
                let header = segment.header;
                self.note_initial(&header);
                let initial = self.initial_for(header.destination_port, header.source_port);
                Heard {
                    sequence: header.sequence.wrapping_sub(initial),
                    acknowledgement: header.acknowledgement.wrapping_sub(PEER_INITIAL),
                    flags: header.flags,
                    window: header.window,
                    urgent: header.urgent,
                    payload: segment.payload.to_vec(),
                    options: SegmentOptions::parse(segment.options),
                    departure,
                }
            })
            .collect()
    }

    pub(super) fn hears(&mut self) -> Vec<String> {
        self.hear().iter().map(Heard::text).collect()
    }

    /// Lets time pass, doing what is due at its moment; returns what was sent, with the milliseconds after which it was.
    pub(super) fn wait(&mut self, duration: Duration) -> Vec<(u64, String)> {
        let begin = self.now;
        let end = begin + duration;
        let mut sent = Vec::new();
        loop {
            for heard in self.hear() {
                sent.push((self.now.micros_since(begin) / 1_000, heard.text()));
            }
            match self.tcp.next_deadline() {
                Some(at) if at <= end => {
                    self.now = if at > self.now { at } else { self.now };
                    self.tcp.advance(self.now);
                }
                _ => break,
            }
        }
        self.now = end;
        sent
    }

    pub(super) fn millis(&mut self, millis: u64) -> Vec<(u64, String)> {
        self.wait(Duration::from_millis(millis))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        match self.tcp.write(self.id(), bytes, self.now) {
            Poll::Ready(written) => written.unwrap(),
            Poll::Pending => 0,
        }
    }

    pub(super) fn try_read(&mut self) -> Poll<Result<Vec<u8>, TcpError>> {
        let mut buffer = vec![0; 100_000];
        let read = self.tcp.read(self.id(), &mut buffer, self.now);
        read.map_ok(|count| buffer[..count].to_vec())
    }

    /// What can be read now; nothing if nothing is there.
    pub(super) fn read(&mut self) -> Vec<u8> {
        match self.try_read() {
            Poll::Ready(read) => read.unwrap(),
            Poll::Pending => Vec::new(),
        }
    }

    pub(super) fn finish(&mut self) {
        self.tcp.finish(self.id(), self.now).unwrap();
    }

    pub(super) fn close(&mut self) {
        self.tcp.close(self.id(), self.now);
    }

    fn connection(&self) -> Option<&crate::transport::tcp::connection::Connection> {
        self.tcp.table.at(self.tcp.table.find(self.id())?)
    }

    /// RCV.NXT, counted from the peer's initial number.
    pub(super) fn awaited(&self) -> u32 {
        self.connection()
            .map_or(0, |connection| connection.receive.next.0)
            .wrapping_sub(PEER_INITIAL)
    }

    /// SND.UNA, counted from our initial number, and what lies between it and SND.NXT.
    pub(super) fn unacknowledged(&self) -> (u32, u32) {
        let Some(connection) = self.connection() else {
            return (0, 0);
        };
        let send = &connection.send;
        let first = send.unacknowledged.0.wrapping_sub(self.host_initial());
        (first, send.highest.since(send.unacknowledged))
    }

    pub(super) fn state(&self) -> &'static str {
        self.tcp.info(self.id()).map_or("gone", |info| info.state)
    }

    pub(super) fn error(&self) -> Option<TcpError> {
        match self.tcp.connected(self.id()) {
            Poll::Ready(Err(error)) => Some(error),
            _ => None,
        }
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.tcp.poll_event()).collect()
    }
}
