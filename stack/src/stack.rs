//! [`Stack`] owns the floors and is the only thing that an owner talks to.

use crate::application::dhcp::{DhcpClient, DhcpEvent};
use crate::config::{Addressing, Config, ListenOptions, TcpOptions};
use crate::counters::Counters;
use crate::event::{EchoId, Event, Lease, ListenerId, TcpId, UdpId};
use crate::internet::Internet;
use crate::link::Link;
use crate::random::Random;
use crate::socket::{BindError, ConnectError, EchoSocket, TcpListenerSocket, TcpSocket, UdpSocket};
use crate::time::{Deadline, Duration, Instant, Reason};
use crate::transport::Transport;
use crate::wire::address::MacAddress;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::task::Poll;

/// Host events that wait to be polled; the oldest makes room.
const HOST_EVENTS: usize = 64;

/// How long what is left to say may take before a lease that was given back is forgotten.
const PARTING: Duration = Duration::from_secs(1);

/// Largest DHCP message that is sent or received.
const DHCP_MESSAGE: usize = 1_472;

/// A host on one Ethernet link.
///
/// The owner's contract: after each call that changes something, drain [`transmit`](Stack::transmit) and
/// [`poll_event`](Stack::poll_event), then sleep until [`next_deadline`](Stack::next_deadline) or the next
/// frame, and call [`advance`](Stack::advance) or [`receive`](Stack::receive).
pub struct Stack {
    pub(crate) config: Config,
    pub(crate) link: Link,
    pub(crate) internet: Internet,
    pub(crate) transport: Transport,
    /// Packets to ourselves, between egress and ingress.
    pub(crate) loopback: VecDeque<Vec<u8>>,
    /// Whose turn it is on the way down.
    pub(crate) replies_first: bool,
    pub(crate) counters: Counters,
    dhcp: Option<Dhcp>,
    /// A lease was given back; until then, what is left to say may still leave from its address.
    parting: Option<Instant>,
    lease: Option<Lease>,
    name_servers: Vec<IpAddr>,
    events: VecDeque<Event>,
    random: Random,
    now: Instant,
}

/// The DHCP client and the socket that it speaks through, like any other program.
struct Dhcp {
    client: DhcpClient,
    socket: UdpId,
}

impl Stack {
    /// A stack with no frame seen yet. `seed` must be secret and never reused: sequence numbers, ports and
    /// identifiers follow from it.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Stack {
        let mut random = Random::new(seed);
        let link = Link::new(
            config.hardware_address,
            &config.link,
            &config.neighbors,
            random.fork(),
        );
        let internet = Internet::new(
            &config.internet,
            config.link.mtu,
            config.hop_limit,
            random.fork(),
        );
        let transport = Transport::new(&config, &mut random);
        let mut stack = Stack {
            link,
            internet,
            transport,
            loopback: VecDeque::new(),
            replies_first: false,
            counters: Counters::default(),
            dhcp: None,
            parting: None,
            lease: None,
            name_servers: Vec::new(),
            events: VecDeque::new(),
            random,
            now,
            config,
        };
        match stack.config.addressing.clone() {
            Addressing::Static(fixed) => {
                stack.set_address(
                    Some((fixed.address, fixed.prefix_length)),
                    fixed.gateway,
                    now,
                );
                stack.name_servers = fixed.name_servers;
            }
            Addressing::Dhcp => {
                let random = stack.random.fork();
                stack.start_dhcp(random, now);
            }
        }
        stack
    }

    /// Takes one Ethernet frame, without its check sequence, that arrived at `now`.
    pub fn receive(&mut self, frame: &[u8], now: Instant) {
        self.now = now;
        self.climb(frame, now);
    }

    /// Writes the next frame to send into `out` and returns its length; `None`: nothing to send now.
    /// `out` must hold a whole frame: MTU + 14 bytes, or the largest segment that the link takes.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        self.now = now;
        self.descend(now, out)
    }

    /// When to call [`advance`](Stack::advance), and for whom; `None`: not before the next frame or call.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline> {
        if !self.loopback.is_empty() || self.transport.has_work() {
            return Some(Deadline {
                at: self.now,
                reason: Reason::Transmit,
            });
        }
        self.timers().min_by_key(|deadline| deadline.at)
    }

    /// When [`advance`](Stack::advance) has something to do by the clock, for an owner whose link takes no frame now. What
    /// is due already and waits to be transmitted is not counted.
    #[must_use]
    pub fn next_timer(&self) -> Option<Deadline> {
        self.timers()
            .filter(|deadline| deadline.at > self.now)
            .min_by_key(|deadline| deadline.at)
    }

    fn timers(&self) -> impl Iterator<Item = Deadline> {
        let dhcp = match (self.parting, &self.dhcp) {
            (Some(until), _) if self.has_unsent() => Some(until),
            (_, dhcp) => dhcp.as_ref().and_then(|dhcp| dhcp.client.next_deadline()),
        };
        [
            (self.link.next_deadline(), Reason::Neighbor),
            (self.internet.next_deadline(), Reason::Internet),
            (self.transport.next_deadline(), Reason::Tcp),
            (dhcp, Reason::Dhcp),
        ]
        .into_iter()
        .filter_map(|(at, reason)| at.map(|at| Deadline { at, reason }))
    }

    /// Does what is due at `now`.
    pub fn advance(&mut self, now: Instant) {
        self.now = now;
        self.link.advance(now);
        self.heed_link(now);
        self.internet.advance(now);
        self.transport.advance(now);
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.client.advance(now);
        }
        self.run_dhcp(now);
    }

    /// The next thing that the owner should look at.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let own = self.dhcp.as_ref().map(|dhcp| Event::Udp(dhcp.socket));
        loop {
            let event = self.transport.poll_event()?;
            if own.as_ref() != Some(&event) {
                return Some(event);
            }
        }
    }

    /// Says that the link was away and is back: the lease is confirmed again (RFC 2131 §3.2), neighbours are
    /// checked again, our address is announced; connections stay and retransmit at once.
    pub fn link_restored(&mut self, now: Instant) {
        self.now = now;
        self.link.restored(now);
        if self.internet.address().is_some() {
            self.link.announce(now);
        }
        self.transport.link_restored(now);
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.client.restored(now);
        }
        self.run_dhcp(now);
    }

    /// Our hardware address.
    #[must_use]
    pub fn hardware_address(&self) -> MacAddress {
        self.config.hardware_address
    }

    /// Our address and the length of its network prefix; `None` while there is none.
    #[must_use]
    pub fn address(&self) -> Option<(IpAddr, u8)> {
        self.internet.address()
    }

    /// The default gateway.
    #[must_use]
    pub fn gateway(&self) -> Option<IpAddr> {
        self.internet.gateway()
    }

    /// DNS servers, from the lease or the configuration.
    #[must_use]
    pub fn name_servers(&self) -> &[IpAddr] {
        &self.name_servers
    }

    /// The lease, if there is one.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Gives the lease back (DHCPRELEASE) and forgets the address.
    pub fn release_lease(&mut self, now: Instant) {
        self.now = now;
        if let Some(dhcp) = &mut self.dhcp {
            dhcp.client.release(now);
        }
        // The message, and the RSTs of connections that were aborted before, need the address to leave from.
        self.parting = Some(now + PARTING);
        self.speak_dhcp(now);
    }

    /// Teaches the neighbour cache an address, as a DHCP server must before it can answer by unicast.
    pub fn learn_neighbor(&mut self, address: IpAddr, hardware: MacAddress, now: Instant) {
        self.link.learn(address, hardware, now);
    }

    /// What passed and what was dropped.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sum = self.counters.clone();
        sum += &self.link.counters;
        sum += &self.internet.counters;
        sum += &self.transport.counters();
        sum
    }

    /// Whether something can be transmitted at once, or waits for the hardware address of a neighbour.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        !self.loopback.is_empty() || self.transport.has_work() || self.link.has_waiting()
    }

    /// Whether nothing that a program wrote is still on its way: all is sent, and what is sent by TCP is acknowledged.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        !self.has_unsent() && self.transport.is_quiet()
    }

    /// TCP connections in every state but TIME-WAIT, those among them that no program holds any more included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.transport.tcp.connections()
    }

    /// A generator for whoever sits on top of the stack and needs unpredictable numbers.
    pub fn fork_random(&mut self) -> Random {
        self.random.fork()
    }

    /// Starts a connection. [`TcpSocket::connected`] says how it went.
    pub fn tcp_connect(
        &mut self,
        remote: SocketAddr,
        options: &TcpOptions,
        now: Instant,
    ) -> Result<TcpId, ConnectError> {
        self.now = now;
        let path = self
            .internet
            .route(remote.ip())
            .ok_or(ConnectError::NoRoute)?;
        if path.source.is_unspecified() {
            return Err(ConnectError::NoRoute);
        }
        let local = SocketAddr::new(path.source, options.local_port.unwrap_or(0));
        self.transport
            .tcp
            .connect(local, remote, path.mtu, options, now)
    }

    /// Listens. The unspecified address stands for all of ours; port 0 picks one.
    pub fn tcp_listen(
        &mut self,
        local: SocketAddr,
        options: &ListenOptions,
    ) -> Result<ListenerId, BindError> {
        self.check_own(local.ip())?;
        self.transport.tcp.listen(local, options)
    }

    /// A view of a connection. A stale id is answered with [`TcpError::Closed`](crate::socket::TcpError::Closed).
    pub fn tcp(&mut self, id: TcpId, now: Instant) -> TcpSocket<'_> {
        self.now = now;
        TcpSocket {
            transport: &mut self.transport,
            id,
            now,
        }
    }

    /// A view of a listener.
    pub fn listener(&mut self, id: ListenerId) -> TcpListenerSocket<'_> {
        TcpListenerSocket {
            transport: &mut self.transport,
            id,
        }
    }

    /// Opens a UDP socket. The unspecified address stands for all of ours; port 0 picks one at random.
    pub fn udp_bind(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        self.check_own(local.ip())?;
        self.transport.udp.bind(local)
    }

    /// A view of a UDP socket.
    pub fn udp(&mut self, id: UdpId) -> UdpSocket<'_> {
        UdpSocket {
            transport: &mut self.transport,
            id,
        }
    }

    /// Opens an echo socket for one destination.
    pub fn echo_open(&mut self, destination: IpAddr) -> Result<EchoId, BindError> {
        self.transport.echo.open(destination)
    }

    /// A view of an echo socket.
    pub fn echo(&mut self, id: EchoId) -> EchoSocket<'_> {
        EchoSocket {
            transport: &mut self.transport,
            id,
        }
    }

    fn check_own(&self, address: IpAddr) -> Result<(), BindError> {
        if address.is_unspecified() || self.internet.is_local(address) {
            Ok(())
        } else {
            Err(BindError::AddressNotOurs)
        }
    }
}

/// The address: where it comes from and who must know.
impl Stack {
    fn start_dhcp(&mut self, random: Random, now: Instant) {
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
        // RFC 2132 §5.1 allows less than the link carries; without the option the link decides again.
        let most = self.config.link.mtu.max(576);
        let mtu = lease
            .mtu
            .map_or(most, |mtu| usize::from(mtu).clamp(576, most));
        self.internet.set_mtu(mtu);
        self.transport.set_mtu(mtu);
        self.name_servers.clone_from(&lease.name_servers);
        self.lease = Some(lease.clone());
        self.tell(Event::Leased(lease));
    }

    fn lose_lease(&mut self, now: Instant) {
        self.lease = None;
        self.name_servers.clear();
        self.set_address(None, None, now);
        self.tell(Event::LeaseLost);
    }

    fn set_address(
        &mut self,
        address: Option<(Ipv4Addr, u8)>,
        gateway: Option<Ipv4Addr>,
        now: Instant,
    ) {
        let before = self.internet.address().map(|(address, _)| address);
        let after = address.map(|(address, _)| IpAddr::V4(address));
        self.internet.set_address(address, gateway);
        if before == after {
            return;
        }
        self.link.set_address(address.map(|(address, _)| address));
        if before.is_some() {
            self.transport.address_lost(now);
        }
        if after.is_some() {
            self.link.announce(now);
        }
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() == HOST_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}
