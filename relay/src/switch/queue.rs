//! The queue in front of a port: bounded in bytes and frames, written by many, emptied by one.

use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Frames are kept one behind the other in chunks of about this many bytes: one allocation for many frames.
const CHUNK: usize = 64 * 1024;

/// How much a queue may hold.
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// Frames.
    pub frames: usize,
    /// Bytes of frames.
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
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Some frames in their order.
pub struct Batch {
    bytes: Bytes,
    ends: Vec<usize>,
    /// How many [`Batch::next_frame`] has handed out.
    read: usize,
}

impl Batch {
    /// The frames; each shares the batch's memory.
    pub fn frames(&self) -> impl Iterator<Item = Bytes> + '_ {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let frame = self.bytes.slice(start..end);
            start = end;
            frame
        })
    }

    /// The next frame that this has not handed out yet.
    pub fn next_frame(&mut self) -> Option<&[u8]> {
        let end = *self.ends.get(self.read)?;
        let start = self
            .read
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        self.read += 1;
        Some(&self.bytes[start..end])
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

    /// Copies a frame to the end; false if it does not fit.
    pub fn push(&self, frame: &[u8]) -> bool {
        let mut state = self.lock();
        if state.frames >= self.limits.frames || state.bytes + frame.len() > self.limits.bytes {
            return false;
        }
        state.frames += 1;
        state.bytes += frame.len();
        let fits =
            (state.chunks.back()).is_some_and(|last| last.bytes.len() + frame.len() <= CHUNK);
        if !fits {
            // The first chunk grows as it is needed, so that an idle port holds nothing; behind a full one, expect more.
            let room = if state.chunks.is_empty() { 0 } else { CHUNK };
            state.chunks.push_back(Chunk {
                bytes: Vec::with_capacity(room.max(frame.len())),
                ends: Vec::new(),
            });
        }
        if let Some(last) = state.chunks.back_mut() {
            last.bytes.extend_from_slice(frame);
            last.ends.push(last.bytes.len());
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
        state.frames -= std::mem::take(&mut state.taken_frames);
        state.bytes -= std::mem::take(&mut state.taken_bytes);
        let Some(chunk) = state.chunks.pop_front() else {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        state.taken_frames = chunk.ends.len();
        state.taken_bytes = chunk.bytes.len();
        Poll::Ready(Batch {
            bytes: Bytes::from(chunk.bytes),
            ends: chunk.ends,
            read: 0,
        })
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

    fn queue(frames: usize, bytes: usize) -> FrameQueue {
        FrameQueue::new(QueueLimits { frames, bytes })
    }

    #[tokio::test]
    async fn frames_leave_in_the_order_they_came_whatever_their_sizes() {
        let queue = queue(1_000, 1_000_000);
        let frames: Vec<Vec<u8>> = (0..200u8)
            .map(|n| vec![n; 14 + usize::from(n) * 17])
            .collect();
        frames.iter().for_each(|frame| assert!(queue.push(frame)));
        let mut got: Vec<Vec<u8>> = Vec::new();
        while !queue.is_empty() {
            let mut batch = queue.take().await;
            let shared: Vec<Bytes> = batch.frames().collect();
            for frame in shared {
                assert_eq!(batch.next_frame(), Some(&frame[..]));
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
            assert!(queue.push(&[1; 20]));
        }
        assert!(!queue.push(&[2; 20]));
        let batch = queue.take().await;
        assert_eq!(batch.frames().count(), 4);
        assert!(!queue.push(&[3; 20]), "the reader still holds four frames");
        let mut context = Context::from_waker(Waker::noop());
        assert!(queue.poll_take(&mut context).is_pending());
        assert!(queue.push(&[4; 20]));
    }

    #[test]
    fn a_full_queue_refuses_by_bytes_too() {
        let queue = queue(100, 100);
        assert!(queue.push(&[0; 60]));
        assert!(!queue.push(&[0; 60]));
        assert!(queue.push(&[0; 40]));
    }
}
