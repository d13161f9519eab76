//! Whose turn it is to be read: sessions that have more to say than there is time for share it by bytes.
//!
//! The runtime's own order is not fair to a thousand busy sessions: what a worker's queue of 256 does not hold waits for long, and
//! who woke last goes first. So only as many sessions as there are places are read at once, and the others stand in a line of ours,
//! outside the runtime's queues. The order is start-time fair queueing (Goyal, Vin and Cheng 1996): a session's place in the line is
//! how much was taken from it, so whoever had least goes first; one that was quiet does not save up for it, but for a little. A client
//! that says little thus never waits for those that say much.
//!
//! While fewer sessions have something to say than there are places, a turn costs an uncontended lock.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

/// Bytes of messages after which somebody else has a turn: one large message.
const QUANTUM: u64 = 64 * 1024;

/// Bytes of messages after which a reader whom nobody waits for lets its own writer, and the runtime's other tasks, go on.
const STINT: u64 = 2 * QUANTUM;

/// Bytes that a session may have got less than others and still catch up: how much of a client's data stands ready in the kernel for
/// its turn varies.
const LEEWAY: u64 = 4 * QUANTUM;

/// The line, and the places at its end.
pub struct Turns {
    state: Mutex<State>,
}

struct State {
    /// Places that nobody holds; none while somebody waits.
    free: usize,
    /// Where the turns are: the start of the last one that began.
    clock: u64,
    line: BTreeMap<Ticket, Waker>,
    /// Tickets handed out.
    tickets: u64,
}

/// A turn's start, and how many tickets there were before this.
type Ticket = (u64, u64);

/// A session's part in it.
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    place: Place,
    /// Where its next turn starts.
    next: u64,
    /// Bytes since somebody else went on.
    used: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    /// In the line, or called out of it meanwhile.
    Waiting(Ticket),
    Held,
}

impl Turns {
    /// With so many places, at least one.
    #[must_use]
    pub fn new(places: usize) -> Turns {
        Turns {
            state: Mutex::new(State {
                free: places.max(1),
                clock: 0,
                line: BTreeMap::new(),
                tickets: 0,
            }),
        }
    }

    /// For one more session.
    pub(super) fn turn(&self) -> Turn<'_> {
        Turn {
            turns: self,
            place: Place::Outside,
            next: 0,
            used: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pass_on(&mut self) -> Option<Waker> {
        let Some(((start, _), waker)) = self.line.pop_first() else {
            self.free += 1;
            return None;
        };
        self.clock = self.clock.max(start);
        Some(waker)
    }
}

impl Turn<'_> {
    /// Runs `future` in turns: it goes on only while this session holds a place, which is given up whenever the future waits.
    pub(super) async fn take<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            ready!(self.poll_hold(context));
            let polled = future.as_mut().poll(context);
            if polled.is_pending() {
                self.leave();
            }
            polled
        })
        .await
    }

    /// So many bytes were taken from the session. Gives up its place to somebody who got less if this turn is used up.
    pub(super) async fn spend(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.next += bytes;
        self.used += bytes;
        if self.used < QUANTUM {
            return;
        }
        let due = |(start, _): &Ticket| *start <= self.next;
        if self.turns.lock().line.keys().next().is_some_and(due) {
            self.leave();
        } else if self.used >= STINT {
            self.used = 0;
            // Keeps its place meanwhile: those that find none free are to stand in our line, not in the runtime's.
            tokio::task::yield_now().await;
        }
    }

    fn poll_hold(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = match self.place {
            Place::Held => return Poll::Ready(()),
            Place::Outside | Place::Waiting(_) => self.turns.lock(),
        };
        if let Place::Waiting(ticket) = self.place {
            if let Some(waker) = state.line.get_mut(&ticket) {
                waker.clone_from(context.waker());
                return Poll::Pending;
            }
        } else {
            self.next = self.next.max(state.clock.saturating_sub(LEEWAY));
            self.used = 0;
            if state.free == 0 {
                let ticket = (self.next, state.tickets);
                state.tickets += 1;
                state.line.insert(ticket, context.waker().clone());
                self.place = Place::Waiting(ticket);
                return Poll::Pending;
            }
            state.free -= 1;
            state.clock = state.clock.max(self.next);
        }
        self.place = Place::Held;
        Poll::Ready(())
    }

    fn leave(&mut self) {
        let place = std::mem::replace(&mut self.place, Place::Outside);
        let mut state = self.turns.lock();
        let waker = match place {
            Place::Outside => None,
            Place::Waiting(ticket) if state.line.remove(&ticket).is_some() => None,
            Place::Waiting(_) | Place::Held => state.pass_on(),
        };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.place != Place::Outside {
            self.leave();
        }
    }
}

#[cfg(test)]
mod tests;
