//! The state machine alone (RFC 9293 §3.3.2): eleven states and what moves between them.
//!
//! ```text
//!                              ┌────────┐  ActiveOpen: send SYN
//!                 PassiveOpen  │ CLOSED ├──────────────────────────────┐
//!              ┌───────────────┤        │◀───────────┐                 │
//!              ▼               └────────┘     Close  │                 ▼
//!         ┌────────┐             ActiveOpen: send SYN│           ┌──────────┐
//!         │ LISTEN ├─────────────────────────────────┼──────────▶│ SYN-SENT │
//!         └───┬────┘                                 └───────────┤          │
//!             │ Syn: send SYN,ACK                                └──┬────┬──┘
//!             ▼            Syn: send SYN,ACK (simultaneous open)    │    │
//!      ┌──────────────┐◀────────────────────────────────────────────┘    │
//!      │ SYN-RECEIVED │                                   SynAck: send ACK│
//!      └──┬───┬────┬──┘   SynAcknowledged   ┌─────────────┐◀─────────────┘
//!         │   │    └───────────────────────▶│ ESTABLISHED │
//!   Close:│   │ Fin: send ACK               └───┬─────┬───┘
//! send FIN│   └─────────────────────────┐ Close:│     │ Fin: send ACK
//!         │        ┌────────────────────┼───────┘     │
//!         ▼        ▼  send FIN          ▼             ▼
//!      ┌────────────┐                  ┌────────────────┐
//!      │ FIN-WAIT-1 │                  │   CLOSE-WAIT   │
//!      └──┬─────┬───┘                  └───────┬────────┘
//!         │     │ Fin: send ACK                │ Close: send FIN
//!         │     └────────────────┐             ▼
//!         │ FinAcknowledged      ▼        ┌──────────┐ FinAcknowledged ┌────────┐
//!         ▼                 ┌─────────┐   │ LAST-ACK ├────────────────▶│ CLOSED │
//!      ┌────────────┐       │ CLOSING │   └──────────┘                 └────────┘
//!      │ FIN-WAIT-2 │       └────┬────┘                                     ▲
//!      └─────┬──────┘            │ FinAcknowledged                          │
//!            │ Fin: send ACK     ▼            TimeWaitOver (2 MSL)          │
//!            └────────────▶┌───────────┐────────────────────────────────────┘
//!                          │ TIME-WAIT │
//!                          └───────────┘     Abort, from any state: CLOSED
//! ```
//!
//! Nothing else matches on states: other rooms ask the questions below. Two states never live in a connection. LISTEN is a
//! [`Listener`](super::listener::Listener), which makes a connection for each SYN, and TIME-WAIT is a row in
//! [`TimeWaitTable`](super::time_wait::TimeWaitTable), which holds no buffers.

/// RFC 9293 §3.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No connection.
    Closed,
    /// Waiting for anybody's SYN.
    Listen,
    /// SYN sent, the peer's awaited.
    SynSent,
    /// SYN sent and received, the acknowledgement of ours awaited.
    SynReceived,
    /// Data flows both ways.
    Established,
    /// We finished; our FIN is not acknowledged.
    FinWait1,
    /// We finished and the peer knows; it may go on sending.
    FinWait2,
    /// The peer finished; we may go on sending.
    CloseWait,
    /// Both finished at the same time; our FIN is not acknowledged.
    Closing,
    /// The peer finished, then we; our FIN is not acknowledged.
    LastAck,
    /// Both finished; waiting until no old segment can be about.
    TimeWait,
}

/// What moves a connection from state to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The program listens.
    PassiveOpen,
    /// The program connects.
    ActiveOpen,
    /// The peer's SYN came without an acknowledgement of ours.
    Syn,
    /// The peer's SYN came with an acknowledgement of ours.
    SynAck,
    /// Our SYN was acknowledged.
    SynAcknowledged,
    /// The program finished its half.
    Close,
    /// The peer's FIN came, and all data before it.
    Fin,
    /// Our FIN was acknowledged.
    FinAcknowledged,
    /// Twice the maximum segment lifetime went by.
    TimeWaitOver,
    /// RST in either direction, or time ran out: the connection is gone.
    Abort,
}

impl State {
    /// Every state, in the RFC's order.
    pub const ALL: [State; 11] = [
        State::Closed,
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// The state after `event`; an event that means nothing here changes nothing.
    #[must_use]
    pub const fn after(self, event: Event) -> State {
        match (self, event) {
            (_, Event::Abort) => State::Closed,

            (State::Closed, Event::PassiveOpen) => State::Listen,
            (State::Closed | State::Listen, Event::ActiveOpen) => State::SynSent,
            (State::Listen | State::SynSent, Event::Close) => State::Closed,

            (State::Listen | State::SynSent, Event::Syn) => State::SynReceived,
            (State::SynSent, Event::SynAck) => State::Established,
            (State::SynReceived, Event::SynAcknowledged) => State::Established,

            (State::SynReceived | State::Established, Event::Close) => State::FinWait1,
            (State::SynReceived | State::Established, Event::Fin) => State::CloseWait,

            (State::FinWait1, Event::FinAcknowledged) => State::FinWait2,
            (State::FinWait1, Event::Fin) => State::Closing,
            (State::FinWait2, Event::Fin) => State::TimeWait,
            (State::Closing, Event::FinAcknowledged) => State::TimeWait,

            (State::CloseWait, Event::Close) => State::LastAck,
            (State::LastAck, Event::FinAcknowledged) => State::Closed,
            (State::TimeWait, Event::TimeWaitOver) => State::Closed,

            (unmoved, _) => unmoved,
        }
    }

    /// Whether there is no connection (any more).
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, State::Closed)
    }

    /// Whether our SYN is on its way and the peer's not yet seen.
    #[must_use]
    pub const fn is_connecting(self) -> bool {
        matches!(self, State::SynSent)
    }

    /// Whether both SYNs are seen and ours is not acknowledged.
    #[must_use]
    pub const fn is_half_open(self) -> bool {
        matches!(self, State::SynReceived)
    }

    /// Whether the connection is still being opened.
    #[must_use]
    pub const fn is_opening(self) -> bool {
        matches!(self, State::SynSent | State::SynReceived)
    }

    /// Whether each side knows that the other knows: ESTABLISHED and all that follow.
    #[must_use]
    pub const fn is_synchronized(self) -> bool {
        !matches!(
            self,
            State::Closed | State::Listen | State::SynSent | State::SynReceived
        )
    }

    /// Whether data flows both ways and neither side has finished.
    #[must_use]
    pub const fn is_established(self) -> bool {
        matches!(self, State::Established)
    }

    /// Whether the program may still give bytes to send; they may have to wait.
    #[must_use]
    pub const fn may_write(self) -> bool {
        matches!(
            self,
            State::SynSent | State::SynReceived | State::Established | State::CloseWait
        )
    }

    /// Whether our FIN can be decided on now: it must not leave before the peer knows our SYN.
    #[must_use]
    pub const fn may_finish(self) -> bool {
        matches!(self, State::Established | State::CloseWait)
    }

    /// Whether bytes (and our FIN, once decided on) may leave, for the first time or again.
    #[must_use]
    pub const fn may_send(self) -> bool {
        matches!(
            self,
            State::Established
                | State::CloseWait
                | State::FinWait1
                | State::Closing
                | State::LastAck
        )
    }

    /// Whether the peer may still send bytes: its FIN has not come.
    #[must_use]
    pub const fn may_receive(self) -> bool {
        matches!(
            self,
            State::SynReceived | State::Established | State::FinWait1 | State::FinWait2
        )
    }

    /// Whether we have finished our half: the FIN follows the last byte.
    #[must_use]
    pub const fn has_finished(self) -> bool {
        matches!(
            self,
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait
        )
    }

    /// Whether our FIN waits to be sent or acknowledged.
    #[must_use]
    pub const fn fin_unacknowledged(self) -> bool {
        matches!(self, State::FinWait1 | State::Closing | State::LastAck)
    }

    /// Whether the peer has finished its half: all its bytes have arrived.
    #[must_use]
    pub const fn peer_has_finished(self) -> bool {
        matches!(
            self,
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait
        )
    }

    /// Whether nothing but the peer's last bytes and FIN is awaited.
    #[must_use]
    pub const fn awaits_only_fin(self) -> bool {
        matches!(self, State::FinWait2)
    }

    /// Whether both have finished and only old segments are awaited.
    #[must_use]
    pub const fn is_time_wait(self) -> bool {
        matches!(self, State::TimeWait)
    }

    /// The name that RFC 9293 §3.3.2 writes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Closed => "CLOSED",
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use core::fmt::Write;

    const EVENTS: [Event; 10] = [
        Event::PassiveOpen,
        Event::ActiveOpen,
        Event::Syn,
        Event::SynAck,
        Event::SynAcknowledged,
        Event::Close,
        Event::Fin,
        Event::FinAcknowledged,
        Event::TimeWaitOver,
        Event::Abort,
    ];

    /// Every transition there is; what is not listed changes nothing.
    const TRANSITIONS: &str = "\
CLOSED + PassiveOpen = LISTEN
CLOSED + ActiveOpen = SYN-SENT
LISTEN + ActiveOpen = SYN-SENT
LISTEN + Syn = SYN-RECEIVED
LISTEN + Close = CLOSED
LISTEN + Abort = CLOSED
SYN-SENT + Syn = SYN-RECEIVED
SYN-SENT + SynAck = ESTABLISHED
SYN-SENT + Close = CLOSED
SYN-SENT + Abort = CLOSED
SYN-RECEIVED + SynAcknowledged = ESTABLISHED
SYN-RECEIVED + Close = FIN-WAIT-1
SYN-RECEIVED + Fin = CLOSE-WAIT
SYN-RECEIVED + Abort = CLOSED
ESTABLISHED + Close = FIN-WAIT-1
ESTABLISHED + Fin = CLOSE-WAIT
ESTABLISHED + Abort = CLOSED
FIN-WAIT-1 + Fin = CLOSING
FIN-WAIT-1 + FinAcknowledged = FIN-WAIT-2
FIN-WAIT-1 + Abort = CLOSED
FIN-WAIT-2 + Fin = TIME-WAIT
FIN-WAIT-2 + Abort = CLOSED
CLOSE-WAIT + Close = LAST-ACK
CLOSE-WAIT + Abort = CLOSED
CLOSING + FinAcknowledged = TIME-WAIT
CLOSING + Abort = CLOSED
LAST-ACK + FinAcknowledged = CLOSED
LAST-ACK + Abort = CLOSED
TIME-WAIT + TimeWaitOver = CLOSED
TIME-WAIT + Abort = CLOSED
";

    #[test]
    fn the_transition_table_is_the_rfcs() {
        let mut table = String::new();
        for state in State::ALL {
            for event in EVENTS {
                let next = state.after(event);
                if next != state {
                    writeln!(table, "{} + {event:?} = {}", state.name(), next.name()).unwrap();
                }
            }
        }
        assert_eq!(table, TRANSITIONS);
    }

    /// State by state, which questions it says yes to.
    const ANSWERS: &str = "\
CLOSED: closed
LISTEN:
SYN-SENT: connecting opening may_write
SYN-RECEIVED: half_open opening may_write may_receive
ESTABLISHED: synchronized established may_write may_finish may_send may_receive
FIN-WAIT-1: synchronized may_send may_receive finished fin_unacknowledged
FIN-WAIT-2: synchronized may_receive finished awaits_only_fin
CLOSE-WAIT: synchronized may_write may_finish may_send peer_finished
CLOSING: synchronized may_send finished fin_unacknowledged peer_finished
LAST-ACK: synchronized may_send finished fin_unacknowledged peer_finished
TIME-WAIT: synchronized finished peer_finished time_wait
";

    #[test]
    fn each_state_answers_the_questions_as_the_rfc_describes_it() {
        let mut answers = String::new();
        for state in State::ALL {
            write!(answers, "{}:", state.name()).unwrap();
            for (question, answer) in [
                ("closed", state.is_closed()),
                ("connecting", state.is_connecting()),
                ("half_open", state.is_half_open()),
                ("opening", state.is_opening()),
                ("synchronized", state.is_synchronized()),
                ("established", state.is_established()),
                ("may_write", state.may_write()),
                ("may_finish", state.may_finish()),
                ("may_send", state.may_send()),
                ("may_receive", state.may_receive()),
                ("finished", state.has_finished()),
                ("fin_unacknowledged", state.fin_unacknowledged()),
                ("peer_finished", state.peer_has_finished()),
                ("awaits_only_fin", state.awaits_only_fin()),
                ("time_wait", state.is_time_wait()),
            ] {
                if answer {
                    write!(answers, " {question}").unwrap();
                }
            }
            answers.push('\n');
        }
        assert_eq!(answers, ANSWERS);
    }
}
