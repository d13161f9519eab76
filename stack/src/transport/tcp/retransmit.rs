//! What an acknowledgement tells about what we sent, and what to send again: retransmission by RFC 6298, loss recovery by
//! RFC 6675, or RFC 5681 and RFC 6582 with peers that do not understand selective acknowledgements, limited transmit by RFC 3042,
//! and the probing of closed windows by RFC 9293 §3.8.6.1.

use super::congestion::{Acknowledged, Congestion};
use super::connection::Connection;
use super::rtt::RoundTrip;
use super::sack::Scoreboard;
use super::sequence::Seq;
use super::shared::Shared;
use super::state::Event;
use super::timer::Timer;
use crate::config::TcpConfig;
use crate::counters::Counters;
use crate::time::{Duration, Instant};

/// The step of a coarse clock, such as a browser's: RFC 6298 §2's G.
const CLOCK_STEP: Duration = Duration::from_millis(1);
/// Duplicates that stand for a loss (RFC 5681 §3.2).
const DUPLICATES: u32 = 3;
/// R1 of RFC 9293 §3.8.3: after so many timeouts the floors below are told (MUST-20, SHLD-10).
const ADVICE_AFTER: u32 = 3;
/// RFC 9293 §3.8.6.2.1: silly window avoidance is overridden after 0.1 to 1 second.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// Round trips, the congestion window, and what is believed lost.
#[derive(Debug)]
pub(super) struct Recovery {
    pub(super) round_trip: RoundTrip,
    pub(super) congestion: Congestion,
    /// The segment being timed: the number behind it, and when it left. Karn's algorithm (RFC 6298 §3): none that was repeated.
    timed: Option<(Seq, Instant)>,
    duplicates: u32,
    /// What the peer holds of what is in flight.
    pub(super) board: Scoreboard,
    /// Bytes that limited transmit let out.
    limited: usize,
    /// RFC 6582 §3.2: recovery is over, or a loss is a new one, beyond this number.
    recover: Seq,
    /// In recovery, one partial acknowledgement has come.
    was_partial: bool,
    /// The first segment is to leave again at once.
    pub(super) head_lost: bool,
    /// Timeouts in a row.
    pub(super) timeouts: u32,
    /// Window probes in a row.
    probes: u32,
    /// The SYN, or the SYN-ACK, had to be repeated.
    handshake_lost: bool,
    /// Since when nothing was acknowledged, while something is in flight.
    pub(super) stalled_since: Instant,
    pub(super) retransmits: u64,
}

impl Recovery {
    pub(super) fn new(
        config: &TcpConfig,
        initial: Seq,
        maximum_segment: usize,
        now: Instant,
    ) -> Recovery {
        Recovery {
            round_trip: RoundTrip::new(
                config.min_retransmission_timeout,
                config.max_retransmission_timeout,
                CLOCK_STEP,
            ),
            congestion: Congestion::new(config.congestion, maximum_segment),
            timed: None,
            duplicates: 0,
            board: Scoreboard::new(),
            limited: 0,
            recover: initial,
            was_partial: false,
            head_lost: false,
            timeouts: 0,
            probes: 0,
            handshake_lost: false,
            stalled_since: now,
            retransmits: 0,
        }
    }

    /// How many more bytes the congestion window allows.
    #[inline]
    pub(super) fn allowance(&self, in_flight: usize, full_segment: usize) -> usize {
        let window = self.congestion.window();
        // RFC 3042: each of the first two duplicates lets one new segment out.
        let limited = if self.duplicates < DUPLICATES && !self.congestion.in_recovery() {
            self.duplicates as usize * full_segment
        } else {
            0
        };
        window.saturating_add(limited).saturating_sub(in_flight)
    }

    /// Whether nothing is lost, repeated or suspected, and a segment is being timed.
    pub(super) fn is_undisturbed(&self) -> bool {
        self.timed.is_some()
            && self.duplicates == 0
            && self.timeouts == 0
            && !self.head_lost
            && !self.congestion.in_recovery()
    }

    /// About to look whether data may leave.
    #[inline]
    pub(super) fn before_send(&mut self, in_flight: usize, now: Instant) {
        if in_flight == 0 {
            let timeout = self.round_trip.timeout();
            self.congestion.before_send(in_flight, timeout, now);
        }
    }

    /// Numbers up to `behind` left for the first time, `bytes` of data among them.
    #[inline]
    pub(super) fn on_new_sent(
        &mut self,
        behind: Seq,
        bytes: usize,
        in_flight: usize,
        now: Instant,
    ) {
        if self.timed.is_none() {
            self.timed = Some((behind, now));
        }
        if self.duplicates > 0 && !self.congestion.in_recovery() {
            self.limited += bytes.min(in_flight.saturating_sub(self.congestion.window()));
        }
        if bytes > 0 {
            self.congestion.on_sent(in_flight, now);
        }
    }

    /// Something left once more.
    pub(super) fn on_repeated(&mut self, counters: &mut Counters) {
        self.timed = None;
        self.retransmits += 1;
        if self.congestion.in_recovery() {
            counters.tcp_fast_retransmits += 1;
        } else {
            counters.tcp_timeout_retransmits += 1;
        }
    }

    pub(super) fn on_probe_sent(&mut self) {
        self.timed = None;
        self.probes = self.probes.saturating_add(1);
    }

    /// All before `acknowledgement` is behind us, outside recovery: `recover` follows, lest it fall so far behind that it
    /// seems to lie ahead and hides losses.
    fn pass(&mut self, acknowledgement: Seq) {
        self.recover = self.recover.later(acknowledgement - 1);
    }

    /// The user timeout begins anew.
    pub(super) fn progress(&mut self, now: Instant) {
        self.stalled_since = now;
    }

    /// The timer came so late: a machine that sleeps gives its peer no time to answer, and wakes to a link that may need a
    /// moment, so that time does not count towards the user timeout.
    pub(super) fn overslept(&mut self, late: Duration) {
        self.stalled_since += late;
    }

    /// What is in flight is sent again for another reason than loss: no segment is timed, no duplicate counts.
    pub(super) fn forget_duplicates(&mut self) {
        self.timed = None;
        self.duplicates = 0;
        self.limited = 0;
    }

    /// The handshake is over.
    pub(super) fn on_established(&mut self) {
        if self.handshake_lost {
            // RFC 6298 §5.7, RFC 6928 §2.
            self.round_trip.established_after_loss();
            self.congestion.on_handshake_loss();
        }
    }

    /// How long until the next probe: the timeout, doubled each time (RFC 9293 §3.8.6.1, SHLD-30).
    fn probe_interval(&self, longest: Duration) -> Duration {
        let factor = 1_u32.checked_shl(self.probes).unwrap_or(u32::MAX);
        self.round_trip
            .timeout()
            .saturating_mul(factor)
            .min(longest)
    }
}

impl Connection {
    /// RFC 9293 §3.10.7.4, fifth step: SND.UNA < `acknowledgement` =< SND.NXT.
    pub(super) fn take_acknowledgement(&mut self, acknowledgement: Seq, now: Instant) {
        let was_opened = self.send.opened;
        let covered = acknowledgement.since(self.send.unacknowledged);
        self.recovery.board.advance(covered as usize);
        let bytes = self.send.acknowledge(acknowledgement);
        self.ecn.pass(acknowledgement);
        let recovery = &mut self.recovery;
        if let Some((behind, left)) = recovery.timed
            && behind <= acknowledgement
        {
            recovery.round_trip.sample(now.since(left));
            recovery.timed = None;
        }
        recovery.timeouts = 0;
        recovery.probes = 0;
        recovery.progress(now);
        self.program.sent += bytes as u64;
        self.program.soft_error = None;
        let restart = !was_opened || self.on_progress(acknowledgement, bytes, now);
        // RFC 6298 §5.2 and §5.3.
        if self.send.in_flight() == 0 {
            self.timers.stop(Timer::Retransmit);
        } else if restart {
            self.start_retransmit_timer(now);
        }
        if self.send.fin_acknowledged && self.state.fin_unacknowledged() {
            self.transition(Event::FinAcknowledged);
            self.on_fin_acknowledged(now);
        }
        self.notify_acknowledged();
    }

    /// New data is acknowledged: RFC 5681 §3.1, or in recovery RFC 6582 §3.2. Says whether the timer starts again.
    fn on_progress(&mut self, acknowledgement: Seq, bytes: usize, now: Instant) -> bool {
        let in_flight = self.send.in_flight();
        let recovery = &mut self.recovery;
        if !recovery.congestion.in_recovery() {
            recovery.pass(acknowledgement);
            recovery.duplicates = 0;
            recovery.limited = 0;
            recovery.head_lost = false;
            // RFC 3168 §6.1.2: an acknowledgement that echoes a mark adds nothing.
            if bytes > 0 && !self.ecn.is_echoed {
                recovery.congestion.on_ack(Acknowledged {
                    bytes,
                    smoothed_round_trip: recovery.round_trip.smoothed(),
                    now,
                });
            }
        } else if acknowledgement >= recovery.recover {
            // Full acknowledgement. A loss right behind it is a new one.
            recovery.recover = acknowledgement - 1;
            recovery.duplicates = 0;
            recovery.limited = 0;
            recovery.head_lost = false;
            recovery.congestion.on_recovery_exit(in_flight);
        } else if self.sacks {
            // RFC 6675 §5: the scoreboard says what is lost. Deviation: what is first now, was not sent again and is not known to be
            // lost, because too little came behind it, is lost as well, as without selective acknowledgements.
            recovery.head_lost = !recovery.board.has_repeated();
        } else {
            // Partial acknowledgement: the next segment is lost as well.
            recovery.congestion.on_partial_ack(bytes);
            recovery.head_lost = true;
            // RFC 6582 §4, the impatient variant: only the first one restarts the timer, so that many losses in one window
            // end in slow start and not in one round trip each.
            return !core::mem::replace(&mut recovery.was_partial, true);
        }
        true
    }

    /// An acknowledgement that says nothing new, while something is in flight (RFC 5681 §3.2).
    pub(super) fn on_duplicate_acknowledgement(&mut self, now: Instant) {
        let in_flight = self.send.in_flight();
        if in_flight == 0 {
            return;
        }
        let full = self.full_segment();
        let recovery = &mut self.recovery;
        recovery.duplicates = recovery.duplicates.saturating_add(1);
        // RFC 6675 §5, step 2.
        let is_loss = recovery.duplicates == DUPLICATES || recovery.board.head_is_lost(full);
        if recovery.congestion.in_recovery() {
            if !self.sacks {
                recovery.congestion.inflate(1);
            }
        } else if is_loss && self.send.unacknowledged > recovery.recover {
            recovery
                .congestion
                .on_loss(in_flight.saturating_sub(recovery.limited));
            if !self.sacks {
                recovery.congestion.inflate(DUPLICATES as usize);
            }
            recovery.board.begin();
            recovery.recover = self.send.highest;
            recovery.head_lost = true;
            recovery.was_partial = false;
            recovery.limited = 0;
            // The repeated segment gets a whole timeout.
            self.timers.stop(Timer::Retransmit);
            self.start_retransmit_timer(now);
        }
    }

    /// The peer said what its window is now, or that it is still closed.
    pub(super) fn on_window(&mut self, now: Instant) {
        if self.send.window.size() > 0 {
            self.recovery.probes = 0;
            self.send.probe_window = false;
        } else if !self.program.has_let_go {
            // MUST-37: as long as the peer answers probes the connection stays, however long its window is closed. Not so
            // for a connection that nobody holds: there the user timeout counts (RFC 6429).
            self.recovery.progress(now);
        }
        self.notify_room();
    }

    /// Starts the timer for what is in flight (RFC 6298 §5.1). It never lasts beyond the user timeout.
    pub(super) fn start_retransmit_timer(&mut self, now: Instant) {
        let interval = if self.send.in_flight() > 0 {
            self.recovery.round_trip.timeout()
        } else {
            self.recovery.probe_interval(self.liveness.longest_interval)
        };
        let limit = self.recovery.stalled_since + self.liveness.user_timeout;
        let mut at = now + interval;
        if self.state.is_synchronized() && limit > now {
            at = at.min(limit);
        }
        self.timers.set(Timer::Retransmit, at);
    }

    /// The timer runs while something is in flight, or while something waits that the window holds back.
    #[inline]
    pub(super) fn settle_retransmit_timer(&mut self, shared: &Shared, now: Instant) {
        if self.send.in_flight() > 0 {
            if !self.timers.is_set(Timer::Retransmit) {
                self.start_retransmit_timer(now);
            }
            return;
        }
        let is_held_back =
            self.state.may_send() && self.send.has_more() && !self.has_data_segment(shared);
        if !is_held_back {
            if !self.state.is_opening() {
                self.timers.stop(Timer::Retransmit);
            }
        } else if !self.timers.is_set(Timer::Retransmit) {
            if self.send.is_idle() {
                self.recovery.progress(now);
            }
            self.start_retransmit_timer(now);
            if self.send.window.size() > 0 {
                let latest = now + LONGEST_HOLD;
                self.timers.set_earlier(Timer::Retransmit, latest);
            }
        }
    }

    /// The link is back: what waits for the timer leaves now. The silence was the link's fault, so it counts for nothing.
    pub(super) fn on_link_restored(&mut self, now: Instant) {
        if self.timers.is_set(Timer::Retransmit) {
            self.recovery.timeouts = 0;
            self.recovery.probes = 0;
            self.recovery.progress(now);
            self.timers.set(Timer::Retransmit, now);
        }
    }

    /// The timer ran out.
    pub(super) fn on_retransmit_timer(&mut self, shared: &mut Shared, now: Instant) {
        if self.has_run_out_of_time(shared, now) {
            return self.give_up(shared);
        }
        if self.send.in_flight() == 0 {
            // Nothing in flight: the window is closed, or too small to be worth a segment.
            if self.send.window.size() == 0 {
                self.send.probe_window = true;
            } else {
                self.send.override_silly = true;
            }
            return;
        }
        let in_flight = self.send.in_flight();
        let recovery = &mut self.recovery;
        if self.state.is_opening() {
            recovery.handshake_lost = true;
            self.ecn.stop_asking();
        } else if self.send.window.size() == 0 {
            // The peer took its window back: what is beyond it is no sign of congestion. Probe instead.
            self.send.go_back();
            self.send.probe_window = true;
            return;
        } else {
            recovery
                .congestion
                .on_timeout(in_flight, recovery.timeouts > 0);
        }
        // RFC 6298 §5.4 to §5.6; RFC 6582 §3.2, retransmit timeouts.
        recovery.timeouts += 1;
        if recovery.timeouts == ADVICE_AFTER {
            shared.doubt(self.tuple.remote.ip());
        }
        recovery.round_trip.back_off();
        recovery.recover = self.send.highest;
        recovery.duplicates = 0;
        recovery.limited = 0;
        recovery.head_lost = false;
        recovery.board.forget();
        recovery.timed = None;
        // The timer starts again when the segment leaves.
        self.send.go_back();
    }

    /// R2 of RFC 9293 §3.8.3: SYNs are counted, data is timed.
    fn has_run_out_of_time(&self, shared: &Shared, now: Instant) -> bool {
        if self.state.is_opening() {
            return self.recovery.timeouts + 1 >= u32::from(shared.config.syn_retries);
        }
        now.since(self.recovery.stalled_since) >= self.liveness.user_timeout
            && self.recovery.timeouts + self.recovery.probes > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_a_new_one_gigabytes_after_the_last() {
        let mut recovery = Recovery::new(&TcpConfig::default(), Seq(7), 1_460, Instant::ZERO);
        let mut unacknowledged = Seq(7);
        for _ in 0..3 << 10 {
            unacknowledged += 1 << 20;
            recovery.pass(unacknowledged);
            assert!(unacknowledged > recovery.recover);
        }
    }
}
