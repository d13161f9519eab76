//! A tab of the negotiated form over a WebSocket: our stack, with checksums and cutting left to the link.

use crate::leased;
use crate::station::station_over;
use ethertab_relay::Relay;
use ethertab_stack::config::LinkCapabilities;
use ethertab_stack::driver::Network;
use ethertab_tests::tunnel::Form;

/// A station with an address, whose link takes and hands over unfinished frames.
pub(crate) async fn rich(relay: &Relay, last: u8, mtu: usize) -> Network {
    let link = LinkCapabilities {
        mtu,
        largest_segment: 62_000,
        verify_checksums: true,
        fill_checksums: false,
    };
    leased(station_over(relay, last, Form::Negotiated, link).await).await
}
