//! The client (RFC 2131 §4.4).
//!
//! ```text
//!           ┌────────────────────────────── NAK, no answer, conflict: DECLINE, then 10 s ───────────────────┐
//!           ▼                                                                                                │
//!  Waiting ──► Selecting ──OFFER──► Requesting ──ACK──► Probing ──clear──► Bound ──T1──► Renewing ──T2──► Rebinding
//!             DISCOVER              REQUEST            (RFC 5227)           ▲ ▲         REQUEST          REQUEST
//!                                                                           │ └────ACK─────┴────────ACK─────┘
//!                             link restored: Rebooting ──ACK, no answer─────┘
//!                                            REQUEST  ──NAK──► Selecting
//! ```
//!
//! Deviations, because a page waits: the first message leaves at once (RFC 2131 §4.4.1 wants 1 s to 10 s of delay, for
//! buildings full of hosts that power up together); the first retry comes after 1 s and not 4 s; the first good offer
//! is taken.

use super::lease::Held;
use super::outgoing::{Offer, Outgoing};
use crate::event::Lease;
use crate::random::Random;
use crate::time::{Duration, Instant};
use crate::wire::address::MacAddress;
use crate::wire::dhcp::{Message, MessageType, Operation};
use alloc::collections::VecDeque;
use alloc::string::String;
use core::net::Ipv4Addr;

/// Longest time between two messages while there is no lease (RFC 2131 §4.1).
const LONGEST_WAIT: Duration = Duration::from_secs(64);
/// How long to keep still after a DECLINE (RFC 2131 §3.1, step 5).
const AFTER_DECLINE: Duration = Duration::from_secs(10);
/// REQUESTs sent for one offer before another is looked for.
const REQUESTS: u32 = 4;
/// REQUESTs sent to confirm a lease after the link was away.
const REBOOT_REQUESTS: u32 = 3;
/// Events that wait to be polled.
const EVENTS: usize = 8;
/// What the client tells the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DhcpEvent {
    /// Find out whether somebody uses this address (RFC 5227 §2.1), then call [`DhcpClient::probe_clear`] or
    /// [`DhcpClient::conflict`].
    Probe(Ipv4Addr),
    /// This address is ours, or ours for longer.
    Bound(Lease),
    /// The address is no longer ours: stop using it.
    Lost,
}

/// A client for one interface.
#[derive(Debug)]
pub struct DhcpClient {
    hardware: MacAddress,
    hostname: String,
    random: Random,
    state: State,
    /// The address that we use. The states from `Bound` on have one.
    held: Option<Held>,
    /// The last address that was ours; asked for again.
    wish: Option<Ipv4Addr>,
    exchange: Exchange,
    outgoing: Option<Outgoing>,
    /// NAKs and conflicts since the last lease.
    refusals: u32,
    events: VecDeque<DhcpEvent>,
}

#[derive(Debug)]
enum State {
    /// Not before this moment.
    Waiting(Instant),
    Selecting,
    Requesting(Offer),
    Probing(Held),
    Bound,
    Renewing,
    Rebinding,
    /// INIT-REBOOT (RFC 2131 §3.2), while the lease goes on.
    Rebooting,
    /// The lease was given back.
    Released,
}

/// One transaction: what was sent and when it is sent again.
#[derive(Debug)]
struct Exchange {
    transaction: u32,
    /// When it began, from which the life of a lease counts.
    began: Instant,
    /// What `secs` says: since when we look for an address; a REQUEST repeats what its DISCOVER said.
    seconds: u16,
    sent: u32,
    retry_at: Option<Instant>,
}

impl DhcpClient {
    /// A client that begins at once. `hostname` is told to the server.
    #[must_use]
    pub fn new(
        hardware: MacAddress,
        hostname: Option<String>,
        random: Random,
        now: Instant,
    ) -> DhcpClient {
        let mut client = DhcpClient {
            hardware,
            hostname: hostname.unwrap_or_default(),
            random,
            state: State::Waiting(now),
            held: None,
            wish: None,
            exchange: Exchange {
                transaction: 0,
                began: now,
                seconds: 0,
                sent: 0,
                retry_at: None,
            },
            outgoing: None,
            refusals: 0,
            events: VecDeque::new(),
        };
        client.discover(now);
        client
    }

    /// Takes the payload of a datagram that came to port 68.
    pub fn receive(&mut self, message: &[u8], now: Instant) {
        let Ok(message) = Message::parse(message) else {
            return;
        };
        // RFC 2131 §4.4.1: what does not answer our last message is silently dropped.
        let ours = message.operation == Operation::Reply
            && message.transaction == self.exchange.transaction
            && message.hardware == self.hardware;
        if !ours {
            return;
        }
        match message.kind {
            MessageType::Offer => self.receive_offer(&message, now),
            MessageType::Ack => self.receive_ack(&message, now),
            MessageType::Nak => self.receive_nak(&message, now),
            _ => {}
        }
    }

    /// Writes the next message into `out`, at least 300 bytes; returns its length and where it goes (port 67).
    pub fn transmit(&mut self, _now: Instant, out: &mut [u8]) -> Option<(usize, Ipv4Addr)> {
        let outgoing = self.outgoing.take()?;
        let exchange = &self.exchange;
        let mut message = outgoing.message(exchange.transaction, self.hardware, &self.hostname);
        message.seconds = exchange.seconds;
        let destination = outgoing.destination();
        if matches!(outgoing, Outgoing::Release(_)) {
            self.lose();
        }
        Some((message.emit(out)?, destination))
    }

    /// When to call [`advance`](Self::advance).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let held = self.held.as_ref();
        let next_phase = match &self.state {
            // At once while the host has not yet heard that the address is gone; then never.
            State::Released => return (!self.events.is_empty()).then_some(self.exchange.began),
            State::Waiting(until) => Some(*until),
            State::Bound => held.and_then(|held| held.renew_at),
            State::Renewing => held.and_then(|held| held.rebind_at),
            _ => None,
        };
        let retry = match self.state {
            State::Waiting(_) | State::Probing(_) | State::Bound => None,
            _ => self.exchange.retry_at,
        };
        let expiry = held.and_then(|held| held.expires_at);
        [next_phase, retry, expiry].into_iter().flatten().min()
    }

    /// Does what is due at `now`.
    pub fn advance(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if matches!(self.state, State::Released) {
            return;
        }
        if self.held.as_ref().is_some_and(|held| due(held.expires_at)) {
            // RFC 2131 §4.4.5: the lease is over, and with it every use of the address.
            self.lose();
            self.discover(now);
            return;
        }
        // Each turn moves one phase forward; a clock that jumped may pass several.
        for _ in 0..4 {
            match &self.state {
                State::Waiting(until) if *until <= now => self.discover(now),
                State::Selecting if due(self.exchange.retry_at) => {
                    let since = now.since(self.exchange.began).as_secs();
                    self.exchange.seconds = u16::try_from(since).unwrap_or(u16::MAX);
                    self.send(Outgoing::Discover(self.wish), now);
                }
                State::Requesting(offer) if due(self.exchange.retry_at) => {
                    if self.exchange.sent >= REQUESTS {
                        self.discover(now);
                    } else {
                        self.send(Outgoing::Select(*offer), now);
                    }
                }
                State::Rebooting if due(self.exchange.retry_at) => {
                    if self.exchange.sent >= REBOOT_REQUESTS {
                        // RFC 2131 §3.2: nobody answers, so use the lease for as long as it lasts.
                        self.state = State::Bound;
                    } else {
                        self.confirm(now);
                    }
                }
                State::Bound if due(self.held.as_ref().and_then(|held| held.renew_at)) => {
                    self.state = State::Renewing;
                    self.ask_again(now);
                }
                State::Renewing if due(self.held.as_ref().and_then(|held| held.rebind_at)) => {
                    self.state = State::Rebinding;
                    self.ask_again(now);
                }
                State::Renewing | State::Rebinding if due(self.exchange.retry_at) => {
                    self.ask_again(now);
                }
                _ => return,
            }
        }
    }

    /// The next thing that the host should act on.
    pub fn poll_event(&mut self) -> Option<DhcpEvent> {
        self.events.pop_front()
    }

    /// The link's answer to [`DhcpEvent::Probe`]: nobody uses the address.
    pub fn probe_clear(&mut self, address: Ipv4Addr, _now: Instant) {
        if let State::Probing(held) = &self.state
            && held.lease.address == address
        {
            let held = held.clone();
            self.bind(held);
        }
    }

    /// Somebody else uses the address that we want or have: it is declined (RFC 2131 §4.4.1), and another one is
    /// looked for after a while.
    pub fn conflict(&mut self, address: Ipv4Addr, now: Instant) {
        let held = match &self.state {
            State::Probing(held) => Some(held),
            _ => self.held.as_ref(),
        };
        let Some(held) = held.filter(|held| held.lease.address == address) else {
            return;
        };
        let offer = Offer {
            address,
            server: held.lease.server,
        };
        self.lose();
        self.wish = None;
        self.refusals += 1;
        self.begin(now);
        self.state = State::Waiting(now + AFTER_DECLINE.max(self.after_refusals()));
        self.outgoing = Some(Outgoing::Decline(offer));
    }

    /// The link was away and is back: the lease is confirmed (RFC 2131 §3.2), or the search begins anew at once.
    pub fn restored(&mut self, now: Instant) {
        match self.state {
            State::Released | State::Waiting(_) => {}
            _ if self.held.is_some() => {
                self.state = State::Rebooting;
                self.begin(now);
                self.confirm(now);
            }
            _ => self.discover(now),
        }
    }

    /// Gives the lease back. The message leaves with the next [`transmit`](Self::transmit), by unicast and from the
    /// address that is given back, so the host must send it before it acts on the [`DhcpEvent::Lost`] that follows.
    /// The client then keeps still until [`restart`](Self::restart).
    pub fn release(&mut self, now: Instant) {
        self.begin(now);
        self.outgoing = self.held.as_ref().map(|held| {
            Outgoing::Release(Offer {
                address: held.lease.address,
                server: held.lease.server,
            })
        });
        self.state = State::Released;
    }

    /// Looks for an address again after [`release`](Self::release).
    pub fn restart(&mut self, now: Instant) {
        if matches!(self.state, State::Released) {
            self.lose();
            self.discover(now);
        }
    }

    fn receive_offer(&mut self, message: &Message, now: Instant) {
        // RFC 2131 table 3: an offer names its server.
        let Some(server) = message.options.server else {
            return;
        };
        let held = Held::from_message(message, None, now, &mut self.random);
        if let (State::Selecting, Some(held)) = (&self.state, held) {
            let address = held.lease.address;
            let offer = Offer { address, server };
            self.state = State::Requesting(offer);
            // The same transaction goes on, and `secs` with it (RFC 2131 §4.4.1).
            self.exchange.began = now;
            self.exchange.sent = 0;
            self.send(Outgoing::Select(offer), now);
        }
    }

    fn receive_ack(&mut self, message: &Message, now: Instant) {
        let server = match &self.state {
            State::Requesting(offer) => offer.server,
            State::Renewing | State::Rebinding | State::Rebooting => match &self.held {
                Some(held) => held.lease.server,
                None => return,
            },
            _ => return,
        };
        let from_another = message.options.server.is_some_and(|named| named != server);
        if from_another && matches!(self.state, State::Requesting(_) | State::Renewing) {
            return;
        }
        let began = self.exchange.began;
        let Some(granted) = Held::from_message(message, Some(server), began, &mut self.random)
        else {
            return;
        };
        if granted.expires_at.is_some_and(|at| at <= now) {
            return;
        }
        match &self.held {
            Some(held) if held.lease.address == granted.lease.address => self.bind(granted),
            // A server that renews a lease cannot change its address; only INIT-REBOOT begins anew.
            Some(_) if !matches!(self.state, State::Rebooting) => {}
            _ => {
                self.lose();
                self.tell(DhcpEvent::Probe(granted.lease.address));
                self.wish = Some(granted.lease.address);
                self.outgoing = None;
                self.state = State::Probing(granted);
            }
        }
    }

    fn receive_nak(&mut self, message: &Message, now: Instant) {
        let from_another = |server| message.options.server.is_some_and(|named| named != server);
        match &self.state {
            State::Requesting(offer) if from_another(offer.server) => return,
            State::Requesting(_) | State::Renewing | State::Rebinding | State::Rebooting => {}
            _ => return,
        }
        // RFC 2131 §3.1, step 4, and §4.4.5: stop using the address and begin anew.
        self.lose();
        self.wish = None;
        self.refusals += 1;
        match self.after_refusals() {
            Duration::ZERO => self.discover(now),
            wait => {
                self.outgoing = None;
                self.state = State::Waiting(now + wait);
            }
        }
    }

    /// How long to keep still: not at all after the first refusal, then longer each time, so that a server that
    /// offers and refuses without end is not stormed.
    fn after_refusals(&self) -> Duration {
        match self.refusals {
            0 | 1 => Duration::ZERO,
            many => Duration::from_secs(1 << (many - 2).min(6)),
        }
    }

    fn bind(&mut self, held: Held) {
        self.refusals = 0;
        self.wish = Some(held.lease.address);
        self.tell(DhcpEvent::Bound(held.lease.clone()));
        self.held = Some(held);
        self.outgoing = None;
        self.exchange.retry_at = None;
        self.state = State::Bound;
    }

    fn lose(&mut self) {
        if self.held.take().is_some() {
            self.tell(DhcpEvent::Lost);
        }
    }

    fn discover(&mut self, now: Instant) {
        self.state = State::Selecting;
        self.begin(now);
        self.send(Outgoing::Discover(self.wish), now);
    }

    /// Asks whether the lease still holds.
    fn confirm(&mut self, now: Instant) {
        if let Some(held) = &self.held {
            self.send(Outgoing::Confirm(held.lease.address), now);
        }
    }

    /// Opens a new transaction.
    fn begin(&mut self, now: Instant) {
        self.exchange = Exchange {
            transaction: self.random.next_u32(),
            began: now,
            seconds: 0,
            sent: 0,
            retry_at: None,
        };
    }

    /// Renews or rebinds. Each message is a transaction of its own, so that the lease counts from the one that was
    /// answered.
    fn ask_again(&mut self, now: Instant) {
        self.begin(now);
        let Some(held) = &self.held else {
            return;
        };
        let (server, until) = match self.state {
            State::Renewing => (held.lease.server, held.rebind_at),
            _ => (Ipv4Addr::BROADCAST, held.expires_at),
        };
        self.outgoing = Some(Outgoing::Renew(Offer {
            address: held.lease.address,
            server,
        }));
        // RFC 2131 §4.4.5: after half of the time that is left, but not within 60 s. Deviation: leases of less than
        // sixteen minutes wait less, or a single lost message would end them.
        let life = held.lease.duration;
        let shortest = (life / 16).clamp(Duration::from_secs(1), Duration::from_secs(60));
        self.exchange.retry_at = until.and_then(|until| {
            let retry = now + (until.since(now) / 2).max(shortest);
            (retry < until).then_some(retry)
        });
    }

    /// Sends a message and sets the clock for the next: 1, 2, 4 … 64 s, each somewhat more or less (RFC 2131 §4.1).
    fn send(&mut self, outgoing: Outgoing, now: Instant) {
        let wait = Duration::from_secs(1 << self.exchange.sent.min(6)).min(LONGEST_WAIT);
        // A second either way, or a quarter of the shorter waits.
        let spread = (wait / 4).min(Duration::from_secs(1)).as_micros() as u32;
        let jitter = Duration::from_micros(self.random.below(2 * spread + 1).into());
        self.exchange.retry_at = Some(now + wait + jitter - Duration::from_micros(spread.into()));
        self.exchange.sent += 1;
        self.outgoing = Some(outgoing);
    }

    fn tell(&mut self, event: DhcpEvent) {
        if self.events.len() >= EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}
