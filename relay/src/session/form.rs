//! How frames sit in messages. A client's [`Form`] is settled in the opening handshake.

use crate::switch::queue::Batch;
use bytes::Bytes;
use ethertab_tunnel::{CloseReason, SUBPROTOCOL_BINARY};

/// A form of the tunnel's protocol; see the specification in [`ethertab_tunnel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One message is one frame.
    Plain,
}

/// A message that holds no frames, and why the session must end for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFrames(pub CloseReason);

impl Form {
    /// Picks the form for a client that offers these subprotocols, and the name to answer with, if any.
    #[must_use]
    pub fn negotiate<'o>(
        mut offers: impl Iterator<Item = &'o str>,
    ) -> (Form, Option<&'static str>) {
        let binary = offers.any(|offer| offer == SUBPROTOCOL_BINARY);
        (Form::Plain, binary.then_some(SUBPROTOCOL_BINARY))
    }

    /// Hands each frame of a message to `take`.
    pub fn unpack(self, message: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), NotFrames> {
        match self {
            Form::Plain => take(message),
        }
        Ok(())
    }

    /// The messages that carry these frames.
    pub fn pack(self, batch: &Batch) -> impl Iterator<Item = Bytes> + '_ {
        match self {
            Form::Plain => batch.frames().map(|(_, frame)| frame),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_nothing_is_answered_with_nothing() {
        assert_eq!(Form::negotiate([].into_iter()), (Form::Plain, None));
    }

    #[test]
    fn a_name_for_the_plain_form_is_echoed_and_unknown_ones_are_not() {
        assert_eq!(
            Form::negotiate(["x", "binary"].into_iter()),
            (Form::Plain, Some("binary"))
        );
        assert_eq!(
            Form::negotiate(["x", "ethertab.v9"].into_iter()),
            (Form::Plain, None)
        );
    }
}
