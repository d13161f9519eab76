//! Names that need no asking: those of the network itself, those given by `--host`, and this host's hosts file.

use super::super::dhcp::DOMAIN;
use crate::config::Plan;
use crate::subnet::Subnet;
use ethertab_stack::wire::dns::{Data, Name, Question, RecordType};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// How long an answer from here may be remembered, in seconds: short, since a file can change.
pub(super) const TIME_TO_LIVE: u32 = 30;

/// Lines of a hosts file that are read; some people block advertisers by a very long one.
const LINES: usize = 500_000;

/// What is known about a question without asking anybody.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Local {
    /// The answer, which may be empty: the name exists and has nothing of that type.
    Answer(Vec<Data<'static>>),
    /// The name would have to be known here, and is not.
    NoSuchName,
    /// Nothing.
    Unknown,
}

/// The names.
pub(super) struct Hosts {
    /// Ours, and the operator's.
    own: HashMap<Name, Vec<IpAddr>>,
    subnet: Subnet,
    /// Where a name of this host leads, seen from a tab.
    host: Option<Ipv4Addr>,
    file: PathBuf,
    read: Mutex<Read>,
}

/// The hosts file as it was read last.
#[derive(Default)]
struct Read {
    modified: Option<SystemTime>,
    names: HashMap<Name, Vec<IpAddr>>,
}

impl Hosts {
    pub(super) fn new(plan: &Plan) -> Hosts {
        let mut own: HashMap<Name, Vec<IpAddr>> = HashMap::new();
        let mut add = |name: &str, address: IpAddr| match Name::from_text(name) {
            Ok(name) => own.entry(name).or_default().push(address),
            Err(_) => tracing::warn!("--host: {name:?} is no name that DNS can carry"),
        };
        for entry in &plan.hosts {
            add(&entry.name, entry.address);
        }
        add(&format!("gateway.{DOMAIN}"), plan.network.gateway.into());
        let host = plan.tap.is_some().then_some(plan.network.host);
        if let Some(host) = host {
            add(&format!("demo.{DOMAIN}"), host.into());
            add(&format!("host.{DOMAIN}"), host.into());
        }
        Hosts {
            own,
            subnet: plan.network.subnet,
            host,
            file: PathBuf::from("/etc/hosts"),
            read: Mutex::new(Read::default()),
        }
    }

    pub(super) fn look_up(&self, question: &Question) -> Local {
        let name = &question.name;
        if question.record_type == RecordType::PTR
            && let Some(address) = name.address()
        {
            return self.look_up_backwards(address);
        }
        // RFC 6761 §6.3: these never leave the machine, and mean the asking one.
        if name.is_under("localhost") {
            return addresses(
                &[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
                question,
            );
        }
        if let Some(own) = self.own.get(name) {
            return addresses(own, question);
        }
        if let Some(listed) = self.listed(name) {
            return addresses(&listed, question);
        }
        if name.is_under(DOMAIN) {
            Local::NoSuchName
        } else {
            Local::Unknown
        }
    }

    /// Addresses of our network are nobody else's business.
    fn look_up_backwards(&self, address: IpAddr) -> Local {
        // Several names may lead there; the answer should be the same one each time.
        let mut names: Vec<&Name> = self
            .own
            .iter()
            .filter(|(_, own)| own.contains(&address))
            .map(|(name, _)| name)
            .collect();
        names.sort_by_key(|name| name.to_string());
        match (names.first(), address) {
            (Some(&name), _) => Local::Answer(vec![Data::Ptr(name.clone())]),
            (None, IpAddr::V4(address)) if self.subnet.has_host(address) => Local::NoSuchName,
            _ => Local::Unknown,
        }
    }

    /// What the hosts file says, read again when it has changed.
    fn listed(&self, name: &Name) -> Option<Vec<IpAddr>> {
        let modified = std::fs::metadata(&self.file)
            .and_then(|file| file.modified())
            .ok();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.modified != modified {
            let text = std::fs::read(&self.file).unwrap_or_default();
            read.names = parse(&String::from_utf8_lossy(&text), self.host);
            read.modified = modified;
        }
        read.names.get(name).cloned()
    }
}

fn addresses(addresses: &[IpAddr], question: &Question) -> Local {
    let records = addresses
        .iter()
        .filter_map(|address| match (*address, question.record_type) {
            (IpAddr::V4(address), RecordType::A) => Some(Data::A(address)),
            (IpAddr::V6(address), RecordType::AAAA) => Some(Data::Aaaa(address)),
            _ => None,
        });
    Local::Answer(records.collect())
}

/// Reads a hosts file (hosts(5)). A loopback address there means this host, which for a tab is at `host`.
fn parse(text: &str, host: Option<Ipv4Addr>) -> HashMap<Name, Vec<IpAddr>> {
    let mut names: HashMap<Name, Vec<IpAddr>> = HashMap::new();
    for line in text.lines().take(LINES) {
        let mut words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else {
            continue;
        };
        let address = match address {
            IpAddr::V4(v4) if v4.is_loopback() => host.map(IpAddr::V4),
            IpAddr::V6(v6) if v6.is_loopback() => None,
            // Link-local and group addresses (`ff02::1 ip6-allnodes`) mean something on the host's own links only.
            IpAddr::V6(v6) if v6.is_unicast_link_local() || v6.is_multicast() => None,
            // `0.0.0.0 advertiser.example` is how people block a name: it must stay blocked.
            address => Some(address),
        };
        let Some(address) = address else { continue };
        for name in words.filter_map(|word| Name::from_text(word).ok()) {
            let listed = names.entry(name).or_default();
            if !listed.contains(&address) {
                listed.push(address);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Options;
    use clap::Parser;
    use ethertab_stack::wire::dns::CLASS_INTERNET;

    fn hosts(flags: &[&str]) -> Hosts {
        let options = Options::parse_from([&["ethertab-relay"], flags].concat());
        let mut hosts = Hosts::new(&Plan::try_from(options).unwrap());
        hosts.file = PathBuf::from("/nonexistent");
        hosts
    }

    fn question(name: &str, record_type: RecordType) -> Question {
        Question {
            name: Name::from_text(name).unwrap(),
            record_type,
            class: CLASS_INTERNET,
        }
    }

    fn a(a: u8, b: u8, c: u8, d: u8) -> Local {
        Local::Answer(vec![Data::A(Ipv4Addr::new(a, b, c, d))])
    }

    #[test]
    fn the_network_knows_its_own_names() {
        let hosts = hosts(&["--host", "www.example.com=10.77.0.1"]);
        assert_eq!(
            hosts.look_up(&question("demo.ethertab", RecordType::A)),
            a(10, 77, 0, 1)
        );
        assert_eq!(
            hosts.look_up(&question("Gateway.Ethertab", RecordType::A)),
            a(10, 77, 0, 2)
        );
        assert_eq!(
            hosts.look_up(&question("www.example.com", RecordType::A)),
            a(10, 77, 0, 1)
        );
        assert_eq!(
            hosts.look_up(&question("www.example.com", RecordType::AAAA)),
            Local::Answer(vec![])
        );
        assert_eq!(
            hosts.look_up(&question("nobody.ethertab", RecordType::A)),
            Local::NoSuchName
        );
        assert_eq!(
            hosts.look_up(&question("example.org", RecordType::A)),
            Local::Unknown
        );
        assert_eq!(
            hosts.look_up(&question("x.localhost", RecordType::A)),
            a(127, 0, 0, 1)
        );
    }

    #[test]
    fn without_a_tap_there_is_no_demonstration_site_to_name() {
        let hosts = hosts(&["--no-tap"]);
        assert_eq!(
            hosts.look_up(&question("demo.ethertab", RecordType::A)),
            Local::NoSuchName
        );
    }

    #[test]
    fn our_addresses_are_looked_up_backwards_here_and_others_are_not() {
        let hosts = hosts(&[]);
        let back = |a, b, c, d| {
            let name = Name::of_address(IpAddr::V4(Ipv4Addr::new(a, b, c, d)));
            hosts.look_up(&question(&name.to_string(), RecordType::PTR))
        };
        let gateway = Name::from_text("gateway.ethertab").unwrap();
        assert_eq!(back(10, 77, 0, 2), Local::Answer(vec![Data::Ptr(gateway)]));
        assert_eq!(back(10, 77, 3, 9), Local::NoSuchName);
        assert_eq!(back(192, 0, 2, 1), Local::Unknown);
    }

    #[test]
    fn a_hosts_file_is_read_with_a_tabs_eyes() {
        let text = "127.0.0.1 localhost\n127.0.1.1\tworkstation # this one\n::1 ip6-localhost\nff02::1 ip6-allnodes\n\
                    192.0.2.7 printer printer.lan\n2001:db8::7 printer\nnonsense line\n0.0.0.0 ads.example\n192.0.2.9";
        let host = Ipv4Addr::new(10, 77, 0, 1);
        let names = parse(text, Some(host));
        let of = |name: &str| {
            names
                .get(&Name::from_text(name).unwrap())
                .cloned()
                .unwrap_or_default()
        };
        assert_eq!(of("workstation"), [IpAddr::V4(host)]);
        assert_eq!(of("printer").len(), 2);
        assert_eq!(of("PRINTER.lan"), [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))]);
        assert_eq!(of("ads.example"), [IpAddr::V4(Ipv4Addr::UNSPECIFIED)]);
        assert!(of("ip6-localhost").is_empty() && of("ip6-allnodes").is_empty());
        let workstation = Name::from_text("workstation").unwrap();
        assert!(!parse(text, None).contains_key(&workstation));
    }

    #[test]
    fn a_changed_hosts_file_is_noticed() {
        let directory = std::env::temp_dir().join(format!("ethertab-hosts-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let mut hosts = hosts(&[]);
        hosts.file = directory.join("hosts");
        let asked = question("printer.lan", RecordType::A);
        assert_eq!(hosts.look_up(&asked), Local::Unknown);
        std::fs::write(&hosts.file, "192.0.2.7 printer.lan\n").unwrap();
        assert_eq!(hosts.look_up(&asked), a(192, 0, 2, 7));
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(hosts.look_up(&asked), Local::Unknown);
    }
}
