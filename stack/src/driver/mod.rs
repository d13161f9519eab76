//! The one asynchronous room: joins a [`Stack`](crate::Stack) to a [`Link`] and a [`Clock`], and hands out futures-io streams.
//!
//! [`Network::new`] gives two halves. [`Driver`] is a future that the owner spawns on whatever runtime it has:
//! frames in, frames out, sleep until the next deadline, wake sockets. [`Network`] is the handle that programs
//! hold; it is cheap to clone. No runtime is named and nothing polls at an interval.

//!
//! Inside: `shared` is the lock, the handles and what they wait with; `waiting` is who waits for what; `run` is the loop.
//! A call locks, tries, and if it must wait leaves its waker; the loop wakes it when an event of the stack says so. No
//! foreign code runs with the lock held: not the link, not the tap, not a waker.

mod error;
mod network;
mod ping;
mod resolve;
mod run;
mod shared;
mod tcp;
mod udp;
mod waiting;

pub use error::Error;
pub use network::Network;
pub use ping::{PingOptions, PingReply};
pub use run::Driver;
pub use shared::Tap;
pub use tcp::{TcpListener, TcpStream};
pub use udp::UdpSocket;

use crate::config::LinkCapabilities;
use crate::time::Instant;
use crate::wire::offload::Offload;
use core::future::Future;
use core::task::{Context, Poll};

/// Where frames come from and go to.
pub trait Link {
    /// What ends the link for good. A link that can reconnect does so itself and reports [`LinkEvent::Restored`].
    type Error: core::fmt::Display;

    /// The next frame, swapped or copied into `frame` (whose old content is of no use), or a change of the link.
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Vec<u8>,
    ) -> Poll<Result<LinkEvent, Self::Error>>;

    /// Whether a frame may be sent now. While pending, the driver takes nothing more from the sockets.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// Sends one frame. Called only after `poll_ready` said yes.
    fn transmit(&mut self, frame: &[u8]) -> Result<(), Self::Error>;

    /// Sends one frame to which something is still to be done. Called in place of [`transmit`](Link::transmit);
    /// there is only something to be done if the link said by [`LinkEvent::Capabilities`], or the stack's configuration
    /// did, that it can.
    fn transmit_offloaded(&mut self, frame: &[u8], offload: Offload) -> Result<(), Self::Error> {
        debug_assert_eq!(offload, Offload::NONE, "a link that finishes no frames");
        self.transmit(frame)
    }

    /// The same for the frame that begins [`HEADROOM`] bytes into `buffer`: what is before it is the link's, for what it puts in
    /// front of frames. This is what the driver calls.
    fn transmit_within(&mut self, buffer: &mut [u8], offload: Offload) -> Result<(), Self::Error> {
        self.transmit_offloaded(buffer.get(HEADROOM..).unwrap_or_default(), offload)
    }

    /// Called when the driver has no more frames for now: a link that batches sends what it holds.
    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Room in front of a frame that is [transmitted](Link::transmit_within).
pub const HEADROOM: usize = 32;

/// What a link reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A frame is in the buffer; it arrived at this moment.
    Frame(Instant),
    /// The same, and something is still to be done to it.
    Offloaded(Instant, Offload),
    /// The same, but the frame begins so many bytes into the buffer: whoever has it behind something else need not move it.
    Within(Instant, Offload, usize),
    /// The link was away and is back.
    Restored,
    /// From now on the link can do and carry this.
    Capabilities(LinkCapabilities),
}

/// Time for the driver. Clones share the origin.
pub trait Clock: Clone + Send + Sync + 'static {
    /// Resolves at the moment it was made for.
    type Sleep: Future<Output = ()>;

    /// The time now; monotonic.
    fn now(&self) -> Instant;

    /// A future that ends at `deadline`, or at once if that has passed.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;
}
