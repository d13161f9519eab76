//! How much may be in flight: RFC 5681, RFC 6582, RFC 9438, RFC 3168.
//!
//! The connection finds out what happened (duplicate acknowledgements, partial ones, timeouts); this room only
//! turns it into a window. All sizes are bytes; nothing here depends on floating point.
//!
//! # The calling contract
//!
//! *in flight* is SND.NXT − SND.UNA (FlightSize), without the SYN and the FIN.
//!
//! | when | call |
//! |---|---|
//! | the connection is made | [`Congestion::new`], with the SMSS as known |
//! | the handshake or path MTU discovery changed the SMSS | [`set_maximum_segment`](Congestion::set_maximum_segment) |
//! | the SYN or our SYN-ACK had to be repeated | [`on_handshake_loss`](Congestion::on_handshake_loss), once, before data |
//! | about to look how much may be sent | [`before_send`](Congestion::before_send), then [`window`](Congestion::window) |
//! | new data (no retransmission) was sent | [`on_sent`](Congestion::on_sent), with the flight it led to |
//! | data was sent, new or once more, in one frame | [`on_frame`](Congestion::on_frame) |
//! | an ACK acknowledged new data, outside recovery | [`on_ack`](Congestion::on_ack) |
//! | the third duplicate ACK: fast retransmit | [`on_loss`](Congestion::on_loss), with the flight less what limited transmit sent; then, without SACK, [`inflate`](Congestion::inflate)`(3)` |
//! | an ACK echoes a mark, once a round trip | [`on_mark`](Congestion::on_mark), before `on_ack` for the next one |
//! | a further duplicate ACK in recovery, without SACK | [`inflate`](Congestion::inflate)`(1)` |
//! | an ACK in recovery, below `recover` | [`on_partial_ack`](Congestion::on_partial_ack) |
//! | an ACK in recovery that covers `recover` | [`on_recovery_exit`](Congestion::on_recovery_exit), with the flight after it; *not* `on_ack` for the same ACK |
//! | the retransmission timer ran out | [`on_timeout`](Congestion::on_timeout); this also ends recovery |
//!
//! Deciding that a loss event is a new one (the `recover` variable of RFC 6582 §3.2) is the connection's part, as are
//! limited transmit (RFC 3042) and the peer's window. Retransmissions obey no window here: the first one always goes.
//! A sender with SACK counts its pipe itself, never inflates, and sends while pipe < `window()`.

mod cubic;
mod new_reno;

use crate::config::CongestionAlgorithm;
use crate::time::{Duration, Instant, duration_micros};
use cubic::Cubic;
use new_reno::NewReno;

/// No window grows beyond this: the largest that window scaling can offer (RFC 7323 §2.3).
const LARGEST_WINDOW: usize = 1 << 30;
/// What fits the length field of an IP packet.
const LARGEST_SEGMENT: usize = 65_535;
/// Segments that one acknowledgement may add in slow start (RFC 3465 §2.3's L; the value is RFC 9406 §4.2's).
const SLOW_START_SEGMENTS: usize = 8;

/// An acknowledgement of new data.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    /// Bytes that it newly acknowledged.
    pub bytes: usize,
    /// SRTT as it stands, this acknowledgement's measurement included.
    pub smoothed_round_trip: Option<Duration>,
    /// When it arrived.
    pub now: Instant,
}

/// The congestion window of one connection.
#[derive(Clone, Debug)]
pub struct Congestion {
    algorithm: Algorithm,
    maximum_segment: usize,
    /// cwnd.
    window: usize,
    /// ssthresh; `usize::MAX` until the first congestion.
    threshold: usize,
    /// The window while in recovery, inflated as RFC 5681 §3.2 says.
    recovery: Option<usize>,
    /// Slow start follows a timeout: one segment an acknowledgement (RFC 3465 §2.3).
    after_timeout: bool,
    /// Bytes of data in the largest frame sent since the last timeout.
    largest_frame: usize,
    /// Nothing was acknowledged yet.
    initial: bool,
    usage: Usage,
}

#[derive(Clone, Debug)]
enum Algorithm {
    NewReno(NewReno),
    Cubic(Cubic),
    Unlimited,
}

/// How much of the window the program uses. A window that is not used must not grow (RFC 9438 §5.8, RFC 7661 §4).
#[derive(Clone, Debug, Default)]
struct Usage {
    /// Largest flight in this round and in the one before; a round is one window of acknowledged bytes.
    peak: usize,
    previous_peak: usize,
    acknowledged: usize,
    last_sent: Option<Instant>,
}

impl Usage {
    fn on_ack(&mut self, bytes: usize, window: usize) {
        self.acknowledged = self.acknowledged.saturating_add(bytes);
        if self.acknowledged >= window {
            self.acknowledged = 0;
            self.previous_peak = core::mem::take(&mut self.peak);
        }
    }

    fn largest(&self) -> usize {
        self.peak.max(self.previous_peak)
    }
}

impl Congestion {
    /// The state before anything was sent.
    #[must_use]
    pub fn new(algorithm: CongestionAlgorithm, maximum_segment: usize) -> Congestion {
        let maximum_segment = maximum_segment.clamp(1, LARGEST_SEGMENT);
        Congestion {
            algorithm: match algorithm {
                CongestionAlgorithm::Cubic => Algorithm::Cubic(Cubic::default()),
                CongestionAlgorithm::NewReno => Algorithm::NewReno(NewReno::default()),
                CongestionAlgorithm::None => Algorithm::Unlimited,
            },
            maximum_segment,
            window: initial_window(maximum_segment),
            threshold: usize::MAX,
            recovery: None,
            after_timeout: false,
            largest_frame: 0,
            initial: true,
            usage: Usage::default(),
        }
    }

    /// How many bytes may be in flight; `usize::MAX` without congestion control.
    #[inline]
    #[must_use]
    pub fn window(&self) -> usize {
        if matches!(self.algorithm, Algorithm::Unlimited) {
            return usize::MAX;
        }
        self.recovery.unwrap_or(self.window)
    }

    /// ssthresh; `usize::MAX`: not known yet.
    #[must_use]
    pub fn slow_start_threshold(&self) -> usize {
        self.threshold
    }

    /// SMSS.
    #[must_use]
    pub fn maximum_segment(&self) -> usize {
        self.maximum_segment
    }

    /// Between [`on_loss`](Self::on_loss) and the exit or a timeout.
    #[must_use]
    pub fn in_recovery(&self) -> bool {
        self.recovery.is_some()
    }

    /// Sets the SMSS. The window keeps its bytes (RFC 1191 §6.5 wants no change for it), except before first use.
    pub fn set_maximum_segment(&mut self, maximum_segment: usize) {
        self.maximum_segment = maximum_segment.clamp(1, LARGEST_SEGMENT);
        if self.initial && self.usage.last_sent.is_none() {
            self.window = initial_window(self.maximum_segment);
        }
        self.window = self.window.max(self.maximum_segment);
        self.threshold = self.threshold.max(2 * self.maximum_segment);
        self.recovery = self.recovery.map(|window| window.max(self.maximum_segment));
    }

    /// The handshake lost a segment: the initial window is one segment (RFC 5681 §3.1, RFC 6928 §2).
    pub fn on_handshake_loss(&mut self) {
        self.window = self.maximum_segment;
        self.initial = false;
    }

    /// Before new data is sent: after an idle time longer than the retransmission timeout the window is at most the
    /// initial one (RFC 5681 §4.1).
    #[inline]
    pub fn before_send(&mut self, in_flight: usize, timeout: Duration, now: Instant) {
        if in_flight == 0 {
            self.resume(timeout, now);
        }
    }

    fn resume(&mut self, timeout: Duration, now: Instant) {
        let Some(last) = self.usage.last_sent else {
            return;
        };
        let restart = initial_window(self.maximum_segment);
        let is_stale = now.micros_since(last) > duration_micros(timeout) && self.window > restart;
        if is_stale {
            // What the path carried is remembered in ssthresh (RFC 2861 §3), so that slow start leads most of the way back.
            self.threshold = self.threshold.max(self.window / 4 * 3);
            self.window = restart;
        }
        if let Algorithm::Cubic(cubic) = &mut self.algorithm {
            if is_stale {
                cubic.end_stage();
            } else {
                cubic.pause(now);
            }
        }
    }

    /// New data was sent; `in_flight` counts it.
    #[inline]
    pub fn on_sent(&mut self, in_flight: usize, now: Instant) {
        self.usage.peak = self.usage.peak.max(in_flight);
        self.usage.last_sent = Some(now);
    }

    /// So many bytes of data left in one frame, for the first time or once more.
    #[inline]
    pub fn on_frame(&mut self, bytes: usize) {
        self.largest_frame = self.largest_frame.max(bytes);
    }

    /// New data was acknowledged outside recovery: slow start or congestion avoidance (RFC 5681 §3.1).
    pub fn on_ack(&mut self, mut ack: Acknowledged) {
        ack.bytes = ack.bytes.min(LARGEST_WINDOW);
        if self.recovery.is_some() || matches!(self.algorithm, Algorithm::Unlimited) {
            return;
        }
        self.initial = false;
        let used = self.usage.largest();
        self.usage.on_ack(ack.bytes, self.window);
        let window = if self.window < self.threshold {
            if used.saturating_mul(2) < self.window {
                return;
            }
            self.slow_start(ack.bytes)
        } else {
            // Some slack: a sender need not fill the window to the last segment at each moment.
            let slack = (3 * self.maximum_segment).max(self.window / 8);
            let limited = used.saturating_add(slack) >= self.window;
            match &mut self.algorithm {
                Algorithm::NewReno(algorithm) if limited => {
                    algorithm.avoid(self.window, self.maximum_segment, ack.bytes)
                }
                Algorithm::Cubic(algorithm) if limited => {
                    algorithm.avoid(self.window, self.maximum_segment, &ack)
                }
                Algorithm::Cubic(algorithm) => {
                    algorithm.pause(ack.now);
                    return;
                }
                Algorithm::NewReno(_) | Algorithm::Unlimited => return,
            }
        };
        self.window = window.min(LARGEST_WINDOW);
    }

    /// RFC 3465 §2.3. Deviation: an acknowledgement may always add what one frame held. A peer behind a link that cuts segments for
    /// us gets them as one and acknowledges them as one: counted by the segment, the window would grow by an eighth a round trip.
    fn slow_start(&self, bytes: usize) -> usize {
        let segments = if self.after_timeout {
            1
        } else {
            SLOW_START_SEGMENTS
        };
        let most = (segments * self.maximum_segment).max(self.largest_frame);
        (self.window + bytes.min(most)).min(self.threshold)
    }

    /// Fast retransmit: a loss event found by duplicate acknowledgements or SACK (RFC 5681 §3.2 steps 2 and 3).
    pub fn on_loss(&mut self, in_flight: usize) {
        if self.recovery.is_some() {
            return;
        }
        self.threshold = match &mut self.algorithm {
            Algorithm::NewReno(algorithm) => algorithm.reduced(in_flight),
            Algorithm::Cubic(algorithm) => algorithm.on_loss(self.window, in_flight),
            Algorithm::Unlimited => return,
        }
        .max(2 * self.maximum_segment);
        self.window = self.threshold;
        self.recovery = Some(self.threshold);
        self.after_timeout = false;
    }

    /// An acknowledgement echoes a router's mark, for the first time in a round trip (RFC 3168 §6.1.2): as a loss, but nothing is to be
    /// recovered. False: a loss of the same round trip has done it already.
    pub fn on_mark(&mut self, in_flight: usize) -> bool {
        let is_new = self.recovery.is_none();
        self.on_loss(in_flight);
        if is_new {
            self.recovery = None;
        }
        is_new
    }

    /// In recovery, `segments` have left the network: as many more may enter (RFC 5681 §3.2 steps 3 and 4).
    pub fn inflate(&mut self, segments: usize) {
        if let Some(window) = &mut self.recovery {
            let inflation = segments.saturating_mul(self.maximum_segment);
            *window = window.saturating_add(inflation).min(LARGEST_WINDOW);
        }
    }

    /// An acknowledgement of `bytes` in recovery that leaves a hole: takes back what was inflated for those bytes
    /// (RFC 6582 §3.2 step 3). For senders without SACK.
    pub fn on_partial_ack(&mut self, bytes: usize) {
        if let Some(window) = &mut self.recovery {
            let deflated = window.saturating_sub(bytes);
            *window = if bytes >= self.maximum_segment {
                deflated + self.maximum_segment
            } else {
                deflated
            }
            .max(self.maximum_segment);
        }
    }

    /// Everything sent before the loss is acknowledged (RFC 6582 §3.2 step 2, option 1: no burst).
    pub fn on_recovery_exit(&mut self, in_flight: usize) {
        if self.recovery.take().is_some() {
            let calm = in_flight
                .max(self.maximum_segment)
                .saturating_add(self.maximum_segment);
            self.window = self.threshold.min(calm);
        }
    }

    /// The retransmission timer ran out (RFC 5681 §3.1, equation 4). `repeated`: the same segment had timed out before,
    /// so ssthresh stays. The window is one segment.
    pub fn on_timeout(&mut self, in_flight: usize, repeated: bool) {
        let reduced = match &mut self.algorithm {
            Algorithm::NewReno(algorithm) => algorithm.reduced(in_flight),
            Algorithm::Cubic(algorithm) => algorithm.on_timeout(self.window, in_flight),
            Algorithm::Unlimited => return,
        };
        if !repeated {
            // In recovery the flight is inflated by what was sent for duplicates: the reduction for the same loss holds.
            let most = self.recovery.map_or(usize::MAX, |_| self.threshold);
            self.threshold = reduced.min(most).max(2 * self.maximum_segment);
        }
        self.recovery = None;
        self.window = self.maximum_segment;
        self.after_timeout = true;
        self.largest_frame = 0;
        self.initial = false;
    }
}

/// RFC 6928 §2.
fn initial_window(maximum_segment: usize) -> usize {
    (10 * maximum_segment).min((2 * maximum_segment).max(14_600))
}

#[cfg(test)]
mod tests;
