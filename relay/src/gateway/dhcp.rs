//! The DHCP server: the stack's own, behind a UDP socket of the gateway.

use crate::config::Plan;
use ethertab_stack::application::dhcp::{DhcpServer, DhcpServerConfig};
use ethertab_stack::driver::Network;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

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

/// Answers until the network is closed.
pub(super) async fn serve(network: Network, config: DhcpServerConfig) {
    let socket = match network.bind_udp(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), PORT)) {
        Ok(socket) => socket,
        Err(error) => {
            return tracing::error!(
                "no DHCP: port {PORT} of the gateway is not to be had: {}",
                error.code()
            );
        }
    };
    let mut server = DhcpServer::new(config);
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
            let reply = server.respond(&message[..datagram.length], now)?;
            if let Some((address, hardware)) = reply.learn {
                stack.learn_neighbor(IpAddr::V4(address), hardware, now);
                tracing::debug!("DHCP: {address} for {hardware}");
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
