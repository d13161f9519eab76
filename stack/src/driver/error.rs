//! One error for all asynchronous calls, with a stable code.

use crate::application::dns::ResolveError;
use crate::socket::{BindError, ConnectError, TcpError, UdpError};
use crate::wire::ip::Unreachable;
use std::io;

/// Why an asynchronous call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A connect could not begin.
    Connect(ConnectError),
    /// A connection failed.
    Tcp(TcpError),
    /// A socket could not be bound.
    Bind(BindError),
    /// A datagram could not be sent, or ICMP reported an error about one.
    Udp(UdpError),
    /// A name has no address, or could not be asked for.
    Resolve(ResolveError),
    /// No answer in time.
    TimedOut,
    /// The network was closed, or its link ended for good.
    NetworkClosed,
}

impl Error {
    /// A stable name that follows POSIX's where there is one: `ECONNREFUSED`, `ETIMEDOUT`, `ECONNRESET`, `EHOSTUNREACH`,
    /// `ENETUNREACH`, `ECONNABORTED`, `EADDRINUSE`, `EADDRNOTAVAIL`, `EMSGSIZE`, `EINVAL`, `EMFILE` (too many sockets or lookups), `EPIPE`, `ENOTFOUND`
    /// (no such name), `EAI_AGAIN` (no name server answered), `ENETDOWN` (network closed).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Connect(ConnectError::NoRoute) | Error::Udp(UdpError::NoRoute) => "ENETUNREACH",
            Error::Connect(ConnectError::InvalidDestination)
            | Error::Udp(UdpError::Destination)
            | Error::Resolve(ResolveError::InvalidName) => "EINVAL",
            Error::Connect(ConnectError::PortInUse) | Error::Bind(BindError::PortInUse) => {
                "EADDRINUSE"
            }
            Error::Connect(ConnectError::TooMany)
            | Error::Bind(BindError::TooMany)
            | Error::Resolve(ResolveError::TooMany) => "EMFILE",
            Error::Bind(BindError::AddressNotOurs) => "EADDRNOTAVAIL",
            Error::Tcp(TcpError::Refused) => "ECONNREFUSED",
            Error::Tcp(TcpError::TimedOut) | Error::TimedOut => "ETIMEDOUT",
            Error::Tcp(TcpError::Reset) => "ECONNRESET",
            Error::Tcp(TcpError::Aborted) => "ECONNABORTED",
            Error::Tcp(TcpError::Closed) | Error::Udp(UdpError::Closed) => "EPIPE",
            Error::Udp(UdpError::TooLong) => "EMSGSIZE",
            Error::Tcp(TcpError::Unreachable(kind)) | Error::Udp(UdpError::Unreachable(kind)) => {
                unreachable_code(*kind)
            }
            Error::Resolve(ResolveError::NoSuchName | ResolveError::NoAddress) => "ENOTFOUND",
            Error::Resolve(
                ResolveError::NoServers | ResolveError::ServerFailure | ResolveError::TimedOut,
            ) => "EAI_AGAIN",
            Error::NetworkClosed => "ENETDOWN",
        }
    }

    /// What went wrong, in words.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            Error::Connect(error) => error.text(),
            Error::Tcp(error) => error.text(),
            Error::Bind(error) => error.text(),
            Error::Udp(error) => error.text(),
            Error::Resolve(error) => error.text(),
            Error::TimedOut => "no answer in time",
            Error::NetworkClosed => "the network is closed",
        }
    }

    fn kind(&self) -> io::ErrorKind {
        match self.code() {
            "ENETUNREACH" => io::ErrorKind::NetworkUnreachable,
            "EHOSTUNREACH" => io::ErrorKind::HostUnreachable,
            "EINVAL" | "EMSGSIZE" => io::ErrorKind::InvalidInput,
            "EADDRINUSE" => io::ErrorKind::AddrInUse,
            "EADDRNOTAVAIL" => io::ErrorKind::AddrNotAvailable,
            "ECONNREFUSED" => io::ErrorKind::ConnectionRefused,
            "ECONNRESET" => io::ErrorKind::ConnectionReset,
            "ECONNABORTED" => io::ErrorKind::ConnectionAborted,
            "ETIMEDOUT" => io::ErrorKind::TimedOut,
            "EPIPE" => io::ErrorKind::BrokenPipe,
            "ENOTFOUND" => io::ErrorKind::NotFound,
            "ENETDOWN" => io::ErrorKind::NetworkDown,
            _ => io::ErrorKind::Other,
        }
    }
}

fn unreachable_code(kind: Unreachable) -> &'static str {
    match kind {
        Unreachable::Port => "ECONNREFUSED",
        Unreachable::TooBig { .. } => "EMSGSIZE",
        Unreachable::Host
        | Unreachable::Protocol
        | Unreachable::Prohibited
        | Unreachable::TimeExceeded
        | Unreachable::ParameterProblem => "EHOSTUNREACH",
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Error {
        Error::Connect(error)
    }
}

impl From<TcpError> for Error {
    fn from(error: TcpError) -> Error {
        Error::Tcp(error)
    }
}

impl From<BindError> for Error {
    fn from(error: BindError) -> Error {
        Error::Bind(error)
    }
}

impl From<UdpError> for Error {
    fn from(error: UdpError) -> Error {
        Error::Udp(error)
    }
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Error {
        Error::Resolve(error)
    }
}
