//! The WebSocket as smoltcp's device.

use js_sys::Uint8Array;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use std::collections::VecDeque;
use web_sys::WebSocket;

/// Bytes of a frame that carries an IP packet of 1500.
const FRAME: usize = 1_514;

/// Bytes that the browser may hold unsent: as many as the raw WebSocket beside it is allowed, so that its
/// send buffer is what bounds it.
const UNSENT_LIMIT: usize = 4 * 1024 * 1024;

/// Frames that arrived wait here; frames that leave go straight to the browser.
pub(crate) struct Tunnel {
    waiting: VecDeque<Vec<u8>>,
    outlet: Outlet,
}

struct Outlet {
    websocket: WebSocket,
    /// Where the next frame is written.
    frame: Vec<u8>,
    /// What the browser held unsent when we looked last, and what it was given since: asking at each frame costs more.
    unsent: usize,
}

impl Tunnel {
    pub(crate) fn new(websocket: WebSocket) -> Tunnel {
        Tunnel {
            waiting: VecDeque::new(),
            outlet: Outlet {
                websocket,
                frame: vec![0; FRAME],
                unsent: 0,
            },
        }
    }

    pub(crate) fn arrived(&mut self, frame: &Uint8Array) {
        self.waiting.push_back(frame.to_vec());
    }

    /// Asks the browser how much it holds unsent.
    pub(crate) fn look(&mut self) {
        self.outlet.unsent = self.outlet.websocket.buffered_amount() as usize;
    }
}

pub(crate) struct Received(Vec<u8>);
pub(crate) struct Room<'d>(&'d mut Outlet);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

impl TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let frame = &mut self.0.frame[..length];
        let result = fill(frame);
        self.0.unsent += length;
        // Refused only once it is closing: then the frame is lost, as on any link.
        let _ = self.0.websocket.send_with_u8_array(frame);
        result
    }
}

impl Device for Tunnel {
    type RxToken<'d> = Received;
    type TxToken<'d> = Room<'d>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Room<'_>)> {
        let frame = self.waiting.pop_front()?;
        Some((Received(frame), Room(&mut self.outlet)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        (self.outlet.unsent < UNSENT_LIMIT).then_some(Room(&mut self.outlet))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        // Checksums are made and verified unless it says otherwise.
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}
