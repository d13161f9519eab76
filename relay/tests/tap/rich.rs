//! A tab of the negotiated form over a WebSocket: our stack, with checksums and cutting left to the link.

use crate::leased;
use crate::station::fresh_seed;
use ethertab_relay::Relay;
use ethertab_stack::config::LinkCapabilities;
use ethertab_stack::driver::Network;
use ethertab_stack::{Config, Instant, MacAddress, Stack};
use ethertab_tests::TokioClock;
use ethertab_tests::tunnel::{Form, Tunnel, open};

/// A station with an address, whose link takes and hands over unfinished frames.
pub(crate) async fn rich(relay: &Relay, last: u8, mtu: usize) -> Network {
    let (socket, credit) = open(relay.address(), Form::Negotiated).await.unwrap();
    let clock = TokioClock::start();
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 0, 1, last]),
        link: LinkCapabilities {
            mtu,
            largest_segment: 62_000,
            verify_checksums: true,
            fill_checksums: false,
        },
        ..Config::default()
    };
    let stack = Stack::new(config, fresh_seed(), Instant::ZERO);
    let tunnel = Tunnel::new(socket, Form::Negotiated, credit, clock);
    let (network, driver) = Network::new(stack, tunnel, clock);
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            eprintln!("station {last}: {error}");
        }
    });
    leased(network).await
}
