//! What the scripted peer says and hears, in numbers that count from the initial ones.

use super::*;

/// A segment that the scripted peer sends. Numbers count from the initial ones: the SYN is 0, the first byte 1.
#[derive(Clone, Debug)]
pub(in super::super) struct Say {
    pub(super) sequence: u32,
    pub(super) acknowledgement: Option<u32>,
    pub(super) flags: Flags,
    pub(super) window: u16,
    pub(super) urgent: u16,
    pub(super) payload: Vec<u8>,
    pub(in super::super) options: SegmentOptions,
    pub(super) raw_acknowledgement: bool,
    pub(super) ecn: Ecn,
}

pub(in super::super) fn seq(sequence: u32) -> Say {
    Say {
        sequence,
        acknowledgement: None,
        flags: Flags::default(),
        window: 65_535,
        urgent: 0,
        payload: Vec::new(),
        options: SegmentOptions::default(),
        raw_acknowledgement: false,
        ecn: Ecn::NotCapable,
    }
}

impl Say {
    pub(in super::super) fn ack(mut self, acknowledgement: u32) -> Say {
        self.acknowledgement = Some(acknowledgement);
        self
    }
    pub(in super::super) fn flag(mut self, flag: Flags) -> Say {
        self.flags |= flag;
        self
    }
    pub(in super::super) fn syn(self) -> Say {
        self.flag(Flags::SYN)
    }
    pub(in super::super) fn fin(self) -> Say {
        self.flag(Flags::FIN)
    }
    pub(in super::super) fn rst(self) -> Say {
        self.flag(Flags::RST)
    }
    pub(in super::super) fn urgent(mut self, pointer: u16) -> Say {
        self.urgent = pointer;
        self.flag(Flags::URG)
    }
    /// A router marks it.
    pub(in super::super) fn marked(mut self) -> Say {
        self.ecn = Ecn::CongestionExperienced;
        self
    }
    pub(in super::super) fn window(mut self, window: u16) -> Say {
        self.window = window;
        self
    }
    pub(in super::super) fn data(mut self, payload: &[u8]) -> Say {
        self.payload = payload.to_vec();
        self
    }
    pub(in super::super) fn mss(mut self, size: u16) -> Say {
        self.options.maximum_segment = Some(size);
        self
    }
    pub(in super::super) fn scale(mut self, shift: u8) -> Say {
        self.options.window_scale = Some(shift);
        self
    }
}

/// A segment that the host sent, in numbers that count from the initial ones.
#[derive(Clone, Debug)]
pub(in super::super) struct Heard {
    pub(in super::super) sequence: u32,
    pub(in super::super) acknowledgement: u32,
    pub(in super::super) flags: Flags,
    pub(in super::super) window: u16,
    pub(in super::super) urgent: u16,
    pub(in super::super) payload: Vec<u8>,
    pub(in super::super) options: SegmentOptions,
    pub(in super::super) departure: Departure,
}

impl Heard {
    /// As the RFC writes segments: `SEQ=1 ACK=1 LEN=5 PSH,ACK`.
    pub(in super::super) fn text(&self) -> String {
        let mut text = format!("SEQ={}", self.sequence);
        if self.flags.contains(Flags::ACK) {
            text += &format!(" ACK={}", self.acknowledgement);
        }
        if !self.payload.is_empty() {
            text += &format!(" LEN={}", self.payload.len());
        }
        let names = [
            (Flags::SYN, "SYN"),
            (Flags::FIN, "FIN"),
            (Flags::RST, "RST"),
            (Flags::PSH, "PSH"),
            (Flags::URG, "URG"),
            (Flags::ACK, "ACK"),
        ];
        let set = names.iter().filter(|(flag, _)| self.flags.contains(*flag));
        let set: Vec<&str> = set.map(|(_, name)| *name).collect();
        text + " " + &set.join(",")
    }
}
