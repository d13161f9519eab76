//! Whether the other side is still there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

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
}

impl Liveness {
    pub(super) fn new(timeout: Duration) -> Liveness {
        Liveness {
            start: Instant::now(),
            timeout,
            heard: AtomicU64::new(0),
            challenged: AtomicU64::new(0),
            nearer: Notify::new(),
        }
    }

    /// Anything at all came.
    pub(super) fn heard(&self, now: Instant) {
        self.heard.store(self.millis(now), Ordering::Relaxed);
        self.challenged.store(0, Ordering::Relaxed);
    }

    /// A ping goes out now that must be answered soon.
    pub(super) fn challenge(&self) {
        let now = self.millis(Instant::now()).max(1);
        let _ = (self.challenged).compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        self.nearer.notify_one();
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
}
