//! Whom a network trusts, and what it remembers of servers.

use crate::failure::{Failure, Kind};
use crate::judge::Judge;
use crate::provider::provider;
use crate::session::Session;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use rustls::client::Resumption;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::sync::Arc;

/// Servers that can be resumed, at most.
const REMEMBERED: usize = 256;

/// The side of TLS that connects. Sessions that it opens share trust and memory.
#[derive(Clone, Debug)]
pub struct Client {
    config: Arc<ClientConfig>,
    clock: Clock,
}

impl Client {
    /// Trusts what browsers trust (Mozilla's list), and the certificates in `own`, each in DER.
    pub fn new(own: impl IntoIterator<Item = Vec<u8>>) -> Result<Client, Failure> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in own {
            roots
                .add(certificate.into())
                .map_err(|_| Failure::new(Kind::Invalid, "a CA's certificate cannot be read"))?;
        }
        let clock = Clock::default();
        let provider = provider();
        let judge = Judge {
            roots,
            algorithms: provider.signature_verification_algorithms,
        };
        let mut config =
            ClientConfig::builder_with_details(Arc::new(provider), Arc::new(clock.clone()))
                .with_safe_default_protocol_versions()?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(judge))
                .with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(REMEMBERED);
        Ok(Client {
            config: Arc::new(config),
            clock,
        })
    }

    /// Begins a session with the host of a name (or address), by which its certificate is judged. `protocols`: ALPN, the one
    /// liked best first. `now`: milliseconds since 1970.
    pub fn open(&self, host: &str, protocols: &[&str], now: u64) -> Result<Session, Failure> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            Failure::new(
                Kind::Invalid,
                ["\"", host, "\" is no name of a host"].concat(),
            )
        })?;
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        self.clock.set(now);
        let connection =
            ClientConnection::new_with_alpn(Arc::clone(&self.config), name, protocols.collect())?;
        Ok(Session::new(connection, self.clock.clone()))
    }
}

/// Milliseconds since 1970, as whoever called last said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let now = Duration::from_millis(self.0.load(Ordering::Relaxed));
        Some(UnixTime::since_unix_epoch(now))
    }
}
