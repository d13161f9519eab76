//! The way down: transport → internet → link → a frame in the caller's buffer.
//!
//! Only this file knows the order of the floors on the way down. What turned round on a floor (ARP replies, ICMP,
//! fragments) and what sockets want to send take turns, so that a flood of questions starves nobody's data.

use crate::counters::DropReason;
use crate::internet::Sent;
use crate::stack::Stack;
use crate::time::Instant;
use crate::train::DepartingTrain;
use crate::transport::Outgoing;
use crate::wire::ethernet;
use crate::wire::ip::{Departure, Headroom, Protocol, Unreachable};
use crate::wire::ipv4;
use crate::wire::offload::Offload;
use alloc::vec;
use alloc::vec::Vec;

/// Bytes of headers in front of a transport segment.
const HEADROOM: Headroom = Headroom {
    v4: ethernet::HEADER + ipv4::HEADER,
    v6: ethernet::HEADER + 40,
};

/// Steps that end without a frame (packets to ourselves, packets that wait for a neighbour) before the owner gets
/// a chance to do something else.
const STEPS: usize = 1_024;

impl Stack {
    /// The next frame, written into `out`.
    pub(crate) fn descend(&mut self, now: Instant, out: &mut [u8]) -> Option<(usize, Offload)> {
        for _ in 0..STEPS {
            if let Some(packet) = self.loopback.pop_front() {
                self.climb_loopback(&packet, now);
                continue;
            }
            self.replies_first = !self.replies_first;
            let mut step = if self.replies_first {
                self.descend_replies(now, out)
            } else {
                None
            };
            if step.is_none() {
                if let Some((length, offload)) = self.descend_in_train(now, out) {
                    self.count_frame(length);
                    return Some((length, offload));
                }
                step = (self.descend_sockets(now, out)).or_else(|| self.descend_replies(now, out));
            }
            match step {
                None => return None,
                Some(Step::Elsewhere) => {}
                Some(Step::Frame(length, offload)) => {
                    self.count_frame(length);
                    return Some((length, offload));
                }
            }
        }
        None
    }

    #[inline]
    fn count_frame(&mut self, length: usize) {
        self.counters.frames_transmitted += 1;
        self.counters.bytes_transmitted += length as u64;
    }

    /// What turned round on the lower floors.
    #[inline]
    fn descend_replies(&mut self, now: Instant, out: &mut [u8]) -> Option<Step> {
        if let Some((length, offload)) = self.link.transmit(now, out) {
            return Some(Step::Frame(length, offload.behind(ethernet::HEADER)));
        }
        let (length, next_hop, local) = self
            .internet
            .transmit(now, out.get_mut(ethernet::HEADER..)?)?;
        let end = ethernet::HEADER + length;
        if local {
            return Some(self.descend_to_loopback(end, out));
        }
        self.counters.packets_transmitted += 1;
        let nothing = Offload::NONE;
        let leaves = self.link.send(&next_hop, &mut out[..end], nothing, now);
        Some(Step::after_link(leaves, end, nothing))
    }

    /// The short way down: a segment right behind one that differs in little.
    #[inline]
    fn descend_in_train(&mut self, now: Instant, out: &mut [u8]) -> Option<(usize, Offload)> {
        let train = self.departing.as_ref()?;
        let offload = train.offload;
        let followed = train
            .lead(now, out)
            .and_then(|segment| self.transport.follow(now, segment));
        let Some(length) = followed else {
            self.departing = None;
            return None;
        };
        self.counters.segments_transmitted += 1;
        self.counters.packets_transmitted += 1;
        Some((DepartingTrain::around(length), offload))
    }

    /// What sockets want to send.
    #[inline]
    fn descend_sockets(&mut self, now: Instant, out: &mut [u8]) -> Option<Step> {
        let internet = &self.internet;
        let source_for = |destination| internet.route(destination).map(|path| path.source);
        // A datagram in fragments holds back the ones behind it, in their sockets, which then tell their programs to wait.
        let streams_only = internet.is_cutting();
        // By reference: to copy what was only just written would wait for the writes.
        match &(self.transport).transmit(now, out, HEADROOM, &source_for, streams_only)? {
            Outgoing::Written(departure) => Some(self.descend_from_transport(departure, now, out)),
            Outgoing::Large { departure, payload } => {
                // Larger than a frame: written in a buffer of its own, from which internet cuts fragments.
                let front = HEADROOM.before(departure.destination);
                let mut packet: Vec<u8> = vec![0; front];
                packet.extend_from_slice(payload);
                Some(self.descend_from_transport(departure, now, &mut packet))
            }
        }
    }

    #[inline]
    fn descend_from_transport(
        &mut self,
        departure: &Departure,
        now: Instant,
        out: &mut [u8],
    ) -> Step {
        let end = HEADROOM.before(departure.destination) + departure.length;
        let Some(packet) = out.get_mut(ethernet::HEADER..end) else {
            self.counters.drop(DropReason::FrameLength);
            return Step::Elsewhere;
        };
        let is_segment = matches!(departure.protocol, Protocol::TCP | Protocol::UDP);
        self.counters.segments_transmitted += u64::from(is_segment);
        match self.internet.send(departure, packet, now) {
            Sent::Ready {
                length,
                local: true,
                ..
            } => self.descend_to_loopback(ethernet::HEADER + length, out),
            Sent::Ready {
                length, next_hop, ..
            } => {
                self.counters.packets_transmitted += 1;
                let end = ethernet::HEADER + length;
                let offload = departure.offload.behind(length - departure.length);
                let leaves = self.link.send(next_hop, &mut out[..end], offload, now);
                let offload = offload.behind(ethernet::HEADER);
                if leaves && self.transport.has_train() {
                    self.departing = DepartingTrain::behind(out, offload, now);
                }
                Step::after_link(leaves, end, offload)
            }
            Sent::Queued => Step::Elsewhere,
            Sent::TooBig { mtu } => {
                let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
                let packet = out[ethernet::HEADER..end].to_vec();
                self.report_failure(&packet, Unreachable::TooBig { mtu }, now);
                Step::Elsewhere
            }
            Sent::NoRoute => Step::Elsewhere,
        }
    }

    /// A packet to ourselves, `out[14..end]`.
    fn descend_to_loopback(&mut self, end: usize, out: &[u8]) -> Step {
        if self.loopback.len() < self.config.internet.loopback_queue {
            self.loopback.push_back(out[ethernet::HEADER..end].to_vec());
        } else {
            self.counters.drop(DropReason::LoopbackFull);
        }
        Step::Elsewhere
    }
}

/// Where one step down led.
enum Step {
    /// A frame of this length is in the caller's buffer, to which this is still to be done.
    Frame(usize, Offload),
    /// Something moved, but no frame came of it.
    Elsewhere,
}

impl Step {
    fn after_link(leaves: bool, end: usize, offload: Offload) -> Step {
        if leaves {
            Step::Frame(end, offload)
        } else {
            Step::Elsewhere
        }
    }
}
