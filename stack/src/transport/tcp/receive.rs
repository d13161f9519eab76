//! The receiving side of a connection: RCV.NXT, the window that we announce, and the bytes that wait to be read.

use super::rtt::RoundTrip;
use super::sack::Reports;
use super::sequence::Seq;
use super::sizing::Sizing;
use super::window::ReceiveWindow;
use crate::buffer::{Assembler, ReceiveBuffer};
use crate::config::BufferSize;
use crate::time::Instant;

/// The largest window that TCP can offer (RFC 7323 §2.3).
const LARGEST_BUFFER: usize = 1 << 30;

/// Ranges that may wait for what is missing before them.
const HELD_RANGES: usize = 64;

/// The receive sequence space (RFC 9293 §3.3.1, figure 4) and the bytes in it.
#[derive(Debug)]
pub(super) struct ReceiveSide {
    /// IRS.
    pub(super) initial: Seq,
    /// RCV.NXT.
    pub(super) next: Seq,
    pub(super) window: ReceiveWindow,
    sizing: Sizing,
    /// Both sides scale windows (RFC 7323 §2.2).
    pub(super) scales: bool,
    /// Bytes that the program has not read, then bytes that wait for a gap before them to be filled.
    pub(super) buffer: ReceiveBuffer,
    /// Which of those waiting are there, from RCV.NXT on.
    pub(super) held: Assembler,
    /// What the peer is told of those.
    pub(super) reports: Reports,
    /// Where the peer's FIN stands, once it has come.
    pub(super) fin: Option<Seq>,
    /// The FIN is taken: nothing more will come.
    pub(super) is_finished: bool,
    /// RCV.UP: behind the last urgent byte.
    pub(super) urgent: Option<Seq>,
    pub(super) maximum_segment: usize,
}

impl ReceiveSide {
    pub(super) fn new(size: BufferSize, maximum_segment: usize) -> ReceiveSide {
        let capacity = size.initial.clamp(1, LARGEST_BUFFER);
        let largest = size.largest.clamp(capacity, LARGEST_BUFFER);
        ReceiveSide {
            initial: Seq(0),
            next: Seq(0),
            window: ReceiveWindow::new(capacity, largest),
            sizing: Sizing::new(largest),
            scales: false,
            buffer: ReceiveBuffer::new(capacity),
            held: Assembler::new(HELD_RANGES),
            reports: Reports::default(),
            fin: None,
            is_finished: false,
            urgent: None,
            maximum_segment,
        }
    }

    /// The peer's SYN came.
    pub(super) fn start(&mut self, initial: Seq, scales: bool) {
        self.initial = initial;
        self.next = initial + 1;
        self.window.start(self.next);
        self.scales = scales;
        if !scales {
            self.window.do_not_scale();
        }
    }

    /// RCV.WND: how much the peer may send by all that we announced.
    pub(super) fn window_left(&self) -> u32 {
        self.window.remaining(self.next)
    }

    /// Data came, and `taken` bytes have come in all: enlarges the buffer if the program reads so fast that it is needed.
    #[inline]
    pub(super) fn fit(&mut self, taken: u64, round_trip: &RoundTrip, now: Instant) {
        if !self.sizing.is_due(now) {
            return;
        }
        let read = taken - self.buffer.len() as u64;
        if let Some(capacity) = self.sizing.fit(read, round_trip.shortest_measured(), now)
            && capacity > self.buffer.limit()
        {
            self.buffer.set_limit(capacity);
            self.window.enlarge(capacity);
        }
    }

    /// The window field of a segment that leaves now.
    pub(super) fn announce(&mut self) -> u16 {
        let room = self.buffer.room();
        self.window.announce(self.next, room, self.maximum_segment)
    }

    /// The window field of a SYN that leaves now.
    pub(super) fn announce_unscaled(&mut self) -> u16 {
        let room = self.buffer.room();
        self.window.announce_unscaled(self.next, room)
    }

    /// Whether the peer should hear of the room that the program made by reading.
    pub(super) fn wants_update(&self) -> bool {
        let room = self.buffer.room();
        self.window
            .wants_update(self.next, room, self.maximum_segment)
    }

    /// All that the peer will ever send has come.
    pub(super) fn is_complete(&self) -> bool {
        self.fin == Some(self.next)
    }
}
