//! Which form of the tunnel's protocol a client speaks: settled in the opening handshake.

use ethertab_tunnel::{SUBPROTOCOL, SUBPROTOCOL_BINARY};

/// A form of the tunnel's protocol; see the specification in [`ethertab_tunnel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One message is one frame.
    Plain,
    /// A message is many records; see [`ethertab_tunnel::v1`].
    Negotiated,
}

impl Form {
    /// Picks the form for a client that offers these subprotocols, and the name to answer with, if any.
    #[must_use]
    pub fn negotiate<'o>(offers: impl Iterator<Item = &'o str>) -> (Form, Option<&'static str>) {
        let mut answer = (Form::Plain, None);
        for offer in offers {
            if offer == SUBPROTOCOL {
                return (Form::Negotiated, Some(SUBPROTOCOL));
            }
            if offer == SUBPROTOCOL_BINARY {
                answer.1 = Some(SUBPROTOCOL_BINARY);
            }
        }
        answer
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

    #[test]
    fn the_richer_form_is_taken_wherever_it_stands_in_the_list() {
        let richer = (Form::Negotiated, Some("ethertab.v1"));
        assert_eq!(Form::negotiate(["ethertab.v1"].into_iter()), richer);
        assert_eq!(
            Form::negotiate(["binary", "ethertab.v1"].into_iter()),
            richer
        );
    }
}
