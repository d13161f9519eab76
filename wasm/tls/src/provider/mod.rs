//! What rustls needs of cryptography, by the RustCrypto and dalek crates: pure Rust, so that a browser's WebAssembly needs no
//! other compiler.
//!
//! Why not ring: for wasm32 it compiles C, so building would take clang. Why not rustls-rustcrypto: its one release (0.0.2-alpha,
//! of 2024) underflows on a short ChaCha20 record of TLS 1.2, takes an X25519 secret of zeros, and holds back older releases
//! of all the crates below.

mod exchange;
mod hash;
mod point;
mod rsa;
mod verify;

use crate::entropy;
use ethertab_tls_records::{AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305, Ciphers};
use rustls::crypto::hash::Hash;
use rustls::crypto::tls12::{Prf, PrfUsingHmac};
use rustls::crypto::tls13::{Hkdf, HkdfUsingHmac};
use rustls::crypto::{
    CipherSuiteCommon, CryptoProvider, GetRandomFailed, KeyExchangeAlgorithm, KeyProvider,
    SecureRandom,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{
    CipherSuite, Error, SignatureScheme, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
};
use std::sync::Arc;

/// Everything that a client needs. It has no keys of its own.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: SUITES.to_vec(),
        kx_groups: exchange::GROUPS.to_vec(),
        signature_verification_algorithms: verify::ALGORITHMS,
        secure_random: &Platform,
        key_provider: &Platform,
    }
}

#[derive(Debug)]
struct Platform;

impl SecureRandom for Platform {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        entropy::fill(bytes)
    }
}

impl KeyProvider for Platform {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("certificates of clients".into()))
    }
}

/// ChaCha20 first: WebAssembly has no instructions for AES, and without them ChaCha20 is faster.
static SUITES: &[SupportedCipherSuite] = &[
    SupportedCipherSuite::Tls13(&suite_13(
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        &CHACHA,
    )),
    SupportedCipherSuite::Tls13(&suite_13(CipherSuite::TLS13_AES_128_GCM_SHA256, &AES_128)),
    SupportedCipherSuite::Tls13(&suite_13(CipherSuite::TLS13_AES_256_GCM_SHA384, &AES_256)),
    SupportedCipherSuite::Tls12(&suite_12(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        &CHACHA,
        ECDSA,
    )),
    SupportedCipherSuite::Tls12(&suite_12(
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        &CHACHA,
        RSA,
    )),
    SupportedCipherSuite::Tls12(&suite_12(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        &AES_128,
        ECDSA,
    )),
    SupportedCipherSuite::Tls12(&suite_12(
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        &AES_128,
        RSA,
    )),
    SupportedCipherSuite::Tls12(&suite_12(
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        &AES_256,
        ECDSA,
    )),
    SupportedCipherSuite::Tls12(&suite_12(
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        &AES_256,
        RSA,
    )),
];

/// The name in IANA's registry of a suite that is spoken here.
pub(crate) fn suite_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => {
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
        }
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => {
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => {
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        }
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => {
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => {
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        }
        _ => "",
    }
}

/// What suites of one cipher share.
struct Family {
    hash: &'static dyn Hash,
    hkdf: &'static dyn Hkdf,
    prf: &'static dyn Prf,
    ciphers: &'static Ciphers,
    /// Records that one key may protect (RFC 8446 §5.5).
    records: u64,
}

static CHACHA: Family = Family {
    hash: &hash::SHA256,
    hkdf: &HkdfUsingHmac(&hash::HMAC_SHA256),
    prf: &PrfUsingHmac(&hash::HMAC_SHA256),
    ciphers: &CHACHA20_POLY1305,
    records: u64::MAX,
};

static AES_128: Family = Family {
    hash: &hash::SHA256,
    hkdf: &HkdfUsingHmac(&hash::HMAC_SHA256),
    prf: &PrfUsingHmac(&hash::HMAC_SHA256),
    ciphers: &AES_128_GCM,
    records: 1 << 24,
};

static AES_256: Family = Family {
    hash: &hash::SHA384,
    hkdf: &HkdfUsingHmac(&hash::HMAC_SHA384),
    prf: &PrfUsingHmac(&hash::HMAC_SHA384),
    ciphers: &AES_256_GCM,
    records: 1 << 24,
};

/// Signatures of servers whose certificates hold such a key, TLS 1.2 alone: TLS 1.3 chooses them apart from the suite.
static ECDSA: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ED25519,
];

static RSA: &[SignatureScheme] = &[
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

const fn suite_13(suite: CipherSuite, family: &'static Family) -> Tls13CipherSuite {
    Tls13CipherSuite {
        common: common(suite, family),
        hkdf_provider: family.hkdf,
        aead_alg: family.ciphers.tls13,
        quic: None,
    }
}

const fn suite_12(
    suite: CipherSuite,
    family: &'static Family,
    sign: &'static [SignatureScheme],
) -> Tls12CipherSuite {
    Tls12CipherSuite {
        common: common(suite, family),
        kx: KeyExchangeAlgorithm::ECDHE,
        sign,
        aead_alg: family.ciphers.tls12,
        prf_provider: family.prf,
    }
}

const fn common(suite: CipherSuite, family: &'static Family) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite,
        hash_provider: family.hash,
        confidentiality_limit: family.records,
    }
}
