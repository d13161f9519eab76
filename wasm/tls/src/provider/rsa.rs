//! RSA signatures that are verified (RFC 8017): the public operation and both paddings.
//!
//! Why not the rsa crate: its arithmetic is that of private keys too, in constant time and for numbers of any size, 17 KB gzipped.
//! All that passes here is public. The tests hold it beside that crate and Wycheproof's cases.

use core::cmp::Ordering;
use rustls::crypto::hash::Output;
use std::iter;

/// What browsers, too, refuse below.
const BITS_LEAST: usize = 2048;

/// Above, one signature would keep the Worker busy for long.
const BITS_MOST: usize = 8192;

/// A hash over parts that follow each other.
pub(super) type Hash = fn(&[&[u8]]) -> Output;

/// How the signature's number is made of a message's hash.
#[derive(Clone, Copy, Debug)]
pub(super) enum Padding {
    /// RSASSA-PKCS1-v1_5 (§8.2). The last arc of the hash's object identifier under 2.16.840.1.101.3.4.2.
    Pkcs1(u8),
    /// RSASSA-PSS (§8.1) with a salt as long as the hash (RFC 8446 §4.2.3).
    Pss,
}

/// Whether `signature` over `message` is that of the key: an `RSAPublicKey` in DER (§A.1.1).
pub(super) fn verify(
    padding: Padding,
    hash: Hash,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<()> {
    let (modulus, exponent) = public_key(key)?;
    let modulus = Modulus::new(modulus)?;
    let encoded = modulus.raise(signature, exponent)?;
    let hashed = hash(&[message]);
    let fits = match padding {
        Padding::Pkcs1(arc) => encoded == pkcs1(arc, hashed.as_ref(), encoded.len()),
        Padding::Pss => pss(hash, hashed.as_ref(), &encoded, modulus.bits - 1)?,
    };
    fits.then_some(())
}

/// Modulus (big-endian, no zeros before it) and exponent.
fn public_key(der: &[u8]) -> Option<(&[u8], u32)> {
    let (sequence, rest) = value(0x30, der)?;
    let (modulus, others) = integer(sequence)?;
    let (exponent, more) = integer(others)?;
    // Others than 3, 17 and 65537 are rare; longer ones than 32 bits do nothing but cost time.
    let exponent = (exponent.len() <= 4).then(|| number(exponent))?;
    (rest.is_empty() && more.is_empty() && exponent >= 3 && exponent % 2 == 1)
        .then_some((modulus, exponent))
}

/// A positive INTEGER in the fewest bytes (X.690 §8.3.2), without the zero that only says "positive".
fn integer(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (bytes, rest) = value(0x02, der)?;
    let bytes = match bytes {
        [0, above @ ..] if above.first().is_some_and(|first| *first >= 0x80) => above,
        [1..=0x7f, ..] => bytes,
        _ => return None,
    };
    Some((bytes, rest))
}

/// What stands under a tag, and what follows. The length is in the fewest bytes (X.690 §10.1).
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match *der.strip_prefix(&[tag])? {
        [length @ 0..=0x7f, ref rest @ ..] => (usize::from(length), rest),
        [0x81, length @ 0x80..=0xff, ref rest @ ..] => (usize::from(length), rest),
        [0x82, high @ 1..=0xff, low, ref rest @ ..] => {
            (usize::from(u16::from_be_bytes([high, low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// At most four bytes, the highest first.
fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// A modulus for Montgomery's multiplication ("Modular Multiplication Without Trial Division", 1985). Numbers are 32-bit limbs,
/// the lowest first; R stands for 2^32 to the power of how many there are.
struct Modulus {
    limbs: Vec<u32>,
    bits: usize,
    /// -1 / the modulus, modulo 2^32.
    inverse: u32,
}

impl Modulus {
    fn new(bytes: &[u8]) -> Option<Modulus> {
        let bits = bytes.len() * 8 - bytes.first()?.leading_zeros() as usize;
        let limbs = limbs(bytes);
        let odd = limbs.first()? % 2 == 1;
        if !odd || !(BITS_LEAST..=BITS_MOST).contains(&bits) {
            return None;
        }
        // Newton: an odd number is its own inverse modulo 8, and each step doubles how many bits are right.
        let mut inverse = limbs[0];
        for _ in 0..4 {
            inverse = inverse.wrapping_mul(2_u32.wrapping_sub(limbs[0].wrapping_mul(inverse)));
        }
        Some(Modulus {
            limbs,
            bits,
            inverse: inverse.wrapping_neg(),
        })
    }

    /// RSAVP1 (§5.2.2) and I2OSP (§4.1): a signature, as long as the modulus, to the power of an odd exponent, as bytes.
    fn raise(&self, signature: &[u8], exponent: u32) -> Option<Vec<u8>> {
        let length = self.bits.div_ceil(8);
        let base = limbs(signature);
        if signature.len() != length || !self.is_above(&base) {
            return None;
        }
        let factor = self.multiply(&base, &self.square_of_r());
        let mut power = factor.clone();
        for bit in (1..exponent.ilog2()).rev() {
            power = self.multiply(&power, &power);
            if exponent >> bit & 1 == 1 {
                power = self.multiply(&power, &factor);
            }
        }
        // The lowest bit is set. Its factor has no R in it, so the product has none.
        power = self.multiply(&power, &power);
        power = self.multiply(&power, &base);
        let bytes = power.iter().flat_map(|limb| limb.to_le_bytes());
        let mut bytes: Vec<u8> = bytes.take(length).collect();
        bytes.reverse();
        Some(bytes)
    }

    /// R², by which a number is brought into Montgomery's form.
    fn square_of_r(&self) -> Vec<u32> {
        let count = self.limbs.len();
        let mut power = vec![0; count];
        power[(self.bits - 1) / 32] = 1 << ((self.bits - 1) % 32);
        // From 2^(bits - 1) to R · 2^count, by doubling; each squaring doubles what is beyond R, up to 2^(32 count).
        for _ in self.bits - 1..33 * count {
            self.double(&mut power);
        }
        for _ in 0..5 {
            power = self.multiply(&power, &power);
        }
        power
    }

    fn is_above(&self, other: &[u32]) -> bool {
        self.limbs.iter().rev().cmp(other.iter().rev()) == Ordering::Greater
    }

    fn double(&self, number: &mut [u32]) {
        let mut carry = 0;
        for limb in number.iter_mut() {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
        }
        self.reduce(number, carry);
    }

    /// Takes the modulus away once, if `number`, with `above` in front of it, is not below it.
    fn reduce(&self, number: &mut [u32], above: u32) {
        if above == 0 && self.is_above(number) {
            return;
        }
        let mut borrow = false;
        for (limb, of) in number.iter_mut().zip(&self.limbs) {
            let (less, first) = limb.overflowing_sub(*of);
            let (less, second) = less.overflowing_sub(u32::from(borrow));
            (*limb, borrow) = (less, first | second);
        }
    }

    /// `a` · `b` / R, of numbers below the modulus.
    fn multiply(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let mut product = vec![0; self.limbs.len()];
        let mut above = 0;
        for digit in a {
            let carry = add_multiple(&mut product, *digit, b);
            let (top, over) = carry.overflowing_add(above);
            let multiple = product[0].wrapping_mul(self.inverse);
            let carry = add_multiple(&mut product, multiple, &self.limbs);
            // The lowest limb is zero now: down by one.
            product.rotate_left(1);
            let (top, overflow) = top.overflowing_add(carry);
            if let Some(last) = product.last_mut() {
                *last = top;
            }
            above = u32::from(over | overflow);
        }
        self.reduce(&mut product, above);
        product
    }
}

/// Adds `digit` · `number` to `sum`; what does not fit.
fn add_multiple(sum: &mut [u32], digit: u32, number: &[u32]) -> u32 {
    let mut carry = 0;
    for (limb, of) in sum.iter_mut().zip(number) {
        let wide = u64::from(digit) * u64::from(*of) + u64::from(*limb) + carry;
        (*limb, carry) = (wide as u32, wide >> 32);
    }
    carry as u32
}

fn limbs(bytes: &[u8]) -> Vec<u32> {
    bytes.rchunks(4).map(number).collect()
}

/// EMSA-PKCS1-v1_5 (§9.2): the only encoding that there is of a hash, in `length` bytes.
fn pkcs1(arc: u8, hashed: &[u8], length: usize) -> Vec<u8> {
    let own = hashed.len() as u8;
    #[rustfmt::skip]
    let info = [
        0x30, 17 + own, 0x30, 13,
        0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc,
        0x05, 0,
        0x04, own,
    ];
    // The shortest modulus has room for the longest hash.
    let filled = length - 3 - info.len() - hashed.len();
    let mut encoded = vec![0, 1];
    encoded.extend(iter::repeat_n(0xff, filled));
    encoded.push(0);
    encoded.extend(info);
    encoded.extend(hashed);
    encoded
}

/// EMSA-PSS-VERIFY (§9.1.2) of an encoding in `bits` bits.
fn pss(hash: Hash, hashed: &[u8], encoded: &[u8], bits: usize) -> Option<bool> {
    // A byte more than the encoding has, if the modulus is a bit longer than bytes.
    let (before, encoded) = encoded.split_at_checked(encoded.len() - bits.div_ceil(8))?;
    let (masked, rest) = encoded.split_at_checked(encoded.len() - hashed.len() - 1)?;
    let digest = rest.strip_suffix(&[0xbc])?;
    let unused = !(0xff_u8 >> ((8 - bits % 8) % 8));
    if before.iter().any(|byte| *byte != 0) || masked.first()? & unused != 0 {
        return None;
    }
    let mask = (0_u32..).flat_map(|count| {
        let part = hash(&[digest, &count.to_be_bytes()]);
        part.as_ref().to_vec()
    });
    let mut block: Vec<u8> = masked
        .iter()
        .zip(mask)
        .map(|(byte, of)| byte ^ of)
        .collect();
    *block.first_mut()? &= !unused;
    let (zeros, salt) = block.split_at_checked(block.len() - hashed.len())?;
    let (one, zeros) = zeros.split_last()?;
    let again = hash(&[&[0; 8], hashed, salt]);
    Some(*one == 1 && zeros.iter().all(|byte| *byte == 0) && again.as_ref() == digest)
}

#[cfg(test)]
mod tests {
    use super::super::verify::hash;
    use super::*;
    use rsa::pkcs1::EncodeRsaPublicKey;
    use rsa::rand_core::UnwrapErr;
    use sha2::{Sha256, Sha384, Sha512};
    use wycheproof::{HashFunction, TestResult, rsa_pkcs1_verify, rsa_pss_verify};

    fn sha(named: HashFunction) -> Option<(u8, Hash, usize)> {
        match named {
            HashFunction::Sha2_256 => Some((1, hash::<Sha256>, 32)),
            HashFunction::Sha2_384 => Some((2, hash::<Sha384>, 48)),
            HashFunction::Sha2_512 => Some((3, hash::<Sha512>, 64)),
            _ => None,
        }
    }

    fn judge(number: usize, comment: &str, expected: TestResult, outcome: Option<()>) {
        match expected {
            TestResult::Valid => assert!(outcome.is_some(), "{number}, {comment}"),
            TestResult::Invalid => assert!(outcome.is_none(), "{number}, {comment}"),
            // What some take and others do not: encodings without the NULL of the hash.
            TestResult::Acceptable => {}
        }
    }

    #[test]
    fn wycheproof_pkcs1() {
        let mut judged = 0;
        for name in rsa_pkcs1_verify::TestName::all() {
            for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                let Some((arc, hash, _)) = sha(group.hash) else {
                    continue;
                };
                for test in group.tests {
                    let padding = Padding::Pkcs1(arc);
                    let outcome = verify(padding, hash, &group.asn_key, &test.msg, &test.sig);
                    let small = group.key_size < BITS_LEAST;
                    let expected = if small {
                        TestResult::Invalid
                    } else {
                        test.result
                    };
                    judge(test.tc_id, &test.comment, expected, outcome);
                    judged += 1;
                }
            }
        }
        assert!(judged > 1500, "{judged}");
    }

    #[test]
    fn wycheproof_pss() {
        let mut judged = 0;
        for name in rsa_pss_verify::TestName::all() {
            for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
                let Some((_, hash, length)) = sha(group.hash) else {
                    continue;
                };
                if group.mgf_hash != Some(group.hash)
                    || group.salt_size != length
                    || group.key_size < BITS_LEAST
                {
                    continue;
                }
                for test in group.tests {
                    let key = &group.asn_key;
                    let outcome = verify(Padding::Pss, hash, key, &test.msg, &test.sig);
                    judge(test.tc_id, &test.comment, test.result, outcome);
                    judged += 1;
                }
            }
        }
        assert!(judged > 400, "{judged}");
    }

    #[test]
    fn what_the_rsa_crate_signs_is_verified_and_nothing_near_it() {
        let mut random = UnwrapErr(getrandom::SysRng);
        // Bits that fill bytes and limbs, one more (PSS is a byte shorter then), one less.
        for bits in [2048, 2049, 2079] {
            let private = rsa::PrivateKey::new(&mut random, bits).unwrap();
            let key = private.to_public_key().to_pkcs1_der().unwrap();
            let key = key.as_bytes();
            let digest = hash::<Sha256>(&[b"message"]);
            let pkcs1 = private
                .sign(rsa::Pkcs1v15Sign::new::<Sha256>(), digest.as_ref())
                .unwrap();
            let pss = private
                .sign_with_rng(&mut random, rsa::Pss::<Sha256>::new(), digest.as_ref())
                .unwrap();
            for (padding, signature) in [(Padding::Pkcs1(1), pkcs1), (Padding::Pss, pss)] {
                let check = |key: &[u8], message: &[u8], signature: &[u8]| {
                    verify(padding, hash::<Sha256>, key, message, signature).is_some()
                };
                assert!(check(key, b"message", &signature), "{bits} {padding:?}");
                assert!(!check(key, b"massage", &signature));
                for place in [0, 7, signature.len() - 1] {
                    let mut wrong = signature.clone();
                    wrong[place] ^= 1;
                    assert!(!check(key, b"message", &wrong));
                }
                assert!(!check(key, b"message", &signature[1..]));
                assert!(!check(key, b"message", &[&[0], &signature[..]].concat()));
                assert!(!check(key, b"message", &[]));
                assert!(!check(key, b"message", &vec![0xff; signature.len()]));
                assert!(!check(&key[..key.len() - 1], b"message", &signature));
                assert!(!check(&[key, &[0]].concat(), b"message", &signature));
                assert!(!check(&[], b"message", &signature));
            }
        }
    }

    #[test]
    fn keys_that_cannot_be_are_refused() {
        let key = |modulus: &[u8], exponent: &[u8]| {
            let integer = |bytes: &[u8]| {
                let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
                match bytes.len() {
                    0..=0x7f => [&[2, length[1]], bytes].concat(),
                    0x80..=0xff => [&[2, 0x81, length[1]], bytes].concat(),
                    _ => [&[2, 0x82][..], &length, bytes].concat(),
                }
            };
            let inner = [integer(modulus), integer(exponent)].concat();
            let length = u16::try_from(inner.len()).unwrap().to_be_bytes();
            [&[0x30, 0x82][..], &length, &inner].concat()
        };
        let modulus = |bytes: usize| [vec![0], vec![0xff; bytes]].concat();
        let parses = |der: &[u8]| {
            public_key(der).and_then(|(modulus, exponent)| {
                Modulus::new(modulus)?.raise(&vec![1; modulus.len()], exponent)
            })
        };
        assert!(parses(&key(&modulus(256), &[1, 0, 1])).is_some());
        assert!(parses(&key(&modulus(256), &[3])).is_some());
        assert!(parses(&key(&modulus(1024), &[3])).is_some());
        // Too short, too long, even, negative, with a zero too many.
        assert!(parses(&key(&modulus(255), &[3])).is_none());
        assert!(parses(&key(&modulus(1025), &[3])).is_none());
        assert!(parses(&key(&[&modulus(255)[..], &[0xfe]].concat(), &[3])).is_none());
        assert!(parses(&key(&[0xff; 256], &[3])).is_none());
        assert!(parses(&key(&[&[0], &modulus(256)[..]].concat(), &[3])).is_none());
        // Exponents: 1, even, zero, negative, too long, with a zero too many, none.
        for exponent in [
            &[1][..],
            &[4],
            &[0],
            &[0x83],
            &[1, 0, 0, 0, 1],
            &[0, 3],
            &[],
        ] {
            assert!(
                parses(&key(&modulus(256), exponent)).is_none(),
                "{exponent:?}"
            );
        }
        // A length in more bytes than it takes.
        assert!(value(2, &[2, 0x81, 1, 3]).is_none());
        assert!(value(2, &[2, 0x82, 0, 0x80]).is_none());
        assert!(value(2, &[2, 1, 3, 9]).is_some());
    }
}
