//! What leaves next, and its writing (RFC 9293 §3.7.4, §3.8.6.2.1).

use super::connection::Connection;
use super::send::{LARGEST_PACKET, LEAST_PATH_MTU};
use super::sequence::Seq;
use super::shared::{Shared, TCP_HEADER};
use super::timer::Timer;
use crate::time::Instant;
use crate::transport::demux::FourTuple;
use crate::wire::checksum::Checksum;
use crate::wire::ip::{Departure, Protocol};
use crate::wire::offload::{Offload, TransportChecksum};
use crate::wire::tcp::{CHECKSUM_OFFSET, Flags, MAX_HEADER_LENGTH, TcpHeader};
use crate::wire::tcp_options::SegmentOptions;
use core::ops::Range;

/// The sum of the pseudo-header stands in the field.
const PARTIAL: TransportChecksum = TransportChecksum::Partial {
    start: 0,
    offset: CHECKSUM_OFFSET as u16,
};

/// A segment that may leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    sequence: Seq,
    length: usize,
    flags: Flags,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Syn,
    /// One that is lost again, though others are in flight.
    Lost,
    /// From SND.NXT on.
    Next,
    WindowProbe,
    /// No sequence space.
    Bare,
}

impl Connection {
    /// Whether a segment may leave now.
    pub(super) fn has_segment(&self, shared: &Shared) -> bool {
        self.plan(shared).is_some()
    }

    /// Whether the segment that just left is one of many: more waits behind it, and nothing else is to be done.
    #[inline]
    pub(super) fn is_streaming(&self) -> bool {
        self.state.may_send()
            && self.send.next < self.send.end()
            && self.send.in_flight() > 0
            && self.timers.is_set(Timer::Retransmit)
            && (self.program.in_event_queue || !self.program.has_news())
    }

    /// Whether the peer's window, and nothing else, stops what waits to leave: it may stay so until the peer's program
    /// reads.
    pub(super) fn is_held_by_peer(&self) -> bool {
        self.send.window_left() < self.full_segment()
    }

    /// Whether data, or the FIN, may leave now.
    pub(super) fn has_data_segment(&self, shared: &Shared) -> bool {
        self.plan_data(shared).is_some()
    }

    /// Writes the next segment to the front of `out`.
    pub(super) fn transmit(
        &mut self,
        shared: &mut Shared,
        now: Instant,
        out: &mut [u8],
    ) -> Option<Departure> {
        if self.state.may_send() {
            self.recovery.before_send(self.send.in_flight(), now);
        }
        let plan = self.plan(shared)?;
        let options = match plan.kind {
            Kind::Syn => self.syn_options(shared),
            Kind::Bare if self.tells_of_gaps() => self.sack_options(),
            _ => self.options(),
        };
        let room = out.len().checked_sub(TCP_HEADER + options.length())?;
        let plan = if plan.length <= room {
            plan
        } else {
            self.data(plan.kind, plan.sequence, room)
        };
        let out = &mut out[..TCP_HEADER + options.length() + plan.length];
        self.emit(&plan, &options, shared, out);
        let length = out.len();
        let ecn = self.ecn.of_packet(self.is_new(&plan));
        self.on_sent(&plan, shared, now);
        Some(Departure {
            source: self.tuple.local.ip(),
            destination: self.tuple.remote.ip(),
            protocol: Protocol::TCP,
            length,
            hop_limit: None,
            dscp: self.send.dscp,
            ecn,
            offload: self.offload(&plan, shared),
            dont_fragment: self.send.path_mtu >= LEAST_PATH_MTU,
        })
    }

    /// What leaves next; `None`: nothing, for now.
    #[inline]
    fn plan(&self, shared: &Shared) -> Option<Plan> {
        if self.state.is_closed() || self.state.is_time_wait() {
            return None;
        }
        let send = &self.send;
        if self.state.is_opening() && (send.next == send.initial || send.repeat_syn) {
            return Some(Plan {
                sequence: send.initial,
                length: 0,
                flags: if self.state.is_half_open() {
                    Flags::SYN | Flags::ACK | self.ecn.of_syn(true)
                } else {
                    Flags::SYN | self.ecn.of_syn(false)
                },
                kind: Kind::Syn,
            });
        }
        let bare = |sequence| Plan {
            sequence,
            length: 0,
            flags: Flags::ACK,
            kind: Kind::Bare,
        };
        // In a segment with data there is no room to tell of gaps.
        if self.acknowledgement.is_due() && self.tells_of_gaps() {
            return Some(bare(send.acceptable()));
        }
        if self.state.may_send()
            && let Some(plan) = self.plan_data(shared)
        {
            return Some(plan);
        }
        if send.probe_peer {
            // RFC 9293 §3.8.4: SEG.SEQ = SND.NXT - 1 is unacceptable, so it is answered.
            return Some(bare(send.highest - 1));
        }
        (self.acknowledgement.is_due() && !self.state.is_connecting())
            .then(|| bare(send.acceptable()))
    }

    #[inline]
    fn plan_data(&self, shared: &Shared) -> Option<Plan> {
        let send = &self.send;
        let full = self.full_segment();
        if self.recovery.head_lost && send.unacknowledged < send.highest {
            let gap = self.recovery.board.first_gap().min(full);
            return Some(self.lost(0..gap));
        }
        if self.recovers_by_sack()
            && self.sendable_by_congestion(full) >= full
            && let Some(gap) = self.recovery.board.next_gap(full, false)
        {
            return Some(self.lost(gap));
        }
        self.plan_next(full, shared)
            .or_else(|| self.plan_doubted(full))
    }

    /// RFC 6675 §4, NextSeg's third rule: when nothing new may leave, what may be lost leaves again.
    fn plan_doubted(&self, full: usize) -> Option<Plan> {
        if !self.recovers_by_sack() || self.sendable_by_congestion(full) < full {
            return None;
        }
        let gap = self.recovery.board.next_gap(full, true)?;
        Some(self.lost(gap))
    }

    /// Whether the scoreboard decides what is sent.
    #[inline]
    fn recovers_by_sack(&self) -> bool {
        self.sacks && self.recovery.congestion.in_recovery()
    }

    /// The first segment of what is missing, in offsets from SND.UNA, once more.
    fn lost(&self, gap: Range<usize>) -> Plan {
        let send = &self.send;
        let sequence = send.first_byte() + gap.start as u32;
        let sent = usize::try_from(send.highest.earlier(send.end()) - sequence).unwrap_or(0);
        let length = gap.len().min(sent).min(self.full_segment());
        self.data(Kind::Lost, sequence, length)
    }

    /// What leaves for the first time, or again after a timeout.
    #[inline]
    fn plan_next(&self, full: usize, shared: &Shared) -> Option<Plan> {
        let send = &self.send;
        if !send.has_more() {
            return None;
        }
        if send.probe_window {
            let length = send.buffer.len().min(1);
            return Some(self.data(Kind::WindowProbe, send.unacknowledged, length));
        }
        let queued = send.unsent();
        let mut length = queued
            .min(self.sendable(full))
            .min(self.largest_payload(full, shared));
        if length > full && (length < queued || !send.may_send_short()) {
            // The end of what may leave now stays whole: silly window avoidance on our side.
            length -= length % full;
        }
        let plan = self.data(Kind::Next, send.next, length);
        if plan.flags.contains(Flags::FIN) {
            return Some(plan);
        }
        let may = length > 0 && (length >= full || self.may_be_short(length, queued));
        may.then_some(plan)
    }

    /// RFC 9293 §3.8.6.2.1 (MUST-38): whether a segment that is not full may leave.
    fn may_be_short(&self, length: usize, queued: usize) -> bool {
        let send = &self.send;
        let repeated = send.highest - send.next;
        let ends_what_was_sent = repeated > 0 && length >= repeated as usize;
        ends_what_was_sent
            || send.override_silly
            || (length == queued && send.may_send_short())
            // All that the window leaves, if that is much for this peer.
            || (length == send.window_left() && 2 * length >= send.window.largest() as usize)
    }

    /// `length` bytes from `sequence` on, and the FIN if it follows them and the window allows it.
    fn data(&self, kind: Kind, sequence: Seq, length: usize) -> Plan {
        let send = &self.send;
        let behind = sequence + length as u32;
        let mut flags = Flags::ACK;
        if behind == send.end() {
            // RFC 9293 §3.9.1.2, MUST-61: the last of what is buffered is pushed.
            if length > 0 {
                flags |= Flags::PSH;
            }
            let allowed = match kind {
                Kind::Lost => behind < send.highest,
                Kind::WindowProbe => length == 0,
                _ => behind < send.unacknowledged + send.window.size(),
            };
            if send.finished && allowed {
                flags |= Flags::FIN;
            }
        }
        Plan {
            sequence,
            length,
            flags,
            kind,
        }
    }

    /// Bytes that windows allow from SND.NXT on: the peer's, and that of congestion control.
    #[inline]
    pub(super) fn sendable(&self, full_segment: usize) -> usize {
        self.send
            .window_left()
            .min(self.sendable_by_congestion(full_segment))
    }

    /// What congestion control alone allows.
    #[inline]
    fn sendable_by_congestion(&self, full_segment: usize) -> usize {
        let mut on_its_way = self.send.in_flight();
        if self.recovers_by_sack() {
            on_its_way = self.recovery.board.pipe(on_its_way, full_segment);
        }
        self.recovery.allowance(on_its_way, full_segment)
    }

    /// Payload of a full segment: RFC 9293 §3.7.1 counts the options that it carries.
    pub(super) fn full_segment(&self) -> usize {
        self.send.maximum_segment() - self.options().length()
    }

    /// Payload of the largest segment that the link cuts for us: whole segments, or one.
    fn largest_payload(&self, full: usize, shared: &Shared) -> usize {
        // Who cuts segments computes the checksum of each.
        if shared.link.largest_segment <= full
            || shared.link.fill_checksums
            || self.ecn.owes_answer()
            // Each of the pieces would carry the same pointer (RFC 9293 §3.8.5).
            || self.send.urgent.is_some()
        {
            return full;
        }
        let most = LARGEST_PACKET - self.send.headers - (MAX_HEADER_LENGTH - TCP_HEADER);
        let largest = shared.link.largest_segment.min(most).max(full);
        largest - largest % full
    }

    /// Options of a segment that is not a SYN.
    fn options(&self) -> SegmentOptions {
        SegmentOptions::default()
    }

    /// Whether there are gaps that the peer can be told of.
    #[inline]
    fn tells_of_gaps(&self) -> bool {
        self.sacks && !self.receive.held.is_empty()
    }

    /// Options of a segment that tells of gaps.
    fn sack_options(&mut self) -> SegmentOptions {
        let receive = &mut self.receive;
        SegmentOptions {
            sack: receive.reports.blocks(receive.next, &receive.held),
            ..self.options()
        }
    }

    /// Options of our SYN (RFC 9293 §3.7.1, MUST-14; RFC 7323 §2.2). A SYN-ACK scales only if the SYN did.
    fn syn_options(&self, shared: &Shared) -> SegmentOptions {
        let maximum_segment = shared.receive_maximum_segment(self.tuple.local.ip());
        SegmentOptions {
            maximum_segment: Some(maximum_segment as u16),
            window_scale: (self.state.is_connecting() || self.receive.scales)
                .then(|| self.receive.window.shift()),
            sack_permitted: shared.config.sack && (self.state.is_connecting() || self.sacks),
            ..SegmentOptions::default()
        }
    }

    /// Whether a segment holds data that leaves for the first time.
    fn is_new(&self, plan: &Plan) -> bool {
        plan.kind == Kind::Next && plan.length > 0 && plan.sequence >= self.send.highest
    }

    /// Writes header, options, data and checksum, which fill `out`.
    fn emit(&mut self, plan: &Plan, options: &SegmentOptions, shared: &Shared, out: &mut [u8]) {
        let mut flags = plan.flags;
        let mut urgent = 0;
        if let Some(pointed) = self.send.urgent
            && pointed > plan.sequence
            && plan.length > 0
        {
            // RFC 9293 §3.8.5, MUST-62: it points behind the last urgent byte.
            urgent = u16::try_from(pointed.since(plan.sequence)).unwrap_or(u16::MAX);
            flags |= Flags::URG;
        }
        if plan.kind != Kind::Syn {
            flags |= self.ecn.of_segment(self.is_new(plan));
        }
        let header = TcpHeader {
            source_port: self.tuple.local.port(),
            destination_port: self.tuple.remote.port(),
            sequence: plan.sequence.0,
            acknowledgement: if flags.contains(Flags::ACK) {
                self.receive.next.0
            } else {
                0
            },
            flags,
            window: match plan.kind {
                Kind::Syn => self.receive.announce_unscaled(),
                _ => self.receive.announce(),
            },
            urgent,
        };
        let length = out.len();
        let start = header.emit(options, out);
        let (header, data) = out.split_at_mut(start);
        let offset = plan.sequence.since(self.send.first_byte()) as usize;
        let (source, destination) = (self.tuple.local.ip(), self.tuple.remote.ip());
        let pseudo_header = Checksum::pseudo_header(source, destination, Protocol::TCP, length);
        if !shared.link.fill_checksums {
            let sum = pseudo_header.partial().to_be_bytes();
            header[CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2].copy_from_slice(&sum);
            self.send.buffer.copy_to(offset, data);
            return;
        }
        let (first, second) = self.send.buffer.peek(offset, data.len());
        let (front, back) = data.split_at_mut(first.len());
        let sum = pseudo_header
            .with(header)
            .with_copy(first, front)
            .with_copy(second, back)
            .finish();
        header[CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2].copy_from_slice(&sum.to_be_bytes());
    }

    /// What the link is to do to a segment.
    fn offload(&self, plan: &Plan, shared: &Shared) -> Offload {
        if shared.link.fill_checksums {
            return Offload::NONE;
        }
        let full = self.full_segment();
        Offload {
            checksum: PARTIAL,
            segment_size: if plan.length > full { full as u16 } else { 0 },
        }
    }

    /// Takes note of what left.
    #[inline]
    fn on_sent(&mut self, plan: &Plan, shared: &mut Shared, now: Instant) {
        if plan.flags.contains(Flags::ACK) {
            self.acknowledgement.sent(&mut self.timers);
        }
        self.send.probe_peer = false;
        let taken = plan.length as u32
            + u32::from(plan.flags.intersects(Flags::SYN))
            + u32::from(plan.flags.intersects(Flags::FIN));
        if taken == 0 {
            return;
        }
        let full = self.full_segment();
        let send = &mut self.send;
        let behind = plan.sequence + taken;
        let was_idle = send.is_idle();
        // A byte that probed the window counts as new when it leaves in a segment of its own right.
        let is_repeated = behind <= send.highest || send.highest - plan.sequence > 1;
        let is_new = behind > send.highest;
        send.highest = send.highest.later(behind);
        match plan.kind {
            Kind::Syn => {
                send.next = send.next.later(behind);
                send.repeat_syn = false;
            }
            Kind::Lost => {
                self.recovery.head_lost = false;
                let end = behind.since(send.unacknowledged) as usize;
                self.recovery.board.sent_again(end);
            }
            Kind::Next => send.next = behind,
            Kind::WindowProbe => send.probe_window = false,
            Kind::Bare => {}
        }
        if plan.kind == Kind::Next {
            send.override_silly = false;
            if plan.length < full && plan.flags.contains(Flags::PSH) && is_new {
                send.short_until = behind;
            }
        }
        let in_flight = send.in_flight();
        self.recovery.congestion.on_frame(plan.length);
        if plan.kind == Kind::WindowProbe {
            self.recovery.on_probe_sent();
        } else if is_repeated {
            self.recovery.on_repeated(&mut shared.counters);
            if plan.kind == Kind::Next {
                // After a timeout all goes again, and uses the window as new data would (RFC 5681 §3.1).
                self.recovery.congestion.on_sent(in_flight, now);
            }
        } else {
            self.recovery
                .on_new_sent(behind, plan.length, in_flight, now);
        }
        if was_idle && plan.kind != Kind::WindowProbe {
            self.recovery.progress(now);
        }
        self.notify_room();
        if !self.timers.is_set(Timer::Retransmit) {
            self.start_retransmit_timer(now);
        }
    }
}

/// Fills in the checksum of a whole segment whose field is 0.
pub(super) fn fill_checksum(tuple: &FourTuple, segment: &mut [u8]) {
    let (source, destination) = (tuple.local.ip(), tuple.remote.ip());
    let sum = Checksum::pseudo_header(source, destination, Protocol::TCP, segment.len())
        .with(segment)
        .finish();
    segment[CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2].copy_from_slice(&sum.to_be_bytes());
}
