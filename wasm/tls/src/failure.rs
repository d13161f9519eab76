//! What can go wrong, by who could mend it.

use core::fmt;
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// Why TLS failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    kind: Kind,
    message: String,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An option that cannot be: no name, no certificate.
    Invalid,
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not begun.
    NotYetValid,
    /// The certificate is another host's.
    WrongHost,
    /// No certificate that we trust vouches for it.
    UnknownIssuer,
    /// Something else is wrong with the certificate, or with the proof that the server holds its key.
    Certificate,
    /// The server speaks neither TLS 1.2 nor 1.3.
    Version,
    /// Both sides speak TLS, and found no way to go on: no cipher in common, no certificate for that name.
    Handshake,
    /// What came is no TLS, or was altered on its way.
    Protocol,
    /// The connection ended without saying so: what came may not be all.
    Truncated,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Failure {
        let message = message.into();
        Failure { kind, message }
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A stable name: `EINVAL`, `ETLSEXPIRED`, `ETLSNOTYETVALID`, `ETLSHOST`, `ETLSISSUER`, `ETLSCERTIFICATE`, `ETLSVERSION`,
    /// `ETLSHANDSHAKE`, `ETLSPROTOCOL`, `ETLSTRUNCATED`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            Kind::Invalid => "EINVAL",
            Kind::Expired => "ETLSEXPIRED",
            Kind::NotYetValid => "ETLSNOTYETVALID",
            Kind::WrongHost => "ETLSHOST",
            Kind::UnknownIssuer => "ETLSISSUER",
            Kind::Certificate => "ETLSCERTIFICATE",
            Kind::Version => "ETLSVERSION",
            Kind::Handshake => "ETLSHANDSHAKE",
            Kind::Protocol => "ETLSPROTOCOL",
            Kind::Truncated => "ETLSTRUNCATED",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl core::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let kind = match &error {
            Error::InvalidCertificate(wrong) => certificate(wrong),
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            )
            | Error::AlertReceived(AlertDescription::ProtocolVersion) => Kind::Version,
            Error::AlertReceived(_)
            | Error::PeerIncompatible(_)
            | Error::NoApplicationProtocol
            | Error::NoCertificatesPresented => Kind::Handshake,
            _ => Kind::Protocol,
        };
        Failure::new(kind, error.to_string())
    }
}

fn certificate(wrong: &CertificateError) -> Kind {
    match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Kind::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Kind::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Kind::WrongHost
        }
        CertificateError::UnknownIssuer => Kind::UnknownIssuer,
        _ => Kind::Certificate,
    }
}
