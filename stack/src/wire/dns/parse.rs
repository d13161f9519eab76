//! Reading messages.

use super::{
    Authority, CLASS_INTERNET, Data, Flags, Malformed, Name, Question, Record, RecordType, Section,
};

/// Bytes of the header.
const HEADER: usize = 12;

/// A message whose header and question were read; the records are read as they are asked for.
#[derive(Clone, Debug)]
pub struct Message<'m> {
    /// Pairs a response with its query.
    pub id: u16,
    /// What kind of message it is, and how the query went.
    pub flags: Flags,
    /// What is asked. Servers repeat it in the response.
    pub question: Option<Question>,
    bytes: &'m [u8],
    counts: [u16; 3],
    records_at: usize,
}

impl<'m> Message<'m> {
    /// Reads the header and the question.
    pub fn parse(bytes: &'m [u8]) -> Result<Message<'m>, Malformed> {
        let word = |at| word_at(bytes, at);
        let (id, flags) = (word(0)?, Flags(word(2)?));
        let counts = [word(6)?, word(8)?, word(10)?];
        let (question, records_at) = match word(4)? {
            0 => (None, HEADER),
            1 => {
                let (name, at) = Name::parse(bytes, HEADER)?;
                let question = Question {
                    name,
                    record_type: RecordType(word(at)?),
                    class: word(at + 2)?,
                };
                (Some(question), at + 4)
            }
            // RFC 9619 §4: never more than one question.
            _ => return Err(Malformed),
        };
        Ok(Message {
            id,
            flags,
            question,
            bytes,
            counts,
            records_at,
        })
    }

    /// The records in their order. Ends after the first that cannot be read.
    #[must_use]
    pub fn records(&self) -> Records<'m> {
        Records {
            bytes: self.bytes,
            at: self.records_at,
            left: self.counts,
        }
    }

    /// How many records the header promises in a section.
    #[must_use]
    pub fn count(&self, section: Section) -> u16 {
        self.counts[section as usize]
    }

    /// Where the records begin: behind the header and the question.
    pub(super) fn records_at(&self) -> usize {
        self.records_at
    }
}

/// The records of a message; see [`Message::records`].
#[derive(Clone, Debug)]
pub struct Records<'m> {
    bytes: &'m [u8],
    at: usize,
    left: [u16; 3],
}

impl<'m> Iterator for Records<'m> {
    type Item = Result<Record<'m>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.left.iter().position(|&left| left > 0)?;
        let section = [Section::Answer, Section::Authority, Section::Additional][index];
        let record = parse_record(self.bytes, self.at, section);
        match record {
            Ok((record, end)) => {
                self.left[index] -= 1;
                self.at = end;
                Some(Ok(record))
            }
            Err(malformed) => {
                self.left = [0; 3];
                Some(Err(malformed))
            }
        }
    }
}

fn parse_record(
    bytes: &[u8],
    at: usize,
    section: Section,
) -> Result<(Record<'_>, usize), Malformed> {
    let (name, at) = Name::parse(bytes, at)?;
    let record_type = RecordType(word_at(bytes, at)?);
    let class = word_at(bytes, at + 2)?;
    let time_to_live = long_at(bytes, at + 4)?;
    let start = at + 10;
    let end = start + usize::from(word_at(bytes, at + 8)?);
    let raw = bytes.get(start..end).ok_or(Malformed)?;
    let data = if class == CLASS_INTERNET {
        parse_data(bytes, start, raw, record_type)?
    } else {
        Data::Other(record_type, raw)
    };
    let record = Record {
        section,
        name,
        record_type,
        class,
        time_to_live,
        data,
    };
    Ok((record, end))
}

fn parse_data<'m>(
    bytes: &'m [u8],
    start: usize,
    raw: &'m [u8],
    record_type: RecordType,
) -> Result<Data<'m>, Malformed> {
    let end = start + raw.len();
    // A name inside the data must end with it; what its pointers lead to may stand anywhere before.
    let name = || match Name::parse(&bytes[..end], start)? {
        (name, at) if at == end => Ok(name),
        _ => Err(Malformed),
    };
    Ok(match record_type {
        RecordType::A => Data::A(<[u8; 4]>::try_from(raw).map_err(|_| Malformed)?.into()),
        RecordType::AAAA => Data::Aaaa(<[u8; 16]>::try_from(raw).map_err(|_| Malformed)?.into()),
        RecordType::CNAME => Data::Cname(name()?),
        RecordType::NS => Data::Ns(name()?),
        RecordType::PTR => Data::Ptr(name()?),
        RecordType::SOA => {
            let (primary, at) = Name::parse(&bytes[..end], start)?;
            let (mailbox, at) = Name::parse(&bytes[..end], at)?;
            let mut numbers = [0; 5];
            for (position, number) in numbers.iter_mut().enumerate() {
                *number = long_at(&bytes[..end], at + 4 * position)?;
            }
            Data::Soa(Authority {
                primary,
                mailbox,
                numbers,
            })
        }
        _ => Data::Other(record_type, raw),
    })
}

fn word_at(bytes: &[u8], at: usize) -> Result<u16, Malformed> {
    match bytes.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(Malformed),
    }
}

fn long_at(bytes: &[u8], at: usize) -> Result<u32, Malformed> {
    Ok(u32::from(word_at(bytes, at)?) << 16 | u32::from(word_at(bytes, at + 2)?))
}
