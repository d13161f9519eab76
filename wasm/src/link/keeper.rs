//! Opens the WebSocket, and opens another whenever it goes.

use super::backoff::Backoff;
use super::state::{LinkState, Shared};
use crate::clock::BrowserClock;
use crate::scope;
use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Poll, Waker};
use ethertab_stack::driver::Clock;
use ethertab_stack::random::Random;
use ethertab_stack::{Duration, Instant};
use ethertab_tunnel::{CloseReason, SUBPROTOCOL};
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// How long opening may take: browsers wait for minutes.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that lived so long was a good one: after it, waiting begins with the shortest delay again.
const PROVEN: Duration = Duration::from_secs(5);

/// Whether anything has come is looked at so often. A relay that says nothing is asked, twice; a network that stalls for less is waited for.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
const MOST_ASKED: u32 = 2;

/// "No close frame was received" (RFC 6455 §7.4.1).
const ABNORMAL: u16 = 1006;

/// Keeps a WebSocket open until the link is gone.
pub(super) async fn keep_connected(url: String, link: Weak<RefCell<Shared>>) {
    let mut backoff = Backoff::new(Random::new(scope::random_bytes()));
    let Some(mut plain) = link.upgrade().map(|shared| shared.borrow().plain) else {
        return;
    };
    let only_plain = plain;
    loop {
        let ended = match Socket::open(&url, plain, &link) {
            Ok(socket) => {
                let fate = socket.fate.clone();
                let Some(shared) = link.upgrade() else { return };
                shared.borrow_mut().socket = Some(socket);
                drop(shared);
                fate.ended(|| {
                    link.upgrade()
                        .is_some_and(|shared| shared.borrow_mut().ask())
                })
                .await
            }
            Err(reason) => Ended {
                code: ABNORMAL,
                reason,
                open_since: None,
            },
        };
        let now = BrowserClock::now();
        if ended
            .open_since
            .is_some_and(|since| now.since(since) >= PROVEN)
        {
            backoff.succeeded();
        }
        // A browser fails a WebSocket whose server knows none of the subprotocols that it was offered, and does not say so:
        // the plain form is tried at once. A relay that spoke the negotiated form is only away: in the plain one it could not tell
        // who comes back. What opened once may have learned more when it comes back.
        let Some(shared) = link.upgrade() else { return };
        if ended.open_since.is_none() && !plain && !shared.borrow().was_negotiated() {
            plain = true;
            let old = shared.borrow_mut().socket.take();
            drop(old);
            continue;
        }
        plain = only_plain;
        let delay = backoff.failed();
        let old = {
            let mut shared = shared.borrow_mut();
            shared.enter(LinkState::Waiting {
                code: ended.code,
                reason: ended.reason,
                delay,
                was_open: ended.open_since.is_some(),
            });
            shared.socket.take()
        };
        drop(old);
        // The link may go while we wait.
        drop(shared);
        BrowserClock.sleep_until(now + delay).await;
        let Some(shared) = link.upgrade() else { return };
        shared.borrow_mut().enter(LinkState::Connecting);
    }
}

/// One WebSocket and the closures that the browser calls. Dropping it closes it.
pub(super) struct Socket {
    websocket: WebSocket,
    fate: Rc<Fate>,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// `plain`: without asking for the negotiated form.
    fn open(url: &str, plain: bool, link: &Weak<RefCell<Shared>>) -> Result<Socket, String> {
        let websocket = if plain {
            WebSocket::new(url)
        } else {
            WebSocket::new_with_str(url, SUBPROTOCOL)
        };
        let websocket = websocket.map_err(|error| said(&error))?;
        websocket.set_binary_type(BinaryType::Arraybuffer);
        let fate = Rc::new(Fate::default());
        let on_open = Closure::new({
            let (link, fate, websocket) = (link.clone(), fate.clone(), websocket.clone());
            move || {
                fate.open_since.set(Some(BrowserClock::now()));
                if let Some(shared) = link.upgrade() {
                    shared.borrow_mut().opened(&websocket.protocol());
                }
            }
        });
        let on_message = Closure::new({
            let (link, fate) = (link.clone(), fate.clone());
            move |event: MessageEvent| {
                fate.heard.set(true);
                if let Some(shared) = link.upgrade() {
                    shared.borrow_mut().received(&event.data());
                }
            }
        });
        let on_close = Closure::new({
            let fate = fate.clone();
            move |event: CloseEvent| fate.end(event.code(), event.reason())
        });
        websocket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        websocket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        websocket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Socket {
            websocket,
            fate,
            _on_open: on_open,
            _on_message: on_message,
            _on_close: on_close,
        })
    }

    /// Hands a frame to the browser; false if the WebSocket takes none.
    pub(super) fn send(&self, frame: &[u8]) -> bool {
        self.websocket.send_with_u8_array(frame).is_ok()
    }

    /// Ends it for this reason; its own close event says when.
    pub(super) fn close(&self, reason: CloseReason) {
        // Codes from 4000 on are taken.
        let _ = self
            .websocket
            .close_with_code_and_reason(reason.code(), reason.text());
    }

    /// Bytes that the browser holds unsent.
    pub(super) fn buffered(&self) -> usize {
        self.websocket.buffered_amount() as usize
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.websocket.set_onopen(None);
        self.websocket.set_onmessage(None);
        self.websocket.set_onclose(None);
        // Only an invalid code is refused, and this one is not.
        let _ = self.websocket.close_with_code(1000);
        self.fate.end(ABNORMAL, String::new());
    }
}

/// How one WebSocket ended.
struct Ended {
    code: u16,
    reason: String,
    open_since: Option<Instant>,
}

/// What the browser's callbacks tell the keeper about one WebSocket.
#[derive(Default)]
struct Fate {
    open_since: Cell<Option<Instant>>,
    /// Something came since this was looked at.
    heard: Cell<bool>,
    closed: RefCell<Option<(u16, String)>>,
    waker: Cell<Option<Waker>>,
}

impl Fate {
    fn end(&self, code: u16, reason: String) {
        self.closed.borrow_mut().get_or_insert((code, reason));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits until the WebSocket is closed, has not opened in time, or leads nowhere any more: nothing comes from the relay, not even
    /// an answer to what `ask` asked, if it could ask.
    async fn ended(&self, ask: impl Fn() -> bool) -> Ended {
        let after = |time| BrowserClock.sleep_until(BrowserClock::now() + time);
        let mut timeout = pin!(after(OPEN_TIMEOUT));
        let mut asked = 0;
        let (code, reason) = poll_fn(|context| {
            if let Some(closed) = self.closed.take() {
                return Poll::Ready(closed);
            }
            while timeout.as_mut().poll(context).is_ready() {
                if self.heard.take() {
                    asked = 0;
                } else if self.open_since.get().is_none() || asked == MOST_ASKED {
                    return Poll::Ready((ABNORMAL, "no answer in time".to_owned()));
                } else {
                    asked += u32::from(ask());
                }
                timeout.set(after(LOOK_AGAIN));
            }
            self.waker.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
        Ended {
            code,
            reason,
            open_since: self.open_since.get(),
        }
    }
}

/// What a thrown value says.
fn said(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .unwrap_or_else(|| "the WebSocket was refused".to_owned())
}
