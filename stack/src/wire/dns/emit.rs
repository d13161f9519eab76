//! Writing messages.

use super::{CLASS_INTERNET, Data, Flags, Name, Question, RecordType};
use alloc::vec::Vec;

/// Places of names that later names may point to; more are written out.
const REMEMBERED: usize = 64;
/// Pointers have fourteen bits (RFC 1035 §4.1.4).
const FURTHEST: usize = 0x3fff;

/// Writes a message: the question, then the answers, then the authority, then the options.
#[derive(Clone, Debug)]
pub struct Emitter {
    bytes: Vec<u8>,
    /// Where a name, or the end of one, was written out.
    places: Vec<u16>,
}

impl Emitter {
    /// A message with nothing in it yet.
    #[must_use]
    pub fn new(id: u16, flags: Flags) -> Emitter {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&id.to_be_bytes());
        bytes.extend_from_slice(&flags.0.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        Emitter {
            bytes,
            places: Vec::new(),
        }
    }

    /// Writes the question.
    pub fn question(&mut self, question: &Question) {
        self.count(4);
        self.name(&question.name);
        self.word(question.record_type.0);
        self.word(question.class);
    }

    /// Writes a record into the answer.
    pub fn answer(&mut self, name: &Name, time_to_live: u32, data: &Data<'_>) {
        self.count(6);
        self.record(name, time_to_live, data);
    }

    /// Writes a record into the authority.
    pub fn authority(&mut self, name: &Name, time_to_live: u32, data: &Data<'_>) {
        self.count(8);
        self.record(name, time_to_live, data);
    }

    /// Says what size of UDP message we can receive (RFC 6891 §6.1.2).
    pub fn options(&mut self, size: u16) {
        self.count(10);
        self.bytes.push(0);
        self.word(RecordType::OPT.0);
        self.word(size);
        self.bytes.extend_from_slice(&[0; 6]);
    }

    /// The message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn record(&mut self, name: &Name, time_to_live: u32, data: &Data<'_>) {
        self.name(name);
        self.word(data.record_type().0);
        self.word(CLASS_INTERNET);
        self.bytes.extend_from_slice(&time_to_live.to_be_bytes());
        let length_at = self.bytes.len();
        self.word(0);
        match data {
            Data::A(address) => self.bytes.extend_from_slice(&address.octets()),
            Data::Aaaa(address) => self.bytes.extend_from_slice(&address.octets()),
            Data::Cname(name) | Data::Ns(name) | Data::Ptr(name) => self.name(name),
            Data::Soa(authority) => {
                self.name(&authority.primary);
                self.name(&authority.mailbox);
                for number in authority.numbers {
                    self.bytes.extend_from_slice(&number.to_be_bytes());
                }
            }
            Data::Other(_, raw) => {
                let fitting = raw.len().min(usize::from(u16::MAX));
                self.bytes.extend_from_slice(&raw[..fitting]);
            }
        }
        let length = (self.bytes.len() - length_at - 2) as u16;
        self.bytes[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    }

    /// Writes a name, pointing to an equal end of an earlier one where there is one. Case counts here: the
    /// spelling of the question must come back as it was sent.
    fn name(&mut self, name: &Name) {
        let mut rest = name.wire();
        while let [length, after @ ..] = rest
            && *length > 0
        {
            if let Some(&place) = self
                .places
                .iter()
                .find(|&&place| is_at(&self.bytes, place, rest))
            {
                return self.word(0xc000 | place);
            }
            if self.bytes.len() <= FURTHEST && self.places.len() < REMEMBERED {
                self.places.push(self.bytes.len() as u16);
            }
            let label = usize::from(*length);
            self.bytes.extend_from_slice(&rest[..=label]);
            rest = &after[label..];
        }
        self.bytes.push(0);
    }

    fn word(&mut self, word: u16) {
        self.bytes.extend_from_slice(&word.to_be_bytes());
    }

    /// Adds one to the count at `at` in the header.
    fn count(&mut self, at: usize) {
        let count = u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]).saturating_add(1);
        self.bytes[at..at + 2].copy_from_slice(&count.to_be_bytes());
    }
}

/// Whether the name at `place` spells `wire`.
fn is_at(bytes: &[u8], place: u16, wire: &[u8]) -> bool {
    Name::parse(bytes, usize::from(place)).is_ok_and(|(name, _)| name.wire() == wire)
}
