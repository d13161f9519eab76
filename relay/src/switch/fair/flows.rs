//! The flows of one queue and their turns (RFC 8290 §4): deficit round robin, those that were quiet first.

use super::codel::{Codel, Verdict};
use super::packet;
use crate::switch::parcel::{self, Parcel};
use crate::switch::queue::QueueLimits;
use bytes::BytesMut;
use ethertab_tunnel::v1::{
    FRAME_OVERHEAD, OFFLOADED_OVERHEAD, Offload, RECORD_HEADER, frame_header, kind,
};
use std::collections::{HashMap, VecDeque};
use std::hash::RandomState;
use tokio::time::Instant;

/// Flows that have a line of their own, told apart by the whole hash: two of a few never meet in one, as in a table of that many
/// buckets (RFC 8290 §5.2.3) one pair of forty would.
const FLOWS: usize = 1_024;

/// Lines for those that come while all of these are taken.
const SHARED: u64 = 64;

/// Bytes of each flow's turn: a full frame of an ordinary network (RFC 8290 §5.2.2).
const QUANTUM: i64 = 1_514;

/// The largest buffer of an empty flow that the next one inherits.
const SPARE: usize = 32 * 1024;

/// Places of flows that stay when the last one is gone.
const PLACES: usize = 16;

/// What a flow holds: records of the negotiated form behind each other, but for those that are in buffers of their own.
#[derive(Default)]
struct Flow {
    bucket: u64,
    records: VecDeque<u8>,
    waiting: VecDeque<Waiting>,
    /// Of all that wait.
    bytes: usize,
    deficit: i64,
    codel: Codel,
}

impl Flow {
    /// Keeps little more room than what waits needs: a flow that is never empty must not hold for good what it held once.
    fn give_back(&mut self) {
        let (room, length) = (self.records.capacity(), self.records.len());
        if room > SPARE && room / 4 > length {
            self.records.shrink_to(room / 2);
        }
        let (places, count) = (self.waiting.capacity(), self.waiting.len());
        if places > PLACES && places / 4 > count {
            self.waiting.shrink_to(places / 2);
        }
    }
}

struct Waiting {
    since: Instant,
    length: usize,
    /// The record; `None`: it is the next one of the flow's.
    own: Option<Box<BytesMut>>,
}

/// What taking did besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Frames dropped because they waited too long.
    pub(super) late: u64,
    /// Frames marked for the same.
    pub(super) marked: u64,
}

/// Frames of many flows.
pub(super) struct Flows {
    limits: QueueLimits,
    key: RandomState,
    flows: Vec<Flow>,
    free: Vec<usize>,
    by_bucket: HashMap<u64, usize>,
    new: VecDeque<usize>,
    old: VecDeque<usize>,
    frames: usize,
    bytes: usize,
    /// A record that left its flow and did not fit the message.
    held: Option<BytesMut>,
    spare: VecDeque<u8>,
}

impl Flows {
    pub(super) fn new(limits: QueueLimits) -> Flows {
        Flows {
            limits,
            key: RandomState::new(),
            flows: Vec::new(),
            free: Vec::new(),
            by_bucket: HashMap::new(),
            new: VecDeque::new(),
            old: VecDeque::new(),
            frames: 0,
            bytes: 0,
            held: None,
            spare: VecDeque::new(),
        }
    }

    /// Frames and bytes that wait.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.frames, self.bytes)
    }

    /// Takes a copy of a frame; `busy` is what of the limits is taken up elsewhere. Gives how many frames had to make room, of the
    /// flow that has most (RFC 8290 §4.1.3); `None`: it is longer than all the room there is.
    pub(super) fn push(
        &mut self,
        frame: &[u8],
        offload: Offload,
        busy: (usize, usize),
        now: Instant,
    ) -> Option<u32> {
        let mut header = [0; OFFLOADED_OVERHEAD];
        let header_length = frame_header(&offload, frame.len(), &mut header);
        let length = header_length + frame.len();
        let dropped = self.make_room(length, busy)?;
        let bucket = self.bucket(frame);
        let records = &mut self.enqueue(bucket, length, None, now).records;
        records.extend(&header[..header_length]);
        records.extend(frame);
        Some(dropped)
    }

    /// The same for a frame in a buffer of its own, which is taken if that is worth it.
    pub(super) fn push_parcel(
        &mut self,
        parcel: &mut Parcel,
        offload: Offload,
        busy: (usize, usize),
        now: Instant,
    ) -> Option<u32> {
        let length = parcel.frame().len();
        if length < parcel::WORTH {
            return self.push(parcel.frame(), offload, busy, now);
        }
        let dropped = self.make_room(OFFLOADED_OVERHEAD + length, busy)?;
        let bucket = self.bucket(parcel.frame());
        let record = parcel.take(offload);
        self.enqueue(bucket, record.len(), Some(Box::new(record)), now);
        Some(dropped)
    }

    fn make_room(&mut self, length: usize, busy: (usize, usize)) -> Option<u32> {
        let room = (
            self.limits.frames.saturating_sub(busy.0),
            self.limits.bytes.saturating_sub(busy.1),
        );
        if room.0 == 0 || length > room.1 {
            return None;
        }
        let mut dropped = 0;
        while self.frames + 1 > room.0 || self.bytes + length > room.1 {
            if !self.drop_of_the_fattest() {
                return None;
            }
            dropped += 1;
        }
        Some(dropped)
    }

    /// Puts a record at the end of the flow of this number.
    fn enqueue(
        &mut self,
        bucket: u64,
        length: usize,
        own: Option<Box<BytesMut>>,
        since: Instant,
    ) -> &mut Flow {
        let index = match self.by_bucket.get(&bucket) {
            Some(index) => *index,
            None => self.begin(bucket),
        };
        self.frames += 1;
        self.bytes += length;
        let flow = &mut self.flows[index];
        flow.bytes += length;
        flow.waiting.push_back(Waiting { since, length, own });
        flow
    }

    /// The line in which a frame waits. A flow stays where its frames are until they are gone: its order is kept.
    fn bucket(&self, frame: &[u8]) -> u64 {
        let hash = packet::flow(frame, &self.key);
        let (own, shared) = (hash | SHARED, hash % SHARED);
        if self.by_bucket.contains_key(&own) {
            return own;
        }
        let full = self.by_bucket.len() >= FLOWS;
        if full || self.by_bucket.contains_key(&shared) {
            return shared;
        }
        own
    }

    /// Fills `message` with records up to `most` bytes; one alone may be longer. Gives how many.
    pub(super) fn fill(
        &mut self,
        message: &mut BytesMut,
        most: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> usize {
        let mut frames = 0;
        if let Some(held) = self.held.take() {
            self.frames -= 1;
            self.bytes -= held.len();
            *message = held;
            frames += 1;
        }
        while let Some(index) = self.next_turn() {
            let Some(head) = self.flows[index].waiting.front() else {
                self.end_turn(index);
                continue;
            };
            if !message.is_empty() && message.len() + head.length > most {
                break;
            }
            let start = message.len();
            let Some(length) = self.take(index, message, most, now, tally) else {
                continue;
            };
            self.flows[index].deficit -= length as i64;
            if start > 0 && message.len() > most {
                // The one that fitted was dropped, and this came behind it.
                self.held = Some(message.split_off(start));
                break;
            }
            self.frames -= 1;
            self.bytes -= length;
            frames += 1;
        }
        frames
    }

    /// Whose turn it is; turns that were used up begin again behind the others.
    fn next_turn(&mut self) -> Option<usize> {
        loop {
            let index = *self.new.front().or_else(|| self.old.front())?;
            let flow = &mut self.flows[index];
            if flow.deficit > 0 {
                return Some(index);
            }
            flow.deficit += QUANTUM;
            let from_new = self.new.pop_front().is_some();
            if !from_new {
                self.old.pop_front();
            }
            self.old.push_back(index);
        }
    }

    /// A flow at the front has nothing: a new one waits behind the old ones first, so that it cannot keep them from their turn by
    /// sending a little again and again.
    fn end_turn(&mut self, index: usize) {
        let from_new = self.new.front() == Some(&index);
        if from_new {
            self.new.pop_front();
            if !self.old.is_empty() {
                self.old.push_back(index);
                return;
            }
        } else {
            self.old.pop_front();
        }
        let mut flow = std::mem::take(&mut self.flows[index]);
        self.by_bucket.remove(&flow.bucket);
        self.free.push(index);
        flow.records.clear();
        if (self.spare.capacity()..=SPARE).contains(&flow.records.capacity()) {
            self.spare = flow.records;
        }
        if self.by_bucket.is_empty() && self.flows.len() > PLACES {
            self.flows = Vec::new();
            self.free = Vec::new();
            self.by_bucket = HashMap::new();
            self.new = VecDeque::new();
            self.old = VecDeque::new();
        }
    }

    /// Bytes that are set aside, nearly.
    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        let flows = self.flows.iter().map(|flow| {
            let own = flow
                .waiting
                .iter()
                .filter_map(|waiting| waiting.own.as_ref());
            flow.records.capacity()
                + flow.waiting.capacity() * size_of::<Waiting>()
                + own.map(|own| own.capacity()).sum::<usize>()
        });
        flows.sum::<usize>()
            + self.flows.capacity() * size_of::<Flow>()
            + (self.new.capacity() + self.old.capacity() + 3 * self.by_bucket.capacity()) * 8
            + self.spare.capacity()
    }

    /// Moves the first frame of a flow that CoDel lets pass to the message; `None` if there is none left.
    fn take(
        &mut self,
        index: usize,
        message: &mut BytesMut,
        most: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Option<usize> {
        let flow = &mut self.flows[index];
        loop {
            let Some(head) = flow.waiting.pop_front() else {
                flow.codel.rest();
                return None;
            };
            let alone = flow.bytes <= head.length.max(QUANTUM as usize);
            flow.bytes -= head.length;
            let start = message.len();
            match head.own {
                Some(own) if message.is_empty() => *message = *own,
                own => {
                    if message.capacity() == 0 {
                        message.reserve(self.bytes.min(most));
                    }
                    match own {
                        Some(own) => message.extend_from_slice(&own),
                        None => copy_front(&mut flow.records, head.length, message),
                    }
                }
            }
            flow.give_back();
            let waited = now.saturating_duration_since(head.since);
            if flow.codel.judge(waited, alone, now) == Verdict::Pass {
                return Some(head.length);
            }
            if packet::mark(frame_of(&mut message[start..])) {
                tally.marked += 1;
                return Some(head.length);
            }
            message.truncate(start);
            self.frames -= 1;
            self.bytes -= head.length;
            tally.late += 1;
        }
    }

    fn begin(&mut self, bucket: u64) -> usize {
        let flow = Flow {
            bucket,
            deficit: QUANTUM,
            records: std::mem::take(&mut self.spare),
            ..Flow::default()
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.flows[index] = flow;
                index
            }
            None => {
                self.flows.push(flow);
                self.flows.len() - 1
            }
        };
        self.by_bucket.insert(bucket, index);
        self.new.push_back(index);
        index
    }

    fn drop_of_the_fattest(&mut self) -> bool {
        let fattest = self.flows.iter_mut().max_by_key(|flow| flow.bytes);
        let Some((flow, head)) = fattest.and_then(|flow| {
            let head = flow.waiting.pop_front()?;
            Some((flow, head))
        }) else {
            return false;
        };
        flow.bytes -= head.length;
        if head.own.is_none() {
            flow.records.drain(..head.length);
        }
        flow.give_back();
        self.frames -= 1;
        self.bytes -= head.length;
        true
    }
}

/// Moves bytes from the front of a ring to the end of a message.
fn copy_front(ring: &mut VecDeque<u8>, length: usize, message: &mut BytesMut) {
    let (front, back) = ring.as_slices();
    let first = length.min(front.len());
    message.extend_from_slice(&front[..first]);
    message.extend_from_slice(&back[..length - first]);
    ring.drain(..length);
}

/// The frame in a record.
fn frame_of(record: &mut [u8]) -> &mut [u8] {
    let overhead = if record.first() == Some(&kind::FRAME) {
        FRAME_OVERHEAD
    } else {
        OFFLOADED_OVERHEAD
    };
    record
        .get_mut(overhead.max(RECORD_HEADER)..)
        .unwrap_or_default()
}
