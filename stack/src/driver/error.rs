//! One error for all asynchronous calls, with a stable code.

use crate::application::dns::ResolveError;
use crate::socket::{BindError, ConnectError, TcpError, UdpError};
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
    /// `ENETUNREACH`, `ECONNABORTED`, `EADDRINUSE`, `EADDRNOTAVAIL`, `EMSGSIZE`, `EINVAL`, `EMFILE`, `EPIPE`, `ENOTFOUND`
    /// (no such name), `EAI_AGAIN` (no name server answered), `ENETDOWN` (network closed).
    #[must_use]
    pub fn code(&self) -> &'static str {
        todo!()
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        todo!()
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        todo!()
    }
}
