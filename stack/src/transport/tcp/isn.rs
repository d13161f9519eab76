//! Initial sequence numbers (RFC 6528): a clock, plus a secret that differs by connection.

use super::sequence::Seq;
use crate::random::{Key, Random};
use crate::time::Instant;
use core::hash::{Hash, Hasher};
use core::net::SocketAddr;

/// Makes initial sequence numbers.
#[derive(Clone, Copy, Debug)]
pub struct SequenceGenerator {
    key: Key,
}

impl SequenceGenerator {
    /// A generator with a fresh secret.
    #[must_use]
    pub fn new(random: &mut Random) -> SequenceGenerator {
        SequenceGenerator { key: random.key() }
    }

    /// ISN = M + F(local, remote, secret) (RFC 6528 §3), M counting every 4 µs (RFC 9293 §3.4.1).
    #[must_use]
    pub fn initial(&self, local: SocketAddr, remote: SocketAddr, now: Instant) -> Seq {
        let mut hash = self.key.hash();
        (local, remote).hash(&mut hash);
        Seq(hash.finish() as u32) + (now.micros() / 4) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_connection_begins_later_the_second_time() {
        let generator = SequenceGenerator::new(&mut Random::new([7; 32]));
        let (local, remote) = (at("10.0.0.2:50000"), at("10.0.0.1:80"));
        let first = generator.initial(local, remote, Instant::from_millis(1_000));
        let second = generator.initial(local, remote, Instant::from_millis(2_000));
        assert_eq!(second - first, 250_000);
    }

    #[test]
    fn connections_and_secrets_have_their_own_numbers() {
        let (local, remote, now) = (at("10.0.0.2:50000"), at("10.0.0.1:80"), Instant::ZERO);
        let one = SequenceGenerator::new(&mut Random::new([7; 32]));
        let other = SequenceGenerator::new(&mut Random::new([8; 32]));
        let number = one.initial(local, remote, now);
        assert_ne!(number, one.initial(at("10.0.0.2:50001"), remote, now));
        assert_ne!(number, one.initial(local, at("10.0.0.3:80"), now));
        assert_ne!(number, other.initial(local, remote, now));
    }
}
