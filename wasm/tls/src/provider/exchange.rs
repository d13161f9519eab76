//! Key exchange: X25519 (RFC 7748), P-256 and P-384 (SEC 1).

use super::point;
use crate::entropy;
use p256::elliptic_curve::sec1::ToSec1Point;
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved};
use x25519_dalek::{PublicKey, StaticSecret};

/// Fastest first: the first one's share is sent before the server is asked.
pub(super) static GROUPS: &[&dyn SupportedKxGroup] = &[&X25519, &P256, &P384];

#[derive(Debug)]
struct X25519;

impl SupportedKxGroup for X25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = StaticSecret::from(entropy::bytes::<32>()?);
        let public = PublicKey::from(&secret);
        Ok(Box::new(X25519Exchange { secret, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

struct X25519Exchange {
    secret: StaticSecret,
    public: PublicKey,
}

impl ActiveKeyExchange for X25519Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer: [u8; 32] = peer.try_into().map_err(|_| invalid())?;
        let shared = self.secret.diffie_hellman(&peer.into());
        // A secret of zeros is one that the peer forced (RFC 8446 §7.4.2).
        if !shared.was_contributory() {
            return Err(invalid());
        }
        Ok(SharedSecret::from(&shared.as_bytes()[..]))
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

fn invalid() -> Error {
    PeerMisbehaved::InvalidKeyShare.into()
}

macro_rules! nist_curve {
    ($group:ident, $exchange:ident, $curve:ident, $name:expr, $length:literal) => {
        #[derive(Debug)]
        struct $group;

        impl SupportedKxGroup for $group {
            fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
                // Bytes that are no scalar (zero, or above the order) come once in 2^32 times: others are drawn.
                loop {
                    if let Ok(secret) = $curve::SecretKey::from_slice(&entropy::bytes::<$length>()?)
                    {
                        let public = Box::from(secret.public_key().to_sec1_point(false).as_bytes());
                        return Ok(Box::new($exchange { secret, public }));
                    }
                }
            }

            fn name(&self) -> NamedGroup {
                $name
            }
        }

        struct $exchange {
            secret: $curve::SecretKey,
            public: Box<[u8]>,
        }

        impl ActiveKeyExchange for $exchange {
            fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
                let peer = point::$curve(peer).ok_or_else(invalid)?;
                let shared =
                    $curve::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), peer.as_affine());
                Ok(SharedSecret::from(&shared.raw_secret_bytes()[..]))
            }

            fn pub_key(&self) -> &[u8] {
                &self.public
            }

            fn group(&self) -> NamedGroup {
                $name
            }
        }
    };
}

nist_curve!(P256, P256Exchange, p256, NamedGroup::secp256r1, 32);
nist_curve!(P384, P384Exchange, p384, NamedGroup::secp384r1, 48);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_forces_or_breaks_the_secret_is_refused() {
        for group in GROUPS {
            let own = group.start().unwrap();
            let length = own.pub_key().len();
            // Zeros: a point of low order on X25519, and no point at all on the others.
            for share in [
                vec![0; length],
                vec![4; length],
                vec![],
                vec![9; length + 1],
            ] {
                let outcome = group.start().unwrap().complete(&share);
                let fine = group.name() == NamedGroup::X25519 && share == [4; 32];
                assert_eq!(outcome.is_ok(), fine, "{:?} {share:?}", group.name());
            }
            assert!(group.start().unwrap().complete(own.pub_key()).is_ok());
        }
    }
}
