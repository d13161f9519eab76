//! What the reader has the writer say, in front of frames.

use bytes::{Bytes, BytesMut};
use ethertab_tunnel::v1::{Stamp, put_credit, put_ping, put_pong};
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
    ping: Option<Stamp>,
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

    /// Has the client asked for a pong.
    pub(super) fn ping(&self, stamp: Stamp) {
        self.lock().ping = Some(stamp);
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
        let mut message = BytesMut::new();
        for stamp in waiting.pongs.drain(..) {
            message.extend_from_slice(&put_pong(stamp));
        }
        if let Some(stamp) = waiting.ping.take() {
            message.extend_from_slice(&put_ping(stamp));
        }
        if let Some(total) = waiting.credit.take() {
            message.extend_from_slice(&put_credit(total));
        }
        drop(waiting);
        if message.is_empty() {
            return None;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use ethertab_tunnel::v1::{Record, Records};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn only_the_last_credit_is_told_and_every_ping_is_answered() {
        let outbox = Outbox::new(0);
        let mut context = Context::from_waker(Waker::noop());
        for n in 0..MOST_PONGS as u64 {
            assert!(pin!(outbox.pong(Stamp(n))).poll(&mut context).is_ready());
            outbox.grant(n);
        }
        outbox.ping(Stamp(77));
        let mut one_more = pin!(outbox.pong(Stamp(99)));
        assert!(one_more.as_mut().poll(&mut context).is_pending());
        let message = outbox.take().unwrap();
        let records: Vec<_> = Records::of(&message).map(Result::unwrap).collect();
        assert_eq!(records.len(), MOST_PONGS + 2);
        assert_eq!(records[3], Record::Pong(Stamp(3)));
        assert_eq!(records[MOST_PONGS], Record::Ping(Stamp(77)));
        assert_eq!(records[MOST_PONGS + 1], Record::Credit(15));
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
