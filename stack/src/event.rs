//! What the stack tells its owner: [`Stack::poll_event`](crate::Stack::poll_event).

use crate::time::Duration;
use crate::wire::address::MacAddress;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

/// Names a TCP connection. Never reused while the program holds it; a stale one is answered with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TcpId {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Names a TCP listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub(crate) u32);

/// Names a UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UdpId(pub(crate) u32);

/// Names an ICMP echo socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EchoId(pub(crate) u32);

impl EchoId {
    /// What stands in its packets; other sockets have had the same before.
    pub(crate) const fn identifier(self) -> u32 {
        self.0 & 0xffff
    }
}

/// Something the owner should look at. Events of one socket are coalesced: there is at most one in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection changed: try what was pending again.
    Tcp(TcpId, Readiness),
    /// A listener has a connection to accept.
    Listener(ListenerId),
    /// A UDP socket has a datagram or an error to read, or room to write.
    Udp(UdpId),
    /// An echo reply or an error came.
    Echo(EchoId),
    /// DHCP gave us an address, or gave it a new life.
    Leased(Lease),
    /// The address is gone: the lease ran out, was refused, or somebody else uses the address.
    LeaseLost,
    /// Another station uses the address that we hold or wanted (RFC 5227 §2.4).
    AddressConflict {
        /// The address.
        address: Ipv4Addr,
        /// Who claims it.
        claimant: MacAddress,
    },
}

/// What a connection can do now that it could not before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// There is data, an end of stream or an error to read.
    pub readable: bool,
    /// There is room to write, or an error to learn; also said when a connect has ended.
    pub writable: bool,
}

/// What a DHCP server granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Our address.
    pub address: Ipv4Addr,
    /// Length of the network prefix in bits.
    pub prefix_length: u8,
    /// The default gateway.
    pub gateway: Option<Ipv4Addr>,
    /// DNS servers, the best first.
    pub name_servers: Vec<IpAddr>,
    /// The domain to search, if told.
    pub domain: Option<alloc::string::String>,
    /// The network's MTU, if told (option 26).
    pub mtu: Option<u16>,
    /// Who granted it.
    pub server: Ipv4Addr,
    /// How long, from the moment it was asked for.
    pub duration: Duration,
}
