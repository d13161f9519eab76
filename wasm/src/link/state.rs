//! What the link, the keeper of its WebSocket and the browser's callbacks share.

use super::keeper::Socket;
use super::queue::FrameQueue;
use super::turn::Turn;
use crate::clock::BrowserClock;
use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use ethertab_stack::Duration;
use ethertab_tunnel::{LARGEST_MESSAGE, SHORTEST_FRAME};
use js_sys::{ArrayBuffer, Uint8Array};
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;

/// How the WebSocket stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It is being opened.
    Connecting,
    /// Frames can pass.
    Open,
    /// It could not be opened, or was closed; another try follows.
    Waiting {
        /// The WebSocket's close code (RFC 6455 §7.4); 1006 when there was no close frame.
        code: u16,
        /// What the relay or the browser said about it.
        reason: String,
        /// Until the next try.
        delay: Duration,
        /// Whether it had been open.
        was_open: bool,
    },
    /// We closed it, for good.
    Closed,
}

/// Totals of the WebSocket, beside the stack's own counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Frames that arrived while the queue to the stack was full.
    pub receive_queue_drops: u64,
    /// Messages that were no frame: text, or a length that no frame has.
    pub invalid_messages: u64,
    /// Frames that the stack sent while the WebSocket was closing.
    pub send_drops: u64,
    /// How often the WebSocket was opened again.
    pub reconnects: u64,
}

pub(super) struct Shared {
    pub(super) socket: Option<Socket>,
    pub(super) state: LinkState,
    version: u64,
    watchers: Vec<Waker>,
    pub(super) queue: FrameQueue,
    turn: Option<Turn>,
    pub(super) receiver: Option<Waker>,
    pub(super) sender: Option<Waker>,
    /// The link was away and is back, and the stack does not know yet.
    pub(super) restored: bool,
    opened_before: bool,
    /// At most so many bytes are unsent: what was handed over since `bufferedAmount` was read, and what that was.
    unsent: usize,
    counters: LinkCounters,
}

impl Shared {
    pub(super) fn new() -> Shared {
        Shared {
            socket: None,
            state: LinkState::Connecting,
            version: 0,
            watchers: Vec::new(),
            queue: FrameQueue::default(),
            turn: Turn::new(),
            receiver: None,
            sender: None,
            restored: false,
            opened_before: false,
            unsent: 0,
            counters: LinkCounters::default(),
        }
    }

    /// Changes the state and wakes whoever looks at it.
    pub(super) fn enter(&mut self, state: LinkState) {
        if self.state == LinkState::Closed {
            return;
        }
        self.state = state;
        self.version += 1;
        self.watchers.drain(..).for_each(Waker::wake);
    }

    /// The WebSocket is open.
    pub(super) fn opened(&mut self) {
        self.unsent = 0;
        if core::mem::replace(&mut self.opened_before, true) {
            self.restored = true;
            self.counters.reconnects += 1;
        }
        self.enter(LinkState::Open);
        wake(&mut self.receiver);
        wake(&mut self.sender);
    }

    /// A message arrived.
    pub(super) fn received(&mut self, data: &JsValue) {
        let at = BrowserClock::now();
        let Some(buffer) = data.dyn_ref::<ArrayBuffer>() else {
            self.counters.invalid_messages += 1;
            return;
        };
        let length = buffer.byte_length() as usize;
        if !(SHORTEST_FRAME..=LARGEST_MESSAGE).contains(&length) {
            self.counters.invalid_messages += 1;
            return;
        }
        let queued = self.queue.put(at, length, |frame| {
            Uint8Array::new(buffer).copy_to(frame);
        });
        if !queued {
            self.counters.receive_queue_drops += 1;
        }
        match (&mut self.turn, self.receiver.take()) {
            (Some(turn), Some(receiver)) => turn.arrived(at, receiver),
            (_, receiver) => receiver.into_iter().for_each(Waker::wake),
        }
    }

    /// Whether the WebSocket is open and the browser holds fewer unsent bytes than `limit`.
    pub(super) fn may_send(&mut self, limit: usize) -> bool {
        if self.state != LinkState::Open {
            return false;
        }
        if self.unsent >= limit {
            self.unsent = self.buffered();
        }
        self.unsent < limit
    }

    pub(super) fn send(&mut self, frame: &[u8]) {
        let sent = self
            .socket
            .as_ref()
            .is_some_and(|socket| socket.send(frame));
        if sent {
            self.unsent += frame.len();
        } else {
            self.counters.send_drops += 1;
        }
    }

    fn buffered(&self) -> usize {
        self.socket.as_ref().map_or(0, Socket::buffered)
    }

    /// Ends it for good.
    pub(super) fn close(shared: &RefCell<Shared>) {
        let socket = {
            let mut shared = shared.borrow_mut();
            shared.enter(LinkState::Closed);
            shared.socket.take()
        };
        drop(socket);
    }
}

/// Looks at a link from outside. It does not keep the link alive.
#[derive(Clone)]
pub struct LinkHandle {
    shared: Weak<RefCell<Shared>>,
}

impl LinkHandle {
    pub(super) fn new(shared: &Rc<RefCell<Shared>>) -> LinkHandle {
        LinkHandle {
            shared: Rc::downgrade(shared),
        }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.look(LinkState::Closed, |shared| shared.state.clone())
    }

    /// What passed and what did not.
    #[must_use]
    pub fn counters(&self) -> LinkCounters {
        self.look(LinkCounters::default(), |shared| shared.counters)
    }

    /// Bytes that the browser has not sent yet.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.look(0, |shared| shared.buffered())
    }

    /// The state and its version, once that is another than `seen`; at once if it is already.
    pub async fn changed(&self, seen: u64) -> (u64, LinkState) {
        poll_fn(|context| {
            self.look(Poll::Ready((u64::MAX, LinkState::Closed)), |shared| {
                if shared.version != seen {
                    return Poll::Ready((shared.version, shared.state.clone()));
                }
                if !(shared.watchers.iter()).any(|waker| waker.will_wake(context.waker())) {
                    shared.watchers.push(context.waker().clone());
                }
                Poll::Pending
            })
        })
        .await
    }

    fn look<R>(&self, gone: R, look: impl FnOnce(&mut Shared) -> R) -> R {
        match self.shared.upgrade() {
            Some(shared) => look(&mut shared.borrow_mut()),
            None => gone,
        }
    }
}

/// Remembers whom to wake.
pub(super) fn remember(slot: &mut Option<Waker>, context: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(context.waker()),
        None => *slot = Some(context.waker().clone()),
    }
}

fn wake(slot: &mut Option<Waker>) {
    if let Some(waker) = slot.take() {
        waker.wake();
    }
}
