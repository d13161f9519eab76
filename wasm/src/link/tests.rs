//! What a tab makes of a relay's messages, whatever they hold.

use super::controls::Controls;
use super::queue::{MessageQueue, Packing};
use super::session::{Session, WINDOW};
use ethertab_stack::Instant;
use ethertab_tunnel::v1::{
    self, Hello, Offload, Record, Records, Stamp, put_credit, put_hello, put_ping, put_pong,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut header = [0; v1::OFFLOADED_OVERHEAD];
    let length = v1::frame_header(&Offload::NONE, bytes.len(), &mut header);
    [&header[..length], bytes].concat()
}

fn record() -> impl Strategy<Value = Vec<u8>> {
    let stamp = || any::<u64>().prop_map(Stamp);
    prop_oneof![
        4 => vec(any::<u8>(), 0..1_600).prop_map(|bytes| frame(&bytes)),
        1 => stamp().prop_map(|stamp| put_ping(stamp).to_vec()),
        1 => stamp().prop_map(|stamp| put_pong(stamp).to_vec()),
        1 => any::<u64>().prop_map(|total| put_credit(total).to_vec()),
        1 => any::<u64>().prop_map(|credit| put_hello(&Hello { credit, ..Hello::default() }).to_vec()),
        // Of a later version, and of none.
        1 => (0x15..=0xff_u8, vec(any::<u8>(), 0..40)).prop_map(|(kind, body)| [&[kind, 0, 0, body.len() as u8][..], &body].concat()),
        1 => vec(any::<u8>(), 0..40),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    vec(record(), 1..6).prop_map(|records| records.concat())
}

/// The credit that is given now that so much was taken, if any is.
fn credit(session: &mut Session, queue: &MessageQueue) -> Option<u64> {
    let mut sent = Vec::new();
    session.grant(queue.consumed(), Instant::ZERO, |_| {});
    session.flush(|message| sent.extend_from_slice(message));
    match Records::of(&sent).next()? {
        Ok(Record::Credit(total)) => Some(total),
        _ => None,
    }
}

proptest! {
    #[test]
    fn frames_come_out_up_to_a_mistake_pings_are_answered_and_credit_comes_back(
        messages in vec((message(), any::<bool>()), 1..400),
    ) {
        let mut session = Session::new();
        let mut queue = MessageQueue::default();
        let (mut expected, mut taken) = (Vec::new(), Vec::new());
        let (mut received, mut granted) = (0, WINDOW);
        let mut take = |session: &mut Session, queue: &mut MessageQueue| {
            let mut frame = Vec::new();
            while let Some(found) = queue.take(&mut frame) {
                taken.push(frame[found.start..].to_vec());
            }
            granted = credit(session, queue).unwrap_or(granted);
        };
        for (message, takes) in &messages {
            let fill = |room: &mut [u8]| room.copy_from_slice(message);
            let Some(queued) = queue.put(Instant::ZERO, Packing::Records, message.len(), fill) else {
                continue;
            };
            received += message.len() as u64;
            let controls = Controls::of(queued);
            session.heed(&controls, 1_500, Instant::ZERO);
            let records: Vec<_> = Records::of(message).collect();
            prop_assert_eq!(controls.is_malformed, records.iter().any(Result::is_err));
            let pings = records.iter().filter_map(|record| match record {
                Ok(Record::Ping(stamp)) => Some(Ok(Record::Pong(*stamp))),
                _ => None,
            });
            prop_assert!(pings.eq(Records::of(&controls.pongs)));
            expected.extend(records.iter().filter_map(|record| match record {
                Ok(Record::Frame(_, frame)) => Some(frame.to_vec()),
                _ => None,
            }));
            if *takes {
                take(&mut session, &mut queue);
            }
        }
        take(&mut session, &mut queue);
        prop_assert_eq!(taken, expected);
        prop_assert!(received + WINDOW - granted < WINDOW / 4);
    }
}

#[test]
fn a_message_that_there_is_no_room_for_gives_its_credit_back() {
    let mut session = Session::new();
    let mut queue = MessageQueue::default();
    let message = frame(&[7; 14]);
    let fill = |room: &mut [u8]| room.copy_from_slice(&message);
    let mut received = 0;
    while received < WINDOW {
        let _ = queue.put(Instant::ZERO, Packing::Records, message.len(), fill);
        received += message.len() as u64;
    }
    let mut bytes = Vec::new();
    while queue.take(&mut bytes).is_some() {}
    assert_eq!(credit(&mut session, &queue), Some(received + WINDOW));
}

#[test]
fn a_short_frame_is_seen_among_bulk_data() {
    let bulk = [frame(&[0; 60_000]), put_credit(9).to_vec()].concat();
    assert!(!Controls::of(&bulk).has_short);
    let answered = [frame(&[0; 60_000]), frame(&[0; 98])].concat();
    assert!(Controls::of(&answered).has_short);
}
