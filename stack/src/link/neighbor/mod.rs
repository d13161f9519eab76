//! The neighbour cache (RFC 826; RFC 1122 §2.3.2; states after RFC 4861 §7.3.2, adapted to ARP).
//!
//! ```text
//!              packet to send                 answer
//!   (nobody) ───────────────► INCOMPLETE ───────────────► REACHABLE ◄───────┐
//!      ▲                      asks every second               │             │
//!      │  no answer            overheard, or asked us         │ 30 s        │ answer, or confirmed
//!      ├──────────────────────────┘    │                      ▼             │ from above
//!      │                               └──────────────────► STALE           │
//!      │                                                      │ packet      │
//!      │  no answer                         5 s               ▼             │
//!      └───────────────── PROBE ◄─────────────────────────  DELAY ──────────┤
//!                           └───────────────────────────────────────────────┘
//! ```
//!
//! What the floors above find out counts as well: acknowledgements that come confirm, repetitions in vain lead to PROBE at once.
//! After the link was away all are STALE, and the first packet leads to PROBE at once, which then asks everybody: there may be
//! another card at the address.
//! In STALE, DELAY and PROBE packets flow to the address that is known; in INCOMPLETE they wait here, each
//! neighbour's apart, so that a dead host delays nobody else. REACHABLE turns STALE without a timer: whoever
//! looks sees that its time is up.

mod table;

use crate::config::NeighborConfig;
use crate::counters::{Counters, DropReason};
use crate::random::Random;
use crate::time::{Duration, Instant, duration_micros};
use crate::timer::TimerQueue;
use crate::wire::address::MacAddress;
use crate::wire::offload::Offload;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;
use table::{Slot, Table};

/// How long the floors above may take to confirm a stale neighbour before it is asked (RFC 4861 §10).
const DELAY_FIRST_PROBE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Incomplete,
    Reachable { until: Instant },
    Stale,
    Delay,
    Probe,
}

/// How an address was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The neighbour answered us.
    Answer,
    /// The neighbour asked for us: it exists, but whether our frames reach it is not known.
    Asked,
    /// It spoke to others.
    Overheard,
}

/// Something to send on a neighbour's account.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Solicitation {
    /// Ask for its hardware address: everybody, or itself if one is known.
    Ask {
        address: IpAddr,
        hardware: Option<MacAddress>,
    },
    /// Send a packet that waited.
    Release {
        packet: Waiting,
        hardware: MacAddress,
    },
}

/// A packet that waits for an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) bytes: Vec<u8>,
    /// What the link is to do to the frame around it.
    pub(super) offload: Offload,
}

struct Neighbor {
    address: IpAddr,
    hardware: MacAddress,
    /// It answered from that hardware address. What it or somebody else only said is not confirmed by progress of others: that
    /// may be owed to packets that went to the address before.
    proven: bool,
    state: State,
    /// It was known before the link was away, and may have another hardware address by now: questions go to everybody.
    outdated: bool,
    /// When a packet was last sent to it.
    used: Instant,
    /// Questions asked since the last answer.
    asked: u8,
    /// Whether a question is due.
    ask: bool,
    /// Whether it stands in `Neighbors::work`.
    working: bool,
    waiting: VecDeque<Waiting>,
}

impl Neighbor {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && matches!(self.state, State::Reachable { .. } | State::Stale)
    }
}

/// Everybody we know on this link.
pub(super) struct Neighbors {
    config: NeighborConfig,
    reachable_time: Duration,
    table: Table,
    timers: TimerQueue,
    /// Neighbours with a question or a packet to send, each at most once.
    work: VecDeque<Slot>,
    /// Bytes of all packets that wait.
    waiting_bytes: usize,
}

impl Neighbors {
    pub(super) fn new(config: &NeighborConfig, random: &mut Random) -> Neighbors {
        // RFC 4861 §6.3.2: between half and one and a half of the base value, so that stations do not ask in step.
        let base = u32::try_from(duration_micros(config.reachable_time)).unwrap_or(u32::MAX);
        let reachable_time = u64::from(base / 2) + u64::from(random.below(base));
        Neighbors {
            config: *config,
            reachable_time: Duration::from_micros(reachable_time),
            table: Table::new(random),
            timers: TimerQueue::default(),
            work: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// The hardware address to send to now; `None`: the packet has to wait.
    #[inline]
    pub(super) fn hardware_of(&mut self, address: &IpAddr, now: Instant) -> Option<MacAddress> {
        let slot = self.table.find(address)?;
        let neighbor = self.table.get(slot)?;
        neighbor.used = now;
        let (hardware, in_order) = (neighbor.hardware, neighbor.waiting.is_empty());
        match neighbor.state {
            State::Incomplete => return None,
            State::Reachable { until } if now < until => {}
            State::Stale if neighbor.outdated => {
                neighbor.state = State::Probe;
                self.ask(slot, now);
            }
            State::Reachable { .. } | State::Stale => {
                neighbor.state = State::Delay;
                self.set_timer(slot, Some(now + DELAY_FIRST_PROBE));
            }
            State::Delay | State::Probe => {}
        }
        // While earlier packets are on their way out, later ones line up behind them.
        in_order.then_some(hardware)
    }

    /// Keeps a packet until its neighbour is known, asking for it if nobody did yet.
    pub(super) fn wait(
        &mut self,
        address: IpAddr,
        packet: &[u8],
        offload: Offload,
        now: Instant,
        counters: &mut Counters,
    ) {
        let slot = match self.table.find(&address) {
            Some(slot) => slot,
            None => {
                let slot = self.insert(address, State::Incomplete, now, counters);
                self.ask(slot, now);
                slot
            }
        };
        let limit = self.config.pending_packets;
        let Some(neighbor) = self.table.get(slot) else {
            return;
        };
        neighbor.used = now;
        neighbor.waiting.push_back(Waiting {
            bytes: packet.to_vec(),
            offload,
        });
        // RFC 1122 §2.3.2.2: keep at least the latest packet.
        let oldest = if neighbor.waiting.len() > limit.max(1) {
            neighbor.waiting.pop_front()
        } else {
            None
        };
        self.waiting_bytes += packet.len();
        if let Some(oldest) = oldest {
            self.waiting_bytes -= oldest.bytes.len();
            counters.drop(DropReason::NeighborQueueFull);
        }
        while self.waiting_bytes > self.config.pending_bytes && self.drop_from_longest_queue() {
            counters.drop(DropReason::NeighborQueueFull);
        }
    }

    /// Takes the oldest packet from whoever holds most of the memory, so that one flood does not starve the rest.
    fn drop_from_longest_queue(&mut self) -> bool {
        let longest = self
            .table
            .neighbors()
            .max_by_key(|neighbor| neighbor.waiting.len());
        let oldest = longest.and_then(|neighbor| neighbor.waiting.pop_front());
        self.waiting_bytes -= oldest.as_ref().map_or(0, |packet| packet.bytes.len());
        oldest.is_some()
    }

    /// Takes note of a hardware address.
    pub(super) fn observe(
        &mut self,
        address: IpAddr,
        hardware: MacAddress,
        evidence: Evidence,
        now: Instant,
        counters: &mut Counters,
    ) {
        let Some(slot) = self.table.find(&address) else {
            // RFC 826: only who speaks to us is worth a place; an answer that nobody asked for is not.
            if evidence == Evidence::Asked {
                let slot = self.insert(address, State::Stale, now, counters);
                if let Some(neighbor) = self.table.get(slot) {
                    neighbor.hardware = hardware;
                }
            }
            return;
        };
        let until = now + self.reachable_time;
        let Some(neighbor) = self.table.get(slot) else {
            return;
        };
        let asking = neighbor.asked > 0;
        let changed = neighbor.hardware != hardware;
        let state = match neighbor.state {
            // RFC 4861 §7.2.5: an answer to our question proves both directions.
            State::Incomplete | State::Probe if evidence == Evidence::Answer && asking => {
                State::Reachable { until }
            }
            // RFC 4861 §7.2.3: anything else may tell the address, but it will be checked.
            State::Incomplete if !neighbor.waiting.is_empty() => State::Delay,
            State::Incomplete => State::Stale,
            _ if changed => State::Stale,
            _ => return,
        };
        neighbor.proven = matches!(state, State::Reachable { .. }) || (neighbor.proven && !changed);
        neighbor.hardware = hardware;
        neighbor.state = state;
        neighbor.outdated = false;
        neighbor.asked = 0;
        neighbor.ask = false;
        let delay = (state == State::Delay).then_some(now + DELAY_FIRST_PROBE);
        self.set_timer(slot, delay);
        self.add_work(slot);
    }

    /// Packets reach this neighbour, say the floors above (RFC 4861 §7.3.1).
    pub(super) fn confirm(&mut self, address: IpAddr, now: Instant) -> bool {
        let until = now + self.reachable_time;
        let Some(slot) = self.table.find(&address) else {
            return false;
        };
        let Some(neighbor) = self.table.get(slot) else {
            return false;
        };
        if !neighbor.proven {
            return false;
        }
        match neighbor.state {
            State::Incomplete => {}
            State::Reachable { .. } => neighbor.state = State::Reachable { until },
            State::Stale | State::Delay | State::Probe => {
                neighbor.state = State::Reachable { until };
                neighbor.outdated = false;
                neighbor.asked = 0;
                neighbor.ask = false;
                self.set_timer(slot, None);
            }
        }
        true
    }

    /// Whether an answer is awaited, or soon will be: only then a confirmation from above saves a question.
    #[inline]
    pub(super) fn has_doubts(&self) -> bool {
        self.timers.next().is_some()
    }

    /// Packets seem not to reach this neighbour, say the floors above (RFC 1122 §2.3.2.1 (4)): it is asked at once.
    pub(super) fn doubt(&mut self, address: IpAddr, now: Instant) {
        let Some(slot) = self.table.find(&address) else {
            return;
        };
        let Some(neighbor) = self.table.get(slot) else {
            return;
        };
        match neighbor.state {
            State::Incomplete | State::Probe => {}
            State::Reachable { .. } | State::Stale | State::Delay => {
                neighbor.state = State::Probe;
                neighbor.asked = 0;
                self.ask(slot, now);
            }
        }
    }

    /// Nobody is trusted any more; questions that are open are asked again at once.
    pub(super) fn restored(&mut self, now: Instant) {
        for slot in self.table.slots() {
            let Some(neighbor) = self.table.get(slot) else {
                continue;
            };
            neighbor.asked = 0;
            if neighbor.state == State::Incomplete {
                self.ask(slot, now);
            } else {
                neighbor.state = State::Stale;
                neighbor.outdated = true;
                neighbor.ask = false;
                self.set_timer(slot, None);
            }
        }
    }

    /// How many there are, and how many bytes wait for them, counted one by one.
    #[cfg(test)]
    pub(super) fn census(&mut self) -> (usize, usize) {
        let waiting = self.table.neighbors().map(|neighbor| {
            let packets = neighbor.waiting.iter();
            packets.map(|packet| packet.bytes.len()).sum::<usize>()
        });
        let waiting = waiting.sum();
        assert_eq!(waiting, self.waiting_bytes);
        assert!(self.work.len() <= self.table.len());
        (self.table.len(), waiting)
    }

    /// Forgets everybody.
    pub(super) fn clear(&mut self, counters: &mut Counters) {
        for slot in self.table.slots() {
            for _packet in self.remove(slot) {
                counters.drop(DropReason::NeighborUnreachable);
            }
        }
    }

    /// Whether packets wait for somebody's address.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting_bytes > 0
    }

    /// Whether there is neither a question to ask nor a packet to release.
    #[inline]
    pub(super) fn is_silent(&self) -> bool {
        self.work.is_empty()
    }

    /// The next question or released packet; neighbours take turns.
    pub(super) fn transmit(&mut self, now: Instant) -> Option<Solicitation> {
        while let Some(slot) = self.work.pop_front() {
            let Some(neighbor) = self.table.get(slot) else {
                continue;
            };
            let incomplete = neighbor.state == State::Incomplete;
            if core::mem::take(&mut neighbor.ask) {
                let address = neighbor.address;
                let known = !incomplete && !neighbor.outdated;
                let hardware = known.then_some(neighbor.hardware);
                neighbor.working = false;
                self.add_work(slot);
                return Some(Solicitation::Ask { address, hardware });
            }
            neighbor.working = false;
            if incomplete {
                continue;
            }
            let Some(packet) = neighbor.waiting.pop_front() else {
                continue;
            };
            neighbor.used = now;
            let hardware = neighbor.hardware;
            self.waiting_bytes -= packet.bytes.len();
            self.add_work(slot);
            return Some(Solicitation::Release { packet, hardware });
        }
        None
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Does what is due. Gives back the packets that waited for a neighbour now given up; call until `None`.
    pub(super) fn advance(&mut self, now: Instant) -> Option<VecDeque<Waiting>> {
        while let Some(slot) = self.timers.pop_due(now) {
            let requests = self.config.requests.max(1);
            let Some(neighbor) = self.table.get(slot) else {
                continue;
            };
            if neighbor.state == State::Delay {
                neighbor.state = State::Probe;
                neighbor.asked = 0;
            }
            if neighbor.asked >= requests {
                // RFC 4861 §7.3.3: forgotten; the next packet starts from nothing, by broadcast.
                return Some(self.remove(slot));
            }
            self.ask(slot, now);
        }
        None
    }

    fn ask(&mut self, slot: Slot, now: Instant) {
        if let Some(neighbor) = self.table.get(slot) {
            neighbor.asked = neighbor.asked.saturating_add(1);
            neighbor.ask = true;
            // RFC 1122 §2.3.2.1: at most one question a second and neighbour; an interval of zero would spin.
            let interval = self.config.request_interval.max(Duration::from_millis(1));
            self.set_timer(slot, Some(now + interval));
            self.add_work(slot);
        }
    }

    fn add_work(&mut self, slot: Slot) {
        if let Some(neighbor) = self.table.get(slot)
            && !neighbor.working
            && (neighbor.ask || !neighbor.waiting.is_empty())
        {
            neighbor.working = true;
            self.work.push_back(slot);
        }
    }

    fn set_timer(&mut self, slot: Slot, at: Option<Instant>) {
        self.timers.remove(slot);
        if let Some(at) = at {
            self.timers.enter(slot, at);
        }
    }

    fn insert(
        &mut self,
        address: IpAddr,
        state: State,
        now: Instant,
        counters: &mut Counters,
    ) -> Slot {
        if self.table.len() >= self.config.entries.max(1)
            && let Some(slot) = self.table.least_worth_keeping()
        {
            for _packet in self.remove(slot) {
                counters.drop(DropReason::NeighborQueueFull);
            }
        }
        self.table.insert(Neighbor {
            address,
            hardware: MacAddress::default(),
            proven: false,
            state,
            outdated: false,
            used: now,
            asked: 0,
            ask: false,
            working: false,
            waiting: VecDeque::new(),
        })
    }

    /// Forgets a neighbour; the packets that waited for it.
    fn remove(&mut self, slot: Slot) -> VecDeque<Waiting> {
        self.set_timer(slot, None);
        let Some(neighbor) = self.table.remove(slot) else {
            return VecDeque::new();
        };
        if neighbor.working {
            self.work.retain(|&other| other != slot);
        }
        self.waiting_bytes -= neighbor
            .waiting
            .iter()
            .map(|packet| packet.bytes.len())
            .sum::<usize>();
        neighbor.waiting
    }
}
