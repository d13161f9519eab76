//! Everything that can be set, with its default and its range.

use crate::time::Duration;
use crate::wire::address::MacAddress;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

/// What the link can do for us and what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkCapabilities {
    /// Largest IP packet that one frame carries, in bytes: 576 to 65,535. The frame is 14 bytes longer.
    pub mtu: usize,
    /// Largest TCP payload handed down in one frame, for links that cut segments themselves and complete their checksums; 0: the
    /// MTU decides. Such a link may also hand up frames as long as an IP packet can be.
    pub largest_segment: usize,
    /// False if transport checksums of all frames that arrive were verified by the link, or never left this machine.
    pub verify_checksums: bool,
    /// False if the link completes TCP's checksums of frames that leave, as [`Offload`](crate::wire::offload::Offload) says. UDP and
    /// ICMP are always complete.
    pub fill_checksums: bool,
}

impl Default for LinkCapabilities {
    fn default() -> Self {
        LinkCapabilities {
            mtu: 1_500,
            largest_segment: 0,
            verify_checksums: true,
            fill_checksums: true,
        }
    }
}

/// Where the stack's IPv4 address comes from.
#[derive(Clone, Debug, Default)]
pub enum Addressing {
    /// Ask a DHCP server (RFC 2131).
    #[default]
    Dhcp,
    /// A fixed address.
    Static(StaticAddress),
}

/// A fixed IPv4 configuration.
#[derive(Clone, Debug)]
pub struct StaticAddress {
    /// Our address.
    pub address: Ipv4Addr,
    /// Length of the network prefix in bits: 0 to 32.
    pub prefix_length: u8,
    /// The default gateway.
    pub gateway: Option<Ipv4Addr>,
    /// DNS servers, the best first.
    pub name_servers: Vec<IpAddr>,
}

/// The whole configuration of a [`Stack`](crate::Stack).
#[derive(Clone, Debug)]
pub struct Config {
    /// Our hardware address; must be unicast.
    pub hardware_address: MacAddress,
    /// The link below.
    pub link: LinkCapabilities,
    /// How we get an address.
    pub addressing: Addressing,
    /// Name told to the DHCP server (option 12); at most 63 bytes.
    pub hostname: Option<alloc::string::String>,
    /// TTL of packets that we send: 1 to 255.
    pub hop_limit: u8,
    /// Limits of the neighbour cache.
    pub neighbors: NeighborConfig,
    /// Limits of reassembly and ICMP.
    pub internet: InternetConfig,
    /// TCP's defaults and limits.
    pub tcp: TcpConfig,
    /// UDP's limits.
    pub udp: UdpConfig,
    /// How names are looked up.
    pub resolver: ResolverConfig,
    /// Events that concern the host (leases, address conflicts) and wait to be polled, in the stack and once more in the
    /// driver; the oldest makes room: 1 to 65,536.
    pub host_events: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            hardware_address: MacAddress([0x02, 0, 0, 0, 0, 1]),
            link: LinkCapabilities::default(),
            addressing: Addressing::default(),
            hostname: None,
            hop_limit: 64,
            neighbors: NeighborConfig::default(),
            internet: InternetConfig::default(),
            tcp: TcpConfig::default(),
            udp: UdpConfig::default(),
            resolver: ResolverConfig::default(),
            host_events: 64,
        }
    }
}

/// Limits of the neighbour cache (RFC 826, RFC 1122 §2.3.2; states after RFC 4861 §7.3).
#[derive(Clone, Copy, Debug)]
pub struct NeighborConfig {
    /// Neighbours remembered; the least recently used idle one makes room.
    pub entries: usize,
    /// Packets that wait for one neighbour's address; the oldest makes room.
    pub pending_packets: usize,
    /// Bytes of packets that wait for all neighbours together; the longest queue makes room.
    pub pending_bytes: usize,
    /// Requests sent before a neighbour counts as unreachable.
    pub requests: u8,
    /// Time between requests.
    pub request_interval: Duration,
    /// How long an answer is trusted before it is checked again.
    pub reachable_time: Duration,
    /// Time between the probes for an address that we want; probing takes four to seven of it. RFC 5227 §1.1 says
    /// 1 s; Deviation: 100 ms, because a page should not wait seven seconds for its address.
    pub probe_interval: Duration,
}

impl Default for NeighborConfig {
    fn default() -> Self {
        NeighborConfig {
            entries: 1_024,
            pending_packets: 64,
            pending_bytes: 4 * 1024 * 1024,
            requests: 3,
            request_interval: Duration::from_secs(1),
            reachable_time: Duration::from_secs(30),
            probe_interval: Duration::from_millis(100),
        }
    }
}

/// Limits of the internet floor.
#[derive(Clone, Copy, Debug)]
pub struct InternetConfig {
    /// Datagrams being reassembled at once.
    pub reassemblies: usize,
    /// Bytes held by all reassemblies together.
    pub reassembly_bytes: usize,
    /// How long a datagram's fragments may take (RFC 1122 §3.3.2 asks for 60 s to 120 s).
    pub reassembly_timeout: Duration,
    /// Turn-round packets (echo replies, errors, fragments to send) that wait at once.
    pub reply_queue: usize,
    /// Bytes of payload in that queue; a single packet may always wait, however long.
    pub reply_bytes: usize,
    /// ICMP errors sent a second (RFC 1812 §4.3.2.8's token bucket), give or take some by chance; the burst is the same number.
    pub icmp_errors_per_second: u32,
    /// Destinations whose path MTU is remembered.
    pub path_mtu_entries: usize,
    /// How long a lowered path MTU is believed (RFC 1191 §6.3).
    pub path_mtu_timeout: Duration,
    /// Routes, those of our own network and gateway included.
    pub routes: usize,
    /// Packets to ourselves that wait at once.
    pub loopback_queue: usize,
}

impl Default for InternetConfig {
    fn default() -> Self {
        InternetConfig {
            reassemblies: 32,
            reassembly_bytes: 512 * 1024,
            reassembly_timeout: Duration::from_secs(60),
            reply_queue: 256,
            reply_bytes: 1024 * 1024,
            icmp_errors_per_second: 100,
            path_mtu_entries: 256,
            path_mtu_timeout: Duration::from_secs(600),
            routes: 64,
            loopback_queue: 256,
        }
    }
}

/// Which algorithm decides how much may be in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CongestionAlgorithm {
    /// RFC 9438.
    #[default]
    Cubic,
    /// RFC 5681 and RFC 6582.
    NewReno,
    /// Nothing but the peer's window: for links that cannot lose, and for measuring.
    None,
}

/// How many bytes a connection's buffer holds at most. Memory grows as it is used, whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferSize {
    /// At first.
    pub initial: usize,
    /// Once the path turned out to need more: up to 1 GiB.
    pub largest: usize,
}

impl BufferSize {
    /// This many bytes, whatever the path needs.
    #[must_use]
    pub const fn fixed(bytes: usize) -> BufferSize {
        BufferSize {
            initial: bytes,
            largest: bytes,
        }
    }
}

/// TCP's defaults and limits; each connection starts from these.
#[derive(Clone, Copy, Debug)]
pub struct TcpConfig {
    /// What a connection can receive before the program reads. It grows with what the program reads in a round trip.
    pub receive_buffer: BufferSize,
    /// What a connection holds until the peer acknowledged it. It grows with what is in flight.
    pub send_buffer: BufferSize,
    /// Bytes that have not left yet from which on a write waits, while the peer takes what leaves: more would leave no sooner,
    /// and be cold in the cache by then. A peer whose window is closed stops nobody from filling the whole
    /// [`send_buffer`](Self::send_buffer). Its size and above: no such limit.
    pub unsent_low_water: usize,
    /// Explicit congestion notification (RFC 3168): routers may mark our packets instead of dropping them.
    pub ecn: bool,
    /// Selective acknowledgements (RFC 2018, RFC 6675): several losses of one round trip are made good in the next.
    pub sack: bool,
    /// Congestion control.
    pub congestion: CongestionAlgorithm,
    /// Shortest retransmission timeout beyond the average round trip (RFC 6298 §2.4 says 1 s in all; Deviation: 200 ms, as every
    /// deployed stack).
    pub min_retransmission_timeout: Duration,
    /// Longest retransmission timeout (RFC 6298 §2.5).
    pub max_retransmission_timeout: Duration,
    /// Longest delay of an acknowledgement (RFC 9293 §3.8.6.3: below 500 ms).
    pub delayed_ack: Duration,
    /// SYNs sent before a connect gives up as timed out: 8 take just over three minutes (RFC 9293 §3.8.3, MUST-23).
    pub syn_retries: u8,
    /// How long data may stay unacknowledged before the connection is given up (RFC 9293 §3.8.3, R2).
    pub user_timeout: Duration,
    /// How long TIME-WAIT remembers a connection (RFC 9293 §3.6.1: 2 MSL).
    pub time_wait: Duration,
    /// How long a connection that nobody holds any more may stay in FIN-WAIT-2.
    pub fin_wait_timeout: Duration,
    /// Connections in all, TIME-WAIT apart.
    pub connections: usize,
    /// Remembered TIME-WAIT connections, at most half as many as there are ephemeral ports; the oldest makes room. Each takes
    /// some hundred bytes.
    pub time_waits: usize,
    /// Challenge acknowledgements a second (RFC 5961 §7).
    pub challenge_acks_per_second: u32,
    /// Ephemeral ports: first and last (RFC 6335 §6).
    pub ephemeral_ports: (u16, u16),
}

/// Enough for 1 Gbit/s over 8 ms, and in the end for 1 Gbit/s over 250 ms.
const USUAL_BUFFER: BufferSize = BufferSize {
    initial: 1024 * 1024,
    largest: 32 * 1024 * 1024,
};

impl Default for TcpConfig {
    fn default() -> Self {
        TcpConfig {
            receive_buffer: USUAL_BUFFER,
            send_buffer: USUAL_BUFFER,
            unsent_low_water: 128 * 1024,
            ecn: true,
            sack: true,
            congestion: CongestionAlgorithm::default(),
            min_retransmission_timeout: Duration::from_millis(200),
            max_retransmission_timeout: Duration::from_secs(60),
            delayed_ack: Duration::from_millis(40),
            syn_retries: 8,
            user_timeout: Duration::from_secs(900),
            time_wait: Duration::from_secs(60),
            fin_wait_timeout: Duration::from_secs(60),
            connections: 65_536,
            time_waits: 8_192,
            challenge_acks_per_second: 100,
            ephemeral_ports: (49_152, 65_535),
        }
    }
}

/// What a single TCP connection is opened with.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpOptions {
    /// Our port; `None` picks an ephemeral one (RFC 6056).
    pub local_port: Option<u16>,
    /// Overrides [`TcpConfig::receive_buffer`] with a fixed size in bytes.
    pub receive_buffer: Option<usize>,
    /// Overrides [`TcpConfig::send_buffer`] with a fixed size in bytes.
    pub send_buffer: Option<usize>,
    /// Turns Nagle's algorithm off (RFC 9293 §3.7.4).
    pub no_delay: bool,
    /// Idle time after which keep-alive probes start (RFC 9293 §3.8.4); `None`: never.
    pub keep_alive: Option<Duration>,
    /// Overrides [`TcpConfig::user_timeout`].
    pub user_timeout: Option<Duration>,
    /// How long connecting may take in all; `None`: until the SYN retries are used up.
    pub connect_timeout: Option<Duration>,
}

/// What a listener is opened with.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
    /// Connections that wait to be accepted, and as many that are still opening: 1 to 4,096.
    pub backlog: usize,
    /// Options for each accepted connection (`local_port` and `connect_timeout` are not looked at).
    pub accepted: TcpOptions,
}

impl Default for ListenOptions {
    fn default() -> Self {
        ListenOptions {
            backlog: 128,
            accepted: TcpOptions::default(),
        }
    }
}

/// UDP's limits.
#[derive(Clone, Copy, Debug)]
pub struct UdpConfig {
    /// Bytes of datagrams that wait in a socket to be read; newer ones are dropped.
    pub receive_bytes: usize,
    /// Bytes of datagrams that wait in a socket to be sent; a write then waits.
    pub send_bytes: usize,
    /// Sockets in all that programs hold.
    pub sockets: usize,
    /// Closed sockets whose last datagrams have not left yet; beyond it those of the one that was closed first are dropped.
    pub closed_sockets: usize,
}

impl Default for UdpConfig {
    fn default() -> Self {
        UdpConfig {
            receive_bytes: 256 * 1024,
            send_bytes: 256 * 1024,
            sockets: 16_384,
            closed_sockets: 256,
        }
    }
}

/// How names are looked up, and the limits of that.
#[derive(Clone, Copy, Debug)]
pub struct ResolverConfig {
    /// Names remembered, absences included; the one that would be forgotten first makes room: 0 (none) to 65,536.
    pub cache_entries: usize,
    /// Names that the driver looks up at once: 1 to 65,536. Beyond it a call fails; one that asks for a name that is being
    /// looked up already shares that lookup, and is not counted.
    pub lookups: usize,
    /// Longest time that an answer is remembered, whatever it says of itself (RFC 8767 §4: up to seven days).
    pub longest_life: Duration,
    /// Longest time that an absence is remembered (RFC 2308 §5: one to three hours).
    pub longest_absence: Duration,
    /// How long each server may take in the first round: 10 ms to 60 s. Later rounds double it and share it among the
    /// servers.
    pub timeout: Duration,
    /// How often all servers are asked in turn: 1 to 8.
    pub rounds: u8,
    /// Aliases followed for one name, and as much as any answer may chain: 0 (none) to 64.
    pub aliases: usize,
    /// Addresses taken from one answer: 1 to 1,024.
    pub addresses: usize,
    /// Servers looked at; further ones are ignored: 1 to 16.
    pub servers: usize,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        ResolverConfig {
            cache_entries: 512,
            lookups: 1_024,
            longest_life: Duration::from_secs(24 * 3_600),
            longest_absence: Duration::from_secs(3_600),
            timeout: Duration::from_millis(1_500),
            rounds: 3,
            aliases: 16,
            addresses: 64,
            servers: 8,
        }
    }
}
