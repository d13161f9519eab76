//! A frame in a buffer of its own, which can be kept without a copy.

use bytes::{Buf, BufMut, BytesMut};
use ethertab_tunnel::v1::{OFFLOADED_OVERHEAD, Offload, frame_header};

/// Bytes from which on a frame is worth its buffer: shorter ones are copied, as a queue of them would hold more than it counts.
pub(super) const WORTH: usize = 48 * 1024;

/// A frame, with room in front of it for what stands in front of a frame in the tunnel's negotiated form. Whoever takes it leaves it empty.
#[derive(Default, Debug)]
pub struct Parcel {
    buffer: BytesMut,
}

impl Parcel {
    /// Empties it, with room for a frame of `longest` bytes behind a `header` that the frame is read with, of no more than
    /// [`OFFLOADED_OVERHEAD`] bytes. Gives the buffer, to whose end both are to be read.
    pub fn prepare(&mut self, header: usize, longest: usize) -> &mut BytesMut {
        self.buffer.clear();
        self.buffer.reserve(OFFLOADED_OVERHEAD + longest);
        self.buffer
            .put_bytes(0, OFFLOADED_OVERHEAD.saturating_sub(header));
        &mut self.buffer
    }

    /// What stands in front of the frame now.
    #[must_use]
    pub fn header<const LENGTH: usize>(&self) -> Option<&[u8; LENGTH]> {
        self.buffer.get(..OFFLOADED_OVERHEAD)?.last_chunk()
    }

    /// The frame.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        self.buffer.get(OFFLOADED_OVERHEAD..).unwrap_or_default()
    }

    /// Takes it as a record of the negotiated form.
    pub(super) fn take(&mut self, offload: Offload) -> BytesMut {
        let mut header = [0; OFFLOADED_OVERHEAD];
        let length = frame_header(&offload, self.frame().len(), &mut header);
        let mut record = std::mem::take(&mut self.buffer);
        if record.len() < OFFLOADED_OVERHEAD {
            record.resize(OFFLOADED_OVERHEAD, 0);
        }
        record.advance(OFFLOADED_OVERHEAD - length);
        record[..length].copy_from_slice(&header[..length]);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethertab_tunnel::v1::{Checksum, Record, Records};

    #[test]
    fn a_frame_becomes_a_record_where_it_lies() {
        let verified = Offload {
            checksum: Checksum::Verified,
            ..Offload::NONE
        };
        for header in [0, 10, OFFLOADED_OVERHEAD] {
            for offload in [Offload::NONE, verified] {
                let mut parcel = Parcel::default();
                let buffer = parcel.prepare(header, 100);
                buffer.extend_from_slice(&[7; OFFLOADED_OVERHEAD][..header]);
                buffer.extend_from_slice(&[9; 60]);
                assert_eq!(parcel.frame(), [9; 60]);
                if header == 10 {
                    assert_eq!(parcel.header(), Some(&[7; 10]));
                }
                let place = parcel.frame().as_ptr();
                let record = parcel.take(offload);
                let mut records = Records::of(&record);
                let Some(Ok(Record::Frame(read, frame))) = records.next() else {
                    panic!("no frame");
                };
                assert_eq!((read, frame), (offload, &[9; 60][..]));
                assert_eq!((frame.as_ptr(), records.next()), (place, None));
                assert_eq!(parcel.frame(), []);
            }
        }
    }

    #[test]
    fn nothing_at_all_is_a_record_too() {
        let mut parcel = Parcel::default();
        assert_eq!(parcel.header::<10>(), None);
        let record = parcel.take(Offload::NONE);
        assert_eq!(
            Records::of(&record).next(),
            Some(Ok(Record::Frame(Offload::NONE, &[])))
        );
    }
}
