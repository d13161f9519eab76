//! The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words.
//!
//! The sum does not care in which byte order words are read as long as it is one order throughout (RFC 1071
//! §2(B)), so the bytes are added as native 64-bit words, and only the folded result is put in network order.

use super::ip::Protocol;
use core::net::IpAddr;

/// A sum in progress. Parts are added in order; each may have any length, odd ones too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    /// Sum of native-order words; always below 2³³, so that many parts can be added without overflow.
    sum: u64,
    /// Whether an odd number of bytes was added: the next part starts in the middle of a word.
    odd: bool,
}

impl Checksum {
    /// Nothing added yet.
    #[must_use]
    pub const fn new() -> Checksum {
        Checksum { sum: 0, odd: false }
    }

    /// The pseudo-header that TCP, UDP and ICMPv6 cover: RFC 9293 §3.1 for IPv4, RFC 8200 §8.1 for IPv6.
    /// `length` counts the transport header and its data.
    #[must_use]
    #[inline]
    pub fn pseudo_header(
        source: IpAddr,
        destination: IpAddr,
        protocol: Protocol,
        length: usize,
    ) -> Checksum {
        let mut sum = 0;
        for address in [source, destination] {
            sum += match address {
                IpAddr::V4(address) => u64::from(u32::from_ne_bytes(address.octets())),
                IpAddr::V6(address) => sum_bytes(&address.octets()),
            };
        }
        // Both families end in the same words once zeros are left out: the length and the protocol.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        sum += u64::from(length.to_be()) + u64::from(u32::from(protocol.0).to_be());
        Checksum {
            sum: fold_once(sum),
            odd: false,
        }
    }

    /// Adds two bytes, as the number that they stand for, in front of or behind which an even number of bytes was added.
    #[must_use]
    #[inline]
    pub fn with_number(self, number: u16) -> Checksum {
        Checksum {
            sum: fold_once(self.sum + u64::from(number.to_be())),
            odd: self.odd,
        }
    }

    /// Adds bytes that follow those already added.
    #[must_use]
    #[inline]
    pub fn with(self, bytes: &[u8]) -> Checksum {
        let part = sum_bytes(bytes);
        // RFC 1071 §2(B): a part that starts in the middle of a word counts with its bytes swapped.
        let part = if self.odd {
            u64::from(fold(part).swap_bytes())
        } else {
            part
        };
        Checksum {
            sum: fold_once(self.sum + part),
            odd: self.odd ^ (bytes.len() % 2 == 1),
        }
    }

    /// Copies `from` to `to`, which must be as long, and adds it: in blocks, so that what is added is still in the cache
    /// that copying brought it to. Longer blocks would be copied by `rep movsb`: see the ring buffer.
    #[must_use]
    pub fn with_copy(self, from: &[u8], to: &mut [u8]) -> Checksum {
        const BLOCK: usize = 2_048;
        let mut sum = self;
        for (from, to) in from.chunks(BLOCK).zip(to.chunks_mut(BLOCK)) {
            to.copy_from_slice(from);
            sum = sum.with(from);
        }
        sum
    }

    /// What stands in the field while only the pseudo-header was added: its folded sum, not complemented.
    #[must_use]
    pub fn partial(self) -> u16 {
        !self.finish()
    }

    /// The checksum to write, as a number; `to_be_bytes` puts it on the wire.
    #[must_use]
    pub fn finish(self) -> u16 {
        u16::from_be(!fold(self.sum))
    }

    /// Whether what was added, its checksum field included, adds up.
    #[must_use]
    pub fn is_valid(self) -> bool {
        fold(self.sum) == 0xffff
    }
}

/// The checksum of one run of bytes.
#[must_use]
pub fn of(bytes: &[u8]) -> u16 {
    Checksum::new().with(bytes).finish()
}

/// Whether one run of bytes, its checksum field included, adds up.
#[must_use]
pub fn is_valid(bytes: &[u8]) -> bool {
    Checksum::new().with(bytes).is_valid()
}

/// The checksum of a header that is still numbers: each word stands for four bytes.
#[inline]
pub(super) fn of_words<const N: usize>(words: [u32; N]) -> u16 {
    !fold(words.into_iter().map(u64::from).sum())
}

/// The sum of `bytes` as native-order words, a missing last byte being zero.
///
/// A 64-bit word counts as two halves. The upper ones are added exactly; the whole words are added modulo 2⁶⁴, and what
/// the upper halves brought into that sum is taken out at the end: what is left are the lower ones. Neither sum
/// overflows below 2³² words. Two plain sums in a plain loop: compilers make vectors of that wherever there are any.
fn sum_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let (mut whole, mut upper) = (0_u64, 0_u64);
    for word in words {
        let word = u64::from_ne_bytes(*word);
        whole = whole.wrapping_add(word);
        upper = upper.wrapping_add(word >> 32);
    }
    let mut sum = upper + whole.wrapping_sub(upper << 32);
    let (words, rest) = rest.as_chunks::<2>();
    for word in words {
        sum += u64::from(u16::from_ne_bytes(*word));
    }
    if let [last] = rest {
        sum += u64::from(u16::from_ne_bytes([*last, 0]));
    }
    sum
}

/// Brings a sum below 2³³ without changing what it folds to.
const fn fold_once(sum: u64) -> u64 {
    (sum & 0xffff_ffff) + (sum >> 32)
}

/// The end-around carry, down to 16 bits.
const fn fold(sum: u64) -> u16 {
    let sum = fold_once(sum);
    let sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::net::{Ipv4Addr, Ipv6Addr};
    use proptest::prelude::*;

    /// RFC 1071 §4.1, word by word in network order.
    fn naive(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in bytes.chunks(2) {
            let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
            sum += u32::from(word);
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    proptest! {
        #[test]
        fn copying_adds_what_it_copies(bytes in proptest::collection::vec(any::<u8>(), 0..10_000), cut: usize) {
            let (first, second) = bytes.split_at(cut % (bytes.len() + 1));
            let mut copy = alloc::vec![0; bytes.len()];
            let (front, back) = copy.split_at_mut(first.len());
            let sum = Checksum::new().with_copy(first, front).with_copy(second, back);
            prop_assert_eq!(sum.finish(), naive(&bytes));
            prop_assert_eq!(copy, bytes);
        }
    }

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(of(&bytes), !0xddf2);
    }

    #[test]
    fn all_ones_do_not_lose_a_carry() {
        for length in [0, 1, 2, 31, 32, 33, 1_500, 65_535, 65_536, 1 << 20] {
            let bytes = alloc::vec![0xff; length];
            assert_eq!(of(&bytes), naive(&bytes), "{length} bytes");
        }
    }

    #[test]
    fn a_packet_with_its_checksum_is_valid_and_with_a_flipped_bit_is_not() {
        let mut bytes = [7_u8; 40];
        bytes[10..12].fill(0);
        let sum = of(&bytes);
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        assert!(is_valid(&bytes));
        bytes[30] ^= 0x10;
        assert!(!is_valid(&bytes));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_naive_sum(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
            prop_assert_eq!(of(&bytes), naive(&bytes));
        }

        #[test]
        fn parts_of_any_length_add_up_to_the_whole(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..12),
        ) {
            let whole: Vec<u8> = parts.concat();
            let sum = parts.iter().fold(Checksum::new(), |sum, part| sum.with(part));
            prop_assert_eq!(sum.finish(), naive(&whole));
        }

        #[test]
        fn the_ipv4_pseudo_header_is_the_bytes_of_rfc_9293(
            source: [u8; 4], destination: [u8; 4], protocol: u8, payload in proptest::collection::vec(any::<u8>(), 0..70),
        ) {
            let mut bytes = [&source[..], &destination[..], &[0, protocol]].concat();
            bytes.extend((payload.len() as u16).to_be_bytes());
            bytes.extend(&payload);
            let sum = Checksum::pseudo_header(
                Ipv4Addr::from(source).into(), Ipv4Addr::from(destination).into(), Protocol(protocol), payload.len(),
            );
            prop_assert_eq!(sum.with(&payload).finish(), naive(&bytes));
        }

        #[test]
        fn the_ipv6_pseudo_header_is_the_bytes_of_rfc_8200(
            source: [u8; 16], destination: [u8; 16], protocol: u8, payload in proptest::collection::vec(any::<u8>(), 0..70),
        ) {
            let mut bytes = [&source[..], &destination[..]].concat();
            bytes.extend((payload.len() as u32).to_be_bytes());
            bytes.extend([0, 0, 0, protocol]);
            bytes.extend(&payload);
            let sum = Checksum::pseudo_header(
                Ipv6Addr::from(source).into(), Ipv6Addr::from(destination).into(), Protocol(protocol), payload.len(),
            );
            prop_assert_eq!(sum.with(&payload).finish(), naive(&bytes));
        }
    }
}
