//! The queue in front of a client: fair between its flows, and never long for long (FQ-CoDel, RFC 8290).
//!
//! A tab that downloads would have its pings and its second connection wait behind whatever the download has queued. So each flow has
//! its own line; lines take turns by bytes, those that were quiet go first; a line that stands for long is told to slow down, by a
//! mark where its sender knows marks (ECN, RFC 3168) and by a drop where not. When the room is used up, the longest line loses its
//! oldest frame. Within a flow, order is kept.
//!
//! Frames are kept and taken as records of the negotiated form, as in [`super::queue`]; a large one that comes in a buffer of its own
//! stays there, and the message begins with it.
//!
//! While the client has not given leave to send, the queue's time stands still ([`FairQueue::pause`]): frames that wait for that alone say
//! nothing about the path, and a sender who was slowed down for it would be slow when the leave comes.

mod codel;
mod flows;
mod packet;

use super::parcel::Parcel;
use super::port::{Delivery, DropReason, PortCounters};
use super::queue::{Batch, QueueLimits};
use bytes::BytesMut;
use ethertab_tunnel::v1::{LARGEST_MESSAGE, Offload};
use flows::{Flows, Tally};
use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// A bounded queue, fair between flows, written by many, emptied by one.
pub struct FairQueue {
    message: usize,
    state: Mutex<State>,
}

struct State {
    flows: Flows,
    /// What was taken counts until the next take, as the reader is still busy with it.
    taken: (usize, usize),
    waker: Option<Waker>,
    /// Since when time stands still, and for how long it did before.
    paused: Option<Instant>,
    stood: Duration,
}

/// Time stands still for a queue until this is dropped.
pub struct Pause<'q>(&'q FairQueue);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if let Some(since) = state.paused.take() {
            state.stood += since.elapsed();
        }
    }
}

impl FairQueue {
    /// An empty queue, for messages of the usual size.
    #[must_use]
    pub fn new(limits: QueueLimits) -> FairQueue {
        FairQueue::with_messages(limits, LARGEST_MESSAGE as usize)
    }

    /// An empty queue from which no more than `message` bytes are taken at once, unless one frame alone is longer.
    #[must_use]
    pub fn with_messages(limits: QueueLimits, message: usize) -> FairQueue {
        FairQueue {
            message,
            state: Mutex::new(State {
                flows: Flows::new(limits),
                taken: (0, 0),
                waker: None,
                paused: None,
                stood: Duration::ZERO,
            }),
        }
    }

    /// Takes a copy of a frame of at most [`ethertab_tunnel::LARGEST_MESSAGE`] bytes.
    pub fn push(&self, frame: &[u8], offload: Offload) -> Delivery {
        self.insert(|flows, busy, now| flows.push(frame, offload, busy, now))
    }

    /// Takes such a frame with its buffer if it is large, or a copy.
    pub fn push_parcel(&self, parcel: &mut Parcel, offload: Offload) -> Delivery {
        self.insert(|flows, busy, now| flows.push_parcel(parcel, offload, busy, now))
    }

    fn insert(
        &self,
        push: impl FnOnce(&mut Flows, (usize, usize), Instant) -> Option<u32>,
    ) -> Delivery {
        let mut state = self.lock();
        let (busy, now) = (state.taken, state.now());
        let Some(dropped) = push(&mut state.flows, busy, now) else {
            return Delivery::Refused;
        };
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        match dropped {
            0 => Delivery::Taken,
            dropped => Delivery::Displaced(dropped),
        }
    }

    /// Takes what is due, at most a message full, if there is something. The port's counters hear what was marked or dropped.
    #[must_use]
    pub fn try_take(&self, counters: &PortCounters) -> Option<Batch> {
        self.lock().pop(self.message, counters)
    }

    /// Takes what is due as soon as there is something. Dropping the future loses nothing. Only one task may wait here.
    pub async fn take(&self, counters: &PortCounters) -> Batch {
        poll_fn(|context| self.poll_take(context, counters)).await
    }

    fn poll_take(&self, context: &mut Context<'_>, counters: &PortCounters) -> Poll<Batch> {
        let mut state = self.lock();
        match state.pop(self.message, counters) {
            Some(batch) => Poll::Ready(batch),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Stops the queue's time, as its reader may not take anything. One pause at a time.
    #[must_use]
    pub fn pause(&self) -> Pause<'_> {
        self.lock().paused = Some(Instant::now());
        Pause(self)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().flows.size().0 == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The queue's own time.
    fn now(&self) -> Instant {
        self.paused.unwrap_or_else(Instant::now) - self.stood
    }

    fn pop(&mut self, most: usize, counters: &PortCounters) -> Option<Batch> {
        self.taken = (0, 0);
        if self.flows.size().0 == 0 {
            return None;
        }
        let mut message = BytesMut::new();
        let (mut tally, now) = (Tally::default(), self.now());
        let frames = (self.flows).fill(&mut message, most, now, &mut tally);
        counters.drop_frames(DropReason::Late, tally.late);
        counters.marked.fetch_add(tally.marked, Ordering::Relaxed);
        self.taken = (frames, message.len());
        (frames > 0).then(|| Batch::of(message.freeze()))
    }
}

#[cfg(test)]
mod tests;
