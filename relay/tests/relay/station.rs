//! A tab as it really is: the stack and its driver, over a WebSocket to the relay.

use crate::support::{clients, until};
use ethertab_relay::Relay;
use ethertab_stack::config::LinkCapabilities;
use ethertab_stack::driver::Network;
use ethertab_stack::{Config, Instant, MacAddress, Stack};
use ethertab_tests::TokioClock;
use ethertab_tests::tunnel::{Form, Tunnel, open};
use std::sync::atomic::{AtomicU64, Ordering};

/// A seed that no station of this run had before: who comes back with the ports and the sequence numbers of its last
/// life is refused by a kernel that still remembers the connections of it.
fn fresh_seed() -> [u8; 32] {
    static STATIONS: AtomicU64 = AtomicU64::new(0);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&STATIONS.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    seed
}

/// A station on the relay's network, with its own hardware address.
pub(crate) async fn station(relay: &Relay, last: u8) -> Network {
    station_of_mtu(relay, last, 1_500).await
}

/// The same, whose link takes packets of up to `mtu` bytes.
pub(crate) async fn station_of_mtu(relay: &Relay, last: u8, mtu: usize) -> Network {
    let link = LinkCapabilities {
        mtu,
        ..LinkCapabilities::default()
    };
    station_over(relay, last, Form::Plain, link).await
}

/// The same in either form of the protocol, with a link that can do so much.
pub(crate) async fn station_over(
    relay: &Relay,
    last: u8,
    form: Form,
    link: LinkCapabilities,
) -> Network {
    let before = clients(relay).len();
    let (socket, credit) = open(relay.address(), form).await.unwrap();
    until("it is plugged in", || clients(relay).len() > before).await;
    let clock = TokioClock::start();
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 0, 1, last]),
        link,
        ..Config::default()
    };
    let stack = Stack::new(config, fresh_seed(), Instant::ZERO);
    let tunnel = Tunnel::new(socket, form, credit, clock);
    let (network, driver) = Network::new(stack, tunnel, clock);
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            eprintln!("station {last}: {error}");
        }
    });
    network
}
