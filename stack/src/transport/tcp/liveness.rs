//! How a connection finds out that it should end: keep-alive (RFC 9293 §3.8.4), the user timeout (§3.8.3), and how long
//! it lives on once the program has let it go.

use super::connection::Connection;
use super::shared::Shared;
use super::timer::Timer;
use crate::config::{TcpConfig, TcpOptions};
use crate::time::{Duration, Instant};
use crate::transport::TcpError;

/// Probes without an answer that end a connection.
const KEEP_ALIVE_PROBES: u32 = 9;
/// Longest time between two of them.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(75);

/// Limits of one connection's patience.
#[derive(Debug)]
pub(super) struct Liveness {
    /// How long something may stay unacknowledged.
    pub(super) user_timeout: Duration,
    /// How long [`close`](Connection::close) may go on delivering.
    pub(super) linger: Option<Duration>,
    /// Longest time between two probes of a closed window.
    pub(super) longest_interval: Duration,
    /// How long FIN-WAIT-2 may last once nobody holds the connection.
    fin_wait: Duration,
    keep_alive: Option<Duration>,
    heard_at: Instant,
    unanswered: u32,
}

impl Liveness {
    pub(super) fn new(options: &TcpOptions, config: &TcpConfig, now: Instant) -> Liveness {
        Liveness {
            user_timeout: options.user_timeout.unwrap_or(config.user_timeout),
            linger: None,
            longest_interval: config.max_retransmission_timeout,
            fin_wait: config.fin_wait_timeout,
            keep_alive: options.keep_alive.map(at_least_a_second),
            heard_at: now,
            unanswered: 0,
        }
    }

    /// An acceptable segment arrived.
    #[inline]
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.unanswered = 0;
    }
}

/// Probes leave one after the other: with no time between them, nobody could answer any.
fn at_least_a_second(idle: Duration) -> Duration {
    idle.max(Duration::from_secs(1))
}

impl Connection {
    /// Sets, or stops, keep-alive.
    pub(super) fn set_keep_alive(&mut self, idle: Option<Duration>, now: Instant) {
        self.liveness.keep_alive = idle.map(at_least_a_second);
        self.liveness.unanswered = 0;
        self.timers.stop(Timer::KeepAlive);
        if self.state.is_synchronized() {
            self.start_keep_alive(now);
        }
    }

    /// The connection is open: counts the idle time, if that is wanted.
    pub(super) fn start_keep_alive(&mut self, now: Instant) {
        if let Some(idle) = self.liveness.keep_alive {
            let due = self.liveness.heard_at + idle;
            self.timers
                .set(Timer::KeepAlive, if due > now { due } else { now });
        }
    }

    /// Probes a peer that was silent, or gives it up after many probes (MUST-29: never after a single one).
    pub(super) fn on_keep_alive_timer(&mut self, shared: &mut Shared, now: Instant) {
        let Some(idle) = self.liveness.keep_alive else {
            return;
        };
        let silence = now.since(self.liveness.heard_at);
        if self.send.in_flight() > 0 {
            // MUST-26: only when idle; what is in flight is watched by its own timer.
            self.timers.set(Timer::KeepAlive, now + idle);
        } else if silence < idle {
            self.timers
                .set(Timer::KeepAlive, self.liveness.heard_at + idle);
        } else if self.liveness.unanswered >= KEEP_ALIVE_PROBES {
            self.give_up(shared);
        } else {
            self.liveness.unanswered += 1;
            self.send.probe_peer = true;
            self.timers
                .set(Timer::KeepAlive, now + idle.min(KEEP_ALIVE_INTERVAL));
        }
    }

    /// The program let go: counts how long the connection may stay.
    pub(super) fn become_orphan(&mut self, now: Instant) {
        self.program.has_let_go = true;
        if self.state.awaits_only_fin() {
            self.timers.set(Timer::Orphan, now + self.liveness.fin_wait);
        } else if let Some(linger) = self.liveness.linger {
            self.timers.set(Timer::Orphan, now + linger);
        }
    }

    /// Our FIN is acknowledged: all is delivered.
    pub(super) fn on_fin_acknowledged(&mut self, now: Instant) {
        if self.program.has_let_go && self.state.awaits_only_fin() {
            self.timers.set(Timer::Orphan, now + self.liveness.fin_wait);
        }
    }

    /// An orphan has stayed as long as it may. In FIN-WAIT-2 all is delivered, and it goes quietly; otherwise lingering was
    /// in vain, and the peer is told.
    pub(super) fn on_orphan_timeout(&mut self, shared: &mut Shared) {
        if self.state.awaits_only_fin() {
            self.die(None);
        } else {
            self.reset(shared, Some(TcpError::TimedOut));
        }
    }
}
