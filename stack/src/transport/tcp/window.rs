//! Flow control: what the peer lets us send, and what we let it send (RFC 9293 §3.8.6, RFC 7323 §2).

use super::sequence::Seq;
use crate::wire::tcp_options::MAX_WINDOW_SCALE;

/// The peer's window: SND.WND, SND.WL1, SND.WL2.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendWindow {
    size: u32,
    largest: u32,
    shift: u8,
    set_by_sequence: Seq,
    set_by_acknowledgement: Seq,
}

impl SendWindow {
    /// Nothing is allowed yet.
    pub(super) const fn new() -> SendWindow {
        SendWindow {
            size: 0,
            largest: 0,
            shift: 0,
            set_by_sequence: Seq(0),
            set_by_acknowledgement: Seq(0),
        }
    }

    /// Takes the window of a SYN, which is never scaled (RFC 7323 §2.2), and the shift of all that follow.
    pub(super) fn open(&mut self, sequence: Seq, acknowledgement: Seq, field: u16, shift: u8) {
        *self = SendWindow {
            size: u32::from(field),
            largest: u32::from(field),
            shift,
            set_by_sequence: sequence,
            set_by_acknowledgement: acknowledgement,
        };
    }

    /// RFC 9293 §3.10.7.4, fifth step: takes the window of an acceptable acknowledgement unless a later segment set it
    /// already. Says whether its size changed.
    #[inline]
    pub(super) fn update(&mut self, sequence: Seq, acknowledgement: Seq, field: u16) -> bool {
        let is_newer = self.set_by_sequence < sequence
            || (self.set_by_sequence == sequence && self.set_by_acknowledgement <= acknowledgement);
        if !is_newer {
            return false;
        }
        self.set_by_sequence = sequence;
        self.set_by_acknowledgement = acknowledgement;
        let size = u32::from(field) << self.shift;
        let changed = size != self.size;
        self.size = size;
        self.largest = self.largest.max(size);
        changed
    }

    /// Shift of the peer's windows.
    pub(super) const fn shift(&self) -> u8 {
        self.shift
    }

    /// SND.WND, in bytes from SND.UNA.
    pub(super) const fn size(&self) -> u32 {
        self.size
    }

    /// MAX.SND.WND: the largest window ever offered (RFC 5961 §5; RFC 9293 §3.8.6.2.1).
    pub(super) const fn largest(&self) -> u32 {
        self.largest
    }
}

/// Our window: RCV.WND as the peer knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveWindow {
    /// The number behind the last byte that we ever allowed. It never moves back.
    edge: Seq,
    /// Shift of the windows that we announce, or would announce if the peer agrees.
    shift: u8,
    capacity: usize,
}

impl ReceiveWindow {
    /// For a buffer of `capacity` bytes that may grow to `largest`: the shift cannot change later (RFC 7323 §2.2).
    pub(super) fn new(capacity: usize, largest: usize) -> ReceiveWindow {
        let mut window = ReceiveWindow {
            edge: Seq(0),
            shift: 0,
            capacity: largest,
        };
        while window.shift < MAX_WINDOW_SCALE && window.largest() < window.offered() {
            window.shift += 1;
        }
        ReceiveWindow { capacity, ..window }
    }

    /// The buffer grew to `capacity`, which is at most what was said to be its largest.
    pub(super) const fn enlarge(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// The shift to ask for.
    pub(super) const fn shift(&self) -> u8 {
        self.shift
    }

    /// The peer does not scale windows: neither do we (RFC 7323 §2.2).
    pub(super) const fn do_not_scale(&mut self) {
        self.shift = 0;
    }

    /// The peer's SYN came: `next` is the number of its first byte.
    pub(super) const fn start(&mut self, next: Seq) {
        self.edge = next;
    }

    /// Largest window that a field can say.
    const fn largest(&self) -> usize {
        (u16::MAX as usize) << self.shift
    }

    /// What is offered of an empty buffer. With scaling some room is held back: see [`announce`](Self::announce).
    const fn offered(&self) -> usize {
        if self.capacity > u16::MAX as usize {
            self.capacity - self.capacity / 32
        } else {
            self.capacity
        }
    }

    /// Bytes that the peer may send from `next` on, by all that we ever announced.
    #[inline]
    pub(super) fn remaining(&self, next: Seq) -> u32 {
        u32::try_from(self.edge - next).unwrap_or(0)
    }

    /// How many more bytes `next` could allow, were the whole room given out.
    fn target(&self, room: usize) -> usize {
        room.saturating_sub(self.capacity - self.offered())
    }

    /// The field of a SYN's window.
    pub(super) fn announce_unscaled(&mut self, next: Seq, room: usize) -> u16 {
        let field = self.target(room).min(usize::from(u16::MAX)) as u16;
        self.edge = self.edge.later(next + u32::from(field));
        field
    }

    /// The window field to put beside acknowledgement `next`, while the buffer has `room` from there on.
    ///
    /// - It does not creep: the edge stands still until it can move by a segment or half the buffer (RFC 9293 §3.8.6.2.2).
    /// - It does not shrink (§3.8.6). A scaled field counts in steps, so what remains is rounded up, at most by a step each
    ///   time; the room held back pays for that. Should it be used up by a flood of tiny segments, the field is rounded down
    ///   once, and what was announced before is still accepted (RFC 7323 §2.4).
    pub(super) fn announce(&mut self, next: Seq, room: usize, maximum_segment: usize) -> u16 {
        let remaining = self.remaining(next) as usize;
        let target = self.target(room).min(self.largest());
        let step = 1_usize << self.shift;
        let mut size = remaining.next_multiple_of(step);
        if size > room {
            size = remaining - remaining % step;
        }
        if target >= remaining + maximum_segment.min(self.capacity / 2).max(1) {
            size = size.max(target - target % step);
        }
        let field = (size >> self.shift).min(usize::from(u16::MAX)) as u16;
        self.edge = self.edge.later(next + (u32::from(field) << self.shift));
        field
    }

    /// Whether the peer should be told of room that the program made: the window would at least double, and by a segment or
    /// half the buffer. While more than half is open the acknowledgements of arriving data say it early enough.
    pub(super) fn wants_update(&self, next: Seq, room: usize, maximum_segment: usize) -> bool {
        let remaining = self.remaining(next) as usize;
        let target = self.target(room).min(self.largest());
        remaining <= self.offered() / 2
            && target >= 2 * remaining
            && target >= remaining + maximum_segment.min(self.capacity / 2).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mebibyte_needs_a_shift_of_four_and_64_kib_less_one_needs_none() {
        assert_eq!(ReceiveWindow::new(1 << 20, 1 << 20).shift(), 4);
        assert_eq!(ReceiveWindow::new(65_535, 65_535).shift(), 0);
        assert_eq!(ReceiveWindow::new(usize::MAX, usize::MAX).shift(), 14);
    }

    #[test]
    fn an_older_segment_does_not_change_the_peers_window() {
        let mut window = SendWindow::new();
        window.open(Seq(99), Seq(10), 1_000, 2);
        assert_eq!(window.size(), 1_000);
        assert!(window.update(Seq(100), Seq(11), 500));
        assert_eq!(window.size(), 2_000);
        assert!(
            !window.update(Seq(99), Seq(12), 7),
            "an older sequence number"
        );
        assert!(
            !window.update(Seq(100), Seq(10), 7),
            "an older acknowledgement"
        );
        assert!(
            window.update(Seq(100), Seq(11), 3),
            "the same again may change it"
        );
        assert_eq!((window.size(), window.largest()), (12, 2_000));
    }

    #[test]
    fn the_edge_stands_still_until_a_segment_fits_behind_it() {
        let mut window = ReceiveWindow::new(10_000, 10_000);
        window.start(Seq(0));
        assert_eq!(window.announce(Seq(0), 10_000, 1_460), 10_000);
        // All arrived, the program read 1,459 bytes, then one more.
        assert_eq!(window.announce(Seq(10_000), 0, 1_460), 0);
        assert!(!window.wants_update(Seq(10_000), 1_459, 1_460));
        assert_eq!(window.announce(Seq(10_000), 1_459, 1_460), 0);
        assert!(window.wants_update(Seq(10_000), 1_460, 1_460));
        assert_eq!(window.announce(Seq(10_000), 1_460, 1_460), 1_460);
    }

    #[test]
    fn half_of_a_small_buffer_is_enough_to_move_the_edge() {
        let mut window = ReceiveWindow::new(1_000, 1_000);
        window.start(Seq(0));
        window.announce(Seq(0), 1_000, 1_460);
        assert_eq!(window.announce(Seq(1_000), 499, 1_460), 0);
        assert_eq!(window.announce(Seq(1_000), 500, 1_460), 500);
    }

    proptest! {
        #[test]
        fn the_right_edge_never_moves_back_and_never_passes_the_buffer(
            capacity in 70_000_usize..3_000_000,
            segments in proptest::collection::vec((100_usize..1_461, 0_usize..4_000), 1..300),
        ) {
            let mut window = ReceiveWindow::new(capacity, capacity);
            let mut next = Seq(u32::MAX - 100_000);
            let mut held = 0;
            window.start(next);
            let mut edge = next;
            for (arriving, reading) in segments {
                let field = window.announce(next, capacity - held, 1_460);
                let announced = next + (u32::from(field) << window.shift());
                prop_assert!(announced >= edge, "shrunk by {}", edge - announced);
                edge = announced;
                prop_assert!((edge - next) as usize <= capacity - held);
                let arriving = arriving.min(window.remaining(next) as usize);
                next += arriving as u32;
                held += arriving;
                held -= reading.min(held);
            }
        }

        #[test]
        fn a_flood_of_tiny_segments_stays_within_the_buffer(
            capacity in 70_000_usize..200_000, arriving in 1_usize..8,
        ) {
            let mut window = ReceiveWindow::new(capacity, capacity);
            let mut next = Seq(0);
            let mut held = 0;
            window.start(next);
            window.announce(next, capacity, 1_460);
            while window.remaining(next) as usize >= arriving {
                next += arriving as u32;
                held += arriving;
                window.announce(next, capacity - held, 1_460);
                prop_assert!(window.remaining(next) as usize <= capacity - held);
            }
        }
    }
}
