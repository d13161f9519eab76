//! What can be set: flags ([`Options`]), and what follows from them once they are checked ([`Plan`]).

use crate::subnet::{AddressRange, Subnet};
use crate::switch::TableLimits;
use crate::switch::queue::QueueLimits;
use clap::Parser;
use ethertab_stack::MacAddress;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

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

/// Stations behind the TAP that the switch remembers, for hosts that bridge it to a network.
const UPLINK_ADDRESSES: usize = 4_096;

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
    /// and programs that send no Origin. A relay that has a name of its own must be told it here, or a page of
    /// somebody else's whose name suddenly points at this machine (DNS rebinding) could pass for its own.
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

    /// Make no TAP interface: tabs reach the gateway and each other, and no privileges are needed.
    #[arg(long, help_heading = "This host's side")]
    pub no_tap: bool,

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

    /// Addresses that DHCP hands out [default: from the 100th to the last of the network].
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

/// A DNS server: an address and, if it is not 53, a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsServer(pub SocketAddr);

impl FromStr for DnsServer {
    type Err = String;

    fn from_str(text: &str) -> Result<DnsServer, String> {
        let whole = text.parse::<SocketAddr>();
        whole
            .or_else(|_| {
                text.parse()
                    .map(|address: IpAddr| SocketAddr::new(address, 53))
            })
            .map(DnsServer)
            .map_err(|_| {
                format!("`{text}` is not an address; write it like 192.0.2.53 or 192.0.2.53:5353")
            })
    }
}

/// A name and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEntry {
    /// The name, in lower case, without a dot at its end.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

impl FromStr for HostEntry {
    type Err = String;

    fn from_str(text: &str) -> Result<HostEntry, String> {
        let form = || {
            format!(
                "`{text}` is not a name with an address; write it like www.example.com=10.77.0.1"
            )
        };
        let (name, address) = text.split_once('=').ok_or_else(form)?;
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let address = address.parse().map_err(|_| form())?;
        if name.is_empty() {
            return Err(form());
        }
        Ok(HostEntry { name, address })
    }
}

/// Everything that the relay needs to know, checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to listen for browsers.
    pub listen: SocketAddr,
    /// Origins allowed beside our own and localhost's.
    pub allow_origin: Vec<String>,
    /// Clients at once.
    pub max_clients: usize,
    /// Where the page is, if not in the binary.
    pub page: Option<PathBuf>,
    /// Name of the TAP interface; `None`: there is none.
    pub tap: Option<String>,
    /// Port of the demonstration site; `None`: there is none.
    pub demo_port: Option<u16>,
    /// The network.
    pub network: NetworkPlan,
    /// DNS servers; empty: those of the host's resolver.
    pub name_servers: Vec<SocketAddr>,
    /// Names answered by ourselves.
    pub hosts: Vec<HostEntry>,
    /// Limits for each client.
    pub client: ClientLimits,
    /// Bounds of the switch's table.
    pub table: TableLimits,
    /// Broadcasts that one client may send in a second.
    pub flood_rate: u32,
}

/// The addresses of the network.
#[derive(Clone, Copy, Debug)]
pub struct NetworkPlan {
    /// The network.
    pub subnet: Subnet,
    /// This host's address: the TAP's.
    pub host: Ipv4Addr,
    /// The gateway's address, which answers DHCP and DNS.
    pub gateway: Ipv4Addr,
    /// What DHCP hands out.
    pub dhcp_range: AddressRange,
    /// How long a lease lasts.
    pub lease_time: Duration,
    /// Largest IP packet in bytes.
    pub mtu: u16,
}

impl NetworkPlan {
    /// A hardware address that follows from an address of ours, so that it is the same after a restart and no
    /// neighbour has to learn it again. Locally administered (IEEE 802 §8.2); the middle is "ET".
    #[must_use]
    pub fn hardware_address(address: Ipv4Addr) -> MacAddress {
        let [_, b, c, d] = address.octets();
        MacAddress([0x02, 0x45, 0x54, b, c, d])
    }

    /// Where the demonstration site is.
    #[must_use]
    pub fn demo(&self, port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(self.host, port)
    }
}

/// Limits for each client.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// What may wait for it.
    pub queue: QueueLimits,
    /// Time between pings.
    pub ping_interval: Duration,
    /// Time without a sign of life after which it is disconnected.
    pub ping_timeout: Duration,
}

impl TryFrom<Options> for Plan {
    type Error = String;

    fn try_from(options: Options) -> Result<Plan, String> {
        let network = network(&options)?;
        if options.ping_timeout <= options.ping_interval {
            return Err(format!(
                "--ping-timeout {} must be longer than --ping-interval {}, or every quiet client is disconnected",
                options.ping_timeout, options.ping_interval
            ));
        }
        // IFNAMSIZ is 16, with the zero at the end. The kernel would take more characters, and tools then stumble.
        let odd = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.');
        if options.tap.is_empty() || options.tap.len() > 15 || options.tap.contains(odd) {
            return Err(format!(
                "--tap `{}` is not a name for an interface: 1 to 15 letters and digits",
                options.tap
            ));
        }
        Ok(Plan {
            listen: options.listen,
            allow_origin: options.allow_origin,
            max_clients: options.max_clients as usize,
            page: options.page,
            tap: (!options.no_tap).then_some(options.tap),
            demo_port: (!options.no_demo && options.demo_port != 0).then_some(options.demo_port),
            network,
            name_servers: options.dns.into_iter().map(|server| server.0).collect(),
            hosts: options.hosts,
            client: ClientLimits {
                queue: QueueLimits {
                    frames: options.queue_frames as usize,
                    bytes: options.queue_kilobytes as usize * 1_024,
                },
                ping_interval: Duration::from_secs(options.ping_interval.into()),
                ping_timeout: Duration::from_secs(options.ping_timeout.into()),
            },
            table: TableLimits {
                client: options.max_addresses as usize,
                uplink: UPLINK_ADDRESSES,
            },
            flood_rate: options.broadcast_rate,
        })
    }
}

fn network(options: &Options) -> Result<NetworkPlan, String> {
    let subnet = options.subnet;
    let (host, gateway) = (subnet.address(1), subnet.address(2));
    let first = if subnet.has_host(subnet.address(100)) {
        100
    } else {
        3
    };
    let dhcp_range = options.dhcp_range.unwrap_or(AddressRange {
        first: subnet.address(first),
        last: subnet.last_host(),
    });
    if !subnet.has_host(dhcp_range.first) || !subnet.has_host(dhcp_range.last) {
        return Err(format!(
            "--dhcp-range {dhcp_range} is not inside --subnet {subnet}"
        ));
    }
    if let Some(taken) = [host, gateway]
        .into_iter()
        .find(|a| (dhcp_range.first..=dhcp_range.last).contains(a))
    {
        return Err(format!(
            "--dhcp-range {dhcp_range} holds {taken}, which is the relay's own; begin it at {} or later",
            subnet.address(3)
        ));
    }
    Ok(NetworkPlan {
        subnet,
        host,
        gateway,
        dhcp_range,
        lease_time: Duration::from_secs(options.lease_time.into()),
        mtu: options.mtu,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn plan(flags: &[&str]) -> Result<Plan, String> {
        let flags = std::iter::once("ethertab-relay").chain(flags.iter().copied());
        Options::try_parse_from(flags)
            .map_err(|error| error.to_string())?
            .try_into()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn every_flag_is_explained_under_a_heading() {
        for argument in Options::command().get_arguments() {
            let name = argument.get_id();
            assert!(argument.get_help().is_some(), "{name} has no help");
            assert!(
                argument.get_help_heading().is_some() || argument.get_long() == Some("help"),
                "{name} has no heading"
            );
        }
    }

    #[test]
    fn no_flag_at_all_gives_a_whole_plan() {
        let plan = plan(&[]).unwrap();
        assert_eq!(plan.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(plan.tap.as_deref(), Some("ethertab0"));
        assert_eq!(plan.network.host, Ipv4Addr::new(10, 77, 0, 1));
        assert_eq!(plan.network.gateway, Ipv4Addr::new(10, 77, 0, 2));
        assert_eq!(
            plan.network.dhcp_range.to_string(),
            "10.77.0.100-10.77.15.254"
        );
        assert_eq!(plan.demo_port, Some(80));
    }

    #[test]
    fn a_small_network_has_a_range_too() {
        let plan = plan(&["--subnet", "192.168.9.0/29"]).unwrap();
        assert_eq!(
            plan.network.dhcp_range.to_string(),
            "192.168.9.3-192.168.9.6"
        );
    }

    #[test]
    fn contradictions_are_explained() {
        let cases: [(&[&str], &str); 5] = [
            (
                &["--dhcp-range", "10.9.0.1-10.9.0.2"],
                "is not inside --subnet 10.77.0.0/20",
            ),
            (
                &["--dhcp-range", "10.77.0.2-10.77.0.9"],
                "begin it at 10.77.0.3",
            ),
            (
                &["--ping-timeout", "10"],
                "must be longer than --ping-interval 15",
            ),
            (
                &["--tap", "far-too-long-a-name"],
                "is not a name for an interface",
            ),
            (
                &["--host", "www.example.com"],
                "write it like www.example.com=10.77.0.1",
            ),
        ];
        for (flags, expected) in cases {
            let error = plan(flags).unwrap_err();
            assert!(error.contains(expected), "{flags:?} said: {error}");
        }
    }

    #[test]
    fn servers_and_names_are_read_as_people_write_them() {
        assert_eq!(
            "192.0.2.1".parse::<DnsServer>().unwrap().0,
            "192.0.2.1:53".parse().unwrap()
        );
        assert_eq!(
            "[::1]:5353".parse::<DnsServer>().unwrap().0,
            "[::1]:5353".parse().unwrap()
        );
        let entry: HostEntry = "WWW.Example.com.=10.77.0.1".parse().unwrap();
        assert_eq!(entry.name, "www.example.com");
    }
}
