//! The link: Ethernet frames over one WebSocket to the relay, in the negotiated form if the relay speaks it, else in the plain
//! one (`ethertab_tunnel`).
//!
//! Messages wait in a bounded queue, stamped with the moment they arrived, and are taken frame by frame; frames leave, many a
//! message, while the browser holds little unsent and the relay's credit lasts. When the WebSocket goes, `keeper.rs` opens another, again and again; the stack above
//! notices only [`LinkEvent::Restored`].

mod backoff;
mod controls;
mod finish;
mod keeper;
mod queue;
mod session;
mod state;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
mod turn;
mod unsent;

pub(crate) use session::WINDOW;
pub use state::{LinkCounters, LinkHandle, LinkState};

use crate::clock::{BrowserClock, Sleep};
use core::cell::RefCell;
use core::convert::Infallible;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use ethertab_stack::driver::{Clock, HEADROOM, Link, LinkEvent};
use ethertab_stack::wire::offload::Offload;
use ethertab_stack::{Duration, MacAddress};
use queue::Taken;
use state::Shared;
use std::rc::Rc;
use unsent::UnsentLimit;

/// How long to wait before looking again whether the browser has sent some of what it holds; there is no event for that.
const UNSENT_PAUSE: Duration = Duration::from_millis(2);

/// A WebSocket to the relay as a [`Link`].
pub struct WebSocketLink {
    shared: Rc<RefCell<Shared>>,
    pause: Option<Sleep>,
    unsent: UnsentLimit,
}

impl WebSocketLink {
    /// Starts to connect to `url` and goes on until it is dropped. `hardware` is the address that frames will leave from, `mtu`
    /// what the stack was set up with; the relay's counts where it says one. `plain`: only in the plain form.
    #[must_use]
    pub fn open(
        url: &str,
        hardware: MacAddress,
        mtu: usize,
        plain: bool,
    ) -> (WebSocketLink, LinkHandle) {
        let shared = Rc::new(RefCell::new(Shared::new(hardware, mtu, plain)));
        crate::task::spawn(keeper::keep_connected(
            url.to_owned(),
            Rc::downgrade(&shared),
        ));
        let handle = LinkHandle::new(&shared);
        (
            WebSocketLink {
                shared,
                pause: None,
                unsent: UnsentLimit::default(),
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
        if let Some(capabilities) = shared.capabilities.take() {
            return Poll::Ready(Ok(LinkEvent::Capabilities(capabilities)));
        }
        if let Some(taken) = shared.take(frame) {
            let Taken { at, offload, start } = taken;
            return Poll::Ready(Ok(LinkEvent::Within(at, offload, start)));
        }
        shared.looked(context);
        Poll::Pending
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        loop {
            {
                let mut shared = self.shared.borrow_mut();
                if shared.may_send(self.unsent.bytes()) {
                    // Something else woke us, and the browser had run dry by then: on long ways acknowledgements come in bursts, which
                    // would otherwise be all that ever leaves between two of them.
                    if let Some(pause) = self.pause.take()
                        && BrowserClock::now() + UNSENT_PAUSE / 2 >= pause.deadline()
                        && shared.buffered() == 0
                    {
                        self.unsent.adapt(0);
                    }
                    return Poll::Ready(Ok(()));
                }
                state::remember(&mut shared.sender, context);
                if !matches!(shared.state, LinkState::Open) || shared.awaits_credit() {
                    // The keeper wakes us, or the relay's credit.
                    self.pause = None;
                    return Poll::Pending;
                }
            }
            let pause = self.pause.get_or_insert_with(|| {
                BrowserClock.sleep_until(BrowserClock::now() + UNSENT_PAUSE)
            });
            match Pin::new(pause).poll(context) {
                Poll::Ready(()) => {
                    self.pause = None;
                    self.unsent.adapt(self.shared.borrow().buffered());
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), Infallible> {
        let buffer = &mut [&[0; HEADROOM], frame].concat();
        self.transmit_within(buffer, Offload::NONE)
    }

    fn transmit_within(&mut self, buffer: &mut [u8], offload: Offload) -> Result<(), Infallible> {
        self.shared.borrow_mut().send(buffer, offload);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.shared.borrow_mut().flush();
        Ok(())
    }
}

impl Drop for WebSocketLink {
    fn drop(&mut self) {
        Shared::close(&self.shared);
    }
}
