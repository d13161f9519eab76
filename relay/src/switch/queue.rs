//! The queue in front of a port: bounded in bytes and frames, written by many, emptied by one.
//!
//! A frame is kept as the record that it is in the tunnel's negotiated form, one behind the other in chunks, so what is known
//! about a frame stands in front of it, and many frames cost one allocation. A queue that tells flows apart is in [`super::fair`].

use bytes::Bytes;
use ethertab_tunnel::v1::{
    FRAME_OVERHEAD, LARGEST_MESSAGE, OFFLOADED_OVERHEAD, Offload, Record, Records, frame_header,
};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Bytes of a chunk where nobody asked for another size.
const CHUNK: usize = LARGEST_MESSAGE as usize;

/// How much a queue may hold.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// Frames.
    pub frames: usize,
    /// Bytes of frames, and of what is written in front of them.
    pub bytes: usize,
}

/// A bounded queue of frames. What does not fit is refused, never waited for: the writer serves other ports too.
pub struct FrameQueue {
    limits: QueueLimits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Chunk>,
    /// Queued and taken frames: what was taken counts until the next take, as the reader is still busy with it.
    frames: usize,
    bytes: usize,
    taken_frames: usize,
    taken_bytes: usize,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Chunk {
    records: Vec<u8>,
    frames: usize,
}

/// Some frames in their order.
pub struct Batch {
    records: Bytes,
    /// How many bytes of them [`Batch::next_frame`] has handed out.
    read: usize,
}

impl State {
    fn pop(&mut self) -> Option<Batch> {
        self.frames -= std::mem::take(&mut self.taken_frames);
        self.bytes -= std::mem::take(&mut self.taken_bytes);
        let chunk = self.chunks.pop_front()?;
        self.taken_frames = chunk.frames;
        self.taken_bytes = chunk.records.len();
        Some(Batch::of(chunk.records.into()))
    }
}

impl Batch {
    /// Of records of frames.
    pub(super) fn of(records: Bytes) -> Batch {
        Batch { records, read: 0 }
    }

    /// The frames; each shares the batch's memory.
    pub fn frames(&self) -> impl Iterator<Item = (Offload, Bytes)> + '_ {
        Records::of(&self.records).filter_map(|record| match record {
            Ok(Record::Frame(offload, frame)) => Some((offload, self.records.slice_ref(frame))),
            _ => None,
        })
    }

    /// The next frame that this has not handed out yet.
    pub fn next_frame(&mut self) -> Option<(Offload, &[u8])> {
        let Some(Ok(Record::Frame(offload, frame))) =
            Records::of(self.records.get(self.read..)?).next()
        else {
            return None;
        };
        let overhead = if offload.is_none() {
            FRAME_OVERHEAD
        } else {
            OFFLOADED_OVERHEAD
        };
        self.read += overhead + frame.len();
        Some((offload, frame))
    }

    /// All of it, as one message of the negotiated form.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        self.records
    }
}

impl FrameQueue {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: QueueLimits) -> FrameQueue {
        FrameQueue {
            limits,
            state: Mutex::new(State::default()),
        }
    }

    /// Copies a frame, of at most [`ethertab_tunnel::LARGEST_MESSAGE`] bytes, to the end; false if it does not fit.
    pub fn push(&self, frame: &[u8], offload: Offload) -> bool {
        let mut header = [0; OFFLOADED_OVERHEAD];
        let header_length = frame_header(&offload, frame.len(), &mut header);
        let length = header_length + frame.len();
        let mut state = self.lock();
        if state.frames >= self.limits.frames || state.bytes + length > self.limits.bytes {
            return false;
        }
        state.frames += 1;
        state.bytes += length;
        let fits = (state.chunks.back()).is_some_and(|last| last.records.len() + length <= CHUNK);
        if !fits {
            // The first chunk grows as it is needed, so that an idle port holds nothing; behind a full one, expect more.
            let room = if state.chunks.is_empty() { 0 } else { CHUNK };
            state.chunks.push_back(Chunk {
                records: Vec::with_capacity(room.max(length)),
                frames: 0,
            });
        }
        if let Some(last) = state.chunks.back_mut() {
            last.records.extend_from_slice(&header[..header_length]);
            last.records.extend_from_slice(frame);
            last.frames += 1;
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Takes the oldest frames, at most a chunk full. Only one task may wait here.
    pub fn poll_take(&self, context: &mut Context<'_>) -> Poll<Batch> {
        let mut state = self.lock();
        let batch = state.pop();
        if batch.is_none() {
            state.waker = Some(context.waker().clone());
        }
        batch.map_or(Poll::Pending, Poll::Ready)
    }

    /// Takes the oldest frames as soon as there are some. Dropping the future loses none.
    pub async fn take(&self) -> Batch {
        poll_fn(|context| self.poll_take(context)).await
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().chunks.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &FrameQueue, frame: &[u8]) -> bool {
        queue.push(frame, Offload::NONE)
    }

    fn queue(frames: usize, bytes: usize) -> FrameQueue {
        FrameQueue::new(QueueLimits { frames, bytes })
    }

    #[tokio::test]
    async fn frames_leave_in_the_order_they_came_whatever_their_sizes() {
        let queue = queue(1_000, 1_000_000);
        let frames: Vec<Vec<u8>> = (0..200u8)
            .map(|n| vec![n; 14 + usize::from(n) * 17])
            .collect();
        frames.iter().for_each(|frame| assert!(push(&queue, frame)));
        let mut got: Vec<Vec<u8>> = Vec::new();
        while !queue.is_empty() {
            let mut batch = queue.take().await;
            let shared: Vec<(Offload, Bytes)> = batch.frames().collect();
            for (offload, frame) in shared {
                assert_eq!(batch.next_frame(), Some((offload, &frame[..])));
                got.push(frame.to_vec());
            }
            assert_eq!(batch.next_frame(), None);
        }
        assert_eq!(got, frames);
    }

    #[tokio::test]
    async fn what_was_taken_counts_until_the_next_take() {
        let queue = queue(4, 1_000);
        for _ in 0..4 {
            assert!(push(&queue, &[1; 20]));
        }
        assert!(!push(&queue, &[2; 20]));
        let batch = queue.take().await;
        assert_eq!(batch.frames().count(), 4);
        assert!(
            !push(&queue, &[3; 20]),
            "the reader still holds four frames"
        );
        let mut context = Context::from_waker(Waker::noop());
        assert!(queue.poll_take(&mut context).is_pending());
        assert!(push(&queue, &[4; 20]));
    }

    #[test]
    fn a_full_queue_refuses_by_bytes_too() {
        let queue = queue(100, 100 + 2 * FRAME_OVERHEAD);
        assert!(push(&queue, &[0; 60]));
        assert!(!push(&queue, &[0; 60]));
        assert!(push(&queue, &[0; 40]));
    }
}
