//! UDP, for JavaScript.

use super::error::from_driver;
use super::held::Held;
use super::options;
use super::results;
use crate::task::promise;
use core::cell::RefCell;
use core::net::SocketAddr;
use ethertab_stack::driver;
use js_sys::Promise;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The largest datagram there is (RFC 768: a length of 16 bits).
const LARGEST_DATAGRAM: usize = 65_535;

/// A UDP socket.
#[wasm_bindgen]
pub struct UdpSocket {
    socket: Held<driver::UdpSocket>,
    /// The one receive that is under way has it.
    buffer: Rc<RefCell<Vec<u8>>>,
}

impl UdpSocket {
    pub(super) fn new(socket: driver::UdpSocket) -> UdpSocket {
        UdpSocket {
            socket: Held::new(socket),
            buffer: Rc::default(),
        }
    }
}

#[wasm_bindgen]
impl UdpSocket {
    /// Our end; `undefined` once it is closed.
    pub fn end(&self) -> Result<JsValue, JsValue> {
        let Some(socket) = self.socket.value() else {
            return Ok(JsValue::UNDEFINED);
        };
        let local = socket.local_address().map_err(from_driver)?;
        Ok(results::local_end(local))
    }

    /// Fixes the peer.
    pub fn connect(&self, address: &str, port: u16) -> Result<(), JsValue> {
        let remote = SocketAddr::new(options::address(address)?, port);
        match self.socket.value() {
            Some(socket) => socket.connect(remote).map_err(from_driver),
            None => Err(closed()),
        }
    }

    /// Sends one datagram: to the connected peer without an address, else to the one named.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn send(&self, bytes: Vec<u8>, address: Option<String>, port: u16) -> Promise {
        let held = self.socket.clone();
        promise(async move {
            let socket = held.value().ok_or_else(closed)?;
            let outcome = match address {
                Some(address) => {
                    let destination = SocketAddr::new(options::address(&address)?, port);
                    held.until_released(socket.send_to(&bytes, destination))
                        .await
                }
                None => held.until_released(socket.send(&bytes)).await,
            };
            outcome.ok_or_else(closed)?.map_err(from_driver)?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// The next datagram, as `{data, remoteAddress, remotePort}`; `undefined` once the socket is closed. One call at a time.
    #[wasm_bindgen(unchecked_return_type = "Promise<any>")]
    pub fn receive(&self) -> Promise {
        let (held, spare) = (self.socket.clone(), Rc::clone(&self.buffer));
        promise(async move {
            let Some(socket) = held.value() else {
                return Ok(JsValue::UNDEFINED);
            };
            let mut buffer = spare.take();
            buffer.resize(LARGEST_DATAGRAM, 0);
            let outcome = held.until_released(socket.receive(&mut buffer)).await;
            let message = match outcome {
                Some(Ok(datagram)) => {
                    let data = &buffer[..datagram.length];
                    Ok(results::datagram(datagram.source, data))
                }
                Some(Err(error)) => Err(from_driver(error)),
                None => return Ok(JsValue::UNDEFINED),
            };
            spare.replace(buffer);
            message
        })
    }

    /// Closes it; datagrams already queued are still sent.
    pub fn close(&self) {
        self.socket.release();
        self.buffer.take();
    }
}

fn closed() -> JsValue {
    super::error("EPIPE", "socket closed")
}
