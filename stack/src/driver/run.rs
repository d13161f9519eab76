//! The loop: frames in, frames out, wake sockets, sleep until the next deadline.

use super::shared::{Inner, Phase, Tap};
use super::{Clock, HEADROOM, Link, LinkEvent};
use crate::time::{Duration, Instant};
use crate::wire::offload::Offload;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

/// Frames taken in before the stack may answer: acknowledgements of a burst leave together, yet soon.
const RECEIVE_BATCH: usize = 64;

/// Frames sent before it is looked again whether some arrived.
const TRANSMIT_BATCH: usize = 256;

/// Rounds of receiving and sending before the loop lets other tasks run.
const ROUNDS: usize = 4;

/// How long the last frames of a closed network may wait for the link.
const CLOSING: Duration = Duration::from_secs(1);

/// The largest frame there is: an IP packet of 65,535 bytes behind an Ethernet header.
const LARGEST_FRAME: usize = 14 + 65_535;

/// The loop: spawn it. Ends when the network is closed, or with the link's error.
pub struct Driver<L: Link, C: Clock> {
    inner: Arc<Inner>,
    link: L,
    clock: C,
    /// The sleep under way and when it ends. It is replaced when something is due sooner, never when later: a
    /// retransmission timer that every acknowledgement moves would cost a new sleep each time.
    alarm: Option<(Instant, Pin<Box<C::Sleep>>)>,
    incoming: Vec<u8>,
    outgoing: Box<[u8]>,
    woken: Vec<Waker>,
    tap: Option<Tap>,
}

/// How a batch ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Batch {
    /// There was no more.
    Drained,
    /// There may be more.
    Full,
    /// The link takes no frame now.
    Blocked,
}

/// What follows a round.
enum Next {
    /// Another round.
    Again,
    /// Sleep until woken or the alarm rings.
    Sleep,
    /// Nothing: the network is closed, or nobody holds it any more.
    End,
}

impl<L: Link, C: Clock> Driver<L, C> {
    pub(super) fn new(inner: Arc<Inner>, link: L, clock: C) -> Driver<L, C> {
        Driver {
            inner,
            link,
            clock,
            alarm: None,
            incoming: Vec::new(),
            outgoing: vec![0; HEADROOM + LARGEST_FRAME].into_boxed_slice(),
            woken: Vec::new(),
            tap: None,
        }
    }

    /// From here on a change wakes us again.
    fn begin(&mut self, waker: &Waker) {
        let mut shared = self.inner.lock();
        shared.driver_scheduled = false;
        let old = shared.driver.replace(waker.clone());
        let new_tap = shared.new_tap.take();
        drop(shared);
        drop(old);
        if let Some(tap) = new_tap {
            self.tap = tap;
        }
    }

    fn receive(&mut self, context: &mut Context<'_>) -> Result<Batch, L::Error> {
        for _ in 0..RECEIVE_BATCH {
            match self.link.poll_receive(context, &mut self.incoming) {
                Poll::Pending => return Ok(Batch::Drained),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(LinkEvent::Frame(at))) => self.take(Offload::NONE, at, 0),
                Poll::Ready(Ok(LinkEvent::Offloaded(at, offload))) => self.take(offload, at, 0),
                Poll::Ready(Ok(LinkEvent::Within(at, offload, start))) => {
                    self.take(offload, at, start);
                }
                Poll::Ready(Ok(LinkEvent::Capabilities(capabilities))) => {
                    let now = self.clock.now();
                    let mut shared = self.inner.lock();
                    shared.stack.set_link_capabilities(capabilities, now);
                }
                Poll::Ready(Ok(LinkEvent::Restored)) => {
                    let now = self.clock.now();
                    self.inner.lock().stack.link_restored(now);
                }
            }
        }
        Ok(Batch::Full)
    }

    /// The frame in `incoming`, from `start` on, arrived.
    fn take(&mut self, offload: Offload, at: Instant, start: usize) {
        let end = self.incoming.len();
        let start = start.min(end);
        if let Some(tap) = &mut self.tap {
            tap(false, at, &self.incoming[start..]);
        }
        let mut shared = self.inner.lock();
        let stack = &mut shared.stack;
        stack.receive_owned(&mut self.incoming, start..end, offload, at);
    }

    fn transmit(&mut self, context: &mut Context<'_>, now: Instant) -> Result<Batch, L::Error> {
        for _ in 0..TRANSMIT_BATCH {
            match self.link.poll_ready(context) {
                Poll::Pending => return Ok(Batch::Blocked),
                Poll::Ready(ready) => ready?,
            }
            let mut shared = self.inner.lock();
            let room = &mut self.outgoing[HEADROOM..];
            let next = shared.stack.transmit_offloaded(now, room);
            drop(shared);
            let Some((length, offload)) = next else {
                return Ok(Batch::Drained);
            };
            let filled = &mut self.outgoing[..HEADROOM + length];
            if let Some(tap) = &mut self.tap {
                tap(true, now, &filled[HEADROOM..]);
            }
            self.link.transmit_within(filled, offload)?;
        }
        Ok(Batch::Full)
    }

    /// Wakes whom the events concern and whose sleep is over, after the lock is released.
    fn dispatch(&mut self, now: Instant) {
        let mut shared = self.inner.lock();
        while let Some(event) = shared.stack.poll_event() {
            shared.dispatch(event, &mut self.woken);
        }
        shared.waiting.take_slept(now, &mut self.woken);
        drop(shared);
        self.woken.drain(..).for_each(Waker::wake);
    }

    /// Whether there is nothing left to live for.
    fn is_over(&self, sent: Batch, now: Instant) -> bool {
        let shared = self.inner.lock();
        match shared.phase {
            Phase::Open => shared.handles == 0 && sent == Batch::Drained && shared.stack.is_quiet(),
            Phase::Closing(since) => !shared.stack.has_unsent() || now >= since + CLOSING,
            Phase::Ended => true,
        }
    }

    /// When to look again without being woken.
    fn next_deadline(&self, sent: Batch) -> Option<Instant> {
        let shared = self.inner.lock();
        let stack = match sent {
            // What waits to be sent is due at once, but the link will say when.
            Batch::Blocked => shared.stack.next_timer(),
            Batch::Drained | Batch::Full => shared.stack.next_deadline(),
        };
        let closing = match shared.phase {
            Phase::Closing(since) => Some(since + CLOSING),
            Phase::Open | Phase::Ended => None,
        };
        [
            stack.map(|deadline| deadline.at),
            shared.waiting.next_sleep(),
            closing,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Sets the alarm; ready if something is due already.
    fn sleep(
        &mut self,
        context: &mut Context<'_>,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Poll<()> {
        let Some(deadline) = deadline else {
            self.alarm = None;
            return Poll::Pending;
        };
        if deadline <= now {
            return Poll::Ready(());
        }
        if self.alarm.as_ref().is_none_or(|(at, _)| deadline < *at) {
            self.alarm = Some((deadline, Box::pin(self.clock.sleep_until(deadline))));
        }
        let Some((_, sleep)) = &mut self.alarm else {
            return Poll::Pending;
        };
        let over = sleep.as_mut().poll(context);
        if over.is_ready() {
            self.alarm = None;
        }
        over
    }

    /// One round of everything.
    fn round(&mut self, context: &mut Context<'_>) -> Result<Next, L::Error> {
        let received = self.receive(context)?;
        let now = self.clock.now();
        // Only now: an acknowledgement that had arrived in time must not find its timer expired.
        self.inner.lock().stack.advance(now);
        let sent = self.transmit(context, now)?;
        self.dispatch(now);
        if self.is_over(sent, now) {
            return Ok(Next::End);
        }
        if received == Batch::Full || sent == Batch::Full {
            return Ok(Next::Again);
        }
        let deadline = self.next_deadline(sent);
        match self.sleep(context, deadline, now) {
            Poll::Ready(()) => Ok(Next::Again),
            Poll::Pending => Ok(Next::Sleep),
        }
    }

    fn run(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, L::Error> {
        self.begin(context.waker());
        for _ in 0..ROUNDS {
            match self.round(context)? {
                Next::Again => {}
                Next::Sleep => return self.link.flush().map(|()| Poll::Pending),
                Next::End => return self.link.flush().map(Poll::Ready),
            }
        }
        self.link.flush()?;
        context.waker().wake_by_ref();
        Ok(Poll::Pending)
    }

    /// Fails whatever is pending and whatever comes.
    fn end(&mut self) {
        let mut shared = self.inner.lock();
        shared.phase = Phase::Ended;
        shared.driver = None;
        shared.waiting.take_all(&mut self.woken);
        let new_tap = shared.new_tap.take();
        drop(shared);
        drop(new_tap);
        self.tap = None;
        self.alarm = None;
        self.woken.drain(..).for_each(Waker::wake);
    }
}

impl<L: Link, C: Clock> Unpin for Driver<L, C> {}

impl<L: Link, C: Clock> Future for Driver<L, C> {
    type Output = Result<(), L::Error>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match self.run(context) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => Ok(()),
            Err(error) => Err(error),
        };
        self.end();
        Poll::Ready(outcome)
    }
}

impl<L: Link, C: Clock> Drop for Driver<L, C> {
    fn drop(&mut self) {
        self.end();
    }
}
