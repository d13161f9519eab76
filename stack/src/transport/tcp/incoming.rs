//! A segment on its way through the steps of `segment_arrives`.

use super::sequence::Seq;
use crate::wire::tcp::{Flags, TcpSegment};

/// What a segment says, trimmed as it goes.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'p> {
    pub(super) sequence: Seq,
    pub(super) acknowledgement: Seq,
    pub(super) flags: Flags,
    pub(super) window: u16,
    pub(super) urgent: u16,
    pub(super) options: &'p [u8],
    pub(super) payload: &'p [u8],
    pub(super) fin: bool,
    /// A router on the way has too much to do.
    pub(super) is_marked: bool,
}

impl<'p> Incoming<'p> {
    pub(super) fn new(segment: &TcpSegment<'p>, is_marked: bool) -> Incoming<'p> {
        let header = &segment.header;
        Incoming {
            sequence: Seq(header.sequence),
            acknowledgement: Seq(header.acknowledgement),
            flags: header.flags,
            window: header.window,
            urgent: header.urgent,
            options: segment.options,
            payload: segment.payload,
            fin: header.flags.contains(Flags::FIN),
            is_marked,
        }
    }

    pub(super) fn has(&self, flag: Flags) -> bool {
        self.flags.contains(flag)
    }

    /// Behind the last byte, without the FIN.
    pub(super) fn end(&self) -> Seq {
        self.sequence + self.payload.len() as u32
    }

    /// Forgets what was received before: all in front of `next`, SYN included. The FIN stays.
    pub(super) fn trim_front(&mut self, next: Seq) {
        let Ok(mut passed) = u32::try_from(next - self.sequence) else {
            return;
        };
        self.sequence = next;
        // It counts from the sequence number.
        self.urgent = self
            .urgent
            .saturating_sub(u16::try_from(passed).unwrap_or(u16::MAX));
        if self.has(Flags::SYN) && passed > 0 {
            passed -= 1;
        }
        let passed = (passed as usize).min(self.payload.len());
        self.payload = &self.payload[passed..];
    }

    /// Forgets what lies beyond the window; the FIN too, unless all before it is in.
    pub(super) fn trim_back(&mut self, edge: Seq) {
        let fits = usize::try_from(edge - self.sequence).unwrap_or(0);
        if self.payload.len() > fits {
            self.payload = &self.payload[..fits];
            self.fin = false;
        }
    }
}
