//! The sending side of a connection: the send sequence space, the bytes in it, and the size of segments.

use super::sequence::Seq;
use super::shared::{TCP_HEADER, internet_header};
use super::window::SendWindow;
use crate::buffer::Ring;
use crate::config::{BufferSize, TcpConfig, TcpOptions};
use crate::transport::demux::FourTuple;

/// RFC 9293 §3.7.1, MUST-15: what a peer takes that does not say.
const DEFAULT_MAXIMUM_SEGMENT: (usize, usize) = (536, 1_220);
/// Deviation: a peer that asks for less gets this; a smaller segment is more header than data.
const SMALLEST_SEGMENT: usize = 48;
/// The least path MTU that is believed (RFC 5927 §7.2); below it routers may fragment.
pub(super) const LEAST_PATH_MTU: usize = 576;
/// What the length field of an IPv4 packet can say.
pub(super) const LARGEST_PACKET: usize = 65_535;

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
    /// The limit that the buffer may come to have.
    largest_buffer: usize,
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
    pub(super) short_until: Seq,
    peer_maximum_segment: usize,
    pub(super) path_mtu: usize,
    pub(super) headers: usize,
}

impl SendSide {
    pub(super) fn new(
        initial: Seq,
        tuple: FourTuple,
        path_mtu: usize,
        size: BufferSize,
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
            buffer: Ring::new(size.initial),
            largest_buffer: size.largest,
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
    ///
    /// The buffer comes to hold twice what was in flight: as much again can be written while that is on its way, and in slow
    /// start it will be.
    pub(super) fn acknowledge(&mut self, acknowledgement: Seq) -> usize {
        let wanted = (2 * self.in_flight()).min(self.largest_buffer);
        if wanted > self.buffer.limit() {
            self.buffer.set_limit(wanted);
        }
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
    pub(super) fn window_left(&self) -> usize {
        usize::try_from(self.unacknowledged + self.window.size() - self.next).unwrap_or(0)
    }

    /// Nagle's algorithm (RFC 9293 §3.7.4, SHLD-7), as Minshall refined it: a short segment waits only while another
    /// short one is on its way. So the odd end of a long write does not wait for a delayed acknowledgement.
    pub(super) fn may_send_short(&self) -> bool {
        self.no_delay || self.finished || self.short_until <= self.unacknowledged
    }
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
        let mut send = SendSide::new(Seq(7), tuple, 1_500, config.send_buffer, &options, &config);
        for _ in 0..3 << 10 {
            send.next = send.unacknowledged + (1 << 20);
            send.acknowledge(send.next);
            assert!(send.may_send_short());
        }
    }
}
