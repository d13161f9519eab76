//! The gateway: an instance of our own stack, plugged into the switch like anybody else, that answers DHCP, DNS and
//! ping. It forwards no packets; that is the host's kernel's to do, whose address DHCP names as the router.

mod dhcp;
pub mod dns;
pub mod link;

pub use dhcp::{Leased, Leases};

use crate::config::{NetworkPlan, Plan};
use crate::relay::Relay;
use crate::switch::port::Kind;
use crate::switch::queue::{FrameQueue, QueueLimits};
use ethertab_stack::config::{Addressing, BufferSize, LinkCapabilities, StaticAddress, TcpConfig};
use ethertab_stack::driver::{Clock, Network};
use ethertab_stack::{Config, Stack};
use link::{SwitchLink, TokioClock};
use std::io;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What may wait for the gateway: requests are small, so this is many.
const QUEUE: QueueLimits = QueueLimits {
    frames: 4_096,
    bytes: 2 * 1024 * 1024,
};

/// TCP serves DNS alone: messages up to 64 KiB.
const TCP_BUFFER: usize = 64 * 1024;

/// Connections of TCP at once, opening and closing ones included.
const TCP_CONNECTIONS: usize = 512;

/// Starts the gateway, and gives the table of its DHCP server. `failed` hears about it if it ends.
pub(crate) fn start(
    plan: &Plan,
    relay: &Relay,
    failed: &mpsc::Sender<String>,
) -> io::Result<Leases> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    let clock = TokioClock::start();
    let config = config(&plan.network);
    let address = config.hardware_address;
    let stack = Stack::new(config, seed, clock.now());
    let queue = Arc::new(FrameQueue::new(QUEUE));
    let outlet = Box::new(Arc::clone(&queue));
    let plug = (relay.switch()).plug_in(Kind::Gateway, "gateway".into(), outlet, Some(address));
    let link = SwitchLink::new(plug, queue, clock.clone());
    let (network, driver) = Network::new(stack, link, clock.clone());
    let failed = failed.clone();
    relay.spawn(async move {
        let ended = driver.await;
        let _ = failed.try_send(format!("the gateway's stack has ended: {ended:?}"));
    });
    let leases = Leases::new(dhcp::config(plan), clock);
    relay.spawn(dhcp::serve(network.clone(), leases.clone()));
    let answers = dns::Answers::new(plan);
    let (tasks, stop) = (relay.tasks(), relay.stopping());
    relay.spawn(dns::udp::serve(
        network.clone(),
        Arc::clone(&answers),
        tasks.clone(),
        stop.clone(),
    ));
    relay.spawn(dns::tcp::serve(
        network,
        answers,
        tasks.clone(),
        stop.clone(),
    ));
    Ok(leases)
}

fn config(network: &NetworkPlan) -> Config {
    Config {
        hardware_address: NetworkPlan::hardware_address(network.gateway),
        link: LinkCapabilities {
            mtu: network.mtu.into(),
            ..LinkCapabilities::default()
        },
        addressing: Addressing::Static(StaticAddress {
            address: network.gateway,
            prefix_length: network.subnet.prefix_length(),
            gateway: None,
            name_servers: Vec::new(),
        }),
        tcp: TcpConfig {
            receive_buffer: BufferSize::fixed(TCP_BUFFER),
            send_buffer: BufferSize::fixed(TCP_BUFFER),
            connections: TCP_CONNECTIONS,
            time_waits: TCP_CONNECTIONS,
            ..TcpConfig::default()
        },
        ..Config::default()
    }
}
