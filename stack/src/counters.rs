//! What passed, and what was dropped and why. Every drop anywhere in the stack has a name here.
//!
//! Each floor keeps its own [`Counters`]; [`Stack::counters`](crate::Stack::counters) adds them up.

use core::ops::AddAssign;

macro_rules! drop_reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// Why something that arrived, or was to be sent, was dropped.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DropReason { $($(#[$doc])* $name),+ }

        impl DropReason {
            /// Every reason, in the order of the floors.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$name),+];

            /// A stable name in kebab-case, for logs and for JavaScript.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(DropReason::$name => $text),+ }
            }
        }
    };
}

drop_reasons! {
    /// A frame too short for its headers or longer than the link allows.
    FrameLength = "frame-length",
    /// A frame for another station's hardware address.
    NotOurFrame = "not-our-frame",
    /// An EtherType that nobody here speaks.
    UnknownEtherType = "unknown-ethertype",
    /// An ARP packet that does not parse or contradicts itself.
    MalformedArp = "malformed-arp",
    /// A packet that waited for a neighbour while its queue was full.
    NeighborQueueFull = "neighbor-queue-full",
    /// A packet for a neighbour that never answered.
    NeighborUnreachable = "neighbor-unreachable",
    /// An IP header that does not parse: version, lengths, options.
    MalformedIp = "malformed-ip",
    /// An IP header whose checksum is wrong.
    IpChecksum = "ip-checksum",
    /// A source address that no host may use.
    MartianSource = "martian-source",
    /// A packet for an address that is not ours; this stack does not forward.
    NotOurAddress = "not-our-address",
    /// A protocol number that nobody here speaks.
    UnknownProtocol = "unknown-protocol",
    /// Fragments that overlap: the datagram is gone (RFC 5722 §4's rule, used for IPv4 as well).
    FragmentOverlap = "fragment-overlap",
    /// A fragment whose length or offset is impossible.
    FragmentInvalid = "fragment-invalid",
    /// A datagram given up because reassembly memory was needed for a newer one.
    FragmentMemory = "fragment-memory",
    /// A datagram whose missing fragments did not come in time.
    FragmentTimeout = "fragment-timeout",
    /// An ICMP message that does not parse or whose checksum is wrong.
    MalformedIcmp = "malformed-icmp",
    /// An ICMP error whose quoted packet belongs to no socket or fails its checks.
    IcmpUnmatched = "icmp-unmatched",
    /// An ICMP error not sent because of the rate limit.
    IcmpRateLimit = "icmp-rate-limit",
    /// A turn-round reply for which there was no room.
    ReplyQueueFull = "reply-queue-full",
    /// A packet for which no route exists.
    NoRoute = "no-route",
    /// A packet larger than the path carries, with "don't fragment" set.
    TooBig = "too-big",
    /// A TCP segment that does not parse.
    MalformedTcp = "malformed-tcp",
    /// A TCP segment whose checksum is wrong.
    TcpChecksum = "tcp-checksum",
    /// A segment for which no connection and no listener exists.
    TcpNoSocket = "tcp-no-socket",
    /// A segment outside the receive window (RFC 9293 §3.10.7.4, first step).
    TcpOutOfWindow = "tcp-out-of-window",
    /// A segment whose acknowledgement, RST or SYN fails RFC 5961's checks.
    TcpUnacceptable = "tcp-unacceptable",
    /// Data for which the receive buffer has no room.
    TcpBufferFull = "tcp-buffer-full",
    /// A SYN that found the listener's queue full.
    TcpBacklogFull = "tcp-backlog-full",
    /// A UDP datagram that does not parse.
    MalformedUdp = "malformed-udp",
    /// A UDP datagram whose checksum is wrong.
    UdpChecksum = "udp-checksum",
    /// A UDP datagram for a port that is not open.
    UdpNoSocket = "udp-no-socket",
    /// A UDP datagram that found its socket's receive queue full, or that a closed socket held for too long.
    UdpQueueFull = "udp-queue-full",
    /// An echo reply that nobody waits for, or whose queue is full.
    EchoNoSocket = "echo-no-socket",
    /// A packet to ourselves that found the loopback queue full.
    LoopbackFull = "loopback-full",
}

/// Totals since the stack was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Frames handed to [`Stack::receive`](crate::Stack::receive).
    pub frames_received: u64,
    /// Bytes in those frames.
    pub bytes_received: u64,
    /// Frames that [`Stack::transmit`](crate::Stack::transmit) wrote.
    pub frames_transmitted: u64,
    /// Bytes in those frames.
    pub bytes_transmitted: u64,
    /// IP packets that came up from the link.
    pub packets_received: u64,
    /// IP packets that went down to the link.
    pub packets_transmitted: u64,
    /// TCP segments and UDP datagrams that came up to transport, those to ourselves included.
    pub segments_received: u64,
    /// TCP segments and UDP datagrams that transport sent, those to ourselves included.
    pub segments_transmitted: u64,
    /// TCP segments sent again after a timeout.
    pub tcp_timeout_retransmits: u64,
    /// TCP segments sent again by fast retransmit or recovery.
    pub tcp_fast_retransmits: u64,
    /// RST segments sent.
    pub tcp_resets_sent: u64,
    /// Challenge acknowledgements sent (RFC 5961 §7).
    pub tcp_challenge_acks: u64,
    drops: [u64; DropReason::ALL.len()],
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            frames_received: 0,
            bytes_received: 0,
            frames_transmitted: 0,
            bytes_transmitted: 0,
            packets_received: 0,
            packets_transmitted: 0,
            segments_received: 0,
            segments_transmitted: 0,
            tcp_timeout_retransmits: 0,
            tcp_fast_retransmits: 0,
            tcp_resets_sent: 0,
            tcp_challenge_acks: 0,
            drops: [0; DropReason::ALL.len()],
        }
    }
}

impl Counters {
    /// Notes one drop.
    pub fn drop(&mut self, reason: DropReason) {
        self.drops[reason as usize] += 1;
    }

    /// How often `reason` happened.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    /// Every reason that happened at least once, with its count.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL
            .iter()
            .map(|&reason| (reason, self.dropped(reason)))
            .filter(|&(_, count)| count > 0)
    }
}

impl AddAssign<&Counters> for Counters {
    fn add_assign(&mut self, other: &Counters) {
        self.frames_received += other.frames_received;
        self.bytes_received += other.bytes_received;
        self.frames_transmitted += other.frames_transmitted;
        self.bytes_transmitted += other.bytes_transmitted;
        self.packets_received += other.packets_received;
        self.packets_transmitted += other.packets_transmitted;
        self.segments_received += other.segments_received;
        self.segments_transmitted += other.segments_transmitted;
        self.tcp_timeout_retransmits += other.tcp_timeout_retransmits;
        self.tcp_fast_retransmits += other.tcp_fast_retransmits;
        self.tcp_resets_sent += other.tcp_resets_sent;
        self.tcp_challenge_acks += other.tcp_challenge_acks;
        for (sum, count) in self.drops.iter_mut().zip(other.drops) {
            *sum += count;
        }
    }
}
