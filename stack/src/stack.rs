//! [`Stack`] owns the floors and is the only thing that an owner talks to.

use crate::addressing::Dhcp;
use crate::config::{Addressing, Config, LinkCapabilities, ListenOptions, TcpOptions};
use crate::counters::Counters;
use crate::event::{EchoId, Event, Lease, ListenerId, TcpId, UdpId};
use crate::internet::{Internet, Prefix};
use crate::link::Link;
use crate::random::Random;
use crate::socket::{
    BindError, ConnectError, EchoSocket, TcpInfo, TcpListenerSocket, TcpSocket, UdpSocket,
};
use crate::time::{Deadline, Instant, Reason};
use crate::train::{ArrivingTrain, DepartingTrain};
use crate::transport::Transport;
use crate::wire::address::MacAddress;
use crate::wire::offload::{Offload, TransportChecksum};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::ops::Range;

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
    /// What the next frame may have in common with the last one that left.
    pub(crate) departing: Option<DepartingTrain>,
    /// What the next frame may have in common with the last one that came.
    pub(crate) arriving: Option<ArrivingTrain>,
    /// The connection whose progress just confirmed nobody, and will not before the link hears more or time passes.
    pub(crate) confirms_nobody: Option<u32>,
    /// Whose turn it is on the way down.
    pub(crate) replies_first: bool,
    pub(crate) counters: Counters,
    pub(crate) dhcp: Option<Dhcp>,
    /// A lease was given back; until then, what is left to say may still leave from its address.
    pub(crate) parting: Option<Instant>,
    pub(crate) lease: Option<Lease>,
    pub(crate) name_servers: Vec<IpAddr>,
    events: VecDeque<Event>,
    random: Random,
    pub(crate) now: Instant,
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
            departing: None,
            arriving: None,
            confirms_nobody: None,
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
    #[inline]
    pub fn receive(&mut self, frame: &[u8], now: Instant) {
        self.receive_offloaded(frame, Offload::NONE, now);
    }

    /// The same for a frame to which something is still to be done. A partial checksum is trusted: the bytes never passed a
    /// wire.
    #[inline]
    pub fn receive_offloaded(&mut self, frame: &[u8], offload: Offload, now: Instant) {
        self.begin(now);
        let is_unproven = offload.checksum == TransportChecksum::Complete;
        self.climb(frame, is_unproven && self.config.link.verify_checksums, now);
    }

    /// The same for the frame in `range` of `buffer`, which a connection may keep instead of copying out of it: then there is
    /// another buffer in its place afterwards, with a length of its own and bytes that mean nothing. A range that is not in the
    /// buffer holds an empty frame.
    #[inline]
    pub fn receive_owned(
        &mut self,
        buffer: &mut Vec<u8>,
        range: Range<usize>,
        offload: Offload,
        now: Instant,
    ) {
        let start = range.start;
        let frame = buffer.get(range).unwrap_or_default();
        self.transport.tcp.lend(frame, buffer.capacity());
        self.receive_offloaded(frame, offload, now);
        self.transport.tcp.take_lent(buffer, start);
    }

    /// Writes the next frame to send into `out` and returns its length; `None`: nothing to send now.
    /// `out` must hold a whole frame: MTU + 14 bytes, or the largest segment that the link takes.
    #[inline]
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        Some(self.transmit_offloaded(now, out)?.0)
    }

    /// The same for a link that finishes frames: also says what is still to be done to this one. Never anything but what the
    /// [capabilities](crate::config::LinkCapabilities) say that the link can do.
    #[inline]
    pub fn transmit_offloaded(&mut self, now: Instant, out: &mut [u8]) -> Option<(usize, Offload)> {
        self.now = now;
        self.descend(now, out)
    }

    /// The link changed what it can do and carry. Connections stay: what they send from now on fits, and segments that were
    /// larger are sent again as they must be.
    pub fn set_link_capabilities(&mut self, capabilities: LinkCapabilities, now: Instant) {
        self.begin(now);
        self.arriving = None;
        self.config.link = capabilities;
        self.link.set_capabilities(&capabilities);
        self.transport.set_link_capabilities(capabilities);
        self.apply_mtu();
    }

    /// When to call [`advance`](Stack::advance), and for whom; `None`: not before the next frame or call.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline> {
        if self.can_transmit() {
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

    /// Something is about to happen on the floors below the sockets.
    #[inline]
    pub(crate) fn begin(&mut self, now: Instant) {
        self.now = now;
        self.departing = None;
    }

    fn timers(&self) -> impl Iterator<Item = Deadline> {
        let dhcp = match (self.parting, &self.dhcp) {
            (Some(until), _) if self.has_unsent() => Some(until),
            // The last word has left: what waited for that is due.
            (Some(_), Some(_)) => Some(self.now),
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
        self.begin(now);
        self.confirms_nobody = None;
        self.link.advance(now);
        self.heed_link(now);
        self.internet.advance(now);
        self.transport.advance(now);
        self.heed_doubts(now);
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

    /// Puts an event of our own where the owner finds it.
    pub(crate) fn tell(&mut self, event: Event) {
        if self.events.len() >= self.config.host_events {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Says that the link was away and is back: the lease is confirmed again (RFC 2131 §3.2), neighbours are
    /// asked again when they are used, our address is announced; connections stay and retransmit at once.
    pub fn link_restored(&mut self, now: Instant) {
        self.begin(now);
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

    /// What it was opened with. What the link can do is as the link said last.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
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

    /// Adds a route: packets for `prefix` go through `gateway`, or straight to their destination on this link if there is
    /// none. The longest prefix that fits decides. It stays until the address is set anew, as by another lease
    /// ([`Event::Leased`]); false if the table is full ([`InternetConfig::routes`](crate::config::InternetConfig::routes)).
    pub fn add_route(&mut self, prefix: Prefix, gateway: Option<IpAddr>) -> bool {
        self.internet.add_route(prefix, gateway)
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

    /// Teaches the neighbour cache an address, as a DHCP server must before it can answer by unicast.
    pub fn learn_neighbor(&mut self, address: IpAddr, hardware: MacAddress, now: Instant) {
        self.begin(now);
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
        self.can_transmit() || self.link.has_waiting()
    }

    /// Whether there is something to transmit at once, or an event to tell.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.can_transmit() || !self.events.is_empty() || self.transport.has_events()
    }

    /// Whether packets to ourselves or what sockets sent wait to be transmitted.
    fn can_transmit(&self) -> bool {
        !self.loopback.is_empty() || self.transport.has_work()
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

    /// The vital signs of those, each with our end and the peer's. In no order.
    pub fn tcp_status(&self) -> impl Iterator<Item = (SocketAddr, SocketAddr, TcpInfo)> {
        self.transport.tcp.status()
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

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;
