//! Reassembly (RFC 791 §3.2; RFC 815 on what to keep; RFC 1122 §3.3.2; RFC 5722 on overlaps).
//!
//! Several datagrams at once, each a map from offset to bytes. Fragments never overlap: one that repeats another
//! exactly is ignored, any other overlap spoils the whole datagram, and what still comes of it, until its time is
//! up. So a datagram is complete when the bytes that came are as many as its last fragment says.

use crate::config::InternetConfig;
use crate::counters::{Counters, DropReason};
use crate::time::{Duration, Instant};
use crate::wire::ip::{Ecn, Protocol};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;

/// Which datagram a fragment belongs to (RFC 791 §3.2, RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FragmentKey {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: Protocol,
    pub(super) identification: u32,
}

/// One part of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'p> {
    pub(super) key: FragmentKey,
    /// Where its bytes stand in the whole.
    pub(super) offset: usize,
    pub(super) more: bool,
    pub(super) bytes: &'p [u8],
    /// Largest payload that the family's packets can have.
    pub(super) longest: usize,
    pub(super) ecn: Ecn,
    pub(super) hop_limit: u8,
}

/// A datagram whose parts all came.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) hop_limit: u8,
    pub(super) ecn: Ecn,
    /// Room for a header of the length that was asked for, then the payload.
    pub(super) packet: Vec<u8>,
}

/// A datagram whose time ran out.
#[derive(Debug)]
pub(super) struct Expired {
    pub(super) key: FragmentKey,
    /// Its first fragment, if it came: its hop limit and bytes.
    pub(super) first: Option<(u8, Vec<u8>)>,
}

/// What each stored fragment costs besides its bytes, so that tiny ones are not free.
const OVERHEAD: usize = 64;

/// A datagram's fragments. They stay where they were put and a list of two bytes each keeps them in order, so that even the
/// most and smallest that a datagram can have (8,191 of eight bytes), coming backwards, move little.
#[derive(Debug, Default)]
struct Parts {
    /// Offset and bytes, as they came.
    arrived: Vec<(usize, Vec<u8>)>,
    /// Indices into `arrived`, by rising offset.
    order: Vec<u16>,
}

impl Parts {
    /// How many of them begin before `offset`.
    fn count_before(&self, offset: usize) -> usize {
        let starts = |&index: &u16| self.arrived[usize::from(index)].0 < offset;
        self.order.partition_point(starts)
    }

    /// The one in that place, counted by rising offset.
    fn nth(&self, place: usize) -> Option<(usize, &[u8])> {
        let (start, bytes) = self.arrived.get(usize::from(*self.order.get(place)?))?;
        Some((*start, bytes))
    }

    /// The one with the highest offset.
    fn last(&self) -> Option<(usize, &[u8])> {
        self.nth(self.order.len().checked_sub(1)?)
    }

    /// Adds one, which `place` others precede.
    fn insert(&mut self, place: usize, start: usize, bytes: &[u8]) {
        self.order.insert(place, self.arrived.len() as u16);
        self.arrived.push((start, bytes.to_vec()));
    }
}

#[derive(Debug)]
struct Reassembly {
    key: FragmentKey,
    expires: Instant,
    parts: Parts,
    received: usize,
    /// Length of the whole, once the last fragment came.
    total: Option<usize>,
    hop_limit: u8,
    ecn: Ecn,
    /// An overlap was seen: everything of this datagram is refused.
    spoiled: bool,
}

impl Reassembly {
    fn memory(&self) -> usize {
        self.received + self.parts.order.len() * OVERHEAD
    }

    fn spoil(&mut self) {
        self.spoiled = true;
        self.parts = Parts::default();
        self.received = 0;
    }
}

/// All datagrams of which some fragments came, the oldest first.
#[derive(Debug)]
pub(super) struct Reassemblies {
    open: VecDeque<Reassembly>,
    memory: usize,
    most: usize,
    most_memory: usize,
    timeout: Duration,
}

impl Reassemblies {
    pub(super) fn new(config: &InternetConfig) -> Reassemblies {
        Reassemblies {
            open: VecDeque::new(),
            memory: 0,
            most: config.reassemblies.max(1),
            most_memory: config.reassembly_bytes,
            timeout: config.reassembly_timeout,
        }
    }

    /// Takes a fragment; the whole datagram with `header` bytes of room in front, if this was the one it missed.
    pub(super) fn receive(
        &mut self,
        fragment: &Fragment<'_>,
        header: usize,
        now: Instant,
        counters: &mut Counters,
    ) -> Option<Whole> {
        let end = fragment.offset + fragment.bytes.len();
        // RFC 791 §3.2: all but the last hold a multiple of eight bytes, and the whole is a packet.
        let ragged = fragment.more && !fragment.bytes.len().is_multiple_of(8);
        if ragged || fragment.bytes.is_empty() || end > fragment.longest {
            counters.drop(DropReason::FragmentInvalid);
            return None;
        }
        let at = self.find_or_open(fragment, now, counters);
        let reassembly = self.open.get_mut(at)?;
        if reassembly.spoiled {
            counters.drop(DropReason::FragmentOverlap);
            return None;
        }
        let before = reassembly.memory();
        let reason = place(reassembly, fragment, end);
        self.memory = self.memory - before + reassembly.memory();
        if let Some(reason) = reason {
            counters.drop(reason);
            return None;
        }
        if reassembly.total == Some(reassembly.received) {
            let whole = self.open.remove(at)?;
            self.memory -= whole.memory();
            return Some(join(whole, header));
        }
        self.make_room(fragment.key, counters);
        None
    }

    fn find_or_open(
        &mut self,
        fragment: &Fragment<'_>,
        now: Instant,
        counters: &mut Counters,
    ) -> usize {
        let same = |open: &Reassembly| open.key == fragment.key;
        if let Some(at) = self.open.iter().position(same) {
            return at;
        }
        if self.open.len() >= self.most {
            self.give_up(0, counters);
        }
        self.open.push_back(Reassembly {
            key: fragment.key,
            expires: now + self.timeout,
            parts: Parts::default(),
            received: 0,
            total: None,
            hop_limit: fragment.hop_limit,
            ecn: fragment.ecn,
            spoiled: false,
        });
        self.open.len() - 1
    }

    /// The oldest datagrams make room, `newest` last.
    fn make_room(&mut self, newest: FragmentKey, counters: &mut Counters) {
        while self.memory > self.most_memory {
            let holds = |open: &Reassembly| !open.parts.order.is_empty();
            let other = |open: &Reassembly| holds(open) && open.key != newest;
            let at = self.open.iter().position(other);
            match at.or_else(|| self.open.iter().position(holds)) {
                Some(at) => self.give_up(at, counters),
                None => return,
            }
        }
    }

    fn give_up(&mut self, at: usize, counters: &mut Counters) {
        if let Some(reassembly) = self.open.remove(at) {
            self.memory -= reassembly.memory();
            if !reassembly.spoiled {
                counters.drop(DropReason::FragmentMemory);
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.open.front().map(|reassembly| reassembly.expires)
    }

    /// The next datagram whose time is up; call until `None`.
    pub(super) fn advance(&mut self, now: Instant, counters: &mut Counters) -> Option<Expired> {
        loop {
            let due = self.open.front().is_some_and(|open| open.expires <= now);
            if !due {
                return None;
            }
            let reassembly = self.open.pop_front()?;
            self.memory -= reassembly.memory();
            if !reassembly.spoiled {
                counters.drop(DropReason::FragmentTimeout);
                let first = reassembly.parts.nth(0).filter(|&(start, _)| start == 0);
                return Some(Expired {
                    key: reassembly.key,
                    first: first.map(|(_, bytes)| (reassembly.hop_limit, bytes.to_vec())),
                });
            }
        }
    }
}

/// Puts a fragment in its place; why not, if it cannot stay.
fn place(reassembly: &mut Reassembly, fragment: &Fragment<'_>, end: usize) -> Option<DropReason> {
    let (start, bytes) = (fragment.offset, fragment.bytes);
    let place = reassembly.parts.count_before(start);
    let after = reassembly.parts.nth(place);
    // Networks duplicate packets: an exact copy does no harm (RFC 8200 §4.5).
    if after == Some((start, bytes)) && (fragment.more || reassembly.total == Some(end)) {
        return None;
    }
    // Two ends, or bytes beyond the end: somebody lies about the length.
    let end_of =
        |part: Option<(usize, &[u8])>| part.map_or(0, |(start, bytes)| start + bytes.len());
    let furthest = end_of(reassembly.parts.last());
    let fits = match (reassembly.total, fragment.more) {
        (Some(total), true) => end <= total,
        (Some(total), false) => end == total,
        (None, true) => true,
        (None, false) => furthest <= end,
    };
    let before = place
        .checked_sub(1)
        .and_then(|place| reassembly.parts.nth(place));
    let overlaps = end_of(before) > start || after.is_some_and(|(other, _)| other < end);
    if overlaps || !fits {
        reassembly.spoil();
        return Some(if overlaps {
            DropReason::FragmentOverlap
        } else {
            DropReason::FragmentInvalid
        });
    }
    reassembly.parts.insert(place, start, bytes);
    reassembly.received += bytes.len();
    if !fragment.more {
        reassembly.total = Some(end);
    }
    if start == 0 {
        reassembly.hop_limit = fragment.hop_limit;
    }
    // RFC 3168 §5.3: one mark marks the whole.
    if fragment.ecn == Ecn::CongestionExperienced {
        reassembly.ecn = fragment.ecn;
    }
    None
}

fn join(reassembly: Reassembly, header: usize) -> Whole {
    let mut packet = Vec::with_capacity(header + reassembly.received);
    packet.resize(header, 0);
    for &index in &reassembly.parts.order {
        packet.extend_from_slice(&reassembly.parts.arrived[usize::from(index)].1);
    }
    Whole {
        hop_limit: reassembly.hop_limit,
        ecn: reassembly.ecn,
        packet,
    }
}
