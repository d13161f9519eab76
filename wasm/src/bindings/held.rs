//! A socket that JavaScript may close while one of its calls waits.

use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Poll, Waker};
use std::rc::Rc;

/// A value that is given back at `release`, not when JavaScript's garbage collector comes by.
/// Clones share it.
pub(super) struct Held<T>(Rc<Slot<T>>);

struct Slot<T> {
    value: RefCell<Option<Rc<T>>>,
    waiting: RefCell<Vec<Waker>>,
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Held(Rc::clone(&self.0))
    }
}

impl<T> Held<T> {
    pub(super) fn new(value: T) -> Held<T> {
        Held(Rc::new(Slot {
            value: RefCell::new(Some(Rc::new(value))),
            waiting: RefCell::default(),
        }))
    }

    /// The value, unless it was given back.
    pub(super) fn value(&self) -> Option<Rc<T>> {
        self.0.value.borrow().clone()
    }

    /// Gives the value back and ends what waits in [`until_released`](Self::until_released).
    pub(super) fn release(&self) {
        let value = self.0.value.borrow_mut().take();
        self.0.waiting.take().into_iter().for_each(Waker::wake);
        drop(value);
    }

    /// Waits for `work`; `None` if the value is given back before.
    pub(super) async fn until_released<R>(&self, work: impl Future<Output = R>) -> Option<R> {
        let mut work = pin!(work);
        poll_fn(|context| {
            if self.0.value.borrow().is_none() {
                return Poll::Ready(None);
            }
            let outcome = work.as_mut().poll(context);
            let mut waiting = self.0.waiting.borrow_mut();
            if let Poll::Ready(done) = outcome {
                // Each call is a task of its own: its waker would never be of use again.
                waiting.retain(|waker| !waker.will_wake(context.waker()));
                return Poll::Ready(Some(done));
            }
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::task::Context;
    use std::sync::Arc;
    use std::task::Wake;

    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_call_that_waited_leaves_nothing_behind() {
        let held = Held::new(());
        for _ in 0..10 {
            let waker = Waker::from(Arc::new(Task));
            let mut context = Context::from_waker(&waker);
            let mut polled = false;
            let work = poll_fn(|_| match core::mem::replace(&mut polled, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            });
            let mut call = pin!(held.until_released(work));
            assert!(call.as_mut().poll(&mut context).is_pending());
            assert_eq!(held.0.waiting.borrow().len(), 1);
            assert!(call.as_mut().poll(&mut context).is_ready());
            assert_eq!(held.0.waiting.borrow().len(), 0);
        }
    }
}
