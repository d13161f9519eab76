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

// Words of our own, not rustls's `Display`: that writes most errors by `Debug`, whose code is 13 KB gzipped.
impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let (kind, message) = match error {
            Error::InvalidCertificate(wrong) => return certificate(wrong),
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            )
            | Error::AlertReceived(AlertDescription::ProtocolVersion) => {
                (Kind::Version, "the server speaks neither TLS 1.2 nor 1.3")
            }
            Error::AlertReceived(alert) => {
                let name = alert.as_str().unwrap_or("unknown");
                let message = ["the server refused, by the alert ", name].concat();
                return Failure::new(Kind::Handshake, message);
            }
            Error::PeerIncompatible(_) => (
                Kind::Handshake,
                "the server can do nothing that we can do, too",
            ),
            Error::NoApplicationProtocol => (
                Kind::Handshake,
                "the server speaks none of the protocols that were offered",
            ),
            Error::NoCertificatesPresented => {
                (Kind::Certificate, "the server shows no certificate")
            }
            Error::DecryptError => (
                Kind::Protocol,
                "a record was altered on its way, or is of another session",
            ),
            Error::InvalidMessage(_) => (Kind::Protocol, "what the server sent is no TLS"),
            Error::PeerMisbehaved(_) | Error::InappropriateMessage { .. } => (
                Kind::Protocol,
                "the server does not keep to the rules of TLS",
            ),
            Error::InappropriateHandshakeMessage { .. } => {
                (Kind::Protocol, "the server's handshake is out of order")
            }
            Error::FailedToGetRandomBytes => {
                (Kind::Protocol, "there are no random bytes to be had")
            }
            _ => (Kind::Protocol, "TLS failed"),
        };
        Failure::new(kind, message)
    }
}

fn certificate(wrong: CertificateError) -> Failure {
    let (kind, message) = match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (Kind::Expired, "the server's certificate has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            Kind::NotYetValid,
            "the server's certificate is not valid yet",
        ),
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            let names = presented.join(", ");
            let message = ["the server's certificate is for other names: ", &names].concat();
            return Failure::new(Kind::WrongHost, message);
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            (Kind::WrongHost, "the server's certificate is for no name")
        }
        CertificateError::UnknownIssuer => (
            Kind::UnknownIssuer,
            "nobody who is trusted vouches for the server's certificate",
        ),
        CertificateError::BadSignature => (
            Kind::Certificate,
            "a signature of the server or of its certificates is wrong",
        ),
        CertificateError::BadEncoding => {
            (Kind::Certificate, "the server's certificate cannot be read")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => (
            Kind::Certificate,
            "the server's certificate is not meant for servers",
        ),
        _ => (
            Kind::Certificate,
            "the server's certificate is not acceptable",
        ),
    };
    Failure::new(kind, message)
}
