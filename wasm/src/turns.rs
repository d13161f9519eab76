//! First come, first served: writes that JavaScript has under way at once must reach the stream one after the other.

use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use std::collections::VecDeque;

/// A queue of tasks, of which the first may act.
#[derive(Default)]
pub(crate) struct Turns(RefCell<Queue>);

#[derive(Default)]
struct Queue {
    /// The ticket whose turn it is, and the one that the next to come will draw.
    serving: u64,
    next: u64,
    /// Those who wait, in order; `None`: not polled yet.
    waiting: VecDeque<Option<Waker>>,
}

/// The right to act. Dropping it passes it on.
pub(crate) struct Turn<'t>(&'t Turns);

impl Turns {
    /// Waits for those who came before.
    pub(crate) async fn take(&self) -> Turn<'_> {
        let ticket = {
            let mut queue = self.0.borrow_mut();
            queue.next += 1;
            queue.waiting.push_back(None);
            queue.next - 1
        };
        poll_fn(|context| {
            let mut queue = self.0.borrow_mut();
            if queue.serving == ticket {
                return Poll::Ready(());
            }
            let place = usize::try_from(ticket - queue.serving).unwrap_or(usize::MAX);
            if let Some(waker) = queue.waiting.get_mut(place) {
                *waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.0.0.borrow_mut();
            queue.serving += 1;
            queue.waiting.pop_front();
            queue.waiting.front_mut().and_then(Option::take)
        };
        if let Some(waker) = next {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::future::Future;
    use core::pin::pin;
    use core::task::Context;

    #[test]
    fn turns_are_taken_in_the_order_of_asking() {
        let turns = Turns::default();
        let mut context = Context::from_waker(Waker::noop());
        let (mut first, mut second, mut third) =
            (pin!(turns.take()), pin!(turns.take()), pin!(turns.take()));
        let Poll::Ready(turn) = first.as_mut().poll(&mut context) else {
            panic!("nobody came before");
        };
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(third.as_mut().poll(&mut context).is_pending());
        drop(turn);
        assert!(third.as_mut().poll(&mut context).is_pending());
        let Poll::Ready(turn) = second.as_mut().poll(&mut context) else {
            panic!("the first has acted");
        };
        drop(turn);
        assert!(third.as_mut().poll(&mut context).is_ready());
    }
}
