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
//! In STALE, DELAY and PROBE packets flow to the address that is known; in INCOMPLETE they wait here, each
//! neighbour's apart, so that a dead host delays nobody else. REACHABLE turns STALE without a timer: whoever
//! looks sees that its time is up.

use crate::config::NeighborConfig;
use crate::counters::{Counters, DropReason};
use crate::random::{Key, Random};
use crate::time::{Duration, Instant, duration_micros};
use crate::wire::address::MacAddress;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::hash::Hasher;
use core::net::IpAddr;
use hashbrown::HashTable;

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
        packet: Vec<u8>,
        hardware: MacAddress,
    },
}

struct Neighbor {
    address: IpAddr,
    hardware: MacAddress,
    state: State,
    /// When a packet was last sent to it.
    used: Instant,
    /// Its place in `Neighbors::timers`.
    timer: Option<Instant>,
    /// Questions asked since the last answer.
    asked: u8,
    /// Whether a question is due.
    ask: bool,
    /// Whether it stands in `Neighbors::work`.
    working: bool,
    waiting: VecDeque<Vec<u8>>,
}

impl Neighbor {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && matches!(self.state, State::Reachable { .. } | State::Stale)
    }
}

/// Everybody we know on this link.
pub(super) struct Neighbors {
    config: NeighborConfig,
    key: Key,
    reachable_time: Duration,
    index: HashTable<u32>,
    slots: Vec<Option<Neighbor>>,
    free: Vec<u32>,
    timers: BTreeSet<(Instant, u32)>,
    /// Neighbours with a question or a packet to send, each at most once.
    work: VecDeque<u32>,
    /// Bytes of all packets that wait.
    waiting_bytes: usize,
    /// The slot found last: packets come in trains.
    last: u32,
}

impl Neighbors {
    pub(super) fn new(config: &NeighborConfig, random: &mut Random) -> Neighbors {
        // RFC 4861 §6.3.2: between half and one and a half of the base value, so that stations do not ask in step.
        let base = u32::try_from(duration_micros(config.reachable_time)).unwrap_or(u32::MAX);
        let reachable_time = u64::from(base / 2) + u64::from(random.below(base));
        Neighbors {
            config: *config,
            key: random.key(),
            reachable_time: Duration::from_micros(reachable_time),
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            timers: BTreeSet::new(),
            work: VecDeque::new(),
            waiting_bytes: 0,
            last: 0,
        }
    }

    /// The hardware address to send to now; `None`: the packet has to wait.
    pub(super) fn hardware_of(&mut self, address: IpAddr, now: Instant) -> Option<MacAddress> {
        let slot = self.find(address)?;
        let neighbor = self.slots.get_mut(slot as usize)?.as_mut()?;
        neighbor.used = now;
        let (hardware, in_order) = (neighbor.hardware, neighbor.waiting.is_empty());
        match neighbor.state {
            State::Incomplete => return None,
            State::Reachable { until } if now < until => {}
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
        now: Instant,
        counters: &mut Counters,
    ) {
        let slot = match self.find(address) {
            Some(slot) => slot,
            None => {
                let Some(slot) = self.insert(address, State::Incomplete, now, counters) else {
                    counters.drop(DropReason::NeighborQueueFull);
                    return;
                };
                self.ask(slot, now);
                slot
            }
        };
        let limit = self.config.pending_packets;
        let Some(neighbor) = self.neighbor(slot) else {
            return;
        };
        neighbor.used = now;
        neighbor.waiting.push_back(packet.to_vec());
        // RFC 1122 §2.3.2.2: keep at least the latest packet.
        let oldest = if neighbor.waiting.len() > limit.max(1) {
            neighbor.waiting.pop_front()
        } else {
            None
        };
        self.waiting_bytes += packet.len();
        if let Some(oldest) = oldest {
            self.waiting_bytes -= oldest.len();
            counters.drop(DropReason::NeighborQueueFull);
        }
        while self.waiting_bytes > self.config.pending_bytes && self.drop_from_longest_queue() {
            counters.drop(DropReason::NeighborQueueFull);
        }
    }

    /// Takes the oldest packet from whoever holds most of the memory, so that one flood does not starve the rest.
    fn drop_from_longest_queue(&mut self) -> bool {
        let neighbors = self.slots.iter_mut().flatten();
        let longest = neighbors.max_by_key(|neighbor| neighbor.waiting.len());
        let oldest = longest.and_then(|neighbor| neighbor.waiting.pop_front());
        self.waiting_bytes -= oldest.as_ref().map_or(0, Vec::len);
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
        let Some(slot) = self.find(address) else {
            // RFC 826: only who speaks to us is worth a place; an answer that nobody asked for is not.
            if evidence == Evidence::Asked
                && let Some(slot) = self.insert(address, State::Stale, now, counters)
                && let Some(neighbor) = self.neighbor(slot)
            {
                neighbor.hardware = hardware;
            }
            return;
        };
        let until = now + self.reachable_time;
        let Some(neighbor) = self.neighbor(slot) else {
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
        neighbor.hardware = hardware;
        neighbor.state = state;
        neighbor.asked = 0;
        neighbor.ask = false;
        let delay = (state == State::Delay).then_some(now + DELAY_FIRST_PROBE);
        self.set_timer(slot, delay);
        self.add_work(slot);
    }

    /// Packets reach this neighbour, say the floors above (RFC 4861 §7.3.1).
    pub(super) fn confirm(&mut self, address: IpAddr, now: Instant) {
        let until = now + self.reachable_time;
        let Some(slot) = self.find(address) else {
            return;
        };
        let Some(neighbor) = self.neighbor(slot) else {
            return;
        };
        match neighbor.state {
            State::Incomplete => {}
            State::Reachable { .. } => neighbor.state = State::Reachable { until },
            State::Stale | State::Delay | State::Probe => {
                neighbor.state = State::Reachable { until };
                neighbor.asked = 0;
                neighbor.ask = false;
                self.set_timer(slot, None);
            }
        }
    }

    /// Nobody is trusted any more; questions that are open are asked again at once.
    pub(super) fn restored(&mut self, now: Instant) {
        for slot in 0..self.slots.len() as u32 {
            let Some(neighbor) = self.neighbor(slot) else {
                continue;
            };
            neighbor.asked = 0;
            if neighbor.state == State::Incomplete {
                self.ask(slot, now);
            } else {
                neighbor.state = State::Stale;
                neighbor.ask = false;
                self.set_timer(slot, None);
            }
        }
    }

    /// Forgets everybody.
    pub(super) fn clear(&mut self, counters: &mut Counters) {
        for slot in 0..self.slots.len() as u32 {
            for _packet in self.remove(slot) {
                counters.drop(DropReason::NeighborUnreachable);
            }
        }
    }

    /// The next question or released packet; neighbours take turns.
    pub(super) fn transmit(&mut self, now: Instant) -> Option<Solicitation> {
        while let Some(slot) = self.work.pop_front() {
            let Some(neighbor) = self.neighbor(slot) else {
                continue;
            };
            let incomplete = neighbor.state == State::Incomplete;
            if core::mem::take(&mut neighbor.ask) {
                let address = neighbor.address;
                let hardware = (!incomplete).then_some(neighbor.hardware);
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
            self.waiting_bytes -= packet.len();
            self.add_work(slot);
            return Some(Solicitation::Release { packet, hardware });
        }
        None
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|&(at, _)| at)
    }

    /// Does what is due. Gives back the packets that waited for a neighbour now given up; call until `None`.
    pub(super) fn advance(&mut self, now: Instant) -> Option<VecDeque<Vec<u8>>> {
        while let Some(&(at, slot)) = self.timers.first() {
            if at > now {
                break;
            }
            let requests = self.config.requests.max(1);
            let Some(neighbor) = self.neighbor(slot) else {
                self.timers.pop_first();
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

    fn ask(&mut self, slot: u32, now: Instant) {
        if let Some(neighbor) = self.neighbor(slot) {
            neighbor.asked = neighbor.asked.saturating_add(1);
            neighbor.ask = true;
            // RFC 1122 §2.3.2.1: at most one question a second and neighbour; an interval of zero would spin.
            let interval = self.config.request_interval.max(Duration::from_millis(1));
            self.set_timer(slot, Some(now + interval));
            self.add_work(slot);
        }
    }

    fn neighbor(&mut self, slot: u32) -> Option<&mut Neighbor> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    fn add_work(&mut self, slot: u32) {
        if let Some(neighbor) = self.neighbor(slot)
            && !neighbor.working
            && (neighbor.ask || !neighbor.waiting.is_empty())
        {
            neighbor.working = true;
            self.work.push_back(slot);
        }
    }

    fn set_timer(&mut self, slot: u32, at: Option<Instant>) {
        let Some(neighbor) = self.neighbor(slot) else {
            return;
        };
        let before = core::mem::replace(&mut neighbor.timer, at);
        if let Some(before) = before {
            self.timers.remove(&(before, slot));
        }
        if let Some(at) = at {
            self.timers.insert((at, slot));
        }
    }

    fn hash(key: Key, address: IpAddr) -> u64 {
        let mut hash = key.hash();
        match address {
            IpAddr::V4(address) => hash.write_u64(u64::from(address.to_bits())),
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                hash.write_u64((bits >> 64) as u64);
                hash.write_u64(bits as u64);
            }
        }
        hash.finish()
    }

    fn find(&mut self, address: IpAddr) -> Option<u32> {
        let slots = &self.slots;
        let is_it = |slot: u32| {
            let neighbor = slots.get(slot as usize).and_then(Option::as_ref);
            neighbor.is_some_and(|neighbor| neighbor.address == address)
        };
        if is_it(self.last) {
            return Some(self.last);
        }
        let hash = Self::hash(self.key, address);
        let slot = *self.index.find(hash, |&slot| is_it(slot))?;
        self.last = slot;
        Some(slot)
    }

    fn insert(
        &mut self,
        address: IpAddr,
        state: State,
        now: Instant,
        counters: &mut Counters,
    ) -> Option<u32> {
        if self.index.len() >= self.config.entries.max(1) {
            for _packet in self.evict()? {
                counters.drop(DropReason::NeighborQueueFull);
            }
        }
        let neighbor = Neighbor {
            address,
            hardware: MacAddress::default(),
            state,
            used: now,
            timer: None,
            asked: 0,
            ask: false,
            working: false,
            waiting: VecDeque::new(),
        };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                (self.slots.len() - 1) as u32
            }
        };
        *self.slots.get_mut(slot as usize)? = Some(neighbor);
        let (key, slots) = (self.key, &self.slots);
        let hash = Self::hash(key, address);
        self.index.insert_unique(hash, slot, |&slot| {
            let neighbor = slots.get(slot as usize).and_then(Option::as_ref);
            neighbor.map_or(0, |neighbor| Self::hash(key, neighbor.address))
        });
        Some(slot)
    }

    /// Makes room: the least recently used idle neighbour goes, or else the one that has been busy longest.
    fn evict(&mut self) -> Option<VecDeque<Vec<u8>>> {
        let neighbors = self.slots.iter().enumerate();
        let (slot, _) = neighbors
            .filter_map(|(slot, neighbor)| Some((slot, neighbor.as_ref()?)))
            .min_by_key(|(_, neighbor)| (!neighbor.is_idle(), neighbor.used))?;
        Some(self.remove(slot as u32))
    }

    fn remove(&mut self, slot: u32) -> VecDeque<Vec<u8>> {
        self.set_timer(slot, None);
        let removed = self.slots.get_mut(slot as usize).and_then(Option::take);
        let Some(neighbor) = removed else {
            return VecDeque::new();
        };
        let hash = Self::hash(self.key, neighbor.address);
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        if neighbor.working {
            self.work.retain(|&other| other != slot);
        }
        self.waiting_bytes -= neighbor.waiting.iter().map(Vec::len).sum::<usize>();
        self.free.push(slot);
        neighbor.waiting
    }
}
