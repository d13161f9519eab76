//! The two test beds.

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

/// A segment that the scripted peer sends. Numbers count from the initial ones: the SYN is 0, the first byte 1.
#[derive(Clone, Debug)]
pub(super) struct Say {
    sequence: u32,
    acknowledgement: Option<u32>,
    flags: Flags,
    window: u16,
    urgent: u16,
    payload: Vec<u8>,
    pub(super) options: SegmentOptions,
    raw_acknowledgement: bool,
    ecn: Ecn,
}

pub(super) fn seq(sequence: u32) -> Say {
    Say {
        sequence,
        acknowledgement: None,
        flags: Flags::default(),
        window: 65_535,
        urgent: 0,
        payload: Vec::new(),
        options: SegmentOptions::default(),
        raw_acknowledgement: false,
        ecn: Ecn::NotCapable,
    }
}

impl Say {
    pub(super) fn ack(mut self, acknowledgement: u32) -> Say {
        self.acknowledgement = Some(acknowledgement);
        self
    }
    pub(super) fn flag(mut self, flag: Flags) -> Say {
        self.flags |= flag;
        self
    }
    pub(super) fn syn(self) -> Say {
        self.flag(Flags::SYN)
    }
    pub(super) fn fin(self) -> Say {
        self.flag(Flags::FIN)
    }
    pub(super) fn rst(self) -> Say {
        self.flag(Flags::RST)
    }
    pub(super) fn urgent(mut self, pointer: u16) -> Say {
        self.urgent = pointer;
        self.flag(Flags::URG)
    }
    /// A router marks it.
    pub(super) fn marked(mut self) -> Say {
        self.ecn = Ecn::CongestionExperienced;
        self
    }
    pub(super) fn window(mut self, window: u16) -> Say {
        self.window = window;
        self
    }
    pub(super) fn data(mut self, payload: &[u8]) -> Say {
        self.payload = payload.to_vec();
        self
    }
    pub(super) fn mss(mut self, size: u16) -> Say {
        self.options.maximum_segment = Some(size);
        self
    }
    pub(super) fn scale(mut self, shift: u8) -> Say {
        self.options.window_scale = Some(shift);
        self
    }
}

/// A segment that the host sent, in numbers that count from the initial ones.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) sequence: u32,
    pub(super) acknowledgement: u32,
    pub(super) flags: Flags,
    pub(super) window: u16,
    pub(super) urgent: u16,
    pub(super) payload: Vec<u8>,
    pub(super) options: SegmentOptions,
    pub(super) departure: Departure,
}

impl Heard {
    /// As the RFC writes segments: `SEQ=1 ACK=1 LEN=5 PSH,ACK`.
    pub(super) fn text(&self) -> String {
        let mut text = format!("SEQ={}", self.sequence);
        if self.flags.contains(Flags::ACK) {
            text += &format!(" ACK={}", self.acknowledgement);
        }
        if !self.payload.is_empty() {
            text += &format!(" LEN={}", self.payload.len());
        }
        let names = [
            (Flags::SYN, "SYN"),
            (Flags::FIN, "FIN"),
            (Flags::RST, "RST"),
            (Flags::PSH, "PSH"),
            (Flags::URG, "URG"),
            (Flags::ACK, "ACK"),
        ];
        let set = names.iter().filter(|(flag, _)| self.flags.contains(*flag));
        let set: Vec<&str> = set.map(|(_, name)| *name).collect();
        text + " " + &set.join(",")
    }
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

/// What a wire does to segments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) delay: Duration,
    /// Added at random, so that segments overtake each other.
    pub(super) jitter: Duration,
    /// Of a thousand.
    pub(super) loss: u32,
    pub(super) repetition: u32,
    pub(super) corruption: u32,
    /// Of those that may be marked.
    pub(super) marks: u32,
}

impl Weather {
    pub(super) fn calm(delay_millis: u64) -> Weather {
        Weather {
            delay: Duration::from_millis(delay_millis),
            jitter: Duration::ZERO,
            loss: 0,
            repetition: 0,
            corruption: 0,
            marks: 0,
        }
    }
}

/// Two hosts and a wire.
pub(super) struct Wire {
    pub(super) hosts: [Tcp; 2],
    pub(super) now: Instant,
    pub(super) weather: Weather,
    random: Random,
    flying: VecDeque<Flying>,
    pub(super) sent: usize,
    pub(super) bytes: usize,
}

struct Flying {
    at: Instant,
    to: usize,
    departure: Departure,
    segment: Vec<u8>,
}

impl Wire {
    pub(super) fn new(config: &Config, weather: Weather, seed: u64) -> Wire {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut random = Random::new(bytes);
        Wire {
            hosts: [
                Tcp::new(config, &mut random.fork()),
                Tcp::new(config, &mut random.fork()),
            ],
            now: Instant::from_millis(1_000),
            weather,
            random,
            flying: VecDeque::new(),
            sent: 0,
            bytes: 0,
        }
    }

    pub(super) fn address(host: usize) -> SocketAddr {
        SocketAddr::new([10, 0, 0, 1 + host as u8].into(), 80)
    }

    /// Host 0 connects to host 1, which accepts.
    pub(super) fn connect(&mut self, options: &TcpOptions) -> (TcpId, TcpId) {
        let listening = ListenOptions {
            accepted: *options,
            ..ListenOptions::default()
        };
        let listener = self.hosts[1].listen(Wire::address(1), &listening).unwrap();
        let local = SocketAddr::new(Wire::address(0).ip(), 0);
        let client = self.hosts[0]
            .connect(local, Wire::address(1), 1_500, options, self.now)
            .unwrap();
        for _ in 0..100_000 {
            if let Some((server, _)) = self.hosts[1].accept(listener) {
                self.hosts[1].close_listener(listener);
                return (client, server);
            }
            assert!(self.step(), "the handshake stopped");
        }
        panic!("the handshake never ended");
    }

    fn chance(&mut self, of_a_thousand: u32) -> bool {
        self.random.below(1_000) < of_a_thousand
    }

    /// Puts what the hosts send on the wire.
    pub(super) fn collect(&mut self) {
        for host in 0..2 {
            for (mut departure, segment) in drain(&mut self.hosts[host], self.now) {
                self.sent += 1;
                self.bytes += segment.len();
                if self.chance(self.weather.loss) {
                    continue;
                }
                if departure.ecn == Ecn::Capable0 && self.chance(self.weather.marks) {
                    departure.ecn = Ecn::CongestionExperienced;
                }
                let copies = 1 + u32::from(self.chance(self.weather.repetition));
                for _ in 0..copies {
                    let jitter = self.weather.jitter.as_micros() as u32;
                    let late = Duration::from_micros(u64::from(self.random.below(jitter + 1)));
                    let mut segment = segment.clone();
                    if self.chance(self.weather.corruption) {
                        let place = self.random.below(segment.len() as u32) as usize;
                        segment[place] ^= 1 << self.random.below(8);
                    }
                    let flying = Flying {
                        at: self.now + self.weather.delay + late,
                        to: 1 - host,
                        departure,
                        segment,
                    };
                    let place = self.flying.partition_point(|other| other.at <= flying.at);
                    self.flying.insert(place, flying);
                }
            }
        }
    }

    /// Goes to the next moment at which something happens; false if nothing ever will.
    pub(super) fn step(&mut self) -> bool {
        self.collect();
        let landing = self.flying.front().map(|flying| flying.at);
        let due = self.hosts.iter().filter_map(Tcp::next_deadline).min();
        let Some(next) = landing.into_iter().chain(due).min() else {
            return false;
        };
        self.now = if next > self.now { next } else { self.now };
        while self
            .flying
            .front()
            .is_some_and(|flying| flying.at <= self.now)
        {
            if let Some(flying) = self.flying.pop_front() {
                let Flying {
                    departure,
                    mut segment,
                    to,
                    ..
                } = flying;
                let ends = (departure.source, departure.destination);
                receive(
                    &mut self.hosts[to],
                    ends,
                    &mut segment,
                    departure.ecn,
                    self.now,
                );
            }
        }
        for host in &mut self.hosts {
            host.advance(self.now);
        }
        self.collect();
        true
    }

    /// Whether anything at all is still going on.
    pub(super) fn is_still(&self) -> bool {
        self.flying.is_empty() && self.hosts.iter().all(|host| host.next_deadline().is_none())
    }
}
