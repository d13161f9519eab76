//! Segments that belong to no connection and turn round: RST, and the acknowledgements of TIME-WAIT.

use super::sequence::Seq;
use crate::transport::demux::FourTuple;
use crate::wire::tcp::{Flags, TcpHeader, TcpSegment};
use crate::wire::tcp_options::Timestamps;
use alloc::collections::VecDeque;

/// A segment without data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) tuple: FourTuple,
    pub(super) header: TcpHeader,
    pub(super) timestamps: Option<Timestamps>,
}

impl Reply {
    /// A segment with these numbers and nothing else.
    pub(super) fn new(
        tuple: &FourTuple,
        sequence: Seq,
        acknowledgement: Seq,
        flags: Flags,
    ) -> Reply {
        Reply {
            tuple: *tuple,
            header: TcpHeader {
                source_port: tuple.local.port(),
                destination_port: tuple.remote.port(),
                sequence: sequence.0,
                acknowledgement: acknowledgement.0,
                flags,
                window: 0,
                urgent: 0,
            },
            timestamps: None,
        }
    }
}

/// Replies that wait to leave; a full queue takes no more.
#[derive(Debug)]
pub(super) struct ReplyQueue {
    waiting: VecDeque<Reply>,
    limit: usize,
}

impl ReplyQueue {
    /// An empty queue.
    pub(super) const fn new(limit: usize) -> ReplyQueue {
        ReplyQueue {
            waiting: VecDeque::new(),
            limit,
        }
    }

    /// Queues one; false if there was no room.
    pub(super) fn push(&mut self, reply: Reply) -> bool {
        let fits = self.waiting.len() < self.limit;
        if fits {
            self.waiting.push_back(reply);
        }
        fits
    }

    /// Takes the oldest.
    pub(super) fn pop(&mut self) -> Option<Reply> {
        self.waiting.pop_front()
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// Bytes of sequence space that a segment takes: its data, its SYN and its FIN (RFC 9293 §3.4, SEG.LEN).
pub(super) fn sequence_length(segment: &TcpSegment<'_>) -> u32 {
    segment.payload.len() as u32
        + u32::from(segment.header.flags.contains(Flags::SYN))
        + u32::from(segment.header.flags.contains(Flags::FIN))
}

/// RFC 9293 §3.10.7.1: the RST for a segment that found no connection; none for an RST.
pub(super) fn reset_for(segment: &TcpSegment<'_>, tuple: &FourTuple) -> Option<Reply> {
    let heard = &segment.header;
    if heard.flags.contains(Flags::RST) {
        return None;
    }
    let (sequence, acknowledgement, flags) = if heard.flags.contains(Flags::ACK) {
        (heard.acknowledgement, 0, Flags::RST)
    } else {
        let behind = heard.sequence.wrapping_add(sequence_length(segment));
        (0, behind, Flags::RST | Flags::ACK)
    };
    Some(Reply::new(
        tuple,
        Seq(sequence),
        Seq(acknowledgement),
        flags,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(flags: Flags, payload: &[u8]) -> TcpSegment<'_> {
        TcpSegment {
            header: TcpHeader {
                sequence: 100,
                acknowledgement: 900,
                flags,
                ..TcpHeader::default()
            },
            options: &[],
            payload,
        }
    }

    fn tuple() -> FourTuple {
        FourTuple {
            local: "10.0.0.1:80".parse().unwrap(),
            remote: "10.0.0.2:50000".parse().unwrap(),
        }
    }

    fn reset(flags: Flags, payload: &[u8]) -> Option<TcpHeader> {
        reset_for(&heard(flags, payload), &tuple()).map(|reply| reply.header)
    }

    #[test]
    fn a_segment_with_an_acknowledgement_is_reset_at_that_number() {
        let header = reset(Flags::ACK | Flags::PSH, b"abc").unwrap();
        assert_eq!((header.sequence, header.flags), (900, Flags::RST));
    }

    #[test]
    fn a_segment_without_one_is_acknowledged_by_its_reset() {
        let header = reset(Flags::SYN | Flags::FIN, b"abc").unwrap();
        assert_eq!((header.sequence, header.acknowledgement), (0, 105));
        assert_eq!(header.flags, Flags::RST | Flags::ACK);
    }

    #[test]
    fn a_reset_is_never_answered() {
        assert_eq!(reset(Flags::RST | Flags::ACK, b""), None);
    }

    #[test]
    fn a_full_queue_takes_no_more() {
        let mut queue = ReplyQueue::new(1);
        let reply = Reply::new(&tuple(), Seq(1), Seq(2), Flags::RST);
        assert!(queue.push(reply));
        assert!(!queue.push(reply));
        assert!(queue.pop().is_some() && queue.is_empty());
    }
}
