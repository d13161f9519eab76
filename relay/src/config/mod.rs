//! What can be set: flags ([`Options`]), and what follows from them once they are checked ([`Plan`]).

mod options;
mod values;

pub use options::Options;
pub use values::{DnsServer, HostEntry};

use crate::subnet::{AddressRange, Subnet};
use crate::switch::TableLimits;
use crate::switch::queue::QueueLimits;
use ethertab_stack::MacAddress;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

/// Stations behind the TAP that the switch remembers, for hosts that bridge it to a network.
const UPLINK_ADDRESSES: usize = 4_096;

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
    /// Queues of it, at least one.
    pub tap_queues: usize,
    /// Whether frames may come and go with something left to be done to them.
    pub offload: bool,
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
    /// Bytes that it may have on their way to us, if it speaks the negotiated form.
    pub window: u64,
    /// The largest message of the negotiated form with many frames in it, in bytes, in either direction.
    pub largest_message: u32,
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
            tap_queues: options.tap_queues.into(),
            offload: !options.no_offload,
            demo_port: (!options.no_demo && options.demo_port != 0).then_some(options.demo_port),
            network,
            name_servers: options.dns.into_iter().map(|server| server.0).collect(),
            hosts: options.hosts,
            client: ClientLimits {
                queue: QueueLimits {
                    frames: options.queue_frames as usize,
                    bytes: options.queue_kilobytes as usize * 1_024,
                },
                window: u64::from(options.window_kilobytes) * 1_024,
                largest_message: options.message_kilobytes * 1_024,
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
    use clap::{CommandFactory, Parser};

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
        let cases: [(&[&str], &str); 6] = [
            (&["--tap-queues", "0"], "0 is not in 1..=256"),
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
}
