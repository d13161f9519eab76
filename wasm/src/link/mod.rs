//! The link: Ethernet frames over one WebSocket to the relay, in the tunnel's plain form (`ethertab_tunnel`).
//!
//! Messages become frames stamped with the moment they arrived, in a bounded queue; frames leave while the browser holds
//! little unsent. When the WebSocket goes, `keeper.rs` opens another, again and again; the stack above
//! notices only [`LinkEvent::Restored`].

mod backoff;
mod keeper;
mod queue;
mod state;
mod turn;

pub use state::{LinkCounters, LinkHandle, LinkState};

use crate::clock::{BrowserClock, Sleep};
use core::cell::RefCell;
use core::convert::Infallible;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use ethertab_stack::Duration;
use ethertab_stack::driver::{Clock, Link, LinkEvent};
use state::Shared;
use std::rc::Rc;

/// Bytes that the browser may hold unsent before the stack has to wait: several milliseconds of a fast relay, and
/// little enough that TCP feels a slow one.
const UNSENT_LIMIT: usize = 256 * 1024;

/// How long to wait before looking again whether the browser has sent some of it; there is no event for that.
const UNSENT_PAUSE: Duration = Duration::from_millis(2);

/// A WebSocket to the relay as a [`Link`].
pub struct WebSocketLink {
    shared: Rc<RefCell<Shared>>,
    pause: Option<Sleep>,
}

impl WebSocketLink {
    /// Starts to connect to `url` and goes on until it is dropped.
    #[must_use]
    pub fn open(url: &str) -> (WebSocketLink, LinkHandle) {
        let shared = Rc::new(RefCell::new(Shared::new()));
        crate::task::spawn(keeper::keep_connected(
            url.to_owned(),
            Rc::downgrade(&shared),
        ));
        let handle = LinkHandle::new(&shared);
        (
            WebSocketLink {
                shared,
                pause: None,
            },
            handle,
        )
    }
}

impl Link for WebSocketLink {
    /// Nothing ends it but dropping it.
    type Error = Infallible;

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Vec<u8>,
    ) -> Poll<Result<LinkEvent, Infallible>> {
        let mut shared = self.shared.borrow_mut();
        if core::mem::take(&mut shared.restored) {
            return Poll::Ready(Ok(LinkEvent::Restored));
        }
        if let Some(at) = shared.queue.take(frame) {
            return Poll::Ready(Ok(LinkEvent::Frame(at)));
        }
        state::remember(&mut shared.receiver, context);
        Poll::Pending
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        loop {
            {
                let mut shared = self.shared.borrow_mut();
                if shared.may_send(UNSENT_LIMIT) {
                    self.pause = None;
                    return Poll::Ready(Ok(()));
                }
                state::remember(&mut shared.sender, context);
                if !matches!(shared.state, LinkState::Open) {
                    // The keeper wakes us.
                    self.pause = None;
                    return Poll::Pending;
                }
            }
            let pause = self.pause.get_or_insert_with(|| {
                BrowserClock.sleep_until(BrowserClock::now() + UNSENT_PAUSE)
            });
            match Pin::new(pause).poll(context) {
                Poll::Ready(()) => self.pause = None,
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), Infallible> {
        self.shared.borrow_mut().send(frame);
        Ok(())
    }
}

impl Drop for WebSocketLink {
    fn drop(&mut self) {
        Shared::close(&self.shared);
    }
}
