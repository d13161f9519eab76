//! What the program asks of a connection (RFC 9293 §3.10.2 to §3.10.6), and what it is told.

use super::TcpInfo;
use super::connection::Connection;
use super::shared::Shared;
use super::state::Event;
use crate::buffer::Spares;
use crate::event::Readiness;
use crate::time::{Duration, Instant};
use crate::transport::TcpError;
use crate::wire::ip::Unreachable;
use core::task::Poll;

/// The program's end of a connection.
#[derive(Debug)]
pub(super) struct ProgramSide {
    /// Nobody holds it any more; it lives on until all is delivered.
    pub(super) has_let_go: bool,
    /// Bytes came that nobody will read.
    pub(super) lost_data: bool,
    /// Why it ended, if it did not end well.
    pub(super) error: Option<TcpError>,
    /// What the network complained about, which may pass (RFC 1122 §4.2.3.9).
    pub(super) soft_error: Option<Unreachable>,
    /// What is to be told with the next event.
    readiness: Readiness,
    /// It stands in the queue of those with an event.
    pub(super) in_event_queue: bool,
    waits_for_room: bool,
    waits_for_flush: bool,
    pub(super) sent: u64,
    pub(super) received: u64,
}

impl ProgramSide {
    pub(super) const fn new() -> ProgramSide {
        ProgramSide {
            has_let_go: false,
            lost_data: false,
            error: None,
            soft_error: None,
            readiness: Readiness {
                readable: false,
                writable: false,
            },
            in_event_queue: false,
            waits_for_room: false,
            waits_for_flush: false,
            sent: 0,
            received: 0,
        }
    }

    /// There is something to read: bytes, the end, or an error.
    pub(super) const fn notify_readable(&mut self) {
        self.readiness.readable = true;
    }

    /// Everything may have changed.
    pub(super) const fn notify_readable_and_writable(&mut self) {
        self.readiness.readable = true;
        self.readiness.writable = true;
    }

    /// Whether there is something to tell.
    pub(super) const fn has_news(&self) -> bool {
        self.readiness.readable || self.readiness.writable
    }

    /// Takes what is to be told.
    pub(super) fn take_readiness(&mut self) -> Readiness {
        self.in_event_queue = false;
        core::mem::take(&mut self.readiness)
    }
}

impl Connection {
    /// Whether connecting has ended, and how.
    pub(super) fn connected(&self) -> Poll<Result<(), TcpError>> {
        match self.program.error {
            Some(error) => Poll::Ready(Err(error)),
            None if self.state.is_opening() => Poll::Pending,
            None => Poll::Ready(Ok(())),
        }
    }

    /// RFC 9293 §3.10.3, RECEIVE. What arrived before an error is still handed out; `sink` gets it.
    pub(super) fn read_with(
        &mut self,
        most: usize,
        spares: &mut Spares,
        sink: &mut dyn FnMut(&[u8], usize),
    ) -> Poll<Result<usize, TcpError>> {
        let count = self.receive.buffer.read_with(most, spares, sink);
        if count > 0 {
            if self.urgent().is_none() {
                // It must not fall so far behind that it seems to lie ahead.
                self.receive.urgent = None;
            }
            if self.state.may_receive() && self.receive.wants_update() {
                self.acknowledgement.at_once();
            }
            return Poll::Ready(Ok(count));
        }
        if most == 0 || self.receive.is_finished {
            return Poll::Ready(Ok(0));
        }
        match self.program.error {
            Some(error) => Poll::Ready(Err(error)),
            None if self.state.is_closed() => Poll::Ready(Err(TcpError::Closed)),
            None => Poll::Pending,
        }
    }

    /// RFC 9293 §3.10.2, SEND.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Poll<Result<usize, TcpError>> {
        self.check_writable()?;
        let count = if self.send.unsent() < self.send.unsent_low_water || self.is_held_by_peer() {
            self.send.buffer.push(bytes)
        } else {
            0
        };
        if count == 0 && !bytes.is_empty() {
            self.program.waits_for_room = true;
            return Poll::Pending;
        }
        Poll::Ready(Ok(count))
    }

    /// SEND with the URGENT flag (RFC 9293 §3.8.5): the last byte taken is urgent, as all before it are.
    pub(super) fn write_urgent(&mut self, bytes: &[u8]) -> Poll<Result<usize, TcpError>> {
        let written = self.write(bytes);
        if let Poll::Ready(Ok(1..)) = written {
            self.send.urgent = Some(self.send.end());
        }
        written
    }

    /// Bytes up to the end of urgent data, if there are any left to read (MUST-33).
    pub(super) fn urgent(&self) -> Option<usize> {
        let unread = self.receive.buffer.len() as u32 + u32::from(self.receive.is_finished);
        let position = self.receive.next - unread;
        let left = usize::try_from(self.receive.urgent? - position).ok()?;
        (left > 0).then_some(left)
    }

    /// Bytes left, or the peer's window stops them. Tells a writer that waits, once a good part of what it may fill is free.
    #[inline]
    pub(super) fn notify_room(&mut self) {
        if self.program.waits_for_room && self.has_good_room() {
            self.program.waits_for_room = false;
            self.program.readiness.writable = true;
        }
    }

    fn has_good_room(&self) -> bool {
        let buffer = &self.send.buffer;
        buffer.room() >= (buffer.limit() / 4).max(1)
            && (self.send.unsent() <= self.send.unsent_low_water / 2 || self.is_held_by_peer())
    }

    /// Bytes were acknowledged. Tells whoever waits for room, or for all to be acknowledged.
    pub(super) fn notify_acknowledged(&mut self) {
        self.notify_room();
        let awaits_fin = self.send.finished && !self.send.fin_acknowledged;
        if self.program.waits_for_flush && self.send.buffer.is_empty() && !awaits_fin {
            self.program.waits_for_flush = false;
            self.program.readiness.writable = true;
        }
    }

    fn check_writable(&self) -> Result<(), TcpError> {
        match self.program.error {
            Some(error) => Err(error),
            None if self.send.finished || !self.state.may_write() => Err(TcpError::Closed),
            None => Ok(()),
        }
    }

    /// Whether all that was written, the FIN included, is acknowledged.
    pub(super) fn flushed(&mut self) -> Poll<Result<(), TcpError>> {
        let awaits_fin = self.send.finished && !self.send.fin_acknowledged;
        if self.send.opened && self.send.buffer.is_empty() && !awaits_fin {
            // Die() empties the buffer: an error means that it was not delivered.
            return Poll::Ready(self.program.error.map_or(Ok(()), Err));
        }
        match self.program.error {
            Some(error) => Poll::Ready(Err(error)),
            None if self.state.is_closed() => Poll::Ready(Err(TcpError::Closed)),
            None => {
                self.program.waits_for_flush = true;
                Poll::Pending
            }
        }
    }

    /// RFC 9293 §3.10.4, CLOSE: our half ends after what was written. While the handshake is under way the FIN waits for it.
    pub(super) fn finish(&mut self) -> Result<(), TcpError> {
        if self.send.finished {
            return Ok(());
        }
        self.check_writable()?;
        self.send.finished = true;
        if self.state.may_finish() {
            self.transition(Event::Close);
        }
        Ok(())
    }

    /// The program gives the connection back.
    pub(super) fn close(&mut self, shared: &mut Shared, now: Instant) {
        let nothing_written = self.send.buffer.is_empty();
        if self.liveness.linger == Some(Duration::ZERO) {
            self.reset(shared, Some(TcpError::Aborted));
        } else if self.state.is_connecting() && nothing_written {
            // RFC 9293 §3.10.4, SYN-SENT. Deviation: if something was written, it is still delivered.
            self.die(None);
        } else if !self.receive.buffer.is_empty() {
            // RFC 9293 §3.6.1: unread data makes it an abort, but not before what was written is delivered.
            self.program.lost_data = true;
        } else {
            // It fails only if there is nothing left to finish.
            let _ = self.finish();
        }
        self.become_orphan(now);
    }

    /// Text came for a program that is gone (RFC 9293 §3.6.1, SHLD-3): nobody will read it, so the peer must learn that it
    /// was lost, but not before it has what we wrote. Until then the text is not acknowledged.
    pub(super) fn refuse_text(&mut self) {
        self.program.lost_data = true;
        self.acknowledgement.at_once();
    }

    /// RFC 9293 §3.10.6, STATUS.
    pub(super) fn info(&self) -> TcpInfo {
        TcpInfo {
            state: self.state.name(),
            smoothed_round_trip: self.recovery.round_trip.smoothed(),
            retransmission_timeout: self.recovery.round_trip.timeout(),
            congestion_window: self.recovery.congestion.window(),
            slow_start_threshold: self.recovery.congestion.slow_start_threshold(),
            in_flight: self.send.in_flight(),
            send_window: self.send.window.size() as usize,
            receive_window: self.receive.window_left() as usize,
            send_queued: self.send.buffer.len(),
            receive_queued: self.receive.buffer.len(),
            maximum_segment: self.full_segment(),
            timeouts: self.recovery.timeouts,
            soft_error: self.program.soft_error,
            ecn: self.ecn.is_agreed(),
            retransmits: self.recovery.retransmits,
            bytes_sent: self.program.sent,
            bytes_received: self.program.received,
        }
    }
}
