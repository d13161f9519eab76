//! Letting messages gather before the stack looks at them.
//!
//! A browser delivers each WebSocket message by itself and runs microtasks after each. A driver woken that way runs once a
//! message, acknowledges it, and hands its bytes to the page; each of these costs as much as the message. So under load the
//! driver is woken later: behind the messages that are waiting already, or, if they are as large as bulk data makes them, once
//! enough has gathered or two milliseconds have passed. A message that comes alone is looked at at once, and so is a short one where
//! the other side puts many frames in a message: what it holds is the answer to a question, or room to send.

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

/// Messages that come no further apart than this are load.
const APART: Duration = Duration::from_micros(1_000);

/// Bulk data gathers for so long at the most.
const PATIENCE: Duration = Duration::from_micros(2_000);

/// A message of so many bytes is bulk data: nobody waits for it as for the answer to a question.
const BULK: usize = 32 * 1024;

/// Bytes that are worth a turn: a part of the credit that we give, or the relay would wait for us.
const ENOUGH: usize = 512 * 1024;

/// When the driver is to look at a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Now,
    /// Behind the messages that wait already.
    Behind,
    /// When enough has come.
    Gathered,
}

impl When {
    /// `alone`: the message before came long ago. `batched`: the other side has put in a message all that there was.
    fn of(length: usize, alone: bool, batched: bool) -> When {
        match length {
            _ if alone => When::Now,
            BULK.. => When::Gathered,
            _ if batched => When::Now,
            _ => When::Behind,
        }
    }
}

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

    /// A message arrived at `at`, of which `length` bytes may gather: none if somebody may wait for what it holds. `waker` is who looks at messages, unless that is to be woken already. `batched` as
    /// for [`When::of`].
    pub(super) fn arrived(
        &mut self,
        at: Instant,
        length: usize,
        batched: bool,
        waker: Option<Waker>,
    ) {
        let alone = at.since(core::mem::replace(&mut self.last, at)) > APART;
        let when = When::of(length, alone, batched);
        self.gathered += length;
        let Some(waker) = waker else {
            if when == When::Now || self.patience.is_some() && self.gathered >= ENOUGH {
                self.patience = None;
                self.waiting.take().into_iter().for_each(Waker::wake);
            }
            return;
        };
        match when {
            When::Now => waker.wake(),
            When::Gathered => {
                let mut patience = BrowserClock.sleep_until(at + PATIENCE);
                let over = Pin::new(&mut patience).poll(&mut Context::from_waker(&waker));
                if over.is_ready() {
                    return waker.wake();
                }
                self.patience = Some(patience);
                self.waiting.set(Some(waker));
            }
            When::Behind => {
                self.waiting.set(Some(waker));
                if self.far.post_message(&JsValue::UNDEFINED).is_err() {
                    self.waiting.take().into_iter().for_each(Waker::wake);
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_load_bulk_data_gathers_and_nothing_that_somebody_waits_for_does() {
        for length in [60, 1_514, BULK, 65_536] {
            assert_eq!(When::of(length, true, false), When::Now);
            assert_eq!(When::of(length, true, true), When::Now);
        }
        for batched in [false, true] {
            assert_eq!(When::of(BULK, false, batched), When::Gathered);
        }
        assert_eq!(When::of(98, false, true), When::Now);
        assert_eq!(When::of(1_514, false, false), When::Behind);
    }
}
