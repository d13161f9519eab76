//! The browser's clock, and sleeping by it.
//!
//! A stack's next deadline moves with nearly every frame, so a `setTimeout` and a `clearTimeout` for each would be most of
//! the work. All sleepers share one browser timer instead: it is set for the earliest, is left alone when a later
//! sleeper comes or one goes, and sets itself again when it fires early.

use crate::scope;
use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use ethertab_stack::Instant;
use ethertab_stack::driver;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::*;

/// `performance.now()` as a [`driver::Clock`]: the origin is the scope's.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserClock;

impl BrowserClock {
    /// The time now.
    #[must_use]
    pub fn now() -> Instant {
        Instant::from_micros(scope::now_micros())
    }
}

impl driver::Clock for BrowserClock {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        BrowserClock::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep {
            deadline,
            ticket: None,
        }
    }
}

/// Ends at its deadline.
#[derive(Debug)]
pub struct Sleep {
    deadline: Instant,
    ticket: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let now = BrowserClock::now();
        if now >= self.deadline {
            self.leave();
            return Poll::Ready(());
        }
        let deadline = self.deadline;
        let ticket = SLEEPERS.with_borrow_mut(|sleepers| {
            let ticket = self.ticket.unwrap_or_else(|| {
                sleepers.next_ticket += 1;
                sleepers.next_ticket
            });
            match sleepers.waiting.entry((deadline, ticket)) {
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    entry.get_mut().clone_from(context.waker());
                }
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(context.waker().clone());
                }
            }
            sleepers.arm(now);
            ticket
        });
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Sleep {
    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            SLEEPERS.with_borrow_mut(|sleepers| sleepers.waiting.remove(&(self.deadline, ticket)));
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.leave();
    }
}

thread_local! {
    static SLEEPERS: RefCell<Sleepers> = const { RefCell::new(Sleepers::new()) };
}

struct Sleepers {
    waiting: BTreeMap<(Instant, u64), Waker>,
    next_ticket: u64,
    /// When the browser's timer fires, and its id.
    armed: Option<(Instant, JsValue)>,
    fire: Option<Closure<dyn FnMut()>>,
}

impl Sleepers {
    const fn new() -> Sleepers {
        Sleepers {
            waiting: BTreeMap::new(),
            next_ticket: 0,
            armed: None,
            fire: None,
        }
    }

    /// Sees to it that the browser's timer fires no later than the earliest sleeper wants.
    fn arm(&mut self, now: Instant) {
        let Some((&(earliest, _), _)) = self.waiting.first_key_value() else {
            return;
        };
        match &self.armed {
            Some((at, _)) if *at <= earliest => return,
            Some((_, timer)) => scope::clear_timeout(timer),
            None => {}
        }
        let fire = self.fire.get_or_insert_with(|| Closure::new(fire));
        // Whole milliseconds, rounded up: browsers cut fractions off, and firing early would only mean setting it again.
        let milliseconds = earliest.micros_since(now).div_ceil(1_000);
        let timer = scope::set_timeout(fire.as_ref().unchecked_ref(), milliseconds as f64);
        self.armed = Some((earliest, timer));
    }
}

/// The browser's timer: wakes whoever is due.
fn fire() {
    let now = BrowserClock::now();
    let due = SLEEPERS.with_borrow_mut(|sleepers| {
        sleepers.armed = None;
        let later = sleepers.waiting.split_off(&(
            Instant::from_micros(now.micros().saturating_add(1)),
            u64::MIN,
        ));
        let due = core::mem::replace(&mut sleepers.waiting, later);
        sleepers.arm(now);
        due
    });
    for waker in due.into_values() {
        waker.wake();
    }
}
