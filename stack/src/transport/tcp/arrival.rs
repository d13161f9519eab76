//! The way of a segment to its connection: what every segment must satisfy, then the connection, TIME-WAIT, or a listener
//! (RFC 9293 §3.10.7.1 and §3.10.7.2).

use super::connection::Connection;
use super::listener::Admission;
use super::segment_arrives::Changed;
use super::sequence::Seq;
use super::time_wait::Verdict;
use super::{Last, Tcp, listener, reply, sockets};
use crate::counters::DropReason;
use crate::event::ListenerId;
use crate::time::Instant;
use crate::transport::demux::FourTuple;
use crate::wire::checksum::Checksum;
use crate::wire::ip::{Arrival, Cast, Ecn, Protocol};
use crate::wire::tcp::{Flags, TcpSegment};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

impl Tcp {
    /// Takes one segment.
    #[inline]
    pub fn receive(&mut self, arrival: &Arrival<'_>, now: Instant) {
        self.last = None;
        self.progress = None;
        let pseudo_header =
            Checksum::pseudo_header(arrival.source, arrival.destination, Protocol::TCP, 0);
        let verified_by = arrival.verify_checksum.then_some(pseudo_header);
        let Some(segment) = &self.open_up(arrival.payload, verified_by) else {
            return;
        };
        // RFC 9293 §3.9.2.3, MUST-57 and MUST-63: nothing sent to many, and from nobody who is many.
        if arrival.cast != Cast::Unicast || !sockets::is_one_host(arrival.source) {
            self.shared.counters.drop(DropReason::TcpNoSocket);
            return;
        }
        let tuple = FourTuple {
            local: SocketAddr::new(arrival.destination, segment.header.destination_port),
            remote: SocketAddr::new(arrival.source, segment.header.source_port),
        };
        let is_marked = arrival.ecn == Ecn::CongestionExperienced;
        if let Some(connection) = self.connections.find(&tuple) {
            self.last = Some(Last {
                connection,
                pseudo_header,
                is_marked,
            });
            return self.receive_for(connection, segment, is_marked, now);
        }
        let floor = match self.time_waits.receive(segment, &tuple, now) {
            None => None,
            Some(Verdict::Reopen(floor)) => Some(floor),
            Some(Verdict::Ignored) => return,
            Some(Verdict::Acknowledge(reply)) => {
                if self.shared.may_answer_late(now) {
                    self.shared.reply(Some(reply));
                }
                return;
            }
        };
        self.receive_in_listen(segment, tuple, floor, now);
    }

    /// The segments that come next lie in `frame`, and whose bytes they are may keep its buffer, of that capacity.
    #[inline]
    pub fn lend(&mut self, frame: &[u8], capacity: usize) {
        self.shared.loan.offer(frame, capacity);
    }

    /// Ends that; the frame began so many bytes into `buffer`. If a connection keeps it, there is another one in its place, with
    /// bytes of the past in it.
    #[inline]
    pub fn take_lent(&mut self, buffer: &mut Vec<u8>, start: usize) {
        if let Some(part) = self.shared.loan.end()
            && let Some(borrower) = self.borrower.take()
            && let Some(connection) = self.table.at_mut(borrower)
        {
            let spare = self.shared.spares.take();
            let kept = core::mem::replace(buffer, spare);
            let part = start + part.start..start + part.end;
            connection.receive.buffer.keep(kept, part);
        }
    }

    /// For the tests that compare the short ways with the long ones.
    #[cfg(test)]
    pub(crate) fn walk_every_step(&mut self) {
        self.shared.walks_every_step = true;
    }

    /// What comes next has nothing to do with the last segment.
    pub fn forget_last(&mut self) {
        self.last = None;
    }

    /// The connection whose last segment acknowledged something new, or brought new data because our acknowledgements reach
    /// its host (RFC 4861 §7.3.1).
    #[inline]
    #[must_use]
    pub const fn progress(&self) -> Option<u32> {
        self.progress
    }

    /// The host at the far end of a connection.
    #[must_use]
    pub fn host_of(&self, connection: u32) -> Option<IpAddr> {
        Some(self.table.at(connection)?.tuple.remote.ip())
    }

    /// The next host that left several repetitions unanswered (RFC 9293 §3.8.3, MUST-20).
    pub fn take_doubted(&mut self) -> Option<IpAddr> {
        self.shared.take_doubted()
    }

    /// Whether the last segment was for a connection that still takes more.
    #[must_use]
    pub fn remembers_last(&self) -> bool {
        self.last.is_some()
    }

    /// Takes one more segment with the addresses and ports of the last one, which was for a connection; false, and nothing
    /// done, if [that](Self::remembers_last) is gone.
    #[inline]
    pub fn receive_next(&mut self, segment: &[u8], verify_checksum: bool, now: Instant) -> bool {
        self.progress = None;
        #[cfg(test)]
        if self.shared.walks_every_step {
            return false;
        }
        let Some(last) = self.last else {
            return false;
        };
        let verified_by = verify_checksum.then_some(last.pseudo_header);
        // By reference: to copy what was only just written would wait for the writes.
        if let Some(segment) = &self.open_up(segment, verified_by) {
            self.receive_for(last.connection, segment, last.is_marked, now);
        }
        true
    }

    #[inline]
    fn receive_for(&mut self, index: u32, segment: &TcpSegment<'_>, is_marked: bool, now: Instant) {
        let Some(connection) = self.table.at_mut(index) else {
            return;
        };
        let before = (connection.send.unacknowledged, connection.receive.next);
        let changed = connection.receive(segment, is_marked, &mut self.shared, now);
        self.borrower = self.shared.loan.is_taken().then_some(index);
        if before != (connection.send.unacknowledged, connection.receive.next) {
            self.progress = Some(index);
        }
        match changed {
            Changed::Anything => self.attend(index, now),
            Changed::Received => self.attend_to_received(index),
        }
    }

    /// Checks what every segment must satisfy, and takes it apart. `verified_by` is the sum of the pseudo-header without the
    /// length; `None`: the checksum is not looked at.
    #[inline]
    fn open_up<'p>(
        &mut self,
        segment: &'p [u8],
        verified_by: Option<Checksum>,
    ) -> Option<TcpSegment<'p>> {
        let counters = &mut self.shared.counters;
        let Ok(parsed) = TcpSegment::parse(segment) else {
            counters.drop(DropReason::MalformedTcp);
            return None;
        };
        // RFC 9293 §3.1, MUST-3. A segment is never longer than IP's 16-bit length says.
        let is_sound = verified_by.is_none_or(|sum| {
            sum.with_number(segment.len() as u16)
                .with(segment)
                .is_valid()
        });
        if !is_sound {
            counters.drop(DropReason::TcpChecksum);
            return None;
        }
        Some(parsed)
    }

    /// RFC 9293 §3.10.7.1 and §3.10.7.2: CLOSED and LISTEN. `floor`: the least initial number, if an earlier connection of
    /// the same two ends is still remembered.
    fn receive_in_listen(
        &mut self,
        segment: &TcpSegment<'_>,
        tuple: FourTuple,
        floor: Option<Seq>,
        now: Instant,
    ) {
        let listener = self.bindings.find(tuple.local).map(ListenerId);
        let flags = segment.header.flags;
        // First the RST, then the ACK; what is no SYN either has no business here.
        let is_opening = !flags.intersects(Flags::RST | Flags::ACK) && flags.contains(Flags::SYN);
        let listener = match listener {
            Some(listener) if is_opening => listener,
            None | Some(_) => {
                self.shared.counters.drop(DropReason::TcpNoSocket);
                // §3.10.7.2: a segment with neither SYN nor ACK is dropped in LISTEN, and reset in CLOSED.
                if listener.is_none() || flags.contains(Flags::ACK) {
                    self.shared.reply(reply::reset_for(segment, &tuple));
                }
                return;
            }
        };
        if !self.make_room(listener) {
            self.shared.counters.drop(DropReason::TcpBacklogFull);
            return;
        }
        let Some(options) = self
            .listeners
            .at(listener)
            .map(|listener| listener.accepted)
        else {
            return;
        };
        let mut initial = self.numbers.initial(tuple.local, tuple.remote, now);
        if let Some(floor) = floor {
            initial = initial.later(floor);
        }
        let mtu = self.shared.link.mtu;
        let mut connection = Connection::new(tuple, initial, mtu, &options, &self.shared, now);
        connection.listener = Some(listener);
        // Only a connection that is found by its segment can keep the frame: what came with this SYN is copied.
        self.shared.loan.end();
        connection.receive_in_listen(segment, &mut self.shared, now);
        self.time_waits.forget(&tuple);
        let index = self.enter(connection);
        if let Some(listener) = self.listeners.at_mut(listener) {
            listener.push_opening(index);
        }
        self.attend(index, now);
    }

    /// Whether a SYN may open one more. When too many are opening, the oldest goes if it has waited so long that its SYN-ACK
    /// had to be repeated (RFC 4987 §3.4).
    fn make_room(&mut self, listener: ListenerId) -> bool {
        match self.listeners.at(listener).map(listener::Listener::admit) {
            Some(Admission::Welcome) => !self.table.is_full(),
            Some(Admission::FullSince(oldest)) => {
                let is_stale = self
                    .table
                    .at(oldest)
                    .is_some_and(|connection| connection.recovery.timeouts > 0);
                if is_stale {
                    self.shared.counters.drop(DropReason::TcpBacklogFull);
                    self.remove(oldest);
                }
                is_stale
            }
            Some(Admission::Full) | None => false,
        }
    }
}
