//! What the link, the keeper of its WebSocket and the browser's callbacks share.

use super::controls::Controls;
use super::keeper::Socket;
use super::queue::{MessageQueue, Packing, Taken};
use super::session::Session;
use super::turn::Turn;
use crate::clock::BrowserClock;
use crate::spent;
use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};
use ethertab_stack::config::LinkCapabilities;
use ethertab_stack::driver::HEADROOM;
use ethertab_stack::wire::offload::Offload;
use ethertab_stack::{Duration, Instant, MacAddress};
use ethertab_tunnel::v1::{self, LARGEST_SINGLE, Stamp, TOKEN};
use ethertab_tunnel::{CloseReason, LARGEST_MESSAGE, SHORTEST_FRAME, SUBPROTOCOL};
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
    /// Messages that were no frame: text, a length that no frame has, or records that break the rules.
    pub invalid_messages: u64,
    /// Frames that the stack sent while the WebSocket was closing, or that the relay does not take as they are.
    pub send_drops: u64,
    /// How often the WebSocket was opened again.
    pub reconnects: u64,
}

pub(super) struct Shared {
    pub(super) socket: Option<Socket>,
    pub(super) state: LinkState,
    version: u64,
    watchers: Vec<Waker>,
    queue: MessageQueue,
    /// The WebSocket speaks the negotiated form.
    session: Option<Session>,
    hardware: MacAddress,
    mtu: usize,
    /// Only the plain form is asked for.
    pub(super) plain: bool,
    /// Names the session that we had, for the next WebSocket.
    token: [u8; TOKEN],
    /// What the link can do changed, and the stack does not know yet.
    pub(super) capabilities: Option<LinkCapabilities>,
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
    pub(super) fn new(hardware: MacAddress, mtu: usize, plain: bool) -> Shared {
        Shared {
            socket: None,
            state: LinkState::Connecting,
            version: 0,
            watchers: Vec::new(),
            queue: MessageQueue::default(),
            session: None,
            hardware,
            mtu,
            plain,
            token: [0; TOKEN],
            capabilities: None,
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

    /// The WebSocket is open, in the form that this subprotocol names.
    pub(super) fn opened(&mut self, protocol: &str) {
        self.unsent = 0;
        self.queue.begin_again();
        if core::mem::replace(&mut self.opened_before, true) {
            self.restored = true;
            self.counters.reconnects += 1;
            self.capabilities = Some(self.plain_capabilities());
        }
        self.session = (protocol == SUBPROTOCOL).then(Session::new);
        if let Some(session) = &mut self.session {
            let hello = session.hello(self.hardware.0, self.mtu, self.token, BrowserClock::now());
            self.send_control(&hello);
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
        let (packing, lengths) = match self.session {
            Some(_) => (Packing::Records, 1..=LARGEST_SINGLE),
            None => (Packing::Single, SHORTEST_FRAME..=LARGEST_MESSAGE),
        };
        if !lengths.contains(&length) {
            self.counters.invalid_messages += 1;
            // It has taken credit, which would never come back.
            self.queue.refuse(length);
            return;
        }
        let fill = |room: &mut [u8]| Uint8Array::new(buffer).copy_to(room);
        let message = self.queue.put(at, packing, length, fill);
        spent::keep(buffer, length);
        let Some(message) = message else {
            self.counters.receive_queue_drops += 1;
            return;
        };
        let mut controls = Controls::default();
        if packing == Packing::Records {
            controls = Controls::of(message);
        }
        let has_short = controls.has_short;
        self.heed(controls, at);
        let receiver = self.receiver.take();
        match &mut self.turn {
            Some(turn) => {
                let gathers = if has_short { 0 } else { length };
                turn.arrived(at, gathers, packing == Packing::Records, receiver);
            }
            None => receiver.into_iter().for_each(Waker::wake),
        }
    }

    /// Whether the relay has ever said hello.
    pub(super) fn was_negotiated(&self) -> bool {
        self.token != [0; TOKEN]
    }

    /// Asks the relay for a sign of life; false if the form has no way to.
    pub(super) fn ask(&mut self) -> bool {
        let asks = self.session.is_some();
        if asks {
            // Its pong measures nothing: it only has to come.
            self.send_control(&v1::put_ping(Stamp(0)));
        }
        asks
    }

    /// Does what records of control ask for.
    fn heed(&mut self, controls: Controls, at: Instant) {
        let Some(session) = &mut self.session else {
            return;
        };
        if let Some(hello) = &controls.hello {
            self.token = hello.token;
        }
        if let Some(capabilities) = session.heed(&controls, self.mtu, at) {
            self.capabilities = Some(capabilities);
        }
        if controls.credit.is_some() || controls.hello.is_some() {
            wake(&mut self.sender);
        }
        if !controls.pongs.is_empty() {
            self.send_control(&controls.pongs);
        }
        if controls.is_malformed {
            self.counters.invalid_messages += 1;
            if let Some(socket) = &self.socket {
                socket.close(CloseReason::Malformed);
            }
        }
    }

    /// Puts the oldest frame into `frame`, and gives credit for what was taken: it leaves with the acknowledgements of that.
    pub(super) fn take(&mut self, frame: &mut Vec<u8>) -> Option<Taken> {
        let taken = self.queue.take(frame);
        let consumed = self.queue.consumed();
        let now = (taken.as_ref()).map_or_else(BrowserClock::now, |taken| taken.at);
        let (session, mut outlet) = self.way_out();
        if let Some(session) = session {
            session.grant(consumed, now, |message| outlet.send(message));
        }
        taken
    }

    /// The driver has taken all there is, and waits for more.
    pub(super) fn looked(&mut self, context: &Context<'_>) {
        remember(&mut self.receiver, context);
        if let Some(turn) = &mut self.turn {
            turn.looked();
        }
    }

    /// What the link can do in the plain form.
    fn plain_capabilities(&self) -> LinkCapabilities {
        LinkCapabilities {
            mtu: self.mtu,
            ..LinkCapabilities::default()
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
        self.unsent < limit && self.session.as_ref().is_none_or(Session::may_send)
    }

    /// Whether only the relay's credit is missing: it wakes the sender when it comes.
    pub(super) fn awaits_credit(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| !session.may_send())
    }

    /// Sends the frame that begins [`HEADROOM`] bytes into `buffer`, with others if the form has room for them.
    pub(super) fn send(&mut self, buffer: &mut [u8], offload: Offload) {
        let (session, mut outlet) = self.way_out();
        let is_taken = match session {
            Some(session) => session.put(buffer, offload, |message| outlet.send(message)),
            None if offload == Offload::NONE => {
                outlet.send(&buffer[HEADROOM..]);
                true
            }
            None => false,
        };
        self.counters.send_drops += u64::from(!is_taken);
    }

    /// The session, and where its messages leave.
    fn way_out(&mut self) -> (Option<&mut Session>, Outlet<'_>) {
        let outlet = Outlet {
            socket: self.socket.as_ref(),
            unsent: &mut self.unsent,
            drops: &mut self.counters.send_drops,
        };
        (self.session.as_mut(), outlet)
    }

    /// Sends what waits for more.
    pub(super) fn flush(&mut self) {
        let (session, mut outlet) = self.way_out();
        if let Some(session) = session {
            session.flush(|message| outlet.send(message));
        }
    }

    /// Sends records of control in a message of their own, at once.
    fn send_control(&mut self, records: &[u8]) {
        let sent = self
            .socket
            .as_ref()
            .is_some_and(|socket| socket.send(records));
        if let (true, Some(session)) = (sent, &mut self.session) {
            session.count_control(records.len());
        }
    }

    /// Bytes that the browser holds unsent.
    pub(super) fn buffered(&self) -> usize {
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

/// Where messages leave.
struct Outlet<'s> {
    socket: Option<&'s Socket>,
    unsent: &'s mut usize,
    drops: &'s mut u64,
}

impl Outlet<'_> {
    fn send(&mut self, message: &[u8]) {
        if self.socket.is_some_and(|socket| socket.send(message)) {
            *self.unsent += message.len();
        } else {
            *self.drops += 1;
        }
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
