//! A clock that moves when the simulation says so.

use ethertab_stack::Instant;
use ethertab_stack::driver::Clock;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Virtual time; clones share it.
#[derive(Clone, Default)]
pub struct VirtualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    now: Instant,
    sleepers: BTreeMap<(Instant, u64), Waker>,
    last_sleeper: u64,
}

impl VirtualClock {
    /// When the first sleeper wakes.
    #[must_use]
    pub fn next_alarm(&self) -> Option<Instant> {
        self.lock().sleepers.keys().next().map(|&(at, _)| at)
    }

    /// Moves time on and wakes whose time has come.
    pub fn set(&self, now: Instant) {
        let mut woken = Vec::new();
        let mut state = self.lock();
        state.now = state.now.max(now);
        while let Some(first) = state.sleepers.first_entry() {
            if first.key().0 > now {
                break;
            }
            woken.push(first.remove());
        }
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    type Sleep = VirtualSleep;

    fn now(&self) -> Instant {
        self.lock().now
    }

    fn sleep_until(&self, deadline: Instant) -> VirtualSleep {
        VirtualSleep {
            clock: self.clone(),
            deadline,
            number: None,
        }
    }
}

/// See [`VirtualClock::sleep_until`].
pub struct VirtualSleep {
    clock: VirtualClock,
    deadline: Instant,
    number: Option<u64>,
}

impl Future for VirtualSleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.clock.lock();
        if state.now >= this.deadline {
            return Poll::Ready(());
        }
        let number = *this.number.get_or_insert_with(|| {
            state.last_sleeper += 1;
            state.last_sleeper
        });
        state
            .sleepers
            .insert((this.deadline, number), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock.lock().sleepers.remove(&(self.deadline, number));
        }
    }
}
