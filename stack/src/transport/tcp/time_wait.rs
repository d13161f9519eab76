//! TIME-WAIT (RFC 9293 §3.6.1): connections that are over, remembered in rows of a table until no old segment can be about.
//!
//! A row holds no buffers and no socket, so a busy host can afford many, and a program that still has bytes to read keeps
//! them: they live in its connection, which has nothing to do with the row.

use super::reply::{Reply, sequence_length};
use super::sequence::Seq;
use crate::random::{Key, Random};
use crate::table::Index;
use crate::time::{Duration, Instant};
use crate::transport::demux::FourTuple;
use crate::wire::tcp::{Flags, TcpSegment};
use alloc::vec::Vec;
use core::hash::BuildHasher;

const NOBODY: u32 = u32::MAX;

/// What is remembered of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered {
    pub(super) tuple: FourTuple,
    /// SND.NXT: behind our FIN.
    pub(super) send_next: Seq,
    /// RCV.NXT: behind the peer's FIN.
    pub(super) receive_next: Seq,
}

impl Remembered {
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`. No data is awaited, so the window is closed.
    pub(super) fn acknowledgement(&self) -> Reply {
        Reply::new(&self.tuple, self.send_next, self.receive_next, Flags::ACK)
    }
}

#[derive(Debug)]
struct Row {
    what: Remembered,
    until: Instant,
    older: u32,
    newer: u32,
}

/// What a segment for a remembered connection leads to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    /// Nothing.
    Ignored,
    /// An acknowledgement that says once more where both sides stand.
    Acknowledge(Reply),
    /// A new incarnation may begin; its initial sequence number must not be below this one.
    Reopen(Seq),
}

/// The remembered connections, the oldest first.
#[derive(Debug)]
pub(super) struct TimeWaitTable {
    rows: Vec<Row>,
    free: Vec<u32>,
    /// The rows by their tuples, which stand in the rows alone.
    by_tuple: Index,
    key: Key,
    oldest: u32,
    newest: u32,
    limit: usize,
    duration: Duration,
}

impl TimeWaitTable {
    /// Remembers at most `limit` connections, each for `duration`.
    pub(super) fn new(limit: usize, duration: Duration, random: &mut Random) -> TimeWaitTable {
        TimeWaitTable {
            rows: Vec::new(),
            free: Vec::new(),
            by_tuple: Index::default(),
            key: random.key(),
            oldest: NOBODY,
            newest: NOBODY,
            limit: limit.min(NOBODY as usize),
            duration,
        }
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_tuple.len()
    }

    /// Whether the connection is remembered.
    pub(super) fn contains(&self, tuple: &FourTuple) -> bool {
        self.find(tuple).is_some()
    }

    /// Remembers a connection from `now` on. The oldest makes room.
    pub(super) fn insert(&mut self, what: Remembered, now: Instant) {
        self.forget(&what.tuple);
        if self.limit == 0 {
            return;
        }
        if self.by_tuple.len() >= self.limit {
            self.remove(self.oldest);
        }
        let row = Row {
            what,
            until: now + self.duration,
            older: NOBODY,
            newer: NOBODY,
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.rows[index as usize] = row;
                index
            }
            None => {
                self.rows.push(row);
                (self.rows.len() - 1) as u32
            }
        };
        let hash = self.key.hash_one(what.tuple);
        self.by_tuple.insert(hash, index, &|index| {
            self.key.hash_one(self.rows[index as usize].what.tuple)
        });
        self.append(index);
    }

    /// The row of a connection, if it is remembered.
    fn find(&self, tuple: &FourTuple) -> Option<u32> {
        let is_it = |index: u32| self.rows[index as usize].what.tuple == *tuple;
        self.by_tuple.find(self.key.hash_one(tuple), &is_it)
    }

    /// A segment came for a connection that may be remembered; `None` if it is not. RFC 9293 §3.10.7.4 for TIME-WAIT, with
    /// the answers of RFC 1337 and RFC 6191 to the hazards that it leaves.
    pub(super) fn receive(
        &mut self,
        segment: &TcpSegment<'_>,
        tuple: &FourTuple,
        now: Instant,
    ) -> Option<Verdict> {
        if self.by_tuple.len() == 0 {
            return None;
        }
        let index = self.find(tuple)?;
        let what = self.rows[index as usize].what;
        let header = &segment.header;
        // Deviation: RFC 9293 lets an RST end TIME-WAIT; RFC 1337 §3 shows why it must not.
        if header.flags.contains(Flags::RST) {
            return Some(Verdict::Ignored);
        }
        let sequence = Seq(header.sequence);
        if header.flags.contains(Flags::SYN)
            && !header.flags.contains(Flags::ACK)
            && sequence > what.receive_next
        {
            // RFC 9293 §3.6.1 (MAY-2): a SYN beyond all that came before opens the next incarnation, whose numbers
            // must lie beyond all of ours; a window's worth more keeps old acknowledgements out of it.
            return Some(Verdict::Reopen(what.send_next + (1 << 16) + 2));
        }
        if header.flags.contains(Flags::FIN)
            && sequence + sequence_length(segment) == what.receive_next
        {
            // The peer did not hear our acknowledgement: RFC 9293 §3.10.7.4, eighth step, restart the 2 MSL timeout.
            self.rows[index as usize].until = now + self.duration;
            self.unlink(index);
            self.append(index);
            return Some(Verdict::Acknowledge(what.acknowledgement()));
        }
        // Anything that takes sequence space, or stands elsewhere, is unacceptable: say where we stand.
        if sequence_length(segment) > 0 || sequence != what.receive_next {
            return Some(Verdict::Acknowledge(what.acknowledgement()));
        }
        Some(Verdict::Ignored)
    }

    /// When the oldest may be forgotten.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.rows.get(self.oldest as usize).map(|row| row.until)
    }

    /// Forgets those whose time is up.
    pub(super) fn advance(&mut self, now: Instant) {
        while self.next_deadline().is_some_and(|until| until <= now) {
            self.remove(self.oldest);
        }
    }

    /// Forgets a connection, or nothing.
    pub(super) fn forget(&mut self, tuple: &FourTuple) {
        if let Some(index) = self.find(tuple) {
            self.remove(index);
        }
    }

    fn remove(&mut self, index: u32) {
        let hash = self.key.hash_one(self.rows[index as usize].what.tuple);
        self.by_tuple.remove(hash, index);
        self.unlink(index);
        self.free.push(index);
    }

    fn append(&mut self, index: u32) {
        let older = core::mem::replace(&mut self.newest, index);
        self.rows[index as usize].older = older;
        self.rows[index as usize].newer = NOBODY;
        match self.rows.get_mut(older as usize) {
            Some(row) => row.newer = index,
            None => self.oldest = index,
        }
    }

    fn unlink(&mut self, index: u32) {
        let Row { older, newer, .. } = self.rows[index as usize];
        match self.rows.get_mut(older as usize) {
            Some(row) => row.newer = newer,
            None => self.oldest = newer,
        }
        match self.rows.get_mut(newer as usize) {
            Some(row) => row.older = older,
            None => self.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tcp::TcpHeader;

    fn from(port: u16) -> FourTuple {
        FourTuple {
            local: "10.0.0.1:80".parse().unwrap(),
            remote: ([10, 0, 0, 2], port).into(),
        }
    }

    fn table(limit: usize) -> TimeWaitTable {
        TimeWaitTable::new(limit, Duration::from_secs(60), &mut Random::new([5; 32]))
    }

    fn remember(table: &mut TimeWaitTable, port: u16, seconds: u64) {
        let what = Remembered {
            tuple: from(port),
            send_next: Seq(1_000),
            receive_next: Seq(5_000),
        };
        table.insert(what, Instant::from_millis(seconds * 1_000));
    }

    fn hear(table: &mut TimeWaitTable, flags: Flags, sequence: u32, seconds: u64) -> Verdict {
        let segment = TcpSegment {
            header: TcpHeader {
                sequence,
                flags,
                ..TcpHeader::default()
            },
            options: &[],
            payload: &[],
        };
        let now = Instant::from_millis(seconds * 1_000);
        table.receive(&segment, &from(1), now).unwrap()
    }

    #[test]
    fn each_is_forgotten_when_its_time_is_up() {
        let mut table = table(10);
        remember(&mut table, 1, 0);
        remember(&mut table, 2, 10);
        assert_eq!(table.next_deadline(), Some(Instant::from_millis(60_000)));
        table.advance(Instant::from_millis(60_000));
        assert!(!table.contains(&from(1)) && table.contains(&from(2)));
        table.advance(Instant::from_millis(70_000));
        assert_eq!((table.len(), table.next_deadline()), (0, None));
    }

    #[test]
    fn the_oldest_makes_room_when_the_table_is_full() {
        let mut table = table(2);
        (1..=3).for_each(|port| remember(&mut table, port, u64::from(port)));
        assert_eq!(table.len(), 2);
        assert!(!table.contains(&from(1)));
        remember(&mut table, 4, 4);
        assert!(!table.contains(&from(2)) && table.contains(&from(3)));
    }

    #[test]
    fn a_repeated_fin_is_acknowledged_and_starts_the_time_again() {
        let mut table = table(10);
        remember(&mut table, 1, 0);
        remember(&mut table, 2, 10);
        let verdict = hear(&mut table, Flags::FIN | Flags::ACK, 4_999, 30);
        let Verdict::Acknowledge(reply) = verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(reply.header.sequence, 1_000);
        assert_eq!(reply.header.acknowledgement, 5_000);
        table.advance(Instant::from_millis(70_000));
        assert!(table.contains(&from(1)) && !table.contains(&from(2)));
        table.advance(Instant::from_millis(90_000));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_reset_does_not_end_it() {
        let mut table = table(10);
        remember(&mut table, 1, 0);
        let verdict = hear(&mut table, Flags::RST, 5_000, 1);
        assert!(matches!(verdict, Verdict::Ignored));
        assert!(table.contains(&from(1)));
    }

    #[test]
    fn only_a_syn_beyond_all_that_came_opens_the_next_incarnation() {
        let mut table = table(10);
        remember(&mut table, 1, 0);
        let old = hear(&mut table, Flags::SYN, 4_000, 1);
        assert!(matches!(old, Verdict::Acknowledge(_)));
        let Verdict::Reopen(floor) = hear(&mut table, Flags::SYN, 5_001, 1) else {
            panic!("the SYN was refused");
        };
        assert!(floor > Seq(1_000));
    }

    #[test]
    fn a_plain_acknowledgement_is_not_answered_and_old_data_is() {
        let mut table = table(10);
        remember(&mut table, 1, 0);
        assert!(matches!(
            hear(&mut table, Flags::ACK, 5_000, 1),
            Verdict::Ignored
        ));
        assert!(matches!(
            hear(&mut table, Flags::ACK, 4_000, 1),
            Verdict::Acknowledge(_)
        ));
    }
}
