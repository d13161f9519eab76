//! A TAP interface as a link, for the driver.

use ethertab_stack::driver::{Clock, Link, LinkEvent};
use ethertab_tests::TokioClock;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// An open TAP interface.
pub(crate) struct TapLink {
    device: tun::AsyncDevice,
    clock: TokioClock,
}

impl TapLink {
    /// Opens the interface `name` without an address; it is removed when the link is dropped.
    pub(crate) fn open(name: &str, clock: TokioClock) -> Result<TapLink, tun::Error> {
        let mut configuration = tun::Configuration::default();
        configuration
            .tun_name(name)
            .layer(tun::Layer::L2)
            .mtu(1_500)
            .up();
        Ok(TapLink {
            device: tun::create_as_async(&configuration)?,
            clock,
        })
    }
}

impl Link for TapLink {
    type Error = io::Error;

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Vec<u8>,
    ) -> Poll<io::Result<LinkEvent>> {
        frame.resize(1_514, 0);
        let mut buffer = ReadBuf::new(frame);
        ready!(Pin::new(&mut self.device).poll_read(context, &mut buffer))?;
        let length = buffer.filled().len();
        frame.truncate(length);
        Poll::Ready(Ok(LinkEvent::Frame(self.clock.now())))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn transmit(&mut self, frame: &[u8]) -> io::Result<()> {
        match self.device.send_now(frame) {
            // A full queue loses frames, as on any link.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result,
        }
    }
}

/// Writes without waiting.
trait SendNow {
    fn send_now(&self, frame: &[u8]) -> io::Result<()>;
}

impl SendNow for tun::AsyncDevice {
    fn send_now(&self, frame: &[u8]) -> io::Result<()> {
        let device: &tun::Device = self;
        device.send(frame).map(drop)
    }
}
