//! ICMP errors about our segments (RFC 9293 §3.9.2.2), believed only if they quote what is in flight (RFC 5927 §4.1).

use super::Tcp;
use super::connection::Connection;
use super::sequence::Seq;
use crate::counters::DropReason;
use crate::time::Instant;
use crate::transport::TcpError;
use crate::transport::demux::FourTuple;
use crate::wire::ip::{PacketError, Unreachable};
use core::net::SocketAddr;

impl Tcp {
    /// Takes an error about a segment of ours.
    pub fn error(&mut self, error: &PacketError<'_>, now: Instant) {
        match self.complains_of(error) {
            Some(index) => {
                if let Some(connection) = self.table.at_mut(index) {
                    connection.complain(error.kind, now);
                }
                self.attend(index, now);
            }
            None => self.shared.counters.drop(DropReason::IcmpUnmatched),
        }
    }

    /// Whether an error quotes a segment of ours that may be under way.
    #[must_use]
    pub fn knows(&mut self, error: &PacketError<'_>) -> bool {
        self.complains_of(error).is_some()
    }

    /// The connection that sent what an error quotes.
    fn complains_of(&mut self, error: &PacketError<'_>) -> Option<u32> {
        let &[a, b, c, d, ref sequence @ ..] = error.quoted.first_chunk::<8>()?;
        let tuple = FourTuple {
            local: SocketAddr::new(error.source, u16::from_be_bytes([a, b])),
            remote: SocketAddr::new(error.destination, u16::from_be_bytes([c, d])),
        };
        let index = self.connections.find(&tuple)?;
        let sequence = Seq(u32::from_be_bytes(*sequence));
        let connection = self.table.at(index)?;
        connection.has_in_flight(sequence).then_some(index)
    }
}

impl Connection {
    /// Whether a segment that began there may be under way: SND.UNA =< `sequence` < SND.NXT.
    fn has_in_flight(&self, sequence: Seq) -> bool {
        sequence >= self.send.unacknowledged && sequence < self.send.highest
    }

    fn complain(&mut self, kind: Unreachable, now: Instant) {
        match kind {
            Unreachable::TooBig { mtu } => self.on_too_big(usize::from(mtu), now),
            // While the first SYN is on its way nothing can be lost, and a program that waits for a dead host is badly served
            // by minutes of silence. Deviation: RFC 9293 §3.9.2.2 calls "host unreachable" soft (MUST-56) in every state; all
            // deployed stacks end a connect with it (RFC 5461 §4.1).
            Unreachable::Host
            | Unreachable::Protocol
            | Unreachable::Port
            | Unreachable::Prohibited
                if self.state.is_connecting() =>
            {
                self.die(Some(TcpError::Unreachable(kind)));
            }
            // RFC 5927 §5.2: an established connection outlives them all; the reason is kept for the day it times out.
            _ => self.program.soft_error = Some(kind),
        }
    }

    /// RFC 1191 §6.4 and §6.5: smaller segments, and what was too big again at once. It is no sign of congestion.
    fn on_too_big(&mut self, mtu: usize, now: Instant) {
        if !self.lower_path_mtu(mtu) {
            return;
        }
        self.recovery.forget_duplicates();
        if self.send.opened {
            self.send.go_back();
            self.recovery.progress(now);
        }
    }

    /// Packets larger than `mtu` bytes leave no more, and congestion control counts in the new segments. Says whether
    /// they became smaller.
    pub(super) fn lower_path_mtu(&mut self, mtu: usize) -> bool {
        let smaller = self.send.lower_path_mtu(mtu);
        if smaller {
            let full = self.full_segment();
            self.recovery.congestion.set_maximum_segment(full);
        }
        smaller
    }
}
