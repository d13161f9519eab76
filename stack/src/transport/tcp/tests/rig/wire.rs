//! Two hosts and a wire between them that may lose, repeat and reorder.

use super::*;

/// What a wire does to segments.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Weather {
    pub(in super::super) delay: Duration,
    /// Added at random, so that segments overtake each other.
    pub(in super::super) jitter: Duration,
    /// Of a thousand.
    pub(in super::super) loss: u32,
    pub(in super::super) repetition: u32,
    pub(in super::super) corruption: u32,
    /// Of those that may be marked.
    pub(in super::super) marks: u32,
}

impl Weather {
    pub(in super::super) fn calm(delay_millis: u64) -> Weather {
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
pub(in super::super) struct Wire {
    pub(in super::super) hosts: [Tcp; 2],
    pub(in super::super) now: Instant,
    pub(in super::super) weather: Weather,
    random: Random,
    flying: VecDeque<Flying>,
    pub(in super::super) sent: usize,
    pub(in super::super) bytes: usize,
}

struct Flying {
    at: Instant,
    to: usize,
    departure: Departure,
    segment: Vec<u8>,
}

impl Wire {
    pub(in super::super) fn new(config: &Config, weather: Weather, seed: u64) -> Wire {
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

    pub(in super::super) fn address(host: usize) -> SocketAddr {
        SocketAddr::new([10, 0, 0, 1 + host as u8].into(), 80)
    }

    /// Host 0 connects to host 1, which accepts.
    pub(in super::super) fn connect(&mut self, options: &TcpOptions) -> (TcpId, TcpId) {
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
    pub(in super::super) fn collect(&mut self) {
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
    pub(in super::super) fn step(&mut self) -> bool {
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
    pub(in super::super) fn is_still(&self) -> bool {
        self.flying.is_empty() && self.hosts.iter().all(|host| host.next_deadline().is_none())
    }
}
