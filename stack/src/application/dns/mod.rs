//! DNS (RFC 1034, RFC 1035).

/// Why a name could not be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// Not a name that DNS can carry (RFC 1035 §2.3.4).
    InvalidName,
    /// The name does not exist (NXDOMAIN).
    NoSuchName,
    /// The name exists and has no address.
    NoAddress,
    /// No server is configured.
    NoServers,
    /// Every server failed or refused.
    ServerFailure,
    /// No server answered in time.
    TimedOut,
}
