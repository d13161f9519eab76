//! A server by rustls and ring, certificates made on the spot, and bytes carried between the two ends.
#![allow(dead_code, unreachable_pub, missing_docs)]

use ethertab_tls::{Client, Failure, Session};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SignatureAlgorithm, date_time_ymd,
};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};
use std::io::{Read, Write};
use std::sync::Arc;

pub const HOST: &str = "www.example.test";

/// 1 June 2026.
pub const NOW: u64 = 1_780_272_000_000;

/// A CA.
pub struct Authority {
    pub certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Authority {
        Authority::with_key(KeyPair::generate().unwrap())
    }

    pub fn with_key(key: KeyPair) -> Authority {
        let mut params = CertificateParams::default();
        // No two have the same name.
        let name = format!("a CA with {:?}", key.public_key_raw());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).unwrap();
        Authority {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    pub fn client(&self) -> Client {
        Client::new([self.certificate.der().to_vec()]).unwrap()
    }

    /// A certificate for [`HOST`] and all of 2026.
    pub fn issue(&self) -> Credentials {
        self.issue_with(HOST, [2026, 2027], KeyPair::generate().unwrap())
    }

    /// A certificate from the beginning of one year to that of another.
    pub fn issue_with(&self, name: &str, years: [i32; 2], key: KeyPair) -> Credentials {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        [params.not_before, params.not_after] = years.map(|year| date_time_ymd(year, 1, 1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Credentials {
            chain: vec![certificate.der().clone()],
            key: key.serialize_der(),
        }
    }
}

pub fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).unwrap()
}

/// What a server shows and proves.
#[derive(Clone)]
pub struct Credentials {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: Vec<u8>,
}

impl Credentials {
    pub fn server(&self) -> Server {
        self.server_with(ring::default_provider(), rustls::ALL_VERSIONS)
    }

    pub fn server_with(
        &self,
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Server {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        // Without a look at whether the two belong together: a test has servers that lie.
        let key = ring::sign::any_supported_type(&key).unwrap();
        let shown = CertifiedKey::new(self.chain.clone(), key);
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        Server {
            config: Arc::new(config),
        }
    }
}

impl Credentials {
    /// A server that speaks these protocols (ALPN).
    pub fn server_for(&self, protocols: &[&str]) -> Server {
        let mut server = self.server();
        let config = Arc::get_mut(&mut server.config).unwrap();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        server
    }
}

pub struct Server {
    pub config: Arc<ServerConfig>,
}

impl Server {
    pub fn accept(&self) -> Pair {
        Pair {
            server: ServerConnection::new(Arc::clone(&self.config)).unwrap(),
            heard: Vec::new(),
        }
    }
}

/// The server's end of one connection.
pub struct Pair {
    pub server: ServerConnection,
    /// Plaintext from the client.
    pub heard: Vec<u8>,
}

impl Pair {
    /// What the server has to send.
    pub fn ciphertext(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.server.wants_write() {
            self.server.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    pub fn say(&mut self, plaintext: &[u8]) {
        self.server.set_buffer_limit(None);
        self.server.writer().write_all(plaintext).unwrap();
    }

    /// Gives the server what the client sent.
    pub fn hear(&mut self, mut bytes: &[u8]) -> Result<(), rustls::Error> {
        while !bytes.is_empty() {
            self.server.read_tls(&mut bytes).unwrap();
            self.server.process_new_packets()?;
            let _ = self.server.reader().read_to_end(&mut self.heard);
        }
        Ok(())
    }

    /// Carries bytes both ways until neither end has more to say; what the client learns is returned.
    pub fn settle(&mut self, session: &mut Session) -> Result<Vec<u8>, Failure> {
        let mut plaintext = Vec::new();
        loop {
            let mut sent = Vec::new();
            session.transmit(&mut sent);
            let refused = self.hear(&sent).is_err();
            let answer = self.ciphertext();
            // Odd pieces, so that records and messages come cut.
            for piece in answer.chunks(1_021) {
                session.receive(piece, NOW, &mut plaintext)?;
            }
            if refused || (sent.is_empty() && answer.is_empty()) {
                return Ok(plaintext);
            }
        }
    }
}

/// Why a client of that CA does not come to terms with a server.
pub fn failure(client: &Client, server: &Server) -> Failure {
    let mut session = client.open(HOST, &[], NOW).unwrap();
    let mut pair = server.accept();
    pair.settle(&mut session)
        .expect_err("no handshake should succeed")
}
