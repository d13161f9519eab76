//! SEGMENT ARRIVES (RFC 9293 §3.10.7), in the RFC's order: SYN-SENT first (§3.10.7.3), then the eight steps for all other
//! states (§3.10.7.4), one function a step. CLOSED and LISTEN have no connection yet: see [`Tcp`](super::Tcp) and
//! [`listener`](super::listener).

use super::connection::Connection;
use super::incoming::Incoming;
use super::reply::reset_for;
use super::shared::Shared;
use super::state::Event;
use crate::buffer::Insertion;
use crate::counters::DropReason;
use crate::time::Instant;
use crate::transport::TcpError;
use crate::wire::tcp::{Flags, TcpSegment};
use crate::wire::tcp_options::SegmentOptions;
use core::ops::ControlFlow::{self, Break, Continue};

/// What a segment changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// Whatever a segment can change.
    Anything,
    /// What was received, and what is owed for it, and nothing else.
    Received,
}

impl Connection {
    /// A segment for this connection arrived.
    #[inline]
    pub(super) fn receive(
        &mut self,
        segment: &TcpSegment<'_>,
        is_marked: bool,
        shared: &mut Shared,
        now: Instant,
    ) -> Changed {
        let mut incoming = Incoming::new(segment, is_marked);
        if self.state.is_connecting() {
            self.receive_in_syn_sent(segment, incoming, shared, now);
        } else if let Some(changed) = self.receive_predicted(&incoming, shared, now) {
            return changed;
        } else {
            // What stops here has been answered, or needs no answer.
            let _ = self.receive_in_steps(segment, &mut incoming, shared, now);
        }
        Changed::Anything
    }

    fn receive_in_steps(
        &mut self,
        segment: &TcpSegment<'_>,
        incoming: &mut Incoming<'_>,
        shared: &mut Shared,
        now: Instant,
    ) -> ControlFlow<()> {
        self.check_sequence_number(incoming, shared, now)?;
        self.check_reset(incoming, shared, now)?;
        // Third: no security compartments (RFC 9293 §A.1).
        self.check_syn(incoming, shared, now)?;
        self.check_acknowledgement(segment, incoming, shared, now)?;
        self.check_urgent(incoming);
        self.check_marks(incoming);
        self.take_text(incoming, shared, now)?;
        self.check_fin(incoming, now);
        Continue(())
    }

    /// RFC 9293 §3.10.7.3: the peer's SYN is awaited.
    fn receive_in_syn_sent(
        &mut self,
        segment: &TcpSegment<'_>,
        mut incoming: Incoming<'_>,
        shared: &mut Shared,
        now: Instant,
    ) {
        // First, the acknowledgement.
        let acknowledged = incoming.has(Flags::ACK);
        let of_ours = incoming.acknowledgement > self.send.initial
            && incoming.acknowledgement <= self.send.highest;
        if acknowledged && !of_ours {
            shared.counters.drop(DropReason::TcpUnacceptable);
            shared.reply(reset_for(segment, &self.tuple));
            return;
        }
        // Second, the RST: it counts only beside an acknowledgement of our SYN.
        if incoming.has(Flags::RST) {
            if acknowledged {
                self.die(Some(TcpError::Refused));
            } else {
                shared.counters.drop(DropReason::TcpUnacceptable);
            }
            return;
        }
        // Fourth, the SYN (third, security, is not there).
        if !incoming.has(Flags::SYN) {
            shared.counters.drop(DropReason::TcpUnacceptable);
            return;
        }
        let options = SegmentOptions::parse(segment.options);
        self.take_syn(&incoming, &options, shared);
        if acknowledged {
            self.transition(Event::SynAck);
            let shift = self.send_shift(&options);
            self.send.window.open(
                incoming.sequence,
                incoming.acknowledgement,
                incoming.window,
                shift,
            );
            self.take_acknowledgement(incoming.acknowledgement, now);
            self.acknowledgement.at_once();
            self.on_established(now);
        } else {
            // Simultaneous open: our SYN again, now with an acknowledgement.
            self.transition(Event::Syn);
            self.open_send_window(&incoming, &options);
            self.send.repeat_syn = true;
        }
        // "Continue processing at the sixth step."
        self.take_rest_of_syn(&mut incoming, shared, now);
    }

    /// RFC 9293 §3.10.7.2, third step: LISTEN gets a SYN, and this connection is made for it.
    pub(super) fn receive_in_listen(
        &mut self,
        segment: &TcpSegment<'_>,
        shared: &mut Shared,
        now: Instant,
    ) {
        let mut incoming = Incoming::new(segment, false);
        let options = SegmentOptions::parse(segment.options);
        self.take_syn(&incoming, &options, shared);
        self.transition(Event::PassiveOpen);
        self.transition(Event::Syn);
        self.open_send_window(&incoming, &options);
        self.take_rest_of_syn(&mut incoming, shared, now);
    }

    /// "Any other controls or text-bearing segments" that came with a SYN wait in the buffer until both sides are open.
    fn take_rest_of_syn(&mut self, incoming: &mut Incoming<'_>, shared: &mut Shared, now: Instant) {
        incoming.sequence += 1;
        incoming.urgent = incoming.urgent.saturating_sub(1);
        if incoming.payload.is_empty() && !incoming.fin {
            return;
        }
        self.receive.announce_unscaled();
        incoming.trim_back(self.receive.next + self.receive.window_left());
        self.check_urgent(incoming);
        if self.take_text(incoming, shared, now).is_continue() {
            self.check_fin(incoming, now);
        }
    }

    /// What both kinds of SYN say.
    fn take_syn(&mut self, incoming: &Incoming<'_>, options: &SegmentOptions, shared: &Shared) {
        self.sacks = shared.config.sack && options.sack_permitted;
        self.receive
            .start(incoming.sequence, options.window_scale.is_some());
        self.ecn.take_syn(incoming.flags);
        if let Some(size) = options.maximum_segment {
            self.send.set_peer_maximum_segment(size);
        }
        let full = self.full_segment();
        self.recovery.congestion.set_maximum_segment(full);
    }

    fn send_shift(&self, options: &SegmentOptions) -> u8 {
        options.window_scale.unwrap_or(0)
    }

    /// The window of a SYN that acknowledges nothing.
    fn open_send_window(&mut self, incoming: &Incoming<'_>, options: &SegmentOptions) {
        let shift = self.send_shift(options);
        self.send
            .window
            .open(incoming.sequence, self.send.initial, incoming.window, shift);
    }

    /// The common case without the steps: in order, nothing special, and either data or news of ours. Each condition is what
    /// a step would find, and what is done is what the steps would do (`tests/prediction.rs` compares both).
    #[inline]
    fn receive_predicted(
        &mut self,
        incoming: &Incoming<'_>,
        shared: &mut Shared,
        now: Instant,
    ) -> Option<Changed> {
        #[cfg(test)]
        if shared.walks_every_step {
            return None;
        }
        let special = Flags::FIN | Flags::SYN | Flags::RST | Flags::URG | Flags::ECE | Flags::CWR;
        let is_plain = self.state.is_established()
            && incoming.has(Flags::ACK)
            && !incoming.flags.intersects(special)
            && !incoming.is_marked
            && incoming.options.is_empty()
            && !self.ecn.is_echoed
            && incoming.sequence == self.receive.next
            && incoming.payload.len() <= self.receive.window_left() as usize
            && incoming.acknowledgement >= self.send.unacknowledged
            && incoming.acknowledgement <= self.send.highest
            && !self.program.has_let_go
            && self.receive.held.is_empty()
            && self.receive.fin.is_none();
        let is_news = incoming.acknowledgement != self.send.unacknowledged;
        if !is_plain || incoming.payload.is_empty() != is_news {
            return None;
        }
        self.liveness.heard(now);
        let window_changed = self.note_window(incoming, now);
        if is_news {
            self.take_acknowledgement(incoming.acknowledgement, now);
            return Some(Changed::Anything);
        }
        self.take_in_order(incoming.payload, shared, now);
        Some(if window_changed {
            Changed::Anything
        } else {
            Changed::Received
        })
    }

    /// First, check the sequence number.
    fn check_sequence_number(
        &mut self,
        incoming: &mut Incoming<'_>,
        shared: &mut Shared,
        now: Instant,
    ) -> ControlFlow<()> {
        let next = self.receive.next;
        let window = self.receive.window_left();
        let repeats_syn = self.state.is_half_open()
            && incoming.has(Flags::SYN)
            && !incoming.has(Flags::RST)
            && incoming.sequence == self.receive.initial;
        if repeats_syn && !incoming.has(Flags::ACK) {
            // The peer did not hear our SYN-ACK.
            self.send.repeat_syn = true;
            return Break(());
        }
        if repeats_syn {
            // Simultaneous open: its SYN-ACK repeats the SYN that we have.
            incoming.trim_front(next);
            incoming.flags = Flags(incoming.flags.0 & !Flags::SYN.0);
        }
        let length = incoming.payload.len() as u32
            + u32::from(incoming.has(Flags::SYN))
            + u32::from(incoming.fin);
        let is_acceptable = if length == 0 {
            // Deviation: at the very edge too. A peer that filled our window acknowledges from there, and while a gap before
            // it is open, refusing those would stop the other direction.
            incoming.sequence.is_within(next, window + 1)
        } else {
            incoming.sequence.is_within(next, window)
                || (incoming.sequence + (length - 1)).is_within(next, window)
                // MUST-66: a closed window still lets acknowledgements and RSTs in. The FIN needs no room either.
                || (window == 0 && incoming.sequence == next)
        };
        if !is_acceptable {
            shared.counters.drop(DropReason::TcpOutOfWindow);
            if !incoming.has(Flags::RST) {
                self.say_where_we_stand(length, now);
            }
            return Break(());
        }
        // One that resets is judged by its own number (RFC 5961 §3.2).
        if !incoming.has(Flags::RST) {
            incoming.trim_front(next);
        }
        let offered = incoming.payload.len();
        incoming.trim_back(next + window);
        if incoming.payload.len() < offered {
            shared.counters.drop(DropReason::TcpBufferFull);
            self.acknowledgement.at_once();
        }
        self.liveness.heard(now);
        Continue(())
    }

    /// An unacceptable segment is answered with `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`. Segments that take no sequence space are
    /// answered within a limit, the connection's own: what one peer sends must not silence us for others.
    fn say_where_we_stand(&mut self, length: u32, now: Instant) {
        if length > 0 {
            self.acknowledgement.at_once();
        } else {
            self.acknowledgement.answer(now);
        }
    }

    /// Second, check the RST bit, as RFC 5961 §3 has it.
    fn check_reset(
        &mut self,
        incoming: &Incoming<'_>,
        shared: &mut Shared,
        now: Instant,
    ) -> ControlFlow<()> {
        if !incoming.has(Flags::RST) {
            return Continue(());
        }
        if incoming.sequence != self.receive.next {
            self.challenge(shared, now);
        } else if self.state.is_half_open() {
            // One that a SYN made goes back to LISTEN, which means that it vanishes; our own was refused.
            self.die(Some(TcpError::Refused));
        } else {
            self.die(Some(TcpError::Reset));
        }
        Break(())
    }

    /// Fourth, check the SYN bit: RFC 5961 §4.
    fn check_syn(
        &mut self,
        incoming: &Incoming<'_>,
        shared: &mut Shared,
        now: Instant,
    ) -> ControlFlow<()> {
        if !incoming.has(Flags::SYN) {
            return Continue(());
        }
        if self.state.is_half_open() && self.listener.is_some() {
            // Back to LISTEN; the peer tries again.
            shared.counters.drop(DropReason::TcpUnacceptable);
            self.die(None);
        } else {
            self.challenge(shared, now);
        }
        Break(())
    }

    /// Fifth, check the ACK field.
    fn check_acknowledgement(
        &mut self,
        segment: &TcpSegment<'_>,
        incoming: &Incoming<'_>,
        shared: &mut Shared,
        now: Instant,
    ) -> ControlFlow<()> {
        if !incoming.has(Flags::ACK) {
            shared.counters.drop(DropReason::TcpUnacceptable);
            return Break(());
        }
        let acknowledgement = incoming.acknowledgement;
        if self.state.is_half_open() {
            let of_ours =
                acknowledgement > self.send.unacknowledged && acknowledgement <= self.send.highest;
            if !of_ours {
                shared.counters.drop(DropReason::TcpUnacceptable);
                shared.reply(reset_for(segment, &self.tuple));
                return Break(());
            }
            self.transition(Event::SynAcknowledged);
            // The first window that is scaled, but for that of a SYN (RFC 7323 §2.2).
            if segment.header.flags.contains(Flags::SYN) {
                let shift = self.send.window.shift();
                self.send
                    .window
                    .open(incoming.sequence, acknowledgement, incoming.window, shift);
            } else {
                self.send
                    .window
                    .update(incoming.sequence, acknowledgement, incoming.window);
            }
            self.take_acknowledgement(acknowledgement, now);
            self.on_established(now);
            return Continue(());
        }
        // RFC 5961 §5: neither older than any window nor of what was never sent.
        let oldest = self.send.unacknowledged - self.send.window.largest();
        if acknowledgement < oldest || acknowledgement > self.send.highest {
            self.challenge(shared, now);
            return Break(());
        }
        if acknowledgement >= self.send.unacknowledged {
            self.check_echo(incoming);
            let window_changed = self.note_window(incoming, now);
            let tells_of_more = self.check_sack(incoming);
            if acknowledgement > self.send.unacknowledged {
                self.take_acknowledgement(acknowledgement, now);
            } else if tells_of_more
                || (!window_changed && incoming.payload.is_empty() && !incoming.fin)
            {
                // RFC 5681 §2, RFC 6675 §2: what counts as a duplicate.
                self.on_duplicate_acknowledgement(now);
            }
        }
        Continue(())
    }

    /// Takes the window of an acceptable acknowledgement; says whether its size changed.
    #[inline]
    fn note_window(&mut self, incoming: &Incoming<'_>, now: Instant) -> bool {
        let changed =
            self.send
                .window
                .update(incoming.sequence, incoming.acknowledgement, incoming.window);
        if changed || self.send.window.size() == 0 {
            self.on_window(now);
        }
        changed
    }

    /// Sixth, check the URG bit (RFC 9293 §3.8.5).
    fn check_urgent(&mut self, incoming: &Incoming<'_>) {
        if !incoming.has(Flags::URG) || !self.state.may_receive() {
            return;
        }
        let pointed = incoming.sequence + u32::from(incoming.urgent);
        if pointed > self.receive.next && self.receive.urgent.is_none_or(|known| pointed > known) {
            self.receive.urgent = Some(pointed);
            // MUST-32: the program hears of it at once.
            self.program.notify_readable();
        }
    }

    /// Seventh, process the segment text.
    fn take_text(
        &mut self,
        incoming: &Incoming<'_>,
        shared: &mut Shared,
        now: Instant,
    ) -> ControlFlow<()> {
        if incoming.payload.is_empty() || !self.state.may_receive() {
            return Continue(());
        }
        if self.program.has_let_go {
            self.refuse_text();
            return Break(());
        }
        if incoming.sequence == self.receive.next {
            self.take_in_order(incoming.payload, shared, now);
        } else {
            self.take_out_of_order(incoming, shared);
        }
        Continue(())
    }

    /// Bytes at RCV.NXT.
    #[inline]
    fn take_in_order(&mut self, payload: &[u8], shared: &mut Shared, now: Instant) {
        let receive = &mut self.receive;
        receive.fit(self.program.received, &self.recovery.round_trip, now);
        let fills_gap = !receive.held.is_empty();
        let may_keep = !fills_gap && payload.len() <= receive.buffer.room();
        let mut taken = if may_keep && shared.loan.take(payload) {
            payload.len()
        } else {
            receive.buffer.push(payload)
        };
        if fills_gap {
            receive.held.advance(taken);
            let reached = receive.held.take_contiguous();
            receive.buffer.commit(reached);
            taken += reached;
        }
        receive.next += taken as u32;
        self.program.received += taken as u64;
        self.program.notify_readable();
        if fills_gap {
            self.acknowledgement.at_once();
        } else {
            let (segment, delay) = (receive.maximum_segment, shared.config.delayed_ack);
            self.acknowledgement
                .for_data(taken, segment, &mut self.timers, delay, now);
        }
    }

    /// Bytes beyond RCV.NXT: held, as far as the number of gaps allows (SHLD-31), and answered at once, so that the peer learns
    /// of the gap (RFC 5681 §4.2).
    fn take_out_of_order(&mut self, incoming: &Incoming<'_>, shared: &mut Shared) {
        let receive = &mut self.receive;
        let offset = (incoming.sequence - receive.next) as usize;
        let range = offset..offset + incoming.payload.len();
        match receive.held.insert(range) {
            Insertion::Added(_) => {
                receive.reports.note(incoming.sequence);
                receive.buffer.write_ahead(offset, incoming.payload);
            }
            Insertion::Full => shared.counters.drop(DropReason::TcpBufferFull),
        }
        self.acknowledgement.at_once();
    }

    /// Eighth, check the FIN bit. It may have come before the bytes in front of it.
    fn check_fin(&mut self, incoming: &Incoming<'_>, now: Instant) {
        if incoming.fin && self.state.may_receive() {
            self.receive.fin = Some(incoming.end());
            self.acknowledgement.at_once();
        }
        if !self.receive.is_complete() || !self.state.is_synchronized() {
            return;
        }
        if self.state.may_receive() {
            self.receive.next += 1;
            self.receive.fin = None;
            self.receive.is_finished = true;
            self.acknowledgement.at_once();
            self.transition(Event::Fin);
            self.program.notify_readable();
            self.liveness.heard(now);
        }
    }
}
