//! Explicit congestion notification (RFC 3168 §6.1, RFC 9293 SHLD-8): a router that has too much to do marks packets instead of
//! dropping them, and whoever sent them slows down without having to send anything again.

use super::connection::Connection;
use super::incoming::Incoming;
use super::sequence::Seq;
use crate::wire::ip::Ecn;
use crate::wire::tcp::Flags;

/// Both flags of a SYN that asks for it (RFC 3168 §6.1.1).
const ASKS: Flags = Flags(Flags::ECE.0 | Flags::CWR.0);

/// What both sides know of marks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notification {
    /// We want it.
    wanted: bool,
    /// Both SYNs said so.
    agreed: bool,
    /// A mark came, and the peer has not said yet that it slowed down.
    echoes: bool,
    /// We slowed down, and the peer does not know yet.
    owes_answer: bool,
    /// Behind the last number sent when we slowed down: what was marked before that counts once.
    slowed_at: Seq,
    /// The acknowledgement that is being processed echoes a mark.
    pub(super) is_echoed: bool,
}

impl Notification {
    /// Before any SYN.
    pub(super) const fn new(wanted: bool, initial: Seq) -> Notification {
        Notification {
            wanted,
            agreed: false,
            echoes: false,
            owes_answer: false,
            slowed_at: initial,
            is_echoed: false,
        }
    }

    /// It must not fall so far behind that it seems to lie ahead.
    pub(super) fn pass(&mut self, acknowledgement: Seq) {
        self.slowed_at = self.slowed_at.later(acknowledgement - 1);
    }

    /// Whether both sides agreed to it.
    pub(super) const fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// Our SYN had to be repeated: perhaps somebody on the way drops those that ask (RFC 3168 §6.1.1.1).
    pub(super) const fn stop_asking(&mut self) {
        self.wanted = false;
    }

    /// The peer's SYN, or SYN-ACK, has these flags.
    pub(super) fn take_syn(&mut self, flags: Flags) {
        let said = Flags(flags.0 & ASKS.0);
        let expected = if flags.contains(Flags::ACK) {
            Flags::ECE
        } else {
            ASKS
        };
        self.agreed = self.wanted && said == expected;
    }

    /// What our SYN, or SYN-ACK, says.
    pub(super) const fn of_syn(&self, acknowledges: bool) -> Flags {
        if !acknowledges && self.wanted {
            ASKS
        } else if acknowledges && self.agreed {
            Flags::ECE
        } else {
            Flags(0)
        }
    }

    /// What a segment says that leaves now and acknowledges something; `is_new`: with data that never left before.
    pub(super) const fn of_segment(&mut self, is_new: bool) -> Flags {
        let mut flags = 0;
        if self.echoes {
            flags |= Flags::ECE.0;
        }
        if is_new && self.owes_answer {
            self.owes_answer = false;
            flags |= Flags::CWR.0;
        }
        Flags(flags)
    }

    /// How its packet is marked: only new data may be (RFC 3168 §6.1.4 to §6.1.6).
    pub(super) const fn of_packet(&self, is_new: bool) -> Ecn {
        if self.agreed && is_new {
            Ecn::Capable0
        } else {
            Ecn::NotCapable
        }
    }

    /// Whether the next segment with new data says that we slowed down: it leaves as one, or cut ones would say it again.
    pub(super) const fn owes_answer(&self) -> bool {
        self.owes_answer
    }
}

impl Connection {
    /// An acceptable segment: the marks of its packet (RFC 3168 §6.1.3). What carries no data cannot be marked.
    pub(super) fn check_marks(&mut self, incoming: &Incoming<'_>) {
        if !self.ecn.agreed {
            return;
        }
        if incoming.has(Flags::CWR) {
            self.ecn.echoes = false;
        }
        if incoming.is_marked && !incoming.payload.is_empty() {
            self.ecn.echoes = true;
        }
    }

    /// An acceptable acknowledgement: whether it echoes a mark (RFC 3168 §6.1.2). Once a round trip that is as good as a loss,
    /// except that nothing is lost.
    pub(super) fn check_echo(&mut self, incoming: &Incoming<'_>) {
        self.ecn.is_echoed = self.ecn.agreed && incoming.has(Flags::ECE);
        if !self.ecn.is_echoed || incoming.acknowledgement <= self.ecn.slowed_at {
            return;
        }
        self.ecn.slowed_at = self.send.highest;
        let in_flight = self.send.in_flight();
        if self.recovery.congestion.on_mark(in_flight) {
            self.ecn.owes_answer = true;
        }
    }
}
