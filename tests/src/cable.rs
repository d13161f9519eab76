//! One direction of a cable, and what can go wrong on it.

use ethertab_stack::random::Random;
use ethertab_stack::{Duration, Instant};
use std::collections::BTreeMap;

/// What a cable does to frames. Probabilities are from 0 to 1. The default is a perfect cable.
#[derive(Clone, Copy, Debug, Default)]
pub struct Impairments {
    /// Time from one end to the other.
    pub delay: Duration,
    /// Bytes a second; 0: no limit.
    pub bandwidth: u64,
    /// Bytes that may wait for the bandwidth; what comes when it is full is lost. 0: no limit.
    pub queue: usize,
    /// How often a frame is lost.
    pub loss: f64,
    /// How often a frame arrives twice.
    pub duplication: f64,
    /// How often one bit of a frame is flipped.
    pub corruption: f64,
    /// How often a frame is held back by `reordering_delay`, so that later ones overtake it.
    pub reordering: f64,
    /// How long it is held back.
    pub reordering_delay: Duration,
    /// Largest IP packet that a router on the way passes on; it answers larger ones with ICMP. 0: no router.
    pub path_mtu: usize,
    /// Whether that router keeps silent, as a badly configured firewall makes it do.
    pub black_hole: bool,
}

/// What happened on a cable.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Frames handed to it.
    pub sent: u64,
    /// Frames lost by chance.
    pub lost: u64,
    /// Frames lost because the queue was full.
    pub overflowed: u64,
    /// Frames delivered twice.
    pub duplicated: u64,
    /// Frames delivered with a flipped bit.
    pub corrupted: u64,
    /// Frames held back.
    pub reordered: u64,
    /// Frames too big for the path.
    pub too_big: u64,
}

/// One direction of a cable.
pub struct Cable {
    /// What it does; may be changed at any time.
    pub impairments: Impairments,
    /// What happened.
    pub tally: Tally,
    random: Random,
    /// Until when the sender's last byte occupies the cable.
    busy_until: Instant,
    in_flight: BTreeMap<(Instant, u64), Vec<u8>>,
}

impl Cable {
    /// A cable whose every accident follows from `random`.
    #[must_use]
    pub fn new(impairments: Impairments, random: Random) -> Cable {
        Cable {
            impairments,
            tally: Tally::default(),
            random,
            busy_until: Instant::ZERO,
            in_flight: BTreeMap::new(),
        }
    }

    /// Puts a frame on the cable.
    pub fn send(&mut self, frame: &[u8], now: Instant) {
        self.tally.sent += 1;
        let Some(mut at) = self.pass_bandwidth(frame.len(), now) else {
            self.tally.overflowed += 1;
            return;
        };
        at += self.impairments.delay;
        if self.chance(self.impairments.loss) {
            self.tally.lost += 1;
            return;
        }
        if self.chance(self.impairments.reordering) {
            self.tally.reordered += 1;
            at += self.impairments.reordering_delay;
        }
        let mut frame = frame.to_vec();
        if self.chance(self.impairments.corruption) && !self.corrupt(&mut frame) {
            return;
        }
        if self.chance(self.impairments.duplication) {
            self.tally.duplicated += 1;
            let later = at + Duration::from_micros(1 + u64::from(self.random.below(1_000)));
            self.launch(later, frame.clone());
        }
        self.launch(at, frame);
    }

    /// When the next frame arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.keys().next().map(|&(at, _)| at)
    }

    /// Takes a frame that has arrived.
    pub fn receive(&mut self, now: Instant) -> Option<(Instant, Vec<u8>)> {
        let first = self.in_flight.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        let ((at, _), frame) = first.remove_entry();
        Some((at, frame))
    }

    fn launch(&mut self, at: Instant, frame: Vec<u8>) {
        // Frames that arrive in the same microsecond keep their order.
        self.in_flight.insert((at, self.tally.sent), frame);
    }

    /// When the last byte is on the cable; `None` if the queue is full.
    fn pass_bandwidth(&mut self, length: usize, now: Instant) -> Option<Instant> {
        let Impairments {
            bandwidth, queue, ..
        } = self.impairments;
        if bandwidth == 0 {
            return Some(now);
        }
        let waiting = self.busy_until.micros_since(now) * bandwidth / 1_000_000;
        if queue > 0 && waiting + length as u64 > queue as u64 {
            return None;
        }
        let takes = Duration::from_micros((length as u64 * 1_000_000).div_ceil(bandwidth));
        self.busy_until = self.busy_until.max(now) + takes;
        Some(self.busy_until)
    }

    /// Flips one bit behind the Ethernet header. One bit is found by every checksum above; ARP has none and trusts the
    /// frame check sequence, by which a real card would drop the frame: so here.
    fn corrupt(&mut self, frame: &mut [u8]) -> bool {
        self.tally.corrupted += 1;
        if frame.get(12..14) == Some(&[0x08, 0x06]) {
            return false;
        }
        let bits = (frame.len().saturating_sub(14) * 8) as u32;
        let bit = self.random.below(bits) as usize;
        if let Some(byte) = frame.get_mut(14 + bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        true
    }

    fn chance(&mut self, probability: f64) -> bool {
        // A cable that never does something must not use up a number for it: runs stay comparable.
        probability > 0.0 && f64::from(self.random.next_u32()) < probability * 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cable(impairments: Impairments) -> Cable {
        Cable::new(impairments, Random::new([7; 32]))
    }

    #[test]
    fn a_perfect_cable_delivers_in_order_at_once() {
        let mut cable = cable(Impairments::default());
        for value in 0..3 {
            cable.send(&[value; 60], Instant::ZERO);
        }
        let order: Vec<u8> = std::iter::from_fn(|| cable.receive(Instant::ZERO))
            .map(|(_, frame)| frame[0])
            .collect();
        assert_eq!(order, [0, 1, 2]);
    }

    #[test]
    fn bandwidth_spaces_frames_and_the_queue_bounds_them() {
        let mut cable = cable(Impairments {
            bandwidth: 1_000_000,
            queue: 2_000,
            delay: Duration::from_millis(5),
            ..Impairments::default()
        });
        for _ in 0..3 {
            cable.send(&[0; 1_000], Instant::ZERO);
        }
        assert_eq!(cable.tally.overflowed, 1);
        let late = Instant::from_millis(100);
        assert_eq!(
            cable.receive(late).map(|(at, _)| at),
            Some(Instant::from_millis(6))
        );
        assert_eq!(
            cable.receive(late).map(|(at, _)| at),
            Some(Instant::from_millis(7))
        );
    }

    #[test]
    fn accidents_happen_about_as_often_as_asked() {
        let mut cable = cable(Impairments {
            loss: 0.1,
            duplication: 0.1,
            corruption: 0.1,
            ..Impairments::default()
        });
        for _ in 0..10_000 {
            cable.send(&[0; 100], Instant::ZERO);
        }
        let tally = cable.tally;
        for count in [tally.lost, tally.duplicated, tally.corrupted] {
            assert!((700..1_300).contains(&count), "{tally:?}");
        }
    }
}
