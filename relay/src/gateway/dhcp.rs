//! The DHCP server: the stack's own, behind a UDP socket of the gateway.

use super::link::TokioClock;
use crate::config::Plan;
use ethertab_stack::application::dhcp::{
    DhcpReply, DhcpServer, DhcpServerConfig, LeaseState, Refusals, ServerLease,
};
use ethertab_stack::driver::{Clock, Network};
use ethertab_stack::{Duration, Instant, MacAddress};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The port of DHCP servers (RFC 2131 §4.1).
const PORT: u16 = 67;

/// The domain that tabs search: `demo` then means `demo.ethertab`.
pub(super) const DOMAIN: &str = "ethertab";

/// What the server gives on this network.
pub(super) fn config(plan: &Plan) -> DhcpServerConfig {
    let network = &plan.network;
    DhcpServerConfig {
        first: network.dhcp_range.first,
        last: network.dhcp_range.last,
        // Without a TAP nobody here forwards anything, and a tab should learn that at once and not by a timeout.
        router: plan.tap.is_some().then_some(network.host),
        name_servers: vec![network.gateway],
        domain: Some(DOMAIN.to_owned()),
        mtu: Some(network.mtu),
        lease_time: network.lease_time,
        ..DhcpServerConfig::new(network.gateway, network.subnet.prefix_length())
    }
}

/// The server's table, for others to read. Clones share it.
#[derive(Clone)]
pub struct Leases {
    server: Arc<Mutex<DhcpServer>>,
    clock: TokioClock,
}

/// An address that a client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// The address.
    pub address: Ipv4Addr,
    /// Whose it is.
    pub hardware: MacAddress,
    /// What the client calls itself, reduced to letters, digits, dots and hyphens.
    pub hostname: String,
    /// For how long.
    pub remaining: Duration,
}

impl Leases {
    pub(super) fn new(config: DhcpServerConfig, clock: TokioClock) -> Leases {
        Leases {
            server: Arc::new(Mutex::new(DhcpServer::new(config))),
            clock,
        }
    }

    /// The addresses that clients have now.
    #[must_use]
    pub fn list(&self) -> Vec<Leased> {
        let server = self.lock();
        let leased = bound(&server, self.clock.now()).map(|lease| Leased {
            address: lease.address,
            hardware: lease.hardware,
            hostname: lease
                .hostname
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
                .collect(),
            remaining: lease.remaining,
        });
        leased.collect()
    }

    /// What could not be given.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        self.lock().refusals()
    }

    /// Takes a message; the answer, and whether it gave its client an address that it did not have.
    fn respond(&self, message: &[u8], now: Instant) -> Option<(DhcpReply, bool)> {
        let mut server = self.lock();
        let before = bound(&server, now).count();
        let reply = server.respond(message, now)?;
        let news = bound(&server, now).count() > before;
        Some((reply, news))
    }

    fn lock(&self) -> MutexGuard<'_, DhcpServer> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bound(server: &DhcpServer, now: Instant) -> impl Iterator<Item = ServerLease<'_>> {
    let leases = server.leases(now);
    leases.filter(|lease| lease.state == LeaseState::Bound)
}

/// Answers until the network is closed.
pub(super) async fn serve(network: Network, leases: Leases) {
    let socket = match network.bind_udp(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), PORT)) {
        Ok(socket) => socket,
        Err(error) => {
            return tracing::error!(
                "no DHCP: port {PORT} of the gateway is not to be had: {}",
                error.code()
            );
        }
    };
    // RFC 2131 §2 asks for room for 576-byte packets; some clients send more.
    let mut message = [0; 2_048];
    loop {
        let datagram = match socket.receive(&mut message).await {
            Ok(datagram) => datagram,
            Err(ethertab_stack::driver::Error::NetworkClosed) => return,
            // About an earlier answer: its client is gone.
            Err(_) => continue,
        };
        let reply = network.with_stack(|stack, now| {
            let (reply, news) = leases.respond(&message[..datagram.length], now)?;
            if let Some((address, hardware)) = reply.learn {
                stack.learn_neighbor(IpAddr::V4(address), hardware, now);
                if news {
                    tracing::info!("{hardware} has the address {address}");
                }
            }
            Some(reply)
        });
        if let Some(reply) = reply
            && let Err(error) = socket
                .send_to(&reply.bytes, SocketAddr::V4(reply.destination))
                .await
        {
            tracing::debug!(
                "DHCP: the answer to {} was not sent: {}",
                reply.destination,
                error.code()
            );
        }
    }
}
