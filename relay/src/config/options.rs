//! The command line, and the texts of its help.

use super::values::{DnsServer, HostEntry};
use crate::subnet::{AddressRange, Subnet};
use clap::Parser;
use std::net::SocketAddr;
use std::path::PathBuf;

const ABOUT: &str =
    "Gives browser tabs an Ethernet card: puts their frames on a TAP interface of this host.";

const LONG_ABOUT: &str = "\
Gives browser tabs an Ethernet card: puts their frames on a TAP interface of this host.

A tab that runs the ethertab stack sends raw Ethernet frames over one WebSocket. The relay has one \
switch: every tab is a port of it, the TAP interface is a port, and so is a small gateway that hands \
out addresses (DHCP), answers names (DNS) and ping. The tabs reach this host, and each other. The page \
that shows it all is built into this binary.

Making a TAP interface needs the capability CAP_NET_ADMIN; nothing else does.";

const EXAMPLES: &str = "\
Examples:
  sudo ethertab-relay
      Everything at its default; open the address that it prints.

  unshare -Urn sh -c 'ip link set lo up; exec ethertab-relay'
      Without root, in a network namespace of its own: try it with programs inside that namespace.

  ethertab-relay --no-tap
      No privileges at all: tabs reach the gateway and each other, not this host.

  sudo ethertab-relay --subnet 192.168.50.0/24 --dhcp-range 192.168.50.100-192.168.50.200
      Another network.

  sudo ethertab-relay --host www.example.com=10.77.0.1
      Answer one name with an address of your own.

  sudo setcap cap_net_admin,cap_net_bind_service+ep $(command -v ethertab-relay)
      Once; then it runs without root. The second capability is for the demonstration site's port 80.

To let tabs out to the Internet, the host must forward and masquerade (as root):
  sysctl -w net.ipv4.ip_forward=1
  nft add table ip ethertab
  nft 'add chain ip ethertab out { type nat hook postrouting priority srcnat; }'
  nft add rule ip ethertab out ip saddr 10.77.0.0/20 oifname != ethertab0 masquerade";

/// The command line.
#[derive(Clone, Debug, Parser)]
#[command(name = "ethertab-relay", version, about = ABOUT, long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub struct Options {
    /// Where to listen for browsers.
    ///
    /// The page is served at `/`, the tunnel at `/tunnel`, counters at `/status` and `/metrics`. Whoever can connect
    /// here joins the network, so think before you open it beyond this machine. Port 0 takes any free one.
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        help_heading = "Browsers"
    )]
    pub listen: SocketAddr,

    /// Let pages of this origin open the tunnel too (repeat it for more; `*` for all).
    ///
    /// Without it: pages that this relay served itself by an IP address or as localhost, other pages from localhost,
    /// and programs that send no Origin and reach the relay by an IP address or as localhost. A relay that has a name
    /// of its own must be told it here, or a page of somebody else's whose name suddenly points at this machine (DNS
    /// rebinding) could pass for its own.
    #[arg(
        long = "allow-origin",
        value_name = "ORIGIN",
        help_heading = "Browsers"
    )]
    pub allow_origin: Vec<String>,

    /// How many clients may be connected at once.
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_536), help_heading = "Browsers")]
    pub max_clients: u32,

    /// Serve the page from this directory instead of from the binary.
    #[arg(long, value_name = "DIRECTORY", help_heading = "Browsers")]
    pub page: Option<PathBuf>,

    /// Name of the TAP interface.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "ethertab0",
        help_heading = "This host's side"
    )]
    pub tap: String,

    /// Queues of the TAP interface, each with a task that reads it.
    ///
    /// The kernel spreads connections over them. One is enough for what two cores can move; more are for relays with more cores
    /// and many busy tabs.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "This host's side")]
    pub tap_queues: u16,

    /// Make no TAP interface: tabs reach the gateway and each other, and no privileges are needed.
    #[arg(long, help_heading = "This host's side")]
    pub no_tap: bool,

    /// Take and hand over complete frames only, at the TAP and in the tunnel.
    ///
    /// Otherwise the kernel and capable tabs exchange segments of up to 64 KiB whose checksums nobody fills in on the way,
    /// and the relay cuts them for everybody else. That is many times faster; this is for finding out whether it is to blame.
    #[arg(long, help_heading = "This host's side")]
    pub no_offload: bool,

    /// Port of the demonstration site on the host's side of the TAP.
    ///
    /// An ordinary web server on this host's kernel, reachable through the TAP alone: a page, a picture, 100 MB, a
    /// slow answer, an echo. Something for tabs to fetch with no Internet.
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 80,
        help_heading = "This host's side"
    )]
    pub demo_port: u16,

    /// No demonstration site.
    #[arg(long, help_heading = "This host's side")]
    pub no_demo: bool,

    /// The network that tabs live in.
    ///
    /// Its first address is this host's (the TAP's), its second the gateway's.
    #[arg(
        long,
        value_name = "NETWORK",
        default_value = "10.77.0.0/20",
        help_heading = "The network"
    )]
    pub subnet: Subnet,

    /// Largest IP packet that a frame carries, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1_500, value_parser = clap::value_parser!(u16).range(576..=65_521), help_heading = "The network")]
    pub mtu: u16,

    /// Addresses that DHCP hands out [default: from the 100th to the last of the network; from the 3rd if it has fewer].
    #[arg(long, value_name = "FIRST-LAST", help_heading = "The network")]
    pub dhcp_range: Option<AddressRange>,

    /// How long a lease lasts, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(60..), help_heading = "The network")]
    pub lease_time: u32,

    /// Ask this DNS server (repeat it for more) [default: those of /etc/resolv.conf].
    ///
    /// Names in /etc/hosts are answered from there first.
    #[arg(
        long = "dns",
        value_name = "ADDRESS[:PORT]",
        help_heading = "The network"
    )]
    pub dns: Vec<DnsServer>,

    /// Answer this name with this address (repeat it for more).
    ///
    /// demo.ethertab (this host) and gateway.ethertab are always there.
    #[arg(
        long = "host",
        value_name = "NAME=ADDRESS",
        help_heading = "The network"
    )]
    pub hosts: Vec<HostEntry>,

    /// Frames that wait for one client before more are dropped.
    #[arg(long, value_name = "COUNT", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(16..), help_heading = "Limits for each client")]
    pub queue_frames: u32,

    /// Kilobytes of frames that wait for one client before more are dropped.
    #[arg(long, value_name = "KILOBYTES", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(128..=1_048_576), help_heading = "Limits for each client")]
    pub queue_kilobytes: u32,

    /// Kilobytes that one client may have on their way to the relay, at least.
    ///
    /// More where the path needs it: eight round trips of what comes, up to 64 MB. Clients that speak the plain form know
    /// of no such limit; TCP bounds them.
    #[arg(long, value_name = "KILOBYTES", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(128..=1_048_576), help_heading = "Limits for each client")]
    pub window_kilobytes: u32,

    /// Kilobytes of a message into which many frames are put, for clients that take such.
    ///
    /// Browsers cost time for each message, hardly for each byte; much larger ones make others wait.
    #[arg(long, value_name = "KILOBYTES", default_value_t = 64, value_parser = clap::value_parser!(u32).range(2..=1_024), help_heading = "Limits for each client")]
    pub message_kilobytes: u32,

    /// Hardware addresses that one client may use (more than one for a bridge of virtual machines).
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4_096), help_heading = "Limits for each client")]
    pub max_addresses: u32,

    /// Broadcasts that one client may send in a second.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Limits for each client")]
    pub broadcast_rate: u32,

    /// Seconds between WebSocket pings.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits for each client")]
    pub ping_interval: u32,

    /// Seconds without a sign of life after which a client is disconnected.
    #[arg(long, value_name = "SECONDS", default_value_t = 45, value_parser = clap::value_parser!(u32).range(2..), help_heading = "Limits for each client")]
    pub ping_timeout: u32,

    /// Log more; twice for everything. RUST_LOG, where it is set, has the last word.
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Logs")]
    pub verbose: u8,
}
