//! [`Stack`] owns the floors and is the only thing that an owner talks to.

use crate::config::{Config, ListenOptions, TcpOptions};
use crate::counters::Counters;
use crate::event::{EchoId, Event, Lease, ListenerId, TcpId, UdpId};
use crate::socket::{BindError, ConnectError, EchoSocket, TcpListenerSocket, TcpSocket, UdpSocket};
use crate::time::{Deadline, Instant};
use crate::wire::address::MacAddress;
use core::net::{IpAddr, SocketAddr};

/// A host on one Ethernet link.
///
/// The owner's contract: after each call that changes something, drain [`transmit`](Stack::transmit) and
/// [`poll_event`](Stack::poll_event), then sleep until [`next_deadline`](Stack::next_deadline) or the next
/// frame, and call [`advance`](Stack::advance) or [`receive`](Stack::receive).
pub struct Stack {}

impl Stack {
    /// A stack with no frame seen yet. `seed` must be secret and never reused: sequence numbers, ports and
    /// identifiers follow from it.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Stack {
        todo!()
    }

    /// Takes one Ethernet frame, without its check sequence, that arrived at `now`.
    pub fn receive(&mut self, frame: &[u8], now: Instant) {
        todo!()
    }

    /// Writes the next frame to send into `out` and returns its length; `None`: nothing to send now.
    /// `out` must hold a whole frame: MTU + 14 bytes, or the largest segment that the link takes.
    pub fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        todo!()
    }

    /// When to call [`advance`](Stack::advance), and for whom; `None`: not before the next frame or call.
    pub fn next_deadline(&self) -> Option<Deadline> {
        todo!()
    }

    /// Does what is due at `now`.
    pub fn advance(&mut self, now: Instant) {
        todo!()
    }

    /// The next thing that the owner should look at.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// Says that the link was away and is back: the lease is confirmed again (RFC 2131 §3.2), neighbours are
    /// checked again, our address is announced; connections stay and retransmit at once.
    pub fn link_restored(&mut self, now: Instant) {
        todo!()
    }

    /// Our hardware address.
    #[must_use]
    pub fn hardware_address(&self) -> MacAddress {
        todo!()
    }

    /// Our address and the length of its network prefix; `None` while there is none.
    #[must_use]
    pub fn address(&self) -> Option<(IpAddr, u8)> {
        todo!()
    }

    /// The default gateway.
    #[must_use]
    pub fn gateway(&self) -> Option<IpAddr> {
        todo!()
    }

    /// DNS servers, from the lease or the configuration.
    #[must_use]
    pub fn name_servers(&self) -> &[IpAddr] {
        todo!()
    }

    /// The lease, if there is one.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        todo!()
    }

    /// Gives the lease back (DHCPRELEASE) and forgets the address.
    pub fn release_lease(&mut self, now: Instant) {
        todo!()
    }

    /// Teaches the neighbour cache an address, as a DHCP server must before it can answer by unicast.
    pub fn learn_neighbor(&mut self, address: IpAddr, hardware: MacAddress, now: Instant) {
        todo!()
    }

    /// What passed and what was dropped.
    #[must_use]
    pub fn counters(&self) -> Counters {
        todo!()
    }

    /// When [`advance`](Stack::advance) has something to do by the clock, whatever waits to be transmitted.
    pub fn next_timer(&self) -> Option<Deadline> {
        todo!()
    }

    /// Whether nothing that a program wrote is still on its way: no connection is open and no frame waits.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        todo!()
    }

    /// A generator for whoever sits on top of the stack and needs unpredictable numbers.
    pub fn fork_random(&mut self) -> crate::random::Random {
        todo!()
    }

    /// Starts a connection. [`TcpSocket::connected`] says how it went.
    pub fn tcp_connect(
        &mut self,
        remote: SocketAddr,
        options: &TcpOptions,
        now: Instant,
    ) -> Result<TcpId, ConnectError> {
        todo!()
    }

    /// Listens. The unspecified address stands for all of ours; port 0 picks one.
    pub fn tcp_listen(
        &mut self,
        local: SocketAddr,
        options: &ListenOptions,
    ) -> Result<ListenerId, BindError> {
        todo!()
    }

    /// A view of a connection. A stale id is answered with [`TcpError::Closed`](crate::socket::TcpError::Closed).
    pub fn tcp(&mut self, id: TcpId, now: Instant) -> TcpSocket<'_> {
        todo!()
    }

    /// A view of a listener.
    pub fn listener(&mut self, id: ListenerId) -> TcpListenerSocket<'_> {
        todo!()
    }

    /// Opens a UDP socket. The unspecified address stands for all of ours; port 0 picks one at random.
    pub fn udp_bind(&mut self, local: SocketAddr) -> Result<UdpId, BindError> {
        todo!()
    }

    /// A view of a UDP socket.
    pub fn udp(&mut self, id: UdpId) -> UdpSocket<'_> {
        todo!()
    }

    /// Opens an echo socket for one destination.
    pub fn echo_open(&mut self, destination: IpAddr) -> Result<EchoId, BindError> {
        todo!()
    }

    /// A view of an echo socket.
    pub fn echo(&mut self, id: EchoId) -> EchoSocket<'_> {
        todo!()
    }
}
