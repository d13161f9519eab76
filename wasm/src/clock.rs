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
            let ticket = sleepers.enter(deadline, self.ticket, context.waker());
            sleepers.arm(now);
            ticket
        });
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Sleep {
    /// When it ends.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            SLEEPERS.with_borrow_mut(|sleepers| {
                if let Ok(place) = sleepers.place(self.deadline, ticket) {
                    sleepers.waiting.remove(place);
                }
            });
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

struct Sleeper {
    deadline: Instant,
    ticket: u64,
    waker: Waker,
}

struct Sleepers {
    /// Sorted, the latest first. A page has a handful: one for each driver and for each network that reconnects.
    waiting: Vec<Sleeper>,
    last_ticket: u64,
    /// When the browser's timer fires, and its id.
    armed: Option<(Instant, JsValue)>,
    fire: Option<Closure<dyn FnMut()>>,
}

impl Sleepers {
    const fn new() -> Sleepers {
        Sleepers {
            waiting: Vec::new(),
            last_ticket: 0,
            armed: None,
            fire: None,
        }
    }

    /// Where a sleeper is, or where it belongs.
    fn place(&self, deadline: Instant, ticket: u64) -> Result<usize, usize> {
        self.waiting
            .binary_search_by(|sleeper| (deadline, ticket).cmp(&(sleeper.deadline, sleeper.ticket)))
    }

    /// Lets a sleeper in, or renews its waker.
    fn enter(&mut self, deadline: Instant, ticket: Option<u64>, waker: &Waker) -> u64 {
        let ticket = ticket.unwrap_or_else(|| {
            self.last_ticket += 1;
            self.last_ticket
        });
        match self.place(deadline, ticket) {
            Ok(place) => self.waiting[place].waker.clone_from(waker),
            Err(place) => self.waiting.insert(
                place,
                Sleeper {
                    deadline,
                    ticket,
                    waker: waker.clone(),
                },
            ),
        }
        ticket
    }

    /// Sees to it that the browser's timer fires no later than the earliest sleeper wants.
    fn arm(&mut self, now: Instant) {
        let Some(earliest) = self.waiting.last().map(|sleeper| sleeper.deadline) else {
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
        let later = sleepers
            .waiting
            .partition_point(|sleeper| sleeper.deadline > now);
        let due = sleepers.waiting.split_off(later);
        sleepers.arm(now);
        due
    });
    // The earliest first.
    for sleeper in due.into_iter().rev() {
        sleeper.waker.wake();
    }
}
