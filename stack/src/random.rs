//! Unpredictable numbers from one seed: SipHash-2-4 as a keyed hash, and in counter mode as a
//! generator.
//!
//! The owner hands in 32 bytes of entropy once; everything after is repeatable. Initial sequence
//! numbers (RFC 6528 §3), ephemeral ports (RFC 6056 §3.3.3) and hash tables take the keyed hash;
//! identifiers and jitter take the generator.

use core::hash::{BuildHasher, Hasher};

/// The 128-bit key of a [`KeyedHash`].
#[derive(Clone, Copy, Debug)]
pub struct Key(u64, u64);

/// SipHash-2-4 (Aumasson and Bernstein, 2012) over whatever is written to it.
#[derive(Clone, Debug)]
pub struct KeyedHash {
    state: [u64; 4],
    tail: u64,
    length: usize,
}

impl Key {
    /// A hash that nobody without the key can predict.
    #[must_use]
    pub fn hash(self) -> KeyedHash {
        KeyedHash {
            state: [
                self.0 ^ 0x736f_6d65_7073_6575,
                self.1 ^ 0x646f_7261_6e64_6f6d,
                self.0 ^ 0x6c79_6765_6e65_7261,
                self.1 ^ 0x7465_6462_7974_6573,
            ],
            tail: 0,
            length: 0,
        }
    }
}

impl BuildHasher for Key {
    type Hasher = KeyedHash;
    fn build_hasher(&self) -> KeyedHash {
        self.hash()
    }
}

impl KeyedHash {
    fn round(v: &mut [u64; 4]) {
        v[0] = v[0].wrapping_add(v[1]);
        v[2] = v[2].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[1]);
        v[0] = v[0].wrapping_add(v[3]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].rotate_left(32);
    }

    fn absorb(&mut self, word: u64) {
        self.state[3] ^= word;
        Self::round(&mut self.state);
        Self::round(&mut self.state);
        self.state[0] ^= word;
    }
}

impl Hasher for KeyedHash {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.tail |= u64::from(byte) << (8 * (self.length % 8));
            self.length += 1;
            if self.length.is_multiple_of(8) {
                let word = core::mem::take(&mut self.tail);
                self.absorb(word);
            }
        }
    }

    fn write_u64(&mut self, word: u64) {
        if self.length.is_multiple_of(8) {
            self.length += 8;
            self.absorb(word);
        } else {
            self.write(&word.to_le_bytes());
        }
    }

    fn finish(&self) -> u64 {
        let mut last = self.clone();
        last.absorb(((self.length as u64) << 56) | self.tail);
        last.state[2] ^= 0xff;
        for _ in 0..4 {
            Self::round(&mut last.state);
        }
        last.state.iter().fold(0, |sum, word| sum ^ word)
    }
}

/// A generator: SipHash of a counter under a secret key.
#[derive(Clone, Debug)]
pub struct Random {
    key: Key,
    counter: u64,
}

impl Random {
    /// A generator whose every number follows from `seed`.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Random {
        let word = |at: usize| u64::from_le_bytes(core::array::from_fn(|i| seed[at + i]));
        let outer = Key(word(0), word(8));
        let mut mixer = outer.hash();
        mixer.write_u64(word(16));
        mixer.write_u64(word(24));
        Random {
            key: Key(mixer.finish() ^ word(0), word(24) ^ word(8)),
            counter: 0,
        }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.counter += 1;
        let mut hash = self.key.hash();
        hash.write_u64(self.counter);
        hash.finish()
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// The next 16 bits.
    pub fn next_u16(&mut self) -> u16 {
        (self.next_u64() >> 48) as u16
    }

    /// A number below `bound`; 0 if `bound` is 0. The bias is below 2⁻³² for 32-bit bounds.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// A fresh key, unrelated to the numbers given out.
    pub fn key(&mut self) -> Key {
        Key(self.next_u64(), self.next_u64())
    }

    /// A generator for another floor, unrelated to this one.
    #[must_use]
    pub fn fork(&mut self) -> Random {
        Random {
            key: self.key(),
            counter: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_agrees_with_the_published_vector() {
        let mut hash = Key(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908).hash();
        let message: [u8; 15] = core::array::from_fn(|i| i as u8);
        hash.write(&message);
        assert_eq!(hash.finish(), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn whole_words_hash_like_their_bytes() {
        let key = Key(1, 2);
        let (mut words, mut bytes) = (key.hash(), key.hash());
        words.write_u64(0x0102_0304_0506_0708);
        bytes.write(&0x0102_0304_0506_0708_u64.to_le_bytes());
        assert_eq!(words.finish(), bytes.finish());
    }

    #[test]
    fn equal_seeds_agree_and_unequal_seeds_do_not() {
        let (mut one, mut same, mut other) = (
            Random::new([1; 32]),
            Random::new([1; 32]),
            Random::new([2; 32]),
        );
        assert_eq!(one.next_u64(), same.next_u64());
        assert_ne!(one.next_u64(), other.next_u64());
    }

    #[test]
    fn numbers_below_a_bound_stay_below_it() {
        let mut random = Random::new([3; 32]);
        assert!((0..1_000).all(|_| random.below(7) < 7));
        assert_eq!(random.below(0), 0);
    }
}
