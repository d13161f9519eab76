//! Letting messages gather before the stack looks at them.
//!
//! A browser delivers each WebSocket message by itself and runs microtasks after each. A driver woken that way runs once a
//! frame, and TCP acknowledges every second one; each acknowledgement costs as much as a frame. So under load the
//! driver is woken by a task of its own, behind the messages that are waiting already: it finds several frames, and
//! one acknowledgement answers them. A frame that comes alone is looked at at once.

use core::cell::Cell;
use core::task::Waker;
use ethertab_stack::{Duration, Instant};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessagePort};

/// Frames that come no further apart than this are load.
const APART: Duration = Duration::from_micros(1_000);

/// Wakes the driver, at once or a task later.
pub(super) struct Turn {
    waiting: Rc<Cell<Option<Waker>>>,
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
            last: Instant::ZERO,
            near,
            far: channel.port2(),
            _on_message: on_message,
        })
    }

    /// A frame arrived at `at`, and `waker` is who looks at frames.
    pub(super) fn arrived(&mut self, at: Instant, waker: Waker) {
        let alone = at.since(core::mem::replace(&mut self.last, at)) > APART;
        let scheduled = self.waiting.replace(None).is_some();
        if alone && !scheduled {
            waker.wake();
            return;
        }
        self.waiting.set(Some(waker));
        if !scheduled && self.far.post_message(&JsValue::UNDEFINED).is_err() {
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.near.set_onmessage(None);
        self.near.close();
    }
}
