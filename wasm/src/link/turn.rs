//! Letting messages gather before the stack looks at them.
//!
//! A browser delivers each WebSocket message by itself and runs microtasks after each. A driver woken that way runs once a
//! message, acknowledges it, and hands its bytes to the page; each of these costs as much as the message. So under load the
//! driver is woken later: behind the messages that are waiting already, or, if they are as large as bulk data makes them, once
//! enough has gathered or a millisecond has passed. A message that comes alone is looked at at once.

use crate::clock::{BrowserClock, Sleep};
use core::cell::Cell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Waker};
use ethertab_stack::driver::Clock;
use ethertab_stack::{Duration, Instant};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessagePort};

/// Messages that come no further apart than this are load. Bulk data gathers for as long at the most.
const APART: Duration = Duration::from_micros(1_000);

/// A message of so many bytes is bulk data: nobody waits for it as for the answer to a question.
const BULK: usize = 32 * 1024;

/// Bytes that are worth a turn: a part of the credit that we give, or the relay would wait for us.
const ENOUGH: usize = 192 * 1024;

/// Wakes the driver, at once or later.
pub(super) struct Turn {
    waiting: Rc<Cell<Option<Waker>>>,
    /// Bytes that arrived since the driver looked.
    gathered: usize,
    /// Ends the gathering.
    patience: Option<Sleep>,
    last: Instant,
    near: MessagePort,
    far: MessagePort,
    _on_message: Closure<dyn FnMut()>,
}

impl Turn {
    /// `None` where there is no MessageChannel.
    pub(super) fn new() -> Option<Turn> {
        let channel = MessageChannel::new().ok()?;
        let waiting: Rc<Cell<Option<Waker>>> = Rc::default();
        let on_message = Closure::new({
            let waiting = Rc::clone(&waiting);
            move || waiting.take().into_iter().for_each(Waker::wake)
        });
        let near = channel.port1();
        near.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Turn {
            waiting,
            gathered: 0,
            patience: None,
            last: Instant::ZERO,
            near,
            far: channel.port2(),
            _on_message: on_message,
        })
    }

    /// The driver has looked at all there is.
    pub(super) fn looked(&mut self) {
        self.gathered = 0;
        self.patience = None;
        self.waiting.take();
    }

    /// A message of `length` bytes arrived at `at`; `waker` is who looks at messages, unless that is to be woken already.
    pub(super) fn arrived(&mut self, at: Instant, length: usize, waker: Option<Waker>) {
        let alone = at.since(core::mem::replace(&mut self.last, at)) > APART;
        self.gathered += length;
        let Some(waker) = waker else {
            if self.patience.is_some() && self.gathered >= ENOUGH {
                self.patience = None;
                self.waiting.take().into_iter().for_each(Waker::wake);
            }
            return;
        };
        if alone {
            waker.wake();
        } else if length >= BULK {
            let mut patience = BrowserClock.sleep_until(at + APART);
            let over = Pin::new(&mut patience).poll(&mut Context::from_waker(&waker));
            if over.is_ready() {
                return waker.wake();
            }
            self.patience = Some(patience);
            self.waiting.set(Some(waker));
        } else {
            self.waiting.set(Some(waker));
            if self.far.post_message(&JsValue::UNDEFINED).is_err() {
                self.waiting.take().into_iter().for_each(Waker::wake);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.near.set_onmessage(None);
        self.near.close();
    }
}
