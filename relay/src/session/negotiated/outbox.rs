//! What the reader has the writer say, in front of frames.

use bytes::{Bytes, BytesMut};
use ethertab_tunnel::v1::{Stamp, put_credit, put_pong};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Pongs that may wait to be written; a client that sends more pings meanwhile is not read.
const MOST_PONGS: usize = 16;

/// Records of control that wait to be written, and what the client lets us write.
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    /// How many bytes the client lets us send in all.
    allowed: AtomicU64,
    changed: Notify,
    room: Notify,
}

#[derive(Default)]
struct Waiting {
    pongs: Vec<Stamp>,
    credit: Option<u64>,
}

impl Outbox {
    /// Of a client that allows so much.
    pub(super) fn new(allowed: u64) -> Outbox {
        Outbox {
            waiting: Mutex::default(),
            allowed: AtomicU64::new(allowed),
            changed: Notify::new(),
            room: Notify::new(),
        }
    }

    /// Has a ping answered; waits while too many are not.
    pub(super) async fn pong(&self, stamp: Stamp) {
        while !self.try_pong(stamp) {
            self.room.notified().await;
        }
        self.changed.notify_one();
    }

    fn try_pong(&self, stamp: Stamp) -> bool {
        let mut waiting = self.lock();
        let room = waiting.pongs.len() < MOST_PONGS;
        if room {
            waiting.pongs.push(stamp);
        }
        room
    }

    /// Has the client told how much it may send in all.
    pub(super) fn grant(&self, total: u64) {
        self.lock().credit = Some(total);
        self.changed.notify_one();
    }

    /// The client lets us send so much in all. What was given is not taken back.
    pub(super) fn allow(&self, total: u64) {
        if self.allowed.fetch_max(total, Ordering::Relaxed) < total {
            self.changed.notify_one();
        }
    }

    /// How much we may send in all.
    pub(super) fn allowed(&self) -> u64 {
        self.allowed.load(Ordering::Relaxed)
    }

    /// A message with all that waits.
    pub(super) fn take(&self) -> Option<Bytes> {
        let mut waiting = self.lock();
        if waiting.pongs.is_empty() && waiting.credit.is_none() {
            return None;
        }
        let mut message = BytesMut::new();
        for stamp in waiting.pongs.drain(..) {
            message.extend_from_slice(&put_pong(stamp));
        }
        if let Some(total) = waiting.credit.take() {
            message.extend_from_slice(&put_credit(total));
        }
        drop(waiting);
        self.room.notify_one();
        Some(message.freeze())
    }

    /// Waits for something to be said, or allowed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Credit that we give: always a window ahead of what was handed on.
pub(super) struct Grant {
    window: u64,
    received: u64,
    granted: u64,
}

impl Grant {
    /// A window of so many bytes, which the hello gave.
    pub(super) const fn new(window: u64) -> Grant {
        Grant {
            window,
            received: 0,
            granted: window,
        }
    }

    /// A message of so many bytes was handed on. Gives the new total credit once that is a quarter of the window more.
    pub(super) fn hand_on(&mut self, bytes: usize) -> Option<u64> {
        self.received += bytes as u64;
        let total = self.received + self.window;
        (total - self.granted >= self.window / 4).then(|| {
            self.granted = total;
            total
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethertab_tunnel::v1::{Record, Records};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn credit_comes_by_the_quarter_and_never_runs_dry() {
        let mut grant = Grant::new(1_000);
        let grants: Vec<_> = (0..20).map(|_| grant.hand_on(100)).collect();
        let given: Vec<u64> = grants.iter().flatten().copied().collect();
        assert_eq!(grants[..4], [None, None, Some(1_300), None]);
        assert_eq!(given, [1_300, 1_600, 1_900, 2_200, 2_500, 2_800]);
    }

    #[test]
    fn only_the_last_credit_is_told_and_every_ping_is_answered() {
        let outbox = Outbox::new(0);
        let mut context = Context::from_waker(Waker::noop());
        for n in 0..MOST_PONGS as u64 {
            assert!(pin!(outbox.pong(Stamp(n))).poll(&mut context).is_ready());
            outbox.grant(n);
        }
        let mut one_more = pin!(outbox.pong(Stamp(99)));
        assert!(one_more.as_mut().poll(&mut context).is_pending());
        let message = outbox.take().unwrap();
        let records: Vec<_> = Records::of(&message).map(Result::unwrap).collect();
        assert_eq!(records.len(), MOST_PONGS + 1);
        assert_eq!(records[3], Record::Pong(Stamp(3)));
        assert_eq!(records[MOST_PONGS], Record::Credit(15));
        assert!(one_more.poll(&mut context).is_ready());
        assert_eq!(&outbox.take().unwrap()[..], put_pong(Stamp(99)));
        assert_eq!(outbox.take(), None);
    }

    #[test]
    fn what_was_allowed_is_not_taken_back() {
        let outbox = Outbox::new(100);
        outbox.allow(300);
        outbox.allow(200);
        assert_eq!(outbox.allowed(), 300);
    }
}
