//! Trains: full segments of one connection that leave right behind each other. All that differs from one to the next is the
//! sequence number, the data and the checksum, so what they have in common is found out once.
//!
//! A train is only ever as long as what may leave at this moment, and anything that happens to any connection ends it: each
//! of its segments is accounted for when it is written, and those that are not go the ordinary way.

use super::connection::Connection;
use super::shared::Shared;
use crate::time::Instant;
use crate::wire::checksum::Checksum;
use crate::wire::ip::Protocol;
use crate::wire::tcp::{CHECKSUM_OFFSET, Flags, MAX_HEADER_LENGTH, SEQUENCE_OFFSET, TcpSegment};

/// What the segments have in common.
#[derive(Debug)]
pub(super) struct Train {
    pub(super) connection: u32,
    /// When it leaves.
    pub(super) at: Instant,
    /// Segments that are still to leave.
    pub(super) left: usize,
    /// The header, options included, with no sequence number, and no checksum unless the link completes it.
    header: [u8; MAX_HEADER_LENGTH],
    header_length: usize,
    /// Bytes of data in each.
    data: usize,
    /// Of the pseudo-header and the header.
    sum: Checksum,
}

impl Connection {
    /// The train behind `segment`, which just left; `None`: nothing may follow it as it is.
    pub(super) fn train_behind(
        &self,
        index: u32,
        segment: &[u8],
        shared: &Shared,
        now: Instant,
    ) -> Option<Train> {
        #[cfg(test)]
        if shared.walks_every_step {
            return None;
        }
        let send = &self.send;
        let parsed = TcpSegment::parse(segment).ok()?;
        let full = self.full_segment();
        let header_length = segment.len() - parsed.payload.len();
        let is_plain = parsed.header.flags == Flags::ACK
            && parsed.payload.len() == full
            && parsed.header.sequence.wrapping_add(full as u32) == send.next.0
            && send.next == send.highest
            && send.urgent.is_none()
            && !self.ecn.owes_answer()
            && !send.probe_window
            && (shared.link.largest_segment <= full || shared.link.fill_checksums)
            && self.recovery.is_undisturbed();
        if !is_plain {
            return None;
        }
        // The last of what is buffered is pushed, may be short, may carry the FIN: it goes the ordinary way.
        let left = self.sendable(full).min(send.unsent().saturating_sub(1)) / full;
        if left == 0 {
            return None;
        }
        let mut header = [0; MAX_HEADER_LENGTH];
        header[..header_length].copy_from_slice(&segment[..header_length]);
        header[SEQUENCE_OFFSET..SEQUENCE_OFFSET + 4].fill(0);
        // A partial checksum is that of the pseudo-header, which is the same for all.
        if shared.link.fill_checksums {
            header[CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2].fill(0);
        }
        let (source, destination) = (self.tuple.local.ip(), self.tuple.remote.ip());
        Some(Train {
            connection: index,
            at: now,
            left,
            header,
            header_length,
            data: full,
            sum: Checksum::pseudo_header(source, destination, Protocol::TCP, segment.len())
                .with(&header[..header_length]),
        })
    }

    /// Writes the next segment of the train to the front of `out` and returns its length; `None`: there is no room.
    pub(super) fn follow(
        &mut self,
        train: &Train,
        shared: &Shared,
        out: &mut [u8],
    ) -> Option<usize> {
        let length = train.header_length + train.data;
        let (header, data) = out.get_mut(..length)?.split_at_mut(train.header_length);
        header.copy_from_slice(&train.header[..train.header_length]);
        let send = &mut self.send;
        let sequence = send.next.0.to_be_bytes();
        header[SEQUENCE_OFFSET..SEQUENCE_OFFSET + 4].copy_from_slice(&sequence);
        let offset = send.next.since(send.unacknowledged) as usize;
        if shared.link.fill_checksums {
            let (first, second) = send.buffer.peek(offset, train.data);
            let (front, back) = data.split_at_mut(first.len());
            let sum = train
                .sum
                .with(&sequence)
                .with_copy(first, front)
                .with_copy(second, back)
                .finish();
            header[CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2].copy_from_slice(&sum.to_be_bytes());
        } else {
            send.buffer.copy_to(offset, data);
        }
        send.next += train.data as u32;
        send.highest = send.next;
        self.recovery.congestion.on_sent(send.in_flight(), train.at);
        self.notify_room();
        Some(length)
    }
}
