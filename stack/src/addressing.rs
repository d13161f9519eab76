//! The address: where it comes from and who must know.
//!
//! The DHCP client is a program like any other: this room carries its messages to and from a UDP socket, and turns what it
//! found out into what link, internet and transport are told.

use crate::application::dhcp::{DhcpClient, DhcpEvent};
use crate::event::{Event, Lease, UdpId};
use crate::random::Random;
use crate::socket::UdpSocket;
use crate::stack::Stack;
use crate::time::{Duration, Instant};
use crate::wire::address::MacAddress;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::task::Poll;

/// How long what is left to say may take before a lease that was given back is forgotten.
const PARTING: Duration = Duration::from_secs(1);

/// Largest DHCP message that is sent or received.
const DHCP_MESSAGE: usize = 1_472;

/// The DHCP client and the socket that it speaks through, like any other program.
pub(crate) struct Dhcp {
    pub(crate) client: DhcpClient,
    pub(crate) socket: UdpId,
}

impl Stack {
    /// Gives the lease back (DHCPRELEASE) and forgets the address. There is none until
    /// [`request_lease`](Self::request_lease). A fixed address ([`Addressing::Static`](crate::config::Addressing::Static))
    /// stays.
    pub fn release_lease(&mut self, now: Instant) {
        self.begin(now);
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.client.release(now);
        }
        // The message, and the RSTs of connections that were aborted before, need the address to leave from.
        self.parting = Some(now + PARTING);
        self.speak_dhcp(now);
    }

    /// Asks for an address again after [`release_lease`](Self::release_lease); [`Event::Leased`] tells that there is one.
    /// What is left to say from the old address leaves before, and [`Event::LeaseLost`] comes first. No effect while a
    /// lease is held or looked for, and none without DHCP ([`Addressing::Dhcp`](crate::config::Addressing::Dhcp)).
    pub fn request_lease(&mut self, now: Instant) {
        self.begin(now);
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.client.restart(now);
        }
        self.run_dhcp(now);
    }

    pub(crate) fn start_dhcp(&mut self, random: Random, now: Instant) {
        let any = SocketAddr::new(
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            crate::wire::dhcp::CLIENT_PORT,
        );
        // The table of sockets is empty: this cannot fail unless it was configured to hold none.
        if let Ok(socket) = self.transport.udp.bind(any) {
            let client = DhcpClient::new(
                self.config.hardware_address,
                self.config.hostname.clone(),
                random,
                now,
            );
            self.dhcp = Some(Dhcp { client, socket });
            self.run_dhcp(now);
        }
    }

    /// Carries messages between the DHCP client and its socket, and heeds what it found out.
    pub(crate) fn run_dhcp(&mut self, now: Instant) {
        if self
            .parting
            .is_some_and(|until| now < until && self.has_unsent())
        {
            return;
        }
        self.parting = None;
        let Some(dhcp) = &mut self.dhcp else { return };
        let mut socket = UdpSocket {
            transport: &mut self.transport,
            id: dhcp.socket,
        };
        let mut message = [0; DHCP_MESSAGE];
        while let Poll::Ready(Ok(datagram)) = socket.receive(&mut message) {
            dhcp.client.receive(&message[..datagram.length], now);
        }
        while let Some(event) = self.dhcp.as_mut().and_then(|dhcp| dhcp.client.poll_event()) {
            match event {
                DhcpEvent::Probe(address) => self.link.probe(address, now),
                DhcpEvent::Bound(lease) => self.apply_lease(lease, now),
                DhcpEvent::Lost => self.lose_lease(now),
            }
        }
        self.speak_dhcp(now);
    }

    /// Hands what the DHCP client has to say to its socket.
    fn speak_dhcp(&mut self, now: Instant) {
        let Some(dhcp) = &mut self.dhcp else { return };
        let mut socket = UdpSocket {
            transport: &mut self.transport,
            id: dhcp.socket,
        };
        let mut message = [0; DHCP_MESSAGE];
        while let Some((length, destination)) = dhcp.client.transmit(now, &mut message) {
            let server = SocketAddr::new(IpAddr::V4(destination), crate::wire::dhcp::SERVER_PORT);
            // A link that takes nothing must not find the questions of hours when it does. RELEASE is not lost by this: nothing
            // follows before it has left, or cannot; and what a DECLINE says, ten seconds later, the next probe finds out.
            socket.discard_unsent();
            // A full queue or a missing route is one lost message more: the client repeats it.
            if socket.send(&message[..length], Some(server)) != Poll::Ready(Ok(())) {
                break;
            }
        }
    }

    pub(crate) fn probe_clear(&mut self, address: Ipv4Addr, now: Instant) {
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.client.probe_clear(address, now);
        }
        self.run_dhcp(now);
    }

    pub(crate) fn conflict(
        &mut self,
        address: Ipv4Addr,
        claimant: MacAddress,
        while_probing: bool,
        now: Instant,
    ) {
        self.tell(Event::AddressConflict { address, claimant });
        // RFC 5227 §2.4: the link has defended the address; what it reports beyond that is lost for good.
        if let Some(dhcp) = &mut self.dhcp {
            if !while_probing {
                self.lease = None;
            }
            dhcp.client.conflict(address, now);
        }
        self.run_dhcp(now);
    }

    fn apply_lease(&mut self, lease: Lease, now: Instant) {
        let address = (lease.address, lease.prefix_length);
        let held =
            self.internet.address() == Some((IpAddr::V4(lease.address), lease.prefix_length));
        if !held || self.internet.gateway() != lease.gateway.map(IpAddr::V4) {
            self.set_address(Some(address), lease.gateway, now);
        }
        self.name_servers.clone_from(&lease.name_servers);
        self.lease = Some(lease.clone());
        self.apply_mtu();
        self.tell(Event::Leased(lease));
    }

    /// RFC 2132 §5.1 allows less than the link carries; without the option the link decides.
    pub(crate) fn apply_mtu(&mut self) {
        let most = self.config.link.mtu.max(576);
        let leased = self.lease.as_ref().and_then(|lease| lease.mtu);
        let mtu = leased.map_or(most, |mtu| usize::from(mtu).clamp(576, most));
        self.internet.set_mtu(mtu);
        self.transport.set_mtu(mtu);
    }

    fn lose_lease(&mut self, now: Instant) {
        self.lease = None;
        self.name_servers.clear();
        self.set_address(None, None, now);
        self.tell(Event::LeaseLost);
    }

    pub(crate) fn set_address(
        &mut self,
        address: Option<(Ipv4Addr, u8)>,
        gateway: Option<Ipv4Addr>,
        now: Instant,
    ) {
        self.departing = None;
        self.arriving = None;
        let before = self.internet.address().map(|(address, _)| address);
        let after = address.map(|(address, _)| IpAddr::V4(address));
        self.internet.set_address(address, gateway);
        if before == after {
            return;
        }
        self.link.set_address(address.map(|(address, _)| address));
        self.transport.address_changed(before, after, now);
        if after.is_some() {
            self.link.announce(now);
        }
    }
}
