//! SHA-2 and HMAC over it, as rustls asks for them.

use core::marker::PhantomData;
use hmac::digest::{Digest, OutputSizeUser};
use hmac::{Hmac, KeyInit, Mac};
use rustls::crypto::{hash, hmac as keyed};
use sha2::{Sha256, Sha384};

pub(super) static SHA256: Hash<Sha256> = Hash(hash::HashAlgorithm::SHA256, PhantomData);
pub(super) static SHA384: Hash<Sha384> = Hash(hash::HashAlgorithm::SHA384, PhantomData);
pub(super) static HMAC_SHA256: Authenticator<Hmac<Sha256>> = Authenticator(PhantomData);
pub(super) static HMAC_SHA384: Authenticator<Hmac<Sha384>> = Authenticator(PhantomData);

pub(super) struct Hash<D>(hash::HashAlgorithm, PhantomData<D>);

impl<D: Digest + Clone + Send + Sync + 'static> hash::Hash for Hash<D> {
    fn start(&self) -> Box<dyn hash::Context> {
        Box::new(Running(D::new()))
    }

    fn hash(&self, data: &[u8]) -> hash::Output {
        hash::Output::new(&D::digest(data))
    }

    fn output_len(&self) -> usize {
        <D as Digest>::output_size()
    }

    fn algorithm(&self) -> hash::HashAlgorithm {
        self.0
    }
}

struct Running<D>(D);

impl<D: Digest + Clone + Send + Sync + 'static> hash::Context for Running<D> {
    fn fork_finish(&self) -> hash::Output {
        hash::Output::new(&self.0.clone().finalize())
    }

    fn fork(&self) -> Box<dyn hash::Context> {
        Box::new(Running(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> hash::Output {
        hash::Output::new(&self.0.finalize())
    }

    fn update(&mut self, data: &[u8]) {
        Digest::update(&mut self.0, data);
    }
}

pub(super) struct Authenticator<M>(PhantomData<M>);

impl<M: Mac + KeyInit + Clone + Send + Sync + 'static> keyed::Hmac for Authenticator<M> {
    fn with_key(&self, key: &[u8]) -> Box<dyn keyed::Key> {
        // HMAC takes a key of any length (RFC 2104 §2).
        Box::new(Keyed(
            <M as KeyInit>::new_from_slice(key).expect("a key of any length"),
        ))
    }

    fn hash_output_len(&self) -> usize {
        <M as OutputSizeUser>::output_size()
    }
}

struct Keyed<M>(M);

impl<M: Mac + Clone + Send + Sync> keyed::Key for Keyed<M> {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> keyed::Tag {
        let mut mac = self.0.clone();
        mac.update(first);
        for part in middle {
            mac.update(part);
        }
        mac.update(last);
        keyed::Tag::new(&mac.finalize().into_bytes())
    }

    fn tag_len(&self) -> usize {
        <M as OutputSizeUser>::output_size()
    }
}
