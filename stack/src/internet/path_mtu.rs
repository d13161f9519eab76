//! Path MTU discovery (RFC 1191): how large a packet reaches each destination unfragmented.
//!
//! Only lowered values are remembered; all others are the link's. Nothing said by a stranger brings a value below
//! `least`: a path that claims to be narrower gets packets of that size which routers may fragment.

use crate::config::InternetConfig;
use crate::time::{Duration, Instant};
use alloc::vec::Vec;
use core::net::IpAddr;

/// RFC 1191 §7.1: sizes that real links have, tried in turn when a router does not tell its own.
const PLATEAUS: [usize; 11] = [
    65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68,
];

/// What a path carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// Largest packet in bytes.
    pub(super) mtu: usize,
    /// The path is narrower than we care to follow: routers must be allowed to fragment.
    pub(super) fragment: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    destination: IpAddr,
    limit: Limit,
    expires: Instant,
}

#[derive(Debug)]
pub(super) struct PathMtu {
    /// Sorted by destination: a lookup is a binary search without hashing.
    entries: Vec<Entry>,
    most: usize,
    timeout: Duration,
    soonest: Option<Instant>,
}

/// A router's report of a packet that was too large for its next hop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub(super) destination: IpAddr,
    /// The next hop's MTU; 0 if the router is too old to tell.
    pub(super) told: usize,
    /// Total length of the packet that was dropped.
    pub(super) length: usize,
    /// The MTU of our own link.
    pub(super) link: usize,
    /// No report is followed below this.
    pub(super) least: usize,
}

impl PathMtu {
    pub(super) fn new(config: &InternetConfig) -> PathMtu {
        PathMtu {
            entries: Vec::new(),
            most: config.path_mtu_entries.max(1),
            timeout: config.path_mtu_timeout,
            soonest: None,
        }
    }

    fn find(&self, destination: IpAddr) -> Result<usize, usize> {
        self.entries
            .binary_search_by_key(&destination, |entry| entry.destination)
    }

    /// What the path to `destination` carries if our own link carries `link`.
    pub(super) fn limit(&self, destination: IpAddr, link: usize) -> Limit {
        let open = Limit {
            mtu: link,
            fragment: false,
        };
        if self.entries.is_empty() {
            return open;
        }
        let found = self.find(destination).ok();
        found
            .and_then(|at| self.entries.get(at))
            .map_or(open, |entry| Limit {
                mtu: entry.limit.mtu.min(link),
                ..entry.limit
            })
    }

    /// Takes a report. The path MTU that now holds; `None`: the report contradicts itself.
    pub(super) fn report(&mut self, report: &Report, now: Instant) -> Option<usize> {
        // RFC 1191 §5: an old router's packet tells at least that its own size was too much.
        let told = match report.told {
            0 => plateau_below(report.length),
            told => told,
        };
        // A packet that fits was not dropped for its size.
        if told >= report.length {
            return None;
        }
        let current = self.limit(report.destination, report.link);
        let limit = Limit {
            mtu: told.max(report.least).min(current.mtu),
            fragment: current.fragment || told < report.least,
        };
        // RFC 1191 §3: never raised by a report. One for a packet that left before the last one came changes
        // nothing, yet concerns its own sender.
        if limit != current || told == current.mtu {
            self.remember(report.destination, limit, now);
        }
        Some(limit.mtu)
    }

    fn remember(&mut self, destination: IpAddr, limit: Limit, now: Instant) {
        let entry = Entry {
            destination,
            limit,
            expires: now + self.timeout,
        };
        match self.find(destination) {
            Ok(at) => self.entries[at] = entry,
            Err(_) => {
                if self.entries.len() >= self.most {
                    let ends = self.entries.iter().enumerate();
                    if let Some((oldest, _)) = ends.min_by_key(|(_, entry)| entry.expires) {
                        self.entries.remove(oldest);
                    }
                }
                let (Ok(at) | Err(at)) = self.find(destination);
                self.entries.insert(at, entry);
            }
        }
        self.note_soonest();
    }

    fn note_soonest(&mut self) {
        self.soonest = self.entries.iter().map(|entry| entry.expires).min();
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.soonest
    }

    /// RFC 1191 §6.3: what was lowered long ago is forgotten, and the link's MTU is tried again.
    pub(super) fn advance(&mut self, now: Instant) -> bool {
        let is_due = self.soonest.is_some_and(|soonest| soonest <= now);
        if is_due {
            self.entries.retain(|entry| entry.expires > now);
            self.note_soonest();
        }
        is_due
    }
}

fn plateau_below(length: usize) -> usize {
    let mut plateaus = PLATEAUS.into_iter();
    plateaus.find(|&plateau| plateau < length).unwrap_or(68)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    fn table() -> PathMtu {
        PathMtu::new(&InternetConfig {
            path_mtu_entries: 2,
            ..InternetConfig::default()
        })
    }

    fn host(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn report(told: usize, length: usize) -> Report {
        Report {
            destination: host(1),
            told,
            length,
            link: 1_500,
            least: 576,
        }
    }

    #[test]
    fn a_report_lowers_the_path_it_names_and_no_other() {
        let mut table = table();
        let now = Instant::ZERO;
        assert_eq!(table.report(&report(1_400, 1_500), now), Some(1_400));
        assert_eq!(table.limit(host(1), 1_500).mtu, 1_400);
        assert_eq!(table.limit(host(2), 1_500).mtu, 1_500);
        assert_eq!(
            table.limit(host(1), 1_300).mtu,
            1_300,
            "never above the link"
        );
    }

    #[test]
    fn a_report_never_raises() {
        let mut table = table();
        let now = Instant::ZERO;
        table.report(&report(1_000, 1_500), now);
        // It left before the first report came: its sender must hear of it, at the size that holds now.
        assert_eq!(table.report(&report(1_400, 1_500), now), Some(1_000));
        assert_eq!(table.limit(host(1), 1_500).mtu, 1_000);
    }

    #[test]
    fn a_report_that_contradicts_itself_is_ignored() {
        let mut table = table();
        assert_eq!(table.report(&report(1_500, 1_500), Instant::ZERO), None);
        assert_eq!(table.report(&report(9_000, 1_500), Instant::ZERO), None);
        assert_eq!(table.limit(host(1), 1_500).mtu, 1_500);
        assert_eq!(table.next_deadline(), None);
    }

    #[test]
    fn without_a_value_the_plateaus_are_tried_in_turn() {
        let mut table = table();
        let mut length = 1_500;
        for expected in [1_492, 1_006, 576] {
            let found = table.report(&report(0, length), Instant::ZERO);
            assert_eq!(found, Some(expected));
            length = expected;
        }
        let limit = table.limit(host(1), 1_500);
        assert!(limit.fragment, "508 is below what we follow");
        assert_eq!(plateau_below(0), 68);
    }

    #[test]
    fn nobody_can_make_packets_tiny() {
        let mut table = table();
        assert_eq!(table.report(&report(68, 1_500), Instant::ZERO), Some(576));
        let limit = table.limit(host(1), 1_500);
        assert_eq!((limit.mtu, limit.fragment), (576, true));
    }

    #[test]
    fn a_lowered_path_is_tried_again_after_ten_minutes() {
        let mut table = table();
        table.report(&report(1_400, 1_500), Instant::ZERO);
        let due = table.next_deadline().expect("a deadline");
        assert_eq!(due.since(Instant::ZERO), Duration::from_secs(600));
        table.advance(due - Duration::from_millis(1));
        assert_eq!(table.limit(host(1), 1_500).mtu, 1_400);
        table.advance(due);
        assert_eq!(table.limit(host(1), 1_500).mtu, 1_500);
        assert_eq!(table.next_deadline(), None);
    }

    #[test]
    fn a_full_table_forgets_what_is_oldest() {
        let mut table = table();
        for last in 1..=3 {
            let report = Report {
                destination: host(last),
                ..report(1_400, 1_500)
            };
            table.report(&report, Instant::from_millis(u64::from(last)));
        }
        let mtu = |last| table.limit(host(last), 1_500).mtu;
        assert_eq!([mtu(1), mtu(2), mtu(3)], [1_500, 1_400, 1_400]);
    }
}
