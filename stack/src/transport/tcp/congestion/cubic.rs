//! CUBIC (RFC 9438), in integers: bytes and milliseconds.
//!
//! W_cubic(t) = C · (t − K)³ + W_max: after a loss the window returns quickly to where it was (W_max), lingers there,
//! and then probes ever faster. Beside it runs W_est, what Reno would have; CUBIC is never slower than that.

use super::Acknowledged;
use crate::time::{Instant, duration_micros};

/// (t − K) is not looked at beyond this many milliseconds: the window is at its limit long before.
const FARTHEST: u64 = 200_000;
/// α_cubic = 3 · (1 − β) / (1 + β) with β = 0.7: nine seventeenths (RFC 9438 §4.3).
const ALPHA: (u64, u64) = (9, 17);

/// What CUBIC remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Cubic {
    /// W_max: the window before the last reduction, lowered by fast convergence.
    maximum: usize,
    /// cwnd_prior: the window before the last reduction.
    prior: usize,
    /// The stage that begins next follows a fast retransmit, so the curve starts below W_max.
    below_maximum: bool,
    /// The congestion avoidance stage under way.
    stage: Option<Stage>,
}

#[derive(Clone, Debug)]
struct Stage {
    /// Microseconds of the stage in which the window was in use (RFC 9438 §5.8), up to `last`.
    elapsed: u64,
    last: Instant,
    /// W_max of this stage.
    plateau: usize,
    /// K in milliseconds.
    to_plateau: u64,
    /// W_est, and the part of a byte that is owed to it.
    reno: usize,
    reno_rest: u64,
    /// The part of a byte that is owed to the window.
    growth_rest: u64,
}

impl Cubic {
    /// An acknowledgement in congestion avoidance (RFC 9438 §4.2 to §4.5): the new window.
    pub(super) fn avoid(
        &mut self,
        window: usize,
        maximum_segment: usize,
        ack: &Acknowledged,
    ) -> usize {
        let prior = self.prior;
        let stage = match &mut self.stage {
            Some(stage) => stage,
            none => {
                // §4.8, §4.10: after a timeout or a slow start without loss the curve starts at its plateau.
                if !self.below_maximum || self.maximum < window {
                    self.maximum = window;
                }
                none.insert(Stage::new(window, self.maximum, maximum_segment, ack.now))
            }
        };
        stage.elapsed += ack.now.micros_since(stage.last);
        stage.last = ack.now;
        stage.grow_reno(window, prior, maximum_segment, ack.bytes);

        let elapsed = stage.elapsed / 1_000;
        if stage.curve(elapsed, maximum_segment) < stage.reno {
            return stage.reno.max(window);
        }
        let round_trip = ack.smoothed_round_trip.map_or(0, duration_micros);
        let later = stage.elapsed.saturating_add(round_trip) / 1_000;
        // §4.2: at most half as much again in a round trip.
        let target = stage
            .curve(later, maximum_segment)
            .clamp(window, window + window / 2);
        // §4.4: (target − cwnd) / cwnd for each segment acknowledged.
        let owed = (target - window) as u64 * ack.bytes as u64 + stage.growth_rest;
        stage.growth_rest = owed % window as u64;
        window + (owed / window as u64) as usize
    }

    /// The window is not in use: the time that passes does not count (RFC 9438 §5.8).
    pub(super) fn pause(&mut self, now: Instant) {
        if let Some(stage) = &mut self.stage {
            stage.last = now;
        }
    }

    /// The window was set from outside: congestion avoidance begins anew from wherever it starts next.
    pub(super) fn end_stage(&mut self) {
        self.stage = None;
    }

    /// A loss found without a timeout (RFC 9438 §4.6, §4.7): ssthresh before its lower bound.
    pub(super) fn on_loss(&mut self, window: usize, in_flight: usize) -> usize {
        // §4.7, fast convergence: another flow needs room.
        self.maximum = if window < self.maximum {
            part(window, 17, 20)
        } else {
            window
        };
        self.prior = window;
        self.below_maximum = true;
        self.stage = None;
        part(in_flight, 7, 10)
    }

    /// A timeout (RFC 9438 §4.8): ssthresh before its lower bound.
    pub(super) fn on_timeout(&mut self, window: usize, in_flight: usize) -> usize {
        self.prior = window;
        self.below_maximum = false;
        self.stage = None;
        part(in_flight, 7, 10)
    }
}

impl Stage {
    fn new(window: usize, maximum: usize, maximum_segment: usize, now: Instant) -> Stage {
        // K = ∛((W_max − cwnd_epoch) / C), in segments and seconds; in bytes and milliseconds 10⁹ / 0.4 goes inside.
        let below = (maximum - window) as u64;
        Stage {
            elapsed: 0,
            last: now,
            plateau: maximum,
            to_plateau: cube_root(below.saturating_mul(2_500_000_000) / maximum_segment as u64),
            reno: window,
            reno_rest: 0,
            growth_rest: 0,
        }
    }

    /// W_cubic after `elapsed` milliseconds (RFC 9438 §4.2, figure 1).
    fn curve(&self, elapsed: u64, maximum_segment: usize) -> usize {
        let distance = elapsed.abs_diff(self.to_plateau).min(FARTHEST);
        // C · distance³ · SMSS / 10⁹, cut so that no product exceeds 64 bits.
        let change = distance.pow(3) / 1_000 * (2 * maximum_segment.min(65_535) as u64) / 5_000_000;
        let change = usize::try_from(change).unwrap_or(usize::MAX);
        if elapsed < self.to_plateau {
            self.plateau.saturating_sub(change)
        } else {
            self.plateau.saturating_add(change)
        }
    }

    /// W_est grows as Reno would with CUBIC's β: α segments a window, and one once it has passed the window before the
    /// loss (RFC 9438 §4.3).
    fn grow_reno(&mut self, window: usize, prior: usize, maximum_segment: usize, bytes: usize) {
        let (numerator, denominator) = if self.reno < prior { ALPHA } else { (1, 1) };
        let owed = bytes as u64 * maximum_segment as u64 * numerator + self.reno_rest;
        let per_byte = window as u64 * denominator;
        self.reno_rest = owed % per_byte;
        self.reno = self
            .reno
            .saturating_add(usize::try_from(owed / per_byte).unwrap_or(usize::MAX))
            .min(super::LARGEST_WINDOW);
    }
}

/// A fraction below one of `whole`, in 64 bits also where `usize` has 32.
fn part(whole: usize, numerator: u64, denominator: u64) -> usize {
    (whole.min(super::LARGEST_WINDOW) as u64 * numerator / denominator) as usize
}

/// The largest whole number whose cube is at most `number`.
fn cube_root(mut number: u64) -> u64 {
    // Digit by digit in base 8, from the top.
    let mut root = 0_u64;
    for shift in (0..64).step_by(3).rev() {
        root *= 2;
        let next = 3 * root * (root + 1) + 1;
        if number >> shift >= next {
            number -= next << shift;
            root += 1;
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cube_root_is_the_largest_whole_number_that_fits(number: u64) {
            let root = u128::from(cube_root(number));
            prop_assert!(root.pow(3) <= u128::from(number));
            prop_assert!((root + 1).pow(3) > u128::from(number));
        }

        #[test]
        fn the_curve_agrees_with_the_formula_of_rfc_9438(
            segment in 500_usize..9_000,
            window in 2_usize..20_000,
            lost in 0_usize..10_000,
            elapsed in 0_u64..100_000,
        ) {
            let maximum = (window + lost) * segment;
            let stage = Stage::new(window * segment, maximum, segment, Instant::ZERO);
            let k = (lost as f64 / 0.4).cbrt();
            prop_assert!((k - stage.to_plateau as f64 / 1_000.0).abs() <= 0.001);
            let exact = 0.4 * (elapsed as f64 / 1_000.0 - k).powi(3) + (window + lost) as f64;
            let ours = stage.curve(elapsed, segment) as f64 / segment as f64;
            // K and the time are whole milliseconds, so the slope there bounds the difference.
            let slope = 1.2 * (elapsed as f64 / 1_000.0 - k).abs().powi(2) + 1.0;
            prop_assert!((exact.max(0.0) - ours).abs() <= 0.002 * slope + 0.01, "{exact} {ours}");
        }
    }
}
