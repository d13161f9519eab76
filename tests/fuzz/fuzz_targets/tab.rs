//! Any messages of the negotiated form at a tab, and a driver that takes their frames whenever it likes: frames come out as
//! the records have them, pings are answered, and credit comes back whatever becomes of a message.
#![no_main]
// Not all of the link is used here.
#![allow(dead_code)]

// The tab's link without the browser: what of it knows neither WebSockets nor clocks.
#[path = "../../../wasm/src/link/controls.rs"]
mod controls;
#[path = "../../../wasm/src/link/finish.rs"]
mod finish;
#[path = "../../../wasm/src/link/queue.rs"]
mod queue;
#[path = "../../../wasm/src/link/session.rs"]
mod session;

use controls::Controls;
use ethertab_stack::Instant;
use ethertab_stack::driver::HEADROOM;
use ethertab_stack::wire::offload::{Offload, TransportChecksum};
use ethertab_tunnel::v1::{LARGEST_SINGLE, Record, Records};
use libfuzzer_sys::fuzz_target;
use queue::{MessageQueue, Packing};
use session::{Session, WINDOW};
const MTU: usize = 1_500;

/// Bits of the byte that leads a message.
const TAKE: u8 = 1;
const SEND: u8 = 2;
const LONG: u8 = 4;

fuzz_target!(|input: &[u8]| {
    let mut tab = Tab::new();
    // Each message is led by what happens beside it and its length.
    let mut rest = input;
    while let [way, high, low, tail @ ..] = rest {
        let length = match way & LONG {
            0 => usize::from(*low),
            _ => usize::from(*high) << 8 | usize::from(*low),
        };
        let (message, next) = tail.split_at(length.min(tail.len()));
        rest = next;
        tab.receive(message);
        if way & TAKE != 0 {
            tab.take();
        }
        if way & SEND != 0 {
            tab.send(usize::from(*high));
        }
    }
    tab.take();
    tab.send(0);
    let owed = tab.received + WINDOW - tab.granted;
    assert!(owed < WINDOW / 4, "{owed} bytes of credit never came back");
});

struct Tab {
    session: Session,
    queue: MessageQueue,
    /// Frames that must come out, in order.
    expected: std::collections::VecDeque<Vec<u8>>,
    /// Bytes of messages that arrived, that we let the relay send, that we sent, and that it lets us send.
    received: u64,
    granted: u64,
    sent: u64,
    credit: u64,
}

impl Tab {
    fn new() -> Tab {
        let mut session = Session::new();
        let hello = session.hello([2, 0, 0, 0, 0, 1], MTU, [0; 16], Instant::ZERO);
        let Some(Ok(Record::Hello(ours))) = Records::of(&hello).next() else {
            panic!("no hello");
        };
        Tab {
            session,
            queue: MessageQueue::default(),
            expected: Default::default(),
            received: 0,
            granted: ours.credit,
            sent: 0,
            credit: ethertab_tunnel::v1::INITIAL_CREDIT,
        }
    }

    fn receive(&mut self, message: &[u8]) {
        if !(1..=LARGEST_SINGLE).contains(&message.len()) {
            return;
        }
        self.received += message.len() as u64;
        let fill = |room: &mut [u8]| room.copy_from_slice(message);
        let at = Instant::ZERO;
        let Some(queued) = self.queue.put(at, Packing::Records, message.len(), fill) else {
            return;
        };
        let controls = Controls::of(queued);
        if let Some(capabilities) = self.session.heed(&controls, MTU, Instant::ZERO) {
            assert!((576..=MTU).contains(&capabilities.mtu));
        }
        let mut pings = 0;
        let mut is_malformed = false;
        for record in Records::of(message) {
            match record {
                Ok(Record::Frame(_, frame)) => self.expected.push_back(frame.to_vec()),
                Ok(Record::Ping(_)) => pings += 1,
                Ok(Record::Hello(hello)) => self.credit = self.credit.max(hello.credit),
                Ok(Record::Credit(total)) => self.credit = self.credit.max(total),
                Ok(_) => {}
                Err(_) => is_malformed = true,
            }
        }
        let pongs = Records::of(&controls.pongs).filter(|pong| matches!(pong, Ok(Record::Pong(_))));
        assert_eq!(pongs.count(), pings);
        assert_eq!(controls.is_malformed, is_malformed);
        self.sent += controls.pongs.len() as u64;
        self.session.count_control(controls.pongs.len());
    }

    fn take(&mut self) {
        let mut frame = Vec::new();
        loop {
            let taken = self.queue.take(&mut frame);
            let mut messages = Vec::new();
            let consumed = self.queue.consumed();
            self.session
                .grant(consumed, Instant::ZERO, |full| messages.push(full.to_vec()));
            self.session.flush(|rest| messages.push(rest.to_vec()));
            for message in messages {
                self.sent += check(&message);
                for record in Records::of(&message) {
                    if let Ok(Record::Credit(total)) = record {
                        assert!(total > self.granted);
                        self.granted = total;
                    }
                }
            }
            let Some(taken) = taken else {
                break;
            };
            assert_eq!(
                Some(&frame[taken.start..]),
                self.expected.pop_front().as_deref()
            );
        }
        assert!(self.expected.is_empty());
    }

    /// Sends frames until the credit is used up, or some.
    fn send(&mut self, some: usize) {
        let segment = Offload {
            checksum: TransportChecksum::Partial {
                start: 34,
                offset: 16,
            },
            segment_size: 1_448,
        };
        let mut waiting = 0;
        for n in 0..some {
            if !self.session.may_send() {
                break;
            }
            let begun = self.sent + waiting;
            assert!(
                begun < self.credit,
                "{begun} bytes on a credit of {}",
                self.credit
            );
            let offload = if n % 2 == 0 { segment } else { Offload::NONE };
            let mut left = 0;
            if self
                .session
                .put(&mut [7; HEADROOM + MTU], offload, |message| {
                    left = check(message)
                })
            {
                waiting += 4 + MTU as u64 + if n % 2 == 0 { 8 } else { 0 };
            }
            waiting -= left;
            self.sent += left;
        }
        let mut left = 0;
        self.session.flush(|message| left = check(message));
        assert_eq!(left, waiting);
        self.sent += left;
    }
}

/// Whether a message that we send is right; its length.
fn check(message: &[u8]) -> u64 {
    assert!(Records::of(message).all(|record| record.is_ok()));
    message.len() as u64
}
