//! The last frames of a run, in memory and as a pcap file (draft-ietf-opsawg-pcap).

use ethertab_stack::Instant;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;

/// Bytes of frames that a capture holds; the oldest make room.
const LIMIT: usize = 32 * 1024 * 1024;

/// The link type of Ethernet.
const ETHERNET: u32 = 1;

/// Frames and when they were sent.
#[derive(Default)]
pub struct Capture {
    frames: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

impl Capture {
    /// Notes a frame.
    pub fn record(&mut self, at: Instant, frame: &[u8]) {
        self.bytes += frame.len();
        self.frames.push_back((at, frame.to_vec()));
        while self.bytes > LIMIT {
            let Some((_, oldest)) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }

    /// The frames held, the oldest first.
    pub fn frames(&self) -> impl Iterator<Item = (Instant, &[u8])> {
        self.frames
            .iter()
            .map(|(at, frame)| (*at, frame.as_slice()))
    }

    /// Writes a pcap file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = io::BufWriter::new(std::fs::File::create(path)?);
        file.write_all(&0xa1b2_c3d4_u32.to_le_bytes())?;
        file.write_all(&2_u16.to_le_bytes())?;
        file.write_all(&4_u16.to_le_bytes())?;
        file.write_all(&[0; 8])?;
        file.write_all(&65_549_u32.to_le_bytes())?;
        file.write_all(&ETHERNET.to_le_bytes())?;
        for (at, frame) in &self.frames {
            let length = frame.len() as u32;
            for word in [
                (at.micros() / 1_000_000) as u32,
                (at.micros() % 1_000_000) as u32,
                length,
                length,
            ] {
                file.write_all(&word.to_le_bytes())?;
            }
            file.write_all(frame)?;
        }
        file.flush()
    }
}
