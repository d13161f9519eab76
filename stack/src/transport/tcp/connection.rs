//! One connection: the transmission control block (RFC 9293 §3.3.1), in parts. It routes to them and decides nothing.
//!
//! | part | room | what it holds |
//! |---|---|---|
//! | [`State`] | `state.rs` | which of the eleven states |
//! | [`SendSide`] | `send.rs` | SND.UNA, SND.NXT, the peer's window, bytes to send |
//! | [`ReceiveSide`] | `receive.rs` | RCV.NXT, our window, bytes to read |
//! | [`Acknowledgement`] | `acknowledge.rs` | what we owe the peer |
//! | [`Recovery`] | `retransmit.rs` | round trips, the congestion window, what is lost |
//! | [`Notification`] | `ecn.rs` | marks of routers, ours and the peer's |
//! | [`Timers`] | `timer.rs` | what is due when |
//! | [`Liveness`] | `liveness.rs` | keep-alive, user timeout, the life after close |
//! | [`ProgramSide`] | `program.rs` | what the program waits for and may learn |

use super::acknowledge::Acknowledgement;
use super::ecn::Notification;
use super::liveness::Liveness;
use super::program::ProgramSide;
use super::receive::ReceiveSide;
use super::reply::Reply;
use super::retransmit::Recovery;
use super::send::SendSide;
use super::sequence::Seq;
use super::shared::Shared;
use super::state::{Event, State};
use super::time_wait::Remembered;
use super::timer::{Timer, Timers};
use crate::config::{BufferSize, TcpOptions};
use crate::counters::DropReason;
use crate::event::ListenerId;
use crate::time::Instant;
use crate::transport::TcpError;
use crate::transport::demux::FourTuple;
use crate::wire::tcp::Flags;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) tuple: FourTuple,
    pub(super) state: State,
    /// Who made it, if a SYN did.
    pub(super) listener: Option<ListenerId>,
    pub(super) send: SendSide,
    pub(super) receive: ReceiveSide,
    pub(super) acknowledgement: Acknowledgement,
    pub(super) recovery: Recovery,
    pub(super) ecn: Notification,
    /// Both sides understand selective acknowledgements (RFC 2018 §2).
    pub(super) sacks: bool,
    pub(super) timers: Timers,
    pub(super) liveness: Liveness,
    pub(super) program: ProgramSide,
    /// It stands in the queue of those with something to send.
    pub(super) in_ready_queue: bool,
}

impl Connection {
    /// CLOSED, with everything set for an open of either kind.
    pub(super) fn new(
        tuple: FourTuple,
        initial: Seq,
        path_mtu: usize,
        options: &TcpOptions,
        shared: &Shared,
        now: Instant,
    ) -> Connection {
        let config = &shared.config;
        let size = |asked: Option<usize>, usual| asked.map_or(usual, BufferSize::fixed);
        let send_size = size(options.send_buffer, config.send_buffer);
        let send = SendSide::new(initial, tuple, path_mtu, send_size, options, config);
        Connection {
            tuple,
            state: State::Closed,
            listener: None,
            recovery: Recovery::new(config, initial, send.maximum_segment(), now),
            send,
            ecn: Notification::new(config.ecn, initial),
            sacks: false,
            receive: ReceiveSide::new(
                size(options.receive_buffer, config.receive_buffer),
                shared.receive_maximum_segment(tuple.local.ip()),
            ),
            acknowledgement: Acknowledgement::default(),
            timers: Timers::new(),
            liveness: Liveness::new(options, config, now),
            program: ProgramSide::new(),
            in_ready_queue: false,
        }
    }

    /// RFC 9293 §3.10.1, active OPEN.
    pub(super) fn open(&mut self, options: &TcpOptions, now: Instant) {
        self.transition(Event::ActiveOpen);
        if let Some(timeout) = options.connect_timeout {
            self.timers.set(Timer::Connect, now + timeout);
        }
    }

    /// Moves the state machine.
    pub(super) fn transition(&mut self, event: Event) {
        self.state = self.state.after(event);
    }

    /// Both SYNs are acknowledged: data may flow.
    pub(super) fn on_established(&mut self, now: Instant) {
        self.timers.stop(Timer::Connect);
        self.recovery.on_established();
        self.liveness.heard(now);
        self.start_keep_alive(now);
        self.program.notify_readable_and_writable();
        // RFC 9293 §3.10.4: a CLOSE that came too early is processed now.
        if self.send.finished {
            self.transition(Event::Close);
        }
    }

    /// Does what is due.
    pub(super) fn advance(&mut self, shared: &mut Shared, now: Instant) {
        if self.timers.take_if_due(Timer::Connect, now) {
            return self.give_up(shared);
        }
        if self.timers.take_if_due(Timer::Orphan, now) {
            return self.on_orphan_timeout(shared);
        }
        if self.timers.take_if_due(Timer::DelayedAck, now) {
            self.acknowledgement.at_once();
        }
        if self.timers.take_if_due(Timer::KeepAlive, now) {
            self.on_keep_alive_timer(shared, now);
        }
        let late = self.timers.lateness(Timer::Retransmit, now);
        if self.timers.take_if_due(Timer::Retransmit, now) {
            self.recovery.overslept(late);
            self.on_retransmit_timer(shared, now);
        }
    }

    /// After anything that happened: timers follow what is in flight, and a connection that is over stops all.
    #[inline]
    pub(super) fn settle(&mut self, shared: &mut Shared, now: Instant) {
        if self.program.lost_data && self.send.buffer.is_empty() && !self.state.is_closed() {
            // RFC 9293 §3.6.1, SHLD-3: all that was written is delivered, and not all that came was read.
            self.reset(shared, None);
        }
        if self.state.is_closed() || self.state.is_time_wait() {
            self.timers.stop_all();
        } else {
            self.settle_retransmit_timer(shared, now);
        }
    }

    /// The connection is gone, without a word to the peer. The program learns `error`, if there is one.
    pub(super) fn die(&mut self, error: Option<TcpError>) {
        self.transition(Event::Abort);
        self.timers.stop_all();
        self.program.error = self.program.error.or(error);
        self.program.notify_readable_and_writable();
        self.send.buffer.clear();
    }

    /// RFC 9293 §3.10.5, ABORT: the connection is gone, and the peer is told if it knows of us.
    pub(super) fn reset(&mut self, shared: &mut Shared, error: Option<TcpError>) {
        let is_known = self.state.is_synchronized() || self.state.is_half_open();
        if is_known && !self.state.is_time_wait() {
            self.send_reset(shared, self.send.acceptable());
        }
        self.die(error);
    }

    /// `<SEQ=sequence><CTL=RST>`.
    pub(super) fn send_reset(&self, shared: &mut Shared, sequence: Seq) {
        shared.reply(Some(Reply::new(&self.tuple, sequence, Seq(0), Flags::RST)));
    }

    /// The time for connecting, or for being acknowledged, is over. A peer that knows of us is told, should it still be there;
    /// one that never answered our SYN-ACK may be an address that somebody made up, and hears no more.
    pub(super) fn give_up(&mut self, shared: &mut Shared) {
        // What the network said on the way explains it better than the silence (RFC 1122 §4.2.3.9).
        let error = self.program.soft_error;
        let error = error.map_or(TcpError::TimedOut, TcpError::Unreachable);
        if self.state.is_synchronized() {
            self.reset(shared, Some(error));
        } else {
            self.die(Some(error));
        }
    }

    /// RFC 5961: says where we stand, unless too many were told lately.
    pub(super) fn challenge(&mut self, shared: &mut Shared, now: Instant) {
        shared.counters.drop(DropReason::TcpUnacceptable);
        if shared.may_challenge(now) {
            self.acknowledgement.at_once();
        }
    }

    /// What TIME-WAIT remembers of it.
    pub(super) fn remembered(&self) -> Remembered {
        Remembered {
            tuple: self.tuple,
            send_next: self.send.highest,
            receive_next: self.receive.next,
        }
    }
}
