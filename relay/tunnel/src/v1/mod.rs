//! # The negotiated form, version 1
//!
//! Negotiated by [`SUBPROTOCOL`](crate::SUBPROTOCOL). One binary message holds any number of *records*, one behind the other;
//! numbers are in network order.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | type of the record |
//! | 1–3 | length of its body in bytes |
//! | 4– | the body |
//!
//! | type | record | body |
//! |---|---|---|
//! | 0x01 | frame | an Ethernet II frame, complete: as one message of the plain form |
//! | 0x02 | offloaded frame | [`Offload`] (8 bytes), then the frame |
//! | 0x10 | hello | [`Hello`] |
//! | 0x11 | ping | [`Stamp`] (8 bytes): microseconds on the sender's clock, from any origin |
//! | 0x12 | pong | the body of the ping that it answers |
//! | 0x13 | credit | total credit (8 bytes) |
//! | 0x14 | closing | code (2 bytes), then UTF-8 text for a person |
//!
//! 1. Both sides send a hello as their first record, without waiting for the other's. A second one is a mistake.
//! 2. A record of an unknown type is skipped: its length says how far. So is what stands in the body of a hello behind the
//!    fields that its reader knows. All else that does not fit is a mistake, and the relay closes with
//!    [`CloseReason::Malformed`](crate::CloseReason::Malformed): a record that ends behind its message, a body that is too
//!    short, a message of several records that is longer than the reader's [`Hello::largest_message`]. One record alone may make a
//!    message of up to [`LARGEST_SINGLE`] bytes. Until the other's hello has come, the least of [`LARGEST_MESSAGE_RANGE`] holds.
//! 3. An offloaded frame is sent only to a side whose hello lists the [`Features`] that it needs. The frame's IP header is always
//!    whole and its checksum right, for the frame as it stands; what is cut from it gets lengths, identifications, sequence
//!    numbers, flags and checksums of its own, as virtio's network device has it (Virtio 1.2 §5.1.6).
//! 4. **Credit.** A side may have sent as many bytes of binary messages, since the WebSocket opened, as the highest total credit
//!    that it was given: by [`Hello::credit`] first, by credit records later. A message that is begun within the
//!    credit may end beyond it. Messages that hold nothing but control records (types from 0x10 on) are always allowed,
//!    and they count. Whoever takes messages out of its queue gives the room back; how much more it gives is its own matter ([`Grant`] is
//!    what both of ours do). Until the other's hello has come, [`INITIAL_CREDIT`] holds.
//! 5. Batching adds no latency: what is there when the socket takes a message goes at once. A message fills up only while the one
//!    before it waits to be sent.
//! 6. A ping is answered at once by a pong, in front of whatever frames wait.
//! 7. **Resuming.** The relay's hello carries a token. A client that comes back says it in its own hello: the relay ends the session
//!    that had it, if there still is one, at once, and its addresses are the newcomer's without waiting for anybody's silence.
//!    A token that the relay does not know is no mistake. An all-zero token is none.
//! 8. Frames from 14 bytes on are frames; shorter ones, and ones that are longer than the network allows, are dropped and counted,
//!    as in the plain form.

mod control;
mod grant;
mod offload;
mod record;

pub use control::{Features, Hello, INITIAL_CREDIT, Stamp, TOKEN};
pub use grant::{Grant, LARGEST_WINDOW};
pub use offload::{Checksum, Offload, Segmentation};
pub use record::{
    FRAME_OVERHEAD, LARGEST_CLOSING, LARGEST_CONTROL, OFFLOADED_OVERHEAD, RECORD_HEADER,
    frame_header, put_closing, put_credit, put_hello, put_ping, put_pong,
};
pub use record::{Malformed, Record, Records, kind};

/// The version that this page specifies.
pub const VERSION: u8 = 1;

/// The largest message, in bytes, that a side takes which does not say otherwise; the best size by measurement.
pub const LARGEST_MESSAGE: u32 = 65_536;

/// The range of [`Hello::largest_message`], in bytes.
pub const LARGEST_MESSAGE_RANGE: (u32, u32) = (2_048, 1 << 20);

/// The largest message that holds one record alone: the largest frame of any network.
pub const LARGEST_SINGLE: usize = OFFLOADED_OVERHEAD + crate::LARGEST_MESSAGE;

#[cfg(test)]
mod tests;
