//! What the driver of our stack asks for: a [`Link`] to the switch, and tokio's [`Clock`].

use crate::switch::Plug;
use crate::switch::queue::{Batch, FrameQueue};
use ethertab_stack::Instant;
use ethertab_stack::driver::{Clock, Link, LinkEvent};
use ethertab_tunnel::v1::Offload;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A port of the switch, as a stack sees it.
pub struct SwitchLink {
    plug: Plug,
    queue: Arc<FrameQueue>,
    batch: Option<Batch>,
    clock: TokioClock,
}

impl SwitchLink {
    /// The stack's end of `plug`, whose outlet is `queue`.
    #[must_use]
    pub fn new(plug: Plug, queue: Arc<FrameQueue>, clock: TokioClock) -> SwitchLink {
        SwitchLink {
            plug,
            queue,
            batch: None,
            clock,
        }
    }
}

impl Link for SwitchLink {
    type Error = Infallible;

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Vec<u8>,
    ) -> Poll<Result<LinkEvent, Infallible>> {
        loop {
            // The gateway takes nothing that is still to be finished, so there is nothing to know about a frame.
            if let Some((_, next)) = self.batch.as_mut().and_then(Batch::next_frame) {
                frame.clear();
                frame.extend_from_slice(next);
                return Poll::Ready(Ok(LinkEvent::Frame(self.clock.now())));
            }
            self.batch = Some(ready!(self.queue.poll_take(context)));
        }
    }

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The switch takes every frame at once; what a port has no room for, it drops.
        Poll::Ready(Ok(()))
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), Infallible> {
        (self.plug).forward(frame, Offload::NONE, tokio::time::Instant::now());
        Ok(())
    }
}

/// Tokio's clock, counted from its start.
#[derive(Clone, Debug)]
pub struct TokioClock {
    start: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that reads zero now.
    #[must_use]
    pub fn start() -> TokioClock {
        TokioClock {
            start: tokio::time::Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        let micros = self.start.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        // A deadline of centuries would overflow tokio's own arithmetic; a day later the driver looks again.
        let wait = deadline.since(self.now()).min(Duration::from_secs(86_400));
        Sleep(Box::pin(tokio::time::sleep(wait)))
    }
}

/// Ends at its deadline. Tokio's own timer may not be moved, hence the box.
pub struct Sleep(Pin<Box<tokio::time::Sleep>>);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}
