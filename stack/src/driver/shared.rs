//! What the handles and the loop share, and the one lock around it.

use super::resolve::Ongoing;
use super::waiting::{Interest, Key, SleepId, Socket, Waiting};
use super::{Clock, Error};
use crate::application::dns::Resolver;
use crate::event::Event;
use crate::stack::Stack;
use crate::time::{Duration, Instant};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sees every frame: `tap(outbound, at, frame)`.
pub type Tap = Box<dyn FnMut(bool, Instant, &[u8]) + Send>;

/// Whether calls are still served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// [`Network::close`](super::Network::close) was called then; the last frames are leaving.
    Closing(Instant),
    /// The driver is gone.
    Ended,
}

/// Behind the lock.
pub(super) struct Shared {
    pub(super) stack: Stack,
    pub(super) waiting: Waiting,
    /// Those that wait for [`Network::next_event`](super::Network::next_event); at most
    /// [`Config::host_events`](crate::config::Config::host_events).
    pub(super) host_events: VecDeque<Event>,
    pub(super) resolver: Resolver,
    /// Names being looked up, sorted; at most [`ResolverConfig::lookups`](crate::config::ResolverConfig::lookups).
    pub(super) lookups: Vec<(String, Ongoing)>,
    /// A tap that the driver has not taken over yet.
    pub(super) new_tap: Option<Option<Tap>>,
    pub(super) phase: Phase,
    /// The driver's waker; `None` before its first poll and after its last.
    pub(super) driver: Option<Waker>,
    /// Whether the driver was woken and has not run since.
    pub(super) driver_scheduled: bool,
    /// Handles in programs' hands: networks and sockets.
    pub(super) handles: usize,
}

/// The lock and the clock.
pub(super) struct Inner {
    shared: Mutex<Shared>,
    now: Box<dyn Fn() -> Instant + Send + Sync>,
}

impl Inner {
    pub(super) fn new(mut stack: Stack, clock: impl Clock) -> Arc<Inner> {
        let mut random = stack.fork_random();
        let waiting = Waiting::new(random.key());
        let resolver = Resolver::new(stack.config().resolver, random);
        Arc::new(Inner {
            shared: Mutex::new(Shared {
                stack,
                waiting,
                host_events: VecDeque::new(),
                resolver,
                lookups: Vec::new(),
                new_tap: None,
                phase: Phase::Open,
                driver: None,
                driver_scheduled: false,
                handles: 0,
            }),
            now: Box::new(move || clock.now()),
        })
    }

    pub(super) fn now(&self) -> Instant {
        (self.now)()
    }

    /// A panic elsewhere while the lock was held must not make every later call panic too.
    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The driver's waker if it must be woken; wake it after the lock is released.
    #[must_use]
    pub(super) fn schedule_driver(&mut self) -> Option<Waker> {
        if self.driver_scheduled {
            return None;
        }
        self.driver_scheduled = self.driver.is_some();
        self.driver.clone()
    }

    /// Whether calls fail.
    pub(super) fn is_closed(&self) -> bool {
        self.phase != Phase::Open
    }

    /// Files an event that concerns the host, and finds whom the event wakes.
    pub(super) fn dispatch(&mut self, event: Event, woken: &mut Vec<Waker>) {
        self.waiting.take_for(&event, woken);
        if event == Event::LeaseLost {
            // The next network may know other names, and other addresses for the same ones.
            self.resolver.forget();
            // Nor do lookups under way, at servers that are out of reach, concern anybody who asks from now on. Who waits for
            // one asks anew.
            self.lookups.clear();
            self.waiting.take(Interest::Lookup, woken);
        }
        match event {
            Event::Leased(_) | Event::LeaseLost | Event::AddressConflict { .. } => {
                if self.host_events.len() >= self.stack.config().host_events {
                    self.host_events.pop_front();
                }
                self.host_events.push_back(event);
                self.waiting.take(Interest::HostEvent, woken);
            }
            Event::Tcp(..) | Event::Listener(_) | Event::Udp(_) | Event::Echo(_) => {}
        }
    }

    /// Resets and closes everything that programs hold, and finds whom that wakes.
    pub(super) fn abandon_sockets(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        for socket in self.waiting.forget_all(woken) {
            match socket {
                Socket::Tcp(id) => self.stack.tcp(id, now).abort(),
                Socket::Listener(id) => self.stack.listener(id).close(),
                Socket::Udp(id) => self.stack.udp(id).close(),
                Socket::Echo(id) => self.stack.echo(id).close(),
            }
        }
    }
}

/// A counted reference: the driver ends when the last is gone and what was written is delivered.
pub(super) struct Handle {
    inner: Arc<Inner>,
}

impl Handle {
    pub(super) fn new(inner: &Arc<Inner>) -> Handle {
        inner.lock().handles += 1;
        Handle {
            inner: Arc::clone(inner),
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.inner.now()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Shared> {
        self.inner.lock()
    }

    /// Looks at the stack; the driver sleeps on.
    pub(super) fn look<R>(&self, look: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        let now = self.now();
        look(&mut self.lock().stack, now)
    }

    /// Changes the stack, then wakes the driver.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        let now = self.now();
        let mut shared = self.lock();
        let result = change(&mut shared.stack, now);
        let driver = shared.schedule_driver();
        drop(shared);
        wake(driver);
        result
    }

    /// Opens a socket; fails once the network is closed.
    pub(super) fn open<I, E: Into<Error>>(
        &self,
        open: impl FnOnce(&mut Stack, Instant) -> Result<I, E>,
        socket: impl FnOnce(&I) -> Socket,
    ) -> Result<I, Error> {
        let now = self.now();
        let mut shared = self.lock();
        if shared.is_closed() {
            return Err(Error::NetworkClosed);
        }
        let id = open(&mut shared.stack, now).map_err(Into::into)?;
        shared.waiting.hold(socket(&id));
        let driver = shared.schedule_driver();
        drop(shared);
        wake(driver);
        Ok(id)
    }

    /// Gives a socket back, unless closing the network did.
    pub(super) fn give_back(&self, socket: Socket, close: impl FnOnce(&mut Stack, Instant)) {
        let now = self.now();
        let mut shared = self.lock();
        let Some(discarded) = shared.waiting.forget(socket) else {
            return;
        };
        close(&mut shared.stack, now);
        let driver = shared.schedule_driver();
        drop(shared);
        drop(discarded);
        wake(driver);
    }

    /// Tries once, and registers `waker` under `interest` if it has to wait. What succeeds or fails may have given the
    /// stack something to send, so the driver is woken then; what was only read mostly did not.
    pub(super) fn attempt<T>(
        &self,
        interest: Interest,
        key: Key,
        waker: &Waker,
        attempt: impl FnOnce(&mut Shared, Instant) -> Poll<Result<T, Error>>,
    ) -> Poll<Result<T, Error>> {
        let now = self.now();
        let mut shared = self.lock();
        if shared.is_closed() {
            return Poll::Ready(Err(Error::NetworkClosed));
        }
        let outcome = attempt(&mut shared, now);
        if outcome.is_pending() {
            let discarded = shared.waiting.register(interest, key, waker);
            drop(shared);
            drop(discarded);
            return Poll::Pending;
        }
        let is_idle = matches!(interest, Interest::Read(_)) && !shared.stack.has_work();
        let driver = if is_idle {
            None
        } else {
            shared.schedule_driver()
        };
        drop(shared);
        wake(driver);
        outcome
    }

    /// Tries until it is ready.
    pub(super) fn until<T, F>(&self, interest: Interest, attempt: F) -> Until<'_, F>
    where
        F: FnMut(&mut Shared, Instant) -> Poll<Result<T, Error>>,
    {
        Until {
            handle: self,
            interest,
            key: None,
            attempt,
        }
    }

    /// Waits until `deadline`; at once if the network is closed.
    pub(super) fn sleep_until(&self, deadline: Instant) -> Sleep<'_> {
        Sleep {
            handle: self,
            deadline,
            sleep: None,
        }
    }

    /// Waits for `future`, but no longer than `limit`.
    pub(super) async fn within<F, T>(&self, limit: Duration, future: F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut future = pin!(future);
        let mut sleep = pin!(self.sleep_until(self.now() + limit));
        core::future::poll_fn(|context| {
            if let Poll::Ready(result) = future.as_mut().poll(context) {
                return Poll::Ready(result);
            }
            match sleep.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Err(Error::TimedOut)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// Wakes the driver if there is one to wake; never call it with the lock held.
pub(super) fn wake(driver: Option<Waker>) {
    if let Some(driver) = driver {
        driver.wake();
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        Handle::new(&self.inner)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut shared = self.lock();
        shared.handles -= 1;
        let driver = match shared.handles {
            0 => shared.schedule_driver(),
            _ => None,
        };
        drop(shared);
        wake(driver);
    }
}

/// See [`Handle::until`].
pub(super) struct Until<'h, F> {
    handle: &'h Handle,
    interest: Interest,
    key: Option<Key>,
    attempt: F,
}

impl<F> Unpin for Until<'_, F> {}

impl<T, F> Future for Until<'_, F>
where
    F: FnMut(&mut Shared, Instant) -> Poll<Result<T, Error>>,
{
    type Output = Result<T, Error>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let key = *this
            .key
            .get_or_insert_with(|| this.handle.lock().waiting.key());
        this.handle
            .attempt(this.interest, key, context.waker(), &mut this.attempt)
    }
}

impl<F> Drop for Until<'_, F> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let discarded = self.handle.lock().waiting.remove(self.interest, key);
            drop(discarded);
        }
    }
}

/// See [`Handle::sleep_until`].
pub(super) struct Sleep<'h> {
    handle: &'h Handle,
    deadline: Instant,
    sleep: Option<SleepId>,
}

impl Future for Sleep<'_> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.handle.now() >= this.deadline {
            return Poll::Ready(());
        }
        let mut shared = this.handle.lock();
        if shared.is_closed() {
            return Poll::Ready(());
        }
        let first = shared.waiting.next_sleep();
        let waker = context.waker();
        let discarded = shared.waiting.sleep(&mut this.sleep, this.deadline, waker);
        let driver = match first {
            Some(first) if first <= this.deadline => None,
            _ => shared.schedule_driver(),
        };
        drop(shared);
        drop(discarded);
        wake(driver);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(sleep) = self.sleep {
            let discarded = self.handle.lock().waiting.cancel_sleep(sleep);
            drop(discarded);
        }
    }
}
