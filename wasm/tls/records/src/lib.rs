//! **ethertab-tls-records**: protected records of TLS 1.3 (RFC 8446 §5.2), and of TLS 1.2 with AES-GCM (RFC 5288 §3) and
//! ChaCha20-Poly1305 (RFC 7905 §2), as rustls asks for them.
//!
//! A crate of its own because every byte passes here: in the wasm module it is compiled for speed and all else for size. The ciphers are
//! generic, so what counts is where they are instantiated.

use aes_gcm::aead::common::typenum::{U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use core::marker::PhantomData;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, NONCE_LEN, Nonce, OutboundOpaqueMessage, OutboundPlainMessage,
    PrefixedPayload, Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
    make_tls12_aad, make_tls13_aad,
};
use rustls::{ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion};

const TAG: usize = 16;

/// Nonce bytes that each GCM record of TLS 1.2 carries.
const GCM_EXPLICIT: usize = 8;

/// A cipher in both versions.
pub struct Ciphers {
    /// For TLS 1.3.
    pub tls13: &'static dyn Tls13AeadAlgorithm,
    /// For TLS 1.2.
    pub tls12: &'static dyn Tls12AeadAlgorithm,
}

/// ChaCha20-Poly1305.
pub static CHACHA20_POLY1305: Ciphers = Ciphers {
    tls13: &Tls13::<ChaCha20Poly1305>(PhantomData),
    tls12: &Tls12::<ChaCha20Poly1305, 0>(PhantomData),
};

/// AES-GCM with a key of 128 bits.
pub static AES_128_GCM: Ciphers = Ciphers {
    tls13: &Tls13::<Aes128Gcm>(PhantomData),
    tls12: &Tls12::<Aes128Gcm, GCM_EXPLICIT>(PhantomData),
};

/// AES-GCM with a key of 256 bits.
pub static AES_256_GCM: Ciphers = Ciphers {
    tls13: &Tls13::<Aes256Gcm>(PhantomData),
    tls12: &Tls12::<Aes256Gcm, GCM_EXPLICIT>(PhantomData),
};

/// What TLS uses: nonces of 12 bytes, tags of 16.
trait Cipher: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + Send + Sync + 'static {}

impl<A> Cipher for A where
    A: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + Send + Sync + 'static
{
}

fn keyed<A: Cipher>(key: &AeadKey) -> A {
    A::new_from_slice(key.as_ref()).expect("rustls cuts keys to the length that it was told")
}

fn seal<A: Cipher>(
    aead: &A,
    nonce: [u8; NONCE_LEN],
    header: &[u8],
    record: &mut [u8],
) -> Result<[u8; TAG], Error> {
    let tag = aead.encrypt_inout_detached(&nonce.into(), header, record.into());
    tag.map(Into::into).map_err(|_| Error::EncryptError)
}

/// The length of the plaintext, which takes the ciphertext's place. `record` ends with the tag.
fn unseal<A: Cipher>(
    aead: &A,
    nonce: [u8; NONCE_LEN],
    header: &[u8],
    record: &mut [u8],
) -> Result<usize, Error> {
    let (text, tag) = record
        .split_last_chunk_mut::<TAG>()
        .ok_or(Error::DecryptError)?;
    let length = text.len();
    aead.decrypt_inout_detached(&nonce.into(), header, text.into(), &(*tag).into())
        .map_err(|_| Error::DecryptError)?;
    Ok(length)
}

/// TLS 1.3.
struct Tls13<A>(PhantomData<A>);

impl<A: Cipher> Tls13AeadAlgorithm for Tls13<A> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Record13(keyed::<A>(&key), iv))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Record13(keyed::<A>(&key), iv))
    }

    fn key_len(&self) -> usize {
        A::key_size()
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

struct Record13<A>(A, Iv);

impl<A: Cipher> MessageEncrypter for Record13<A> {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut record = PrefixedPayload::with_capacity(length);
        record.extend_from_chunks(&message.payload);
        record.extend_from_slice(&message.typ.to_array());
        let nonce = Nonce::new(&self.1, sequence).0;
        let tag = seal(&self.0, nonce, &make_tls13_aad(length), record.as_mut())?;
        record.extend_from_slice(&tag);
        Ok(OutboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            record,
        ))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + 1 + TAG
    }
}

impl<A: Cipher> MessageDecrypter for Record13<A> {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let header = make_tls13_aad(message.payload.len());
        let nonce = Nonce::new(&self.1, sequence).0;
        let length = unseal(&self.0, nonce, &header, &mut message.payload)?;
        message.payload.truncate(length);
        message.into_tls13_unpadded_message()
    }
}

/// TLS 1.2. `EXPLICIT` bytes of the nonce travel with each record.
struct Tls12<A, const EXPLICIT: usize>(PhantomData<A>);

impl<A: Cipher, const EXPLICIT: usize> Tls12AeadAlgorithm for Tls12<A, EXPLICIT> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], explicit: &[u8]) -> Box<dyn MessageEncrypter> {
        let nonce = whole([iv, explicit]);
        Box::new(Record12::<A, EXPLICIT>(keyed(&key), nonce))
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(Record12::<A, EXPLICIT>(keyed(&key), whole([iv, &[]])))
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        KeyBlockShape {
            enc_key_len: A::key_size(),
            fixed_iv_len: NONCE_LEN - EXPLICIT,
            explicit_nonce_len: EXPLICIT,
        }
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: &[u8],
        _: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

/// A nonce's parts one after the other; zeros where a record will say the rest.
fn whole(parts: [&[u8]; 2]) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    for (place, byte) in nonce.iter_mut().zip(parts.into_iter().flatten()) {
        *place = *byte;
    }
    nonce
}

struct Record12<A, const EXPLICIT: usize>(A, [u8; NONCE_LEN]);

impl<A: Cipher, const EXPLICIT: usize> MessageEncrypter for Record12<A, EXPLICIT> {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = message.payload.len();
        let mut record = PrefixedPayload::with_capacity(self.encrypted_payload_len(length));
        // The explicit part counts with the sequence number: no nonce comes twice.
        let nonce = Nonce::new(&Iv::new(self.1), sequence).0;
        record.extend_from_slice(&nonce[NONCE_LEN - EXPLICIT..]);
        record.extend_from_chunks(&message.payload);
        let header = make_tls12_aad(sequence, message.typ, message.version, length);
        let tag = seal(&self.0, nonce, &header, &mut record.as_mut()[EXPLICIT..])?;
        record.extend_from_slice(&tag);
        Ok(OutboundOpaqueMessage::new(
            message.typ,
            message.version,
            record,
        ))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        EXPLICIT + length + TAG
    }
}

impl<A: Cipher, const EXPLICIT: usize> MessageDecrypter for Record12<A, EXPLICIT> {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let length = (message.payload.len())
            .checked_sub(EXPLICIT + TAG)
            .ok_or(Error::DecryptError)?;
        let header = make_tls12_aad(sequence, message.typ, message.version, length);
        let (explicit, record) = message.payload.split_at_mut(EXPLICIT);
        let nonce = if EXPLICIT == 0 {
            Nonce::new(&Iv::new(self.1), sequence).0
        } else {
            whole([&self.1[..NONCE_LEN - EXPLICIT], explicit])
        };
        unseal(&self.0, nonce, &header, record)?;
        Ok(message.into_plain_message_range(EXPLICIT..EXPLICIT + length))
    }
}
