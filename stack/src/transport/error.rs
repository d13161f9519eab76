//! What can go wrong with a socket, by call.

use crate::wire::ip::Unreachable;
use core::fmt;

/// Why a TCP connection ended, or never began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpError {
    /// The peer answered our SYN with RST: nobody listens there.
    Refused,
    /// Nobody answered: the SYN retries, the connect timeout, the user timeout or the keep-alive probes ran out.
    TimedOut,
    /// The peer reset the connection.
    Reset,
    /// We aborted it.
    Aborted,
    /// The network said that the peer cannot be reached.
    Unreachable(Unreachable),
    /// Written after we closed our half, or used after the connection was given back.
    Closed,
}

/// Why a connect could not even begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// There is no address yet, or no route to the destination.
    NoRoute,
    /// The destination is unspecified, a broadcast, a group, or port 0.
    InvalidDestination,
    /// The wanted local port is taken for this destination, or no ephemeral port is free.
    PortInUse,
    /// The table of connections is full.
    TooMany,
}

/// Why a socket could not be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// The address is not ours.
    AddressNotOurs,
    /// The port is taken, or no ephemeral port is free.
    PortInUse,
    /// The table of sockets is full.
    TooMany,
}

/// What a UDP or echo socket reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpError {
    /// The datagram is larger than 65,507 bytes (IPv4).
    TooLong,
    /// No destination was given and the socket is not connected; or it is connected and one was given.
    Destination,
    /// There is no route to the destination.
    NoRoute,
    /// The network said, about an earlier datagram, that the peer cannot be reached.
    Unreachable(Unreachable),
    /// Used after it was closed.
    Closed,
}

impl TcpError {
    /// What went wrong, in words.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            TcpError::Refused => "connection refused",
            TcpError::TimedOut => "connection timed out",
            TcpError::Reset => "connection reset by peer",
            TcpError::Aborted => "connection aborted",
            TcpError::Unreachable(kind) => kind.text(),
            TcpError::Closed => "connection closed",
        }
    }
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl ConnectError {
    /// What went wrong, in words.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            ConnectError::NoRoute => "no address yet, or no route to the destination",
            ConnectError::InvalidDestination => "not an address that one can connect to",
            ConnectError::PortInUse => "local port in use",
            ConnectError::TooMany => "too many connections",
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl BindError {
    /// What went wrong, in words.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            BindError::AddressNotOurs => "not an address of ours",
            BindError::PortInUse => "port in use",
            BindError::TooMany => "too many sockets",
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl UdpError {
    /// What went wrong, in words.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            UdpError::TooLong => "datagram too long",
            UdpError::Destination => {
                "a destination is needed when unconnected, and forbidden when connected"
            }
            UdpError::NoRoute => "no address yet, or no route to the destination",
            UdpError::Unreachable(kind) => kind.text(),
            UdpError::Closed => "socket closed",
        }
    }
}

impl fmt::Display for UdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for TcpError {}
impl core::error::Error for ConnectError {}
impl core::error::Error for BindError {}
impl core::error::Error for UdpError {}
