//! TCP options (RFC 9293 §3.2, RFC 7323, RFC 2018).
//!
//! | kind | length | option |
//! |---|---|---|
//! | 0 | – | end of the list |
//! | 1 | – | no operation |
//! | 2 | 4 | maximum segment size |
//! | 3 | 3 | window scale (RFC 7323 §2.2) |
//! | 4 | 2 | SACK permitted (RFC 2018 §2) |
//! | 5 | 2 + 8n | SACK: n ranges of left and right edge (RFC 2018 §3) |
//! | 8 | 10 | timestamps (RFC 7323 §3.2) |

/// Ranges that fit: 40 bytes of options hold four of eight bytes.
pub const MAX_SACK_BLOCKS: usize = 4;
/// Largest shift that a window scale option may ask for (RFC 7323 §2.3).
pub const MAX_WINDOW_SCALE: u8 = 14;

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MAXIMUM_SEGMENT: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
/// Bytes that options may take: a data offset of 15 words, less the fixed header.
const ROOM: usize = 40;

/// The timestamps option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the clock of the other side as last seen.
    pub echo: u32,
}

/// Ranges received out of order: left edge and the number behind the right edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SackBlocks {
    blocks: [(u32, u32); MAX_SACK_BLOCKS],
    count: u8,
}

impl SackBlocks {
    /// Adds a range if there is room for one more.
    pub fn push(&mut self, left: u32, right: u32) {
        if let Some(slot) = self.blocks.get_mut(usize::from(self.count)) {
            *slot = (left, right);
            self.count += 1;
        }
    }

    /// The ranges, in the order of the option.
    #[must_use]
    pub fn as_slice(&self) -> &[(u32, u32)] {
        &self.blocks[..usize::from(self.count)]
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The options of one segment, as far as we speak them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentOptions {
    /// Largest segment that the sender can take; on SYN only.
    pub maximum_segment: Option<u16>,
    /// Shift of the sender's window in all later segments; on SYN only; at most 14.
    pub window_scale: Option<u8>,
    /// The sender understands SACK; on SYN only.
    pub sack_permitted: bool,
    /// Ranges that the sender holds beyond its acknowledgement number.
    pub sack: SackBlocks,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
}

impl SegmentOptions {
    /// Reads options. Unknown ones are skipped (RFC 9293 §3.1, MUST-6). At an impossible length reading stops and what
    /// was read before stands (MUST-7 leaves the way open); an option of a known kind with a wrong length is skipped.
    #[must_use]
    pub fn parse(mut bytes: &[u8]) -> SegmentOptions {
        let mut options = SegmentOptions::default();
        while let [kind, rest @ ..] = bytes {
            match *kind {
                END => break,
                NO_OPERATION => {
                    bytes = rest;
                    continue;
                }
                _ => {}
            }
            let Some((value, behind)) = rest
                .first()
                .and_then(|&length| usize::from(length).checked_sub(2))
                .and_then(|length| rest[1..].split_at_checked(length))
            else {
                break;
            };
            options.take(*kind, value);
            bytes = behind;
        }
        options
    }

    fn take(&mut self, kind: u8, value: &[u8]) {
        match (kind, value) {
            (MAXIMUM_SEGMENT, &[high, low]) => {
                self.maximum_segment = Some(u16::from_be_bytes([high, low]));
            }
            // RFC 7323 §2.3: a shift above 14 is used as 14.
            (WINDOW_SCALE, &[shift]) => self.window_scale = Some(shift.min(MAX_WINDOW_SCALE)),
            (SACK_PERMITTED, []) => self.sack_permitted = true,
            (SACK, ranges) if ranges.len().is_multiple_of(8) => {
                for range in ranges.chunks_exact(8) {
                    self.sack.push(word(&range[..4]), word(&range[4..]));
                }
            }
            (TIMESTAMPS, clocks) if clocks.len() == 8 => {
                self.timestamps = Some(Timestamps {
                    value: word(&clocks[..4]),
                    echo: word(&clocks[4..]),
                });
            }
            _ => {}
        }
    }

    /// How many SACK ranges fit beside the other options.
    #[must_use]
    #[inline]
    pub const fn sack_room(&self) -> usize {
        let room = (ROOM - self.length_without_sack()).saturating_sub(4) / 8;
        if room < MAX_SACK_BLOCKS {
            room
        } else {
            MAX_SACK_BLOCKS
        }
    }

    /// Bytes that they take in a header: a multiple of four, at most 40. SACK ranges that do not fit are left out.
    #[must_use]
    #[inline]
    pub fn length(&self) -> usize {
        let blocks = usize::from(self.sack.count).min(self.sack_room());
        self.length_without_sack() + if blocks > 0 { 4 + 8 * blocks } else { 0 }
    }

    #[inline]
    const fn length_without_sack(&self) -> usize {
        let mut length = 0;
        if self.maximum_segment.is_some() {
            length += 4;
        }
        if self.window_scale.is_some() {
            length += 4;
        }
        match (self.sack_permitted, self.timestamps.is_some()) {
            // The two bytes of SACK-permitted take the place of the two that align the timestamps.
            (_, true) => length += 12,
            (true, false) => length += 4,
            (false, false) => {}
        }
        length
    }

    /// Writes them to the front of `out`, aligned with no-operations; returns their length, or 0 if `out` is too short.
    pub fn emit(&self, out: &mut [u8]) -> usize {
        let length = self.length();
        let Some(out) = out.get_mut(..length) else {
            return 0;
        };
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        if let Some(size) = self.maximum_segment {
            let [high, low] = size.to_be_bytes();
            put(&[MAXIMUM_SEGMENT, 4, high, low]);
        }
        if self.sack_permitted {
            put(&[SACK_PERMITTED, 2]);
        }
        if self.sack_permitted != self.timestamps.is_some() {
            put(&[NO_OPERATION, NO_OPERATION]);
        }
        if let Some(clocks) = self.timestamps {
            put(&[TIMESTAMPS, 10]);
            put(&clocks.value.to_be_bytes());
            put(&clocks.echo.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            put(&[NO_OPERATION, WINDOW_SCALE, 3, shift]);
        }
        let blocks = usize::from(self.sack.count).min(self.sack_room());
        if blocks > 0 {
            put(&[NO_OPERATION, NO_OPERATION, SACK, (2 + 8 * blocks) as u8]);
            for (left, right) in &self.sack.blocks[..blocks] {
                put(&left.to_be_bytes());
                put(&right.to_be_bytes());
            }
        }
        length
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |word, &byte| (word << 8) | u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn sack(ranges: &[(u32, u32)]) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        ranges
            .iter()
            .for_each(|&(left, right)| blocks.push(left, right));
        blocks
    }

    fn emitted(options: &SegmentOptions) -> Vec<u8> {
        let mut out = [0xaa; ROOM];
        let length = options.emit(&mut out);
        out[..length].to_vec()
    }

    proptest! {
        #[test]
        fn what_was_emitted_is_parsed(
            maximum_segment: Option<u16>,
            window_scale in proptest::option::of(0_u8..=MAX_WINDOW_SCALE),
            sack_permitted: bool,
            clocks: Option<(u32, u32)>,
            ranges in proptest::collection::vec(any::<(u32, u32)>(), 0..6),
        ) {
            let mut options = SegmentOptions {
                maximum_segment,
                window_scale,
                sack_permitted,
                sack: sack(&ranges),
                timestamps: clocks.map(|(value, echo)| Timestamps { value, echo }),
            };
            let bytes = emitted(&options);
            prop_assert_eq!(bytes.len(), options.length());
            prop_assert!(bytes.len() <= ROOM && bytes.len().is_multiple_of(4));
            let fitting = ranges.len().min(options.sack_room());
            options.sack = sack(&ranges[..fitting]);
            prop_assert_eq!(SegmentOptions::parse(&bytes), options);
            if !bytes.is_empty() {
                prop_assert_eq!(options.emit(&mut [0; ROOM][..bytes.len() - 1]), 0);
            }
        }

        #[test]
        fn no_bytes_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..=ROOM)) {
            let options = SegmentOptions::parse(&bytes);
            prop_assert!(options.window_scale.is_none_or(|shift| shift <= MAX_WINDOW_SCALE));
            prop_assert!(emitted(&options).len() <= ROOM);
        }

        #[test]
        fn unknown_options_are_skipped(
            kind in 9_u8..=255,
            value in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut bytes = alloc::vec![kind, value.len() as u8 + 2];
            bytes.extend(value);
            bytes.extend([MAXIMUM_SEGMENT, 4, 5, 0xb4]);
            prop_assert_eq!(SegmentOptions::parse(&bytes).maximum_segment, Some(1_460));
        }
    }

    #[test]
    fn an_impossible_length_ends_the_options_and_keeps_what_came_before() {
        for bad in [
            &[9, 0][..],
            &[9, 1],
            &[9],
            &[9, 3],
            &[TIMESTAMPS, 10, 1, 2],
            &[MAXIMUM_SEGMENT, 255, 0, 0],
        ] {
            let bytes = [&[WINDOW_SCALE, 3, 7][..], bad].concat();
            let options = SegmentOptions::parse(&bytes);
            let wanted = SegmentOptions {
                window_scale: Some(7),
                ..SegmentOptions::default()
            };
            assert_eq!(options, wanted, "{bad:?}");
        }
    }

    #[test]
    fn a_known_option_of_another_length_is_skipped() {
        let bytes = [
            MAXIMUM_SEGMENT,
            3,
            1,
            SACK,
            9,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            SACK_PERMITTED,
            2,
        ];
        let wanted = SegmentOptions {
            sack_permitted: true,
            ..SegmentOptions::default()
        };
        assert_eq!(SegmentOptions::parse(&bytes), wanted);
    }

    #[test]
    fn nothing_behind_the_end_of_the_list_counts() {
        let bytes = [NO_OPERATION, END, MAXIMUM_SEGMENT, 4, 5, 0xb4];
        assert_eq!(SegmentOptions::parse(&bytes), SegmentOptions::default());
    }

    #[test]
    fn a_window_scale_above_fourteen_is_fourteen() {
        let options = SegmentOptions::parse(&[WINDOW_SCALE, 3, 200]);
        assert_eq!(options.window_scale, Some(14));
    }

    #[test]
    fn a_syn_carries_twenty_bytes_and_an_ack_with_timestamps_three_ranges() {
        let syn = SegmentOptions {
            maximum_segment: Some(1_460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { value: 1, echo: 0 }),
            ..SegmentOptions::default()
        };
        assert_eq!(syn.length(), 20);
        let ack = SegmentOptions {
            timestamps: syn.timestamps,
            ..SegmentOptions::default()
        };
        assert_eq!((ack.length(), ack.sack_room()), (12, 3));
        assert_eq!(SegmentOptions::default().sack_room(), 4);
    }
}
