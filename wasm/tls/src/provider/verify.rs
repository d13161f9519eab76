//! Signatures that are verified: of certificates, and of the server's side of a handshake. Nothing is signed here.

use super::point;
use super::rsa::{self, Padding};
use core::fmt;
use core::marker::PhantomData;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::hash::Output;
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use sha2::digest::Digest;
use sha2::{Sha256, Sha384, Sha512};

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

const ED25519: Algorithm = &Scheme::<Ed25519>::new(alg_id::ED25519, alg_id::ED25519);
const P256_SHA256: Algorithm = &ecdsa::<P256<Sha256>>(alg_id::ECDSA_P256, alg_id::ECDSA_SHA256);
const P256_SHA384: Algorithm = &ecdsa::<P256<Sha384>>(alg_id::ECDSA_P256, alg_id::ECDSA_SHA384);
const P384_SHA256: Algorithm = &ecdsa::<P384<Sha256>>(alg_id::ECDSA_P384, alg_id::ECDSA_SHA256);
const P384_SHA384: Algorithm = &ecdsa::<P384<Sha384>>(alg_id::ECDSA_P384, alg_id::ECDSA_SHA384);
const PKCS1_SHA256: Algorithm = &rsa::<Pkcs1<Sha256>>(alg_id::RSA_PKCS1_SHA256);
const PKCS1_SHA384: Algorithm = &rsa::<Pkcs1<Sha384>>(alg_id::RSA_PKCS1_SHA384);
const PKCS1_SHA512: Algorithm = &rsa::<Pkcs1<Sha512>>(alg_id::RSA_PKCS1_SHA512);
const PSS_SHA256: Algorithm = &rsa::<Pss<Sha256>>(alg_id::RSA_PSS_SHA256);
const PSS_SHA384: Algorithm = &rsa::<Pss<Sha384>>(alg_id::RSA_PSS_SHA384);
const PSS_SHA512: Algorithm = &rsa::<Pss<Sha512>>(alg_id::RSA_PSS_SHA512);

pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        P256_SHA256,
        P256_SHA384,
        P384_SHA256,
        P384_SHA384,
        ED25519,
        PKCS1_SHA256,
        PKCS1_SHA384,
        PKCS1_SHA512,
        PSS_SHA256,
        PSS_SHA384,
        PSS_SHA512,
    ],
    mapping: &[
        // TLS 1.2 does not tie the curve to the hash; the one that TLS 1.3 ties to it comes first.
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[P256_SHA256, P384_SHA256],
        ),
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[P384_SHA384, P256_SHA384],
        ),
        (SignatureScheme::ED25519, &[ED25519]),
        (SignatureScheme::RSA_PSS_SHA256, &[PSS_SHA256]),
        (SignatureScheme::RSA_PSS_SHA384, &[PSS_SHA384]),
        (SignatureScheme::RSA_PSS_SHA512, &[PSS_SHA512]),
        (SignatureScheme::RSA_PKCS1_SHA256, &[PKCS1_SHA256]),
        (SignatureScheme::RSA_PKCS1_SHA384, &[PKCS1_SHA384]),
        (SignatureScheme::RSA_PKCS1_SHA512, &[PKCS1_SHA512]),
    ],
};

/// One kind of signature: whether `signature` over `message` is the key's; `None` stands for whatever is wrong with it.
trait Verify: Send + Sync + 'static {
    fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()>;
}

struct Scheme<V> {
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    verify: PhantomData<V>,
}

impl<V> Scheme<V> {
    const fn new(key: AlgorithmIdentifier, signature: AlgorithmIdentifier) -> Scheme<V> {
        Scheme {
            key,
            signature,
            verify: PhantomData,
        }
    }
}

const fn ecdsa<V>(key: AlgorithmIdentifier, signature: AlgorithmIdentifier) -> Scheme<V> {
    Scheme::new(key, signature)
}

const fn rsa<V>(signature: AlgorithmIdentifier) -> Scheme<V> {
    Scheme::new(alg_id::RSA_ENCRYPTION, signature)
}

impl<V> fmt::Debug for Scheme<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Scheme")
    }
}

impl<V: Verify> SignatureVerificationAlgorithm for Scheme<V> {
    fn verify_signature(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        V::verify(key, message, signature).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

struct Ed25519;

impl Verify for Ed25519 {
    fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
        key.verify_strict(message, &signature).ok()
    }
}

struct P256<D>(PhantomData<D>);

impl<D: Digest + Send + Sync + 'static> Verify for P256<D> {
    fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
        p256_verify(key, &D::digest(message), signature)
    }
}

// Apart from the hash, so that this code is there once; so with the others below.
fn p256_verify(key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let key = p256::ecdsa::VerifyingKey::from(point::p256(key)?);
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(hash, &signature).ok()
}

struct P384<D>(PhantomData<D>);

impl<D: Digest + Send + Sync + 'static> Verify for P384<D> {
    fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
        p384_verify(key, &D::digest(message), signature)
    }
}

fn p384_verify(key: &[u8], hash: &[u8], signature: &[u8]) -> Option<()> {
    let key = p384::ecdsa::VerifyingKey::from(point::p384(key)?);
    let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
    key.verify_prehash(hash, &signature).ok()
}

struct Pkcs1<D>(PhantomData<D>);

impl<D: Digest + Send + Sync + 'static> Verify for Pkcs1<D> {
    fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
        // The arcs of SHA-256, SHA-384 and SHA-512 are 1, 2 and 3 (RFC 8017 §B.1).
        let arc = (<D as Digest>::output_size() / 16 - 1) as u8;
        rsa::verify(Padding::Pkcs1(arc), hash::<D>, key, message, signature)
    }
}

struct Pss<D>(PhantomData<D>);

impl<D: Digest + Send + Sync + 'static> Verify for Pss<D> {
    fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
        rsa::verify(Padding::Pss, hash::<D>, key, message, signature)
    }
}

pub(super) fn hash<D: Digest>(parts: &[&[u8]]) -> Output {
    let mut running = D::new();
    for part in parts {
        running.update(part);
    }
    Output::new(&running.finalize())
}
