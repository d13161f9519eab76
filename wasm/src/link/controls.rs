//! What the records of control in a message of the relay's ask for.

use ethertab_tunnel::v1::{Hello, Malformed, Record, Records, Stamp, put_pong};

/// What is to be done about a message, beside taking its frames.
#[derive(Debug, Default)]
pub(super) struct Controls {
    pub(super) hello: Option<Hello>,
    pub(super) credit: Option<u64>,
    /// The ping of ours that it answers.
    pub(super) pong: Option<Stamp>,
    /// Records that answer its pings, each one of them.
    pub(super) pongs: Vec<u8>,
    pub(super) is_malformed: bool,
    /// A frame among them is too short to be bulk data.
    pub(super) has_short: bool,
}

/// Frames below this are no part of bulk data.
const SHORT: usize = 512;

impl Controls {
    pub(super) fn of(message: &[u8]) -> Controls {
        let mut controls = Controls::default();
        for record in Records::of(message) {
            match record {
                Ok(Record::Hello(hello)) => controls.hello = Some(hello),
                Ok(Record::Credit(total)) => controls.credit = controls.credit.max(Some(total)),
                Ok(Record::Pong(stamp)) => controls.pong = Some(stamp),
                Ok(Record::Ping(stamp)) => controls.pongs.extend_from_slice(&put_pong(stamp)),
                // The queue takes frames; the close frame that follows says the same as a record about closing.
                Ok(Record::Frame(_, frame)) => controls.has_short |= frame.len() < SHORT,
                Ok(Record::Closing { .. }) => {}
                Err(Malformed) => controls.is_malformed = true,
            }
        }
        controls
    }
}
