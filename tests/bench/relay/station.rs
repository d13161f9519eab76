//! A tab as a program of this host: our stack over a WebSocket to the relay.

use crate::Failure;
use ethertab_stack::config::{Addressing, LinkCapabilities, StaticAddress};
use ethertab_stack::driver::Network;
use ethertab_stack::{Config, Instant, MacAddress, Stack};
use ethertab_tests::TokioClock;
use ethertab_tests::tunnel::{Form, Tunnel, open};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::timeout;

/// The host's address on the TAP.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// Nothing that should come takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A station of this number, with an address of its own; two of the same number must not be there at once.
pub(crate) async fn station(
    relay: SocketAddr,
    form: Form,
    number: u16,
) -> Result<Network, Failure> {
    let (socket, credit) = open(relay, form).await?;
    let clock = TokioClock::start();
    let [high, low] = number.to_be_bytes();
    let link = match form {
        Form::Plain => LinkCapabilities::default(),
        Form::Negotiated => LinkCapabilities {
            largest_segment: 62_000,
            fill_checksums: false,
            ..LinkCapabilities::default()
        },
    };
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 1, high, low]),
        link,
        addressing: Addressing::Static(StaticAddress {
            address: Ipv4Addr::new(10, 77, 8 + high, low),
            prefix_length: 20,
            gateway: None,
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    let stack = Stack::new(config, seed(number), Instant::ZERO);
    let tunnel = Tunnel::new(socket, form, credit, clock);
    let (network, driver) = Network::new(stack, tunnel, clock);
    // If its link fails, so do its connections, and whoever holds them says so.
    tokio::spawn(driver);
    timeout(PATIENCE, network.configured()).await??;
    Ok(network)
}

/// A station draws other ports than those of another number.
fn seed(number: u16) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..2].copy_from_slice(&number.to_le_bytes());
    seed
}
