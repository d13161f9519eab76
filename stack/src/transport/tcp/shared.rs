//! What all connections have in common: limits, the link's abilities, counters, and the queue of replies.

use super::limit::ChallengeLimit;
use super::reply::{Reply, ReplyQueue};
use crate::buffer::{Loan, Spares};
use crate::config::{LinkCapabilities, TcpConfig};
use crate::counters::{Counters, DropReason};
use crate::random::Random;
use crate::time::Instant;
use crate::wire::tcp::Flags;
use alloc::collections::VecDeque;
use core::net::IpAddr;

/// Bytes of a TCP header without options.
pub(super) const TCP_HEADER: usize = 20;
/// Replies without a connection that wait at once.
const REPLIES: usize = 512;
/// Hosts in doubt that wait to be told of.
const DOUBTED: usize = 64;

/// Bytes of an IP header without options.
pub(super) const fn internet_header(address: IpAddr) -> usize {
    match address {
        IpAddr::V4(_) => 20,
        IpAddr::V6(_) => 40,
    }
}

/// Passed to every call into a connection.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: TcpConfig,
    pub(super) link: LinkCapabilities,
    pub(super) counters: Counters,
    /// The frame that is climbing, if its buffer may be kept.
    pub(super) loan: Loan,
    /// Buffers for the frames that come instead of those that were kept.
    pub(super) spares: Spares,
    /// For the test that compares the short way with the long one.
    #[cfg(test)]
    pub(super) walks_every_step: bool,
    replies: ReplyQueue,
    /// Hosts that do not answer: see [`Shared::doubt`].
    doubted: VecDeque<IpAddr>,
    challenges: ChallengeLimit,
    /// Those for connections that are over: whoever has us use up the one must not silence us in the other.
    late: ChallengeLimit,
}

impl Shared {
    pub(super) fn new(config: TcpConfig, link: LinkCapabilities, random: &mut Random) -> Shared {
        Shared {
            config,
            link,
            counters: Counters::default(),
            loan: Loan::default(),
            spares: Spares::default(),
            #[cfg(test)]
            walks_every_step: false,
            replies: ReplyQueue::new(REPLIES),
            doubted: VecDeque::new(),
            challenges: ChallengeLimit::new(config.challenge_acks_per_second, random),
            late: ChallengeLimit::new(config.challenge_acks_per_second, random),
        }
    }

    /// Largest segment that our own link takes in: what we tell the peer (RFC 9293 §3.7.1, MUST-14 and MUST-67).
    pub(super) fn receive_maximum_segment(&self, address: IpAddr) -> usize {
        self.link
            .mtu
            .saturating_sub(internet_header(address) + TCP_HEADER)
            .clamp(1, usize::from(u16::MAX))
    }

    /// Whether one more challenge acknowledgement may leave (RFC 5961 §7).
    pub(super) fn may_challenge(&mut self, now: Instant) -> bool {
        let may = self.challenges.take(now);
        self.counters.tcp_challenge_acks += u64::from(may);
        may
    }

    /// The same for acknowledgements of what comes for connections in TIME-WAIT.
    pub(super) fn may_answer_late(&mut self, now: Instant) -> bool {
        self.late.take(now)
    }

    /// Tells the floors below that nothing comes back from a host (RFC 9293 §3.8.3, MUST-20). The oldest makes room.
    pub(super) fn doubt(&mut self, host: IpAddr) {
        if self.doubted.len() == DOUBTED {
            self.doubted.pop_front();
        }
        self.doubted.push_back(host);
    }

    /// The next host that does not answer.
    pub(super) fn take_doubted(&mut self) -> Option<IpAddr> {
        self.doubted.pop_front()
    }

    /// Queues a segment that belongs to no connection, if there is one to send.
    pub(super) fn reply(&mut self, reply: Option<Reply>) {
        let Some(reply) = reply else { return };
        let is_reset = reply.header.flags.contains(Flags::RST);
        if self.replies.push(reply) {
            self.counters.tcp_resets_sent += u64::from(is_reset);
        } else {
            self.counters.drop(DropReason::ReplyQueueFull);
        }
    }

    /// The oldest reply.
    pub(super) fn next_reply(&mut self) -> Option<Reply> {
        self.replies.pop()
    }

    /// Whether a reply waits.
    pub(super) fn has_replies(&self) -> bool {
        !self.replies.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_limited_each_second_to_about_the_configured_number() {
        let config = TcpConfig {
            challenge_acks_per_second: 100,
            ..TcpConfig::default()
        };
        let link = LinkCapabilities::default();
        let mut shared = Shared::new(config, link, &mut Random::new([1; 32]));
        for second in 0..20 {
            let now = Instant::from_millis(second * 1_000);
            let sent = (0..1_000).filter(|_| shared.may_challenge(now)).count();
            assert!((50..=150).contains(&sent), "{sent}");
        }
        assert!(shared.counters.tcp_challenge_acks >= 20 * 50);
    }
}
