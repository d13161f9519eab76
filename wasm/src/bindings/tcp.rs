//! TCP, for JavaScript.

use super::error::from_driver;
use super::held::Held;
use super::results;
use crate::connection::Connection;
use crate::spent::{self, Pieces};
use crate::task::promise;
use crate::turns::Turns;
use core::future::poll_fn;
use ethertab_stack::Duration;
use ethertab_stack::driver;
use js_sys::Promise;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// A TCP connection. Reads and writes may be under way at once; writes take turns, two reads do not.
#[wasm_bindgen]
pub struct TcpStream {
    connection: Connection,
    writing: Rc<Turns>,
}

impl TcpStream {
    pub(super) fn new(stream: driver::TcpStream) -> TcpStream {
        TcpStream {
            connection: Connection::new(stream),
            writing: Rc::default(),
        }
    }
}

#[wasm_bindgen]
impl TcpStream {
    /// Both ends' addresses and ports.
    pub fn ends(&self) -> Result<JsValue, JsValue> {
        let ends = self
            .connection
            .look(|stream| Ok((stream.local_address()?, stream.remote_address()?)));
        ends.map(|(local, remote)| results::ends(local, remote))
            .map_err(from_driver)
    }

    /// Waits for bytes and takes all that are there, at most `limit`, in one piece or several; `undefined` at the peer's FIN. Each
    /// piece may be given away.
    #[wasm_bindgen(unchecked_return_type = "Promise<Uint8Array<ArrayBuffer>[] | undefined>")]
    pub fn read(&self, limit: u32) -> Promise {
        let connection = self.connection.clone();
        let limit = limit.max(1) as usize;
        promise(async move {
            let mut pieces = Pieces::default();
            let read = poll_fn(|context| {
                let room = spent::room(limit);
                connection.poll_read_with(context, room, &mut |bytes, left| pieces.add(bytes, left))
            });
            let length = read.await.map_err(from_driver)?;
            Ok((length > 0).then(|| pieces.all()))
        })
    }

    /// Gives bytes to send; resolves once the send buffer has taken them all.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn write(&self, bytes: Vec<u8>) -> Promise {
        let (connection, writing) = (self.connection.clone(), Rc::clone(&self.writing));
        promise(async move {
            let _turn = writing.take().await;
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let written = poll_fn(|context| connection.poll_write(context, rest)).await;
                rest = &rest[written.map_err(from_driver)?..];
            }
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Sends our FIN after what was written. Reading goes on.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn finish(&self) -> Promise {
        let (connection, writing) = (self.connection.clone(), Rc::clone(&self.writing));
        promise(async move {
            let _turn = writing.take().await;
            let finished = poll_fn(|context| connection.poll_finish(context)).await;
            finished.map_err(from_driver)?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Gives the connection back: what was written is still delivered.
    pub fn close(&self) {
        self.connection.release();
    }

    /// Resets the connection at once; calls under way fail.
    pub fn abort(&self) {
        self.connection.abort();
    }

    /// Vital signs.
    pub fn info(&self) -> Result<JsValue, JsValue> {
        let info = self.connection.look(driver::TcpStream::info);
        info.map(|info| results::vitals(&info)).map_err(from_driver)
    }

    /// Turns Nagle's algorithm off or on.
    #[wasm_bindgen(js_name = setNoDelay)]
    pub fn set_no_delay(&self, no_delay: bool) {
        // On a connection that is gone there is nothing to set.
        let _ = self.connection.look(|stream| {
            stream.set_no_delay(no_delay);
            Ok(())
        });
    }

    /// Sets keep-alive probes after so many idle milliseconds; `undefined` stops them.
    #[wasm_bindgen(js_name = setKeepAlive)]
    pub fn set_keep_alive(&self, delay: Option<u32>) {
        let idle = delay.map(|delay| Duration::from_millis(u64::from(delay)));
        let _ = self.connection.look(|stream| {
            stream.set_keep_alive(idle);
            Ok(())
        });
    }
}

/// A TCP listener.
#[wasm_bindgen]
pub struct TcpListener {
    listener: Held<driver::TcpListener>,
}

impl TcpListener {
    pub(super) fn new(listener: driver::TcpListener) -> TcpListener {
        TcpListener {
            listener: Held::new(listener),
        }
    }
}

#[wasm_bindgen]
impl TcpListener {
    /// Where it listens; `undefined` once it is closed.
    pub fn end(&self) -> Result<JsValue, JsValue> {
        let Some(listener) = self.listener.value() else {
            return Ok(JsValue::UNDEFINED);
        };
        let local = listener.local_address().map_err(from_driver)?;
        Ok(results::local_end(local))
    }

    /// The next connection; `undefined` once the listener is closed.
    #[wasm_bindgen(unchecked_return_type = "Promise<TcpStream | undefined>")]
    pub fn accept(&self) -> Promise {
        let held = self.listener.clone();
        promise(async move {
            let Some(listener) = held.value() else {
                return Ok(None);
            };
            match held.until_released(listener.accept()).await {
                Some(Ok((stream, _))) => Ok(Some(TcpStream::new(stream))),
                Some(Err(error)) => Err(from_driver(error)),
                None => Ok(None),
            }
        })
    }

    /// Stops listening.
    pub fn close(&self) {
        self.listener.release();
    }
}
