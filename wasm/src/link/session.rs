//! One WebSocket that speaks the negotiated form (`ethertab_tunnel::v1`): the message that is being filled, what the relay
//! takes, and the credit of both sides.

use super::controls::Controls;
use super::finish;
use ethertab_stack::Instant;
use ethertab_stack::config::LinkCapabilities;
use ethertab_stack::driver::HEADROOM;
use ethertab_stack::wire::offload::Offload;
use ethertab_tunnel::SMALLEST_MTU;
use ethertab_tunnel::v1::{
    self, Features, Grant, Hello, INITIAL_CREDIT, LARGEST_MESSAGE, LARGEST_MESSAGE_RANGE,
    OFFLOADED_OVERHEAD, TOKEN, VERSION,
};

/// Credit that we give at least: enough for a round trip of a fast path, and little enough that what waits in the browser delays
/// nobody for long. Half of it leaves a fifth of a local path idle, twice as much fills no more of it.
pub(crate) const WINDOW: u64 = 2 * 1024 * 1024;

/// A record's header fits in front of a frame.
const _: () = assert!(OFFLOADED_OVERHEAD <= HEADROOM);

/// What we take.
const FEATURES: Features = Features(Features::CHECKSUM.0 | Features::TCP4.0);

/// The largest TCP payload in one frame: with headers it stays below 65,535 bytes, and with its record below the usual message.
const LARGEST_SEGMENT: usize = 65_536 - OFFLOADED_OVERHEAD - 14 - 20 - 60;

/// A WebSocket in the negotiated form.
#[derive(Debug)]
pub(super) struct Session {
    /// Records that wait to be sent.
    message: Vec<u8>,
    features: Features,
    largest_message: usize,
    /// Bytes that the relay lets us send in all, and that we have sent.
    credit: u64,
    sent: u64,
    /// What we let the relay send.
    grant: Grant,
}

impl Session {
    /// Nothing is known of the relay yet.
    pub(super) fn new() -> Session {
        Session {
            message: Vec::new(),
            features: Features::NONE,
            largest_message: LARGEST_MESSAGE_RANGE.0 as usize,
            credit: INITIAL_CREDIT,
            sent: 0,
            grant: Grant::new(WINDOW),
        }
    }

    /// Our first records.
    pub(super) fn hello(
        &mut self,
        hardware: [u8; 6],
        mtu: usize,
        token: [u8; TOKEN],
        now: Instant,
    ) -> Vec<u8> {
        let hello = Hello {
            versions: (VERSION, VERSION),
            hardware,
            mtu: mtu as u16,
            features: FEATURES,
            largest_message: LARGEST_MESSAGE,
            credit: self.grant.total(),
            token,
        };
        let mut records = v1::put_hello(&hello).to_vec();
        self.put_ping(&mut records, now);
        records
    }

    /// Takes what a message says of the relay; what the link can do from now on, if it says that. `mtu` is as for
    /// [`take_hello`](Self::take_hello).
    pub(super) fn heed(
        &mut self,
        controls: &Controls,
        mtu: usize,
        now: Instant,
    ) -> Option<LinkCapabilities> {
        if let Some(stamp) = controls.pong {
            self.grant.pong(stamp, micros(now));
        }
        let capabilities = (controls.hello.as_ref()).map(|hello| self.take_hello(hello, mtu));
        if let Some(total) = controls.credit {
            self.take_credit(total);
        }
        capabilities
    }

    /// Takes the relay's hello; what the link can do from now on. `mtu` is what we were set up with: the relay can carry less, and
    /// that it carries more is no reason to send more.
    fn take_hello(&mut self, hello: &Hello, mtu: usize) -> LinkCapabilities {
        self.features = hello.features;
        self.largest_message = hello.largest_message as usize;
        self.take_credit(hello.credit);
        let mtu = mtu.min(hello.mtu.into()).max(SMALLEST_MTU);
        let completes = hello.features.contains(Features::CHECKSUM);
        let cuts = completes && hello.features.contains(Features::TCP4);
        LinkCapabilities {
            mtu,
            largest_segment: if cuts { LARGEST_SEGMENT } else { 0 },
            verify_checksums: true,
            fill_checksums: !completes,
        }
    }

    /// The relay gives credit.
    fn take_credit(&mut self, total: u64) {
        self.credit = self.credit.max(total);
    }

    /// Whether a frame may be sent now.
    pub(super) fn may_send(&self) -> bool {
        self.sent + (self.message.len() as u64) < self.credit
    }

    /// Adds credit, if enough of it is due now that so many bytes of messages were taken. When the message is full, `send` gets it
    /// first.
    pub(super) fn grant(&mut self, consumed: u64, now: Instant, send: impl FnOnce(&[u8])) {
        if let Some(total) = self.grant.take(consumed, micros(now)) {
            let mut records = v1::put_credit(total).to_vec();
            self.put_ping(&mut records, now);
            self.make_room(records.len(), send);
            self.message.extend_from_slice(&records);
        }
    }

    /// Adds a ping, if it is time for one.
    fn put_ping(&mut self, records: &mut Vec<u8>, now: Instant) {
        if let Some(stamp) = self.grant.ping(micros(now)) {
            records.extend_from_slice(&v1::put_ping(stamp));
        }
    }

    /// Hands over the message if it does not take so many bytes more.
    fn make_room(&mut self, length: usize, send: impl FnOnce(&[u8])) {
        if self.message.len() + length > self.largest_message {
            self.flush(send);
        }
    }

    /// Adds the frame that begins [`HEADROOM`] bytes into `buffer`; what is before it there is overwritten. False: the relay does not take it as it is. When
    /// the message is full, `send` gets it first. A frame that nearly fills one is a message where it lies, instead of being copied.
    pub(super) fn put(
        &mut self,
        buffer: &mut [u8],
        offload: Offload,
        mut send: impl FnMut(&[u8]),
    ) -> bool {
        if !finish::is_taken_by(offload, self.features) {
            return false;
        }
        let mut header = [0; OFFLOADED_OVERHEAD];
        let frame = buffer.len() - HEADROOM;
        let length = v1::frame_header(&finish::to_tunnel(offload), frame, &mut header);
        let record = &mut buffer[HEADROOM - length..];
        record[..length].copy_from_slice(&header[..length]);
        if 2 * record.len() > self.largest_message {
            self.flush(&mut send);
            send(record);
            self.sent += record.len() as u64;
            return true;
        }
        self.make_room(record.len(), send);
        self.message.extend_from_slice(record);
        true
    }

    /// Hands over the message, if there is one.
    pub(super) fn flush(&mut self, send: impl FnOnce(&[u8])) {
        if self.message.is_empty() {
            return;
        }
        send(&self.message);
        self.sent += self.message.len() as u64;
        self.message.clear();
    }

    /// Records of control left in a message of their own.
    pub(super) fn count_control(&mut self, length: usize) {
        self.sent += length as u64;
    }
}

fn micros(now: Instant) -> u64 {
    now.micros_since(Instant::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethertab_stack::wire::offload::TransportChecksum;
    use ethertab_tunnel::v1::{Record, Records};

    fn introduced() -> Session {
        let mut session = Session::new();
        let hello = Hello {
            features: FEATURES,
            credit: 200_000,
            ..Hello::default()
        };
        session.take_hello(&hello, 1_500);
        session
    }

    #[test]
    fn frames_gather_until_they_are_sent_or_the_message_is_full() {
        let mut session = introduced();
        let mut messages: Vec<Vec<u8>> = Vec::new();
        for _ in 0..50 {
            assert!(
                session.put(&mut [7; HEADROOM + 1_514], Offload::NONE, |full| {
                    messages.push(full.to_vec())
                })
            );
        }
        assert_eq!(messages.len(), 1);
        session.flush(|rest| messages.push(rest.to_vec()));
        session.flush(|_| panic!("there is nothing more"));
        assert!(messages[0].len() > 64_000 && messages[0].len() <= 65_536);
        let frames = messages.iter().flat_map(|message| Records::of(message));
        assert_eq!(frames.count(), 50);
    }

    #[test]
    fn a_frame_that_nearly_fills_a_message_is_one_behind_those_that_wait() {
        let mut session = introduced();
        let mut messages: Vec<Vec<u8>> = Vec::new();
        for (fill, length) in [(1, 60), (2, 60_000), (3, 60)] {
            let buffer = &mut vec![fill; HEADROOM + length];
            let send = |message: &[u8]| messages.push(message.to_vec());
            assert!(session.put(buffer, Offload::NONE, send));
        }
        session.flush(|rest| messages.push(rest.to_vec()));
        let frames = messages.iter().map(|message| {
            let frames = Records::of(message).map(|record| match record {
                Ok(Record::Frame(_, frame)) => (frame[0], frame.len()),
                _ => panic!("no frame"),
            });
            frames.collect::<Vec<_>>()
        });
        let wanted = [[(1, 60)], [(2, 60_000)], [(3, 60)]];
        assert!(frames.eq(wanted.map(Vec::from)));
        assert_eq!(
            session.sent,
            messages
                .iter()
                .map(|message| message.len() as u64)
                .sum::<u64>()
        );
    }

    #[test]
    fn credit_holds_frames_back_until_more_is_given() {
        let mut session = introduced();
        let mut sent = 0;
        while session.may_send() {
            session.put(&mut [7; HEADROOM + 1_514], Offload::NONE, |_| {});
            sent += 1;
        }
        assert_eq!(sent, 200_000 / 1_518 + 1);
        session.take_credit(150_000);
        assert!(
            !session.may_send(),
            "credit is never taken back, and never counts twice"
        );
        session.take_credit(300_000);
        assert!(session.may_send());
    }

    #[test]
    fn we_give_credit_by_the_quarter_window() {
        let mut session = introduced();
        let mut granted = |consumed| {
            session.grant(consumed, Instant::ZERO, |_| panic!("there is room"));
            let mut sent = Vec::new();
            session.flush(|message| sent.extend_from_slice(message));
            sent
        };
        assert_eq!(granted(WINDOW / 4 - 1), []);
        let first = granted(WINDOW / 4);
        let (credit, ping) = first.split_at(first.len() / 2);
        assert_eq!(credit, v1::put_credit(WINDOW / 4 + WINDOW));
        assert_eq!(ping, v1::put_ping(v1::Stamp(0)));
        assert_eq!(granted(WINDOW / 4 + 100), []);
    }

    #[test]
    fn before_its_hello_the_relay_takes_the_shortest_messages_alone() {
        let mut session = Session::new();
        let mut longest = 0;
        for _ in 0..50 {
            session.put(&mut [7; HEADROOM + 300], Offload::NONE, |full| {
                longest = longest.max(full.len());
            });
        }
        assert!(longest > 0 && longest <= LARGEST_MESSAGE_RANGE.0 as usize);
    }

    #[test]
    fn before_its_hello_the_relay_takes_complete_frames_alone() {
        let mut session = Session::new();
        let partial = Offload {
            checksum: TransportChecksum::Partial {
                start: 34,
                offset: 16,
            },
            segment_size: 1_448,
        };
        assert!(session.put(&mut [7; HEADROOM + 60], Offload::NONE, |_| {}));
        assert!(!session.put(&mut [7; HEADROOM + 60], partial, |_| {}));
        let hello = Hello {
            features: FEATURES,
            ..Hello::default()
        };
        session.take_hello(&hello, 1_500);
        assert!(session.put(&mut [7; HEADROOM + 60], partial, |_| {}));
        let mut message = Vec::new();
        session.flush(|sent| message.extend_from_slice(sent));
        let Some(Ok(Record::Frame(offload, _))) = Records::of(&message).nth(1) else {
            panic!("no frame");
        };
        assert_eq!(finish::to_tunnel(partial), offload);
    }

    #[test]
    fn the_smaller_mtu_counts_and_none_is_too_small() {
        let mtu = |ours: usize, relays: u16| {
            let hello = Hello {
                mtu: relays,
                ..Hello::default()
            };
            Session::new().take_hello(&hello, ours).mtu
        };
        assert_eq!(mtu(1_500, 1_280), 1_280);
        assert_eq!(mtu(1_280, 9_000), 1_280);
        assert_eq!(mtu(1_500, 0), 576);
    }

    #[test]
    fn the_largest_segment_makes_no_message_of_unusual_size() {
        assert!(LARGEST_SEGMENT + 14 + 20 + 60 + OFFLOADED_OVERHEAD <= LARGEST_MESSAGE as usize);
    }
}
