//! Whose turn it is to send: replies first, then the connections that have something, one segment a turn.

use super::{Tcp, reply, transmit};
use crate::time::Instant;
use crate::wire::ip::{Departure, Ecn, Headroom, Protocol};
use crate::wire::offload::Offload;
use crate::wire::tcp_options::SegmentOptions;

impl Tcp {
    /// Writes the next segment behind the headroom of its destination; `None`: nothing to send now.
    #[inline]
    pub fn transmit(
        &mut self,
        now: Instant,
        out: &mut [u8],
        headroom: Headroom,
    ) -> Option<Departure> {
        self.train = None;
        if let Some(reply) = self.shared.next_reply() {
            let out = out.get_mut(headroom.before(reply.tuple.remote.ip())..)?;
            return self.write_reply(&reply, out);
        }
        for _ in 0..self.ready.len() {
            let index = self.ready.pop_front()?;
            let Some(connection) = self.table.at_mut(index) else {
                continue;
            };
            if !core::mem::take(&mut connection.in_ready_queue) {
                continue;
            }
            let out = out.get_mut(headroom.before(connection.tuple.remote.ip())..)?;
            let departure = connection.transmit(&mut self.shared, now, out);
            if let Some(departure) = departure
                && connection.is_streaming()
            {
                if self.ready.is_empty() {
                    let segment = &out[..departure.length];
                    self.train = connection.train_behind(index, segment, &self.shared, now);
                }
                // Whether another segment may leave is found out at its next turn, once, and not now as well.
                connection.in_ready_queue = true;
                self.ready.push_back(index);
                if let Some(at) = connection.timers.take_news() {
                    self.timers.enter(index, at);
                }
                return Some(departure);
            }
            self.attend(index, now);
            if departure.is_some() {
                return departure;
            }
        }
        None
    }

    /// Whether segments follow the last one that left, whose headers below TCP's are the same.
    #[must_use]
    pub fn has_train(&self) -> bool {
        self.train.is_some()
    }

    /// Writes the next segment of the train to the front of `out` and returns its length; `None`: the train is over.
    #[inline]
    pub fn follow(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        let train = self.train.as_mut().filter(|train| train.at == now)?;
        let connection = self.table.at_mut(train.connection)?;
        let length = connection.follow(train, &self.shared, out);
        train.left -= 1;
        if connection.program.has_news() && !connection.program.in_event_queue {
            // It stands in the queue alone, or there would be no train.
            let index = train.connection;
            connection.in_ready_queue = false;
            self.ready.clear();
            self.attend(index, now);
        } else if train.left == 0 || length.is_none() {
            self.train = None;
        }
        length
    }

    fn write_reply(&mut self, reply: &reply::Reply, out: &mut [u8]) -> Option<Departure> {
        let options = SegmentOptions {
            timestamps: reply.timestamps,
            ..SegmentOptions::default()
        };
        let length = reply.header.emit(&options, out);
        if length == 0 {
            return None;
        }
        transmit::fill_checksum(&reply.tuple, &mut out[..length]);
        Some(Departure {
            source: reply.tuple.local.ip(),
            destination: reply.tuple.remote.ip(),
            protocol: Protocol::TCP,
            length,
            hop_limit: None,
            dscp: 0,
            ecn: Ecn::NotCapable,
            offload: Offload::NONE,
            dont_fragment: true,
        })
    }
}
