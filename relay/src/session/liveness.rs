//! Whether the other side is still there.

use super::End;
use crate::switch::port::Port;
use futures_util::FutureExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep_until};

/// How long a client may take to answer the ping that is sent when somebody else claims its address.
const CHALLENGE: Duration = Duration::from_secs(3);

/// When a client was last heard, and until when it must be heard again.
pub(super) struct Liveness {
    start: Instant,
    timeout: Duration,
    /// Milliseconds after `start`.
    heard: AtomicU64,
    /// Milliseconds after `start`, of the oldest challenge that was not answered; 0: none.
    challenged: AtomicU64,
    nearer: Notify,
    /// Somebody wants the client to be pinged.
    ping: Notify,
}

impl Liveness {
    pub(super) fn new(timeout: Duration) -> Liveness {
        Liveness {
            start: Instant::now(),
            timeout,
            heard: AtomicU64::new(0),
            challenged: AtomicU64::new(0),
            nearer: Notify::new(),
            ping: Notify::new(),
        }
    }

    /// Anything at all came.
    pub(super) fn heard(&self, now: Instant) {
        self.heard.store(self.millis(now), Ordering::Relaxed);
        self.challenged.store(0, Ordering::Relaxed);
    }

    /// A ping is to go out that must be answered soon; also where the client takes nothing, so that none can.
    pub(super) fn challenge(&self) {
        let now = self.millis(Instant::now()).max(1);
        let _ = (self.challenged).compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        self.nearer.notify_one();
        self.ping.notify_one();
    }

    /// Whenever somebody else claims an address of this port, asks whether its owner is alive.
    pub(super) async fn challenges(&self, port: &Port) -> End {
        loop {
            port.challenged().await;
            self.challenge();
        }
    }

    /// Ends when the client was silent for too long.
    pub(super) async fn lost(&self) {
        loop {
            let now = Instant::now();
            let deadline = self.deadline();
            if deadline <= now {
                return;
            }
            // A sign of life moves the deadline away, which the next look finds; a challenge brings it nearer.
            tokio::select! {
                () = sleep_until(deadline) => {}
                () = self.nearer.notified() => {}
            }
        }
    }

    fn deadline(&self) -> Instant {
        let heard =
            self.start + Duration::from_millis(self.heard.load(Ordering::Relaxed)) + self.timeout;
        match self.challenged.load(Ordering::Relaxed) {
            0 => heard,
            at => heard.min(self.start + Duration::from_millis(at) + CHALLENGE),
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

/// When to ping: regularly, and for each challenge.
pub(super) struct Pings<'l> {
    regular: Interval,
    liveness: &'l Liveness,
}

impl<'l> Pings<'l> {
    pub(super) fn new(interval: Duration, liveness: &'l Liveness) -> Pings<'l> {
        let mut regular = tokio::time::interval_at(Instant::now() + interval, interval);
        regular.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Pings { regular, liveness }
    }

    /// Waits for the next.
    pub(super) async fn due(&mut self) {
        tokio::select! {
            _ = self.regular.tick() => {}
            () = self.liveness.ping.notified() => {}
        }
    }

    /// Whether one is due now, for a writer that has no time to wait.
    pub(super) fn are_due(&mut self) -> bool {
        self.due().now_or_never().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_lost_at_its_timeout_and_not_before() {
        let liveness = Liveness::new(Duration::from_secs(45));
        assert!(
            timeout(Duration::from_secs(44), liveness.lost())
                .await
                .is_err()
        );
        assert!(
            timeout(Duration::from_secs(2), liveness.lost())
                .await
                .is_ok()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_of_life_buys_a_whole_timeout() {
        let liveness = Liveness::new(Duration::from_secs(45));
        advance(Duration::from_secs(40)).await;
        liveness.heard(Instant::now());
        assert!(
            timeout(Duration::from_secs(44), liveness.lost())
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_challenge_that_is_not_answered_ends_it_within_seconds() {
        let liveness = Liveness::new(Duration::from_secs(45));
        let lost = async {
            tokio::join!(liveness.lost(), async {
                advance(Duration::from_millis(10)).await;
                liveness.challenge();
            });
        };
        assert!(timeout(Duration::from_secs(4), lost).await.is_ok());
        let liveness = Liveness::new(Duration::from_secs(45));
        liveness.challenge();
        liveness.heard(Instant::now());
        assert!(
            timeout(Duration::from_secs(44), liveness.lost())
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_never_waits_sees_each_ping_once() {
        let liveness = Liveness::new(Duration::from_secs(45));
        let mut pings = Pings::new(Duration::from_secs(15), &liveness);
        assert!(!pings.are_due());
        advance(Duration::from_secs(16)).await;
        assert!(pings.are_due() && !pings.are_due());
        liveness.challenge();
        assert!(pings.are_due() && !pings.are_due());
        let regular = timeout(Duration::from_secs(16), pings.due()).await;
        assert!(regular.is_ok());
    }
}
