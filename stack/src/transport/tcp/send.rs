//! What we send, and when (RFC 9293 §3.7.4, §3.8.6.2.1): the plan of the next segment, and its writing.

use super::connection::Connection;
use super::sequence::Seq;
use super::shared::{Shared, TCP_HEADER, internet_header};
use super::timer::Timer;
use super::window::SendWindow;
use crate::buffer::Ring;
use crate::config::{TcpConfig, TcpOptions};
use crate::time::Instant;
use crate::transport::demux::FourTuple;
use crate::wire::checksum::Checksum;
use crate::wire::ip::{Departure, Ecn, Protocol};
use crate::wire::offload::{Offload, TransportChecksum};
use crate::wire::tcp::{CHECKSUM_OFFSET, Flags, MAX_HEADER_LENGTH, TcpHeader};
use crate::wire::tcp_options::SegmentOptions;

/// RFC 9293 §3.7.1, MUST-15: what a peer takes that does not say.
const DEFAULT_MAXIMUM_SEGMENT: (usize, usize) = (536, 1_220);
/// Deviation: a peer that asks for less gets this; a smaller segment is more header than data.
const SMALLEST_SEGMENT: usize = 48;
/// The least path MTU that is believed (RFC 5927 §7.2); below it routers may fragment.
const LEAST_PATH_MTU: usize = 576;
/// The sum of the pseudo-header stands in the field.
const PARTIAL: TransportChecksum = TransportChecksum::Partial {
    start: 0,
    offset: CHECKSUM_OFFSET as u16,
};
/// What the length field of an IPv4 packet can say.
const LARGEST_PACKET: usize = 65_535;

/// The send sequence space (RFC 9293 §3.3.1, figure 3) and the bytes in it.
#[derive(Debug)]
pub(super) struct SendSide {
    /// ISS.
    pub(super) initial: Seq,
    /// Our SYN is acknowledged.
    pub(super) opened: bool,
    /// SND.UNA.
    pub(super) unacknowledged: Seq,
    /// What leaves next: SND.NXT, or behind it while we go back.
    pub(super) next: Seq,
    /// SND.NXT: behind the last number ever sent.
    pub(super) highest: Seq,
    pub(super) window: SendWindow,
    /// From the first byte that is not acknowledged on.
    pub(super) buffer: Ring,
    /// Unsent bytes from which on writers wait: [`TcpConfig::unsent_low_water`].
    pub(super) unsent_low_water: usize,
    /// The FIN follows the last byte of the buffer.
    pub(super) finished: bool,
    pub(super) fin_acknowledged: bool,
    /// SND.UP: behind the last urgent byte.
    pub(super) urgent: Option<Seq>,
    pub(super) no_delay: bool,
    /// What the program asked the network for (RFC 9293 §3.9.2, MUST-48).
    pub(super) dscp: u8,
    /// The SYN-ACK is to be sent once more, because the SYN was.
    pub(super) repeat_syn: bool,
    /// What the window does not allow, to learn whether it still does not.
    pub(super) probe_window: bool,
    /// What silly window avoidance held back for too long.
    pub(super) override_silly: bool,
    /// An empty segment that must be answered.
    pub(super) probe_peer: bool,
    /// Behind the last segment that was shorter than full.
    short_until: Seq,
    peer_maximum_segment: usize,
    path_mtu: usize,
    headers: usize,
}

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
    /// The first segment again, though others are in flight.
    Head,
    /// From SND.NXT on.
    Next,
    WindowProbe,
    /// No sequence space.
    Bare,
}

impl SendSide {
    pub(super) fn new(
        initial: Seq,
        tuple: FourTuple,
        path_mtu: usize,
        options: &TcpOptions,
        config: &TcpConfig,
    ) -> SendSide {
        SendSide {
            initial,
            opened: false,
            unacknowledged: initial,
            next: initial,
            highest: initial,
            window: SendWindow::new(),
            buffer: Ring::new(options.send_buffer.unwrap_or(config.send_buffer)),
            unsent_low_water: config.unsent_low_water,
            finished: false,
            fin_acknowledged: false,
            urgent: None,
            no_delay: options.no_delay,
            dscp: 0,
            repeat_syn: false,
            probe_window: false,
            override_silly: false,
            probe_peer: false,
            short_until: initial,
            peer_maximum_segment: if tuple.remote.is_ipv4() {
                DEFAULT_MAXIMUM_SEGMENT.0
            } else {
                DEFAULT_MAXIMUM_SEGMENT.1
            },
            path_mtu: path_mtu.min(LARGEST_PACKET),
            headers: internet_header(tuple.remote.ip()) + TCP_HEADER,
        }
    }

    /// Eff.snd.MSS (RFC 9293 §3.7.1, MUST-16): what peer and path both take.
    pub(super) fn maximum_segment(&self) -> usize {
        self.peer_maximum_segment
            .min(self.path_mtu.max(LEAST_PATH_MTU) - self.headers)
            .max(SMALLEST_SEGMENT)
    }

    /// Takes the peer's MSS option.
    pub(super) fn set_peer_maximum_segment(&mut self, size: u16) {
        self.peer_maximum_segment = usize::from(size);
    }

    /// Lowers the path MTU; says whether segments became smaller.
    pub(super) fn lower_path_mtu(&mut self, mtu: usize) -> bool {
        let before = self.maximum_segment();
        self.path_mtu = self.path_mtu.min(mtu);
        self.maximum_segment() < before
    }

    /// The number of the buffer's first byte.
    pub(super) fn first_byte(&self) -> Seq {
        self.unacknowledged + u32::from(!self.opened)
    }

    /// The number behind the buffer's last byte: the FIN's, if there will be one.
    pub(super) fn end(&self) -> Seq {
        self.first_byte() + self.buffer.len() as u32
    }

    /// Sequence space that left and was not acknowledged: FlightSize.
    pub(super) fn in_flight(&self) -> usize {
        self.next.since(self.unacknowledged) as usize
    }

    /// Bytes that wait to leave, for the first time or again.
    #[inline]
    pub(super) fn unsent(&self) -> usize {
        usize::try_from(self.end() - self.next).unwrap_or(0)
    }

    /// Whether nothing that ever left is still to be acknowledged.
    pub(super) fn is_idle(&self) -> bool {
        self.highest == self.unacknowledged
    }

    /// Whether data, or the FIN, has not left yet (or is to leave again).
    pub(super) fn has_more(&self) -> bool {
        self.next < self.end() + u32::from(self.finished && !self.fin_acknowledged)
    }

    /// Takes what `acknowledgement` covers out of the buffer; returns how many bytes.
    pub(super) fn acknowledge(&mut self, acknowledgement: Seq) -> usize {
        let mut covered = acknowledgement.since(self.unacknowledged) as usize;
        if !self.opened && covered > 0 {
            self.opened = true;
            covered -= 1;
        }
        let bytes = self.buffer.consume(covered);
        self.fin_acknowledged |= self.finished && covered > bytes;
        self.unacknowledged = acknowledgement;
        self.next = self.next.later(acknowledgement);
        // It must not fall so far behind that it seems to lie ahead.
        self.short_until = self.short_until.later(acknowledgement);
        self.urgent = self.urgent.filter(|&urgent| urgent > acknowledgement);
        bytes
    }

    /// Begins again at the first number that is not acknowledged.
    pub(super) fn go_back(&mut self) {
        self.next = self.unacknowledged;
    }

    /// The sequence number of a segment without data: SND.NXT, unless the peer took back the window that it was in.
    pub(super) fn acceptable(&self) -> Seq {
        let edge = self.unacknowledged + self.window.size();
        if self.opened && edge < self.highest {
            edge
        } else {
            self.highest
        }
    }

    /// Bytes that the peer's window still allows from SND.NXT on.
    fn window_left(&self) -> usize {
        usize::try_from(self.unacknowledged + self.window.size() - self.next).unwrap_or(0)
    }

    /// Nagle's algorithm (RFC 9293 §3.7.4, SHLD-7), as Minshall refined it: a short segment waits only while another
    /// short one is on its way. So the odd end of a long write does not wait for a delayed acknowledgement.
    fn may_send_short(&self) -> bool {
        self.no_delay || self.finished || self.short_until <= self.unacknowledged
    }
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
        self.on_sent(&plan, shared, now);
        Some(Departure {
            source: self.tuple.local.ip(),
            destination: self.tuple.remote.ip(),
            protocol: Protocol::TCP,
            length,
            hop_limit: None,
            dscp: self.send.dscp,
            ecn: Ecn::NotCapable,
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
                    Flags::SYN | Flags::ACK
                } else {
                    Flags::SYN
                },
                kind: Kind::Syn,
            });
        }
        if self.state.may_send()
            && let Some(plan) = self.plan_data(shared)
        {
            return Some(plan);
        }
        let bare = |sequence| Plan {
            sequence,
            length: 0,
            flags: Flags::ACK,
            kind: Kind::Bare,
        };
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
        if self.recovery.head_lost && send.unacknowledged < send.highest {
            let sent = send.highest.earlier(send.end()).since(send.first_byte()) as usize;
            let length = sent.min(self.full_segment());
            return Some(self.data(Kind::Head, send.first_byte(), length));
        }
        if !send.has_more() {
            return None;
        }
        if send.probe_window {
            let length = send.buffer.len().min(1);
            return Some(self.data(Kind::WindowProbe, send.unacknowledged, length));
        }
        let queued = send.unsent();
        let full = self.full_segment();
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
                Kind::Head => behind < send.highest,
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
        let allowance = self.recovery.allowance(self.send.in_flight(), full_segment);
        self.send.window_left().min(allowance)
    }

    /// Payload of a full segment: RFC 9293 §3.7.1 counts the options that it carries.
    pub(super) fn full_segment(&self) -> usize {
        self.send.maximum_segment() - self.options().length()
    }

    /// Payload of the largest segment that the link cuts for us: whole segments, or one.
    fn largest_payload(&self, full: usize, shared: &Shared) -> usize {
        // Who cuts segments computes the checksum of each.
        if shared.link.largest_segment <= full || shared.link.fill_checksums {
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

    /// Options of our SYN (RFC 9293 §3.7.1, MUST-14; RFC 7323 §2.2). A SYN-ACK scales only if the SYN did.
    fn syn_options(&self, shared: &Shared) -> SegmentOptions {
        let maximum_segment = shared.receive_maximum_segment(self.tuple.local.ip());
        SegmentOptions {
            maximum_segment: Some(maximum_segment as u16),
            window_scale: (self.state.is_connecting() || self.receive.scales)
                .then(|| self.receive.window.shift()),
            ..SegmentOptions::default()
        }
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
            Kind::Head => self.recovery.head_lost = false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_segments_do_not_wait_for_one_that_was_acknowledged_gigabytes_ago() {
        let tuple = FourTuple {
            local: "10.0.0.1:80".parse().unwrap(),
            remote: "10.0.0.2:50000".parse().unwrap(),
        };
        let (options, config) = (TcpOptions::default(), TcpConfig::default());
        let mut send = SendSide::new(Seq(7), tuple, 1_500, &options, &config);
        for _ in 0..3 << 10 {
            send.next = send.unacknowledged + (1 << 20);
            send.acknowledge(send.next);
            assert!(send.may_send_short());
        }
    }
}
