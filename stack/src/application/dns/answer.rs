//! Judging what came back: is it an answer to our question, and what does it say?

use super::{Carrier, Family};
use crate::config::ResolverConfig;
use crate::wire::dns::{
    Data, Flags, Message, Name, Question, Record, RecordType, ResponseCode, Section,
};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// A question on its way.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) id: u16,
    /// With the name spelled as it was sent.
    pub(super) question: Question,
    pub(super) family: Family,
    pub(super) server: SocketAddr,
    pub(super) carrier: Carrier,
}

/// What a message says. Times to live are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not an answer to our question: somebody else's, a late one, or a forgery.
    Ignore,
    /// An answer to our question in everything but the case of its letters.
    OtherCase,
    /// It did not fit: ask by TCP.
    Truncated,
    /// The server cannot read our query, perhaps because of its options (RFC 6891 §7).
    FormatError,
    /// The server failed, refused, or talks nonsense: ask the next.
    ServerFailure,
    Addresses(Vec<IpAddr>, u32),
    /// The name is an alias, after so many steps, for one that the message says nothing about.
    Alias(Name, usize, u32),
    NoSuchName(u32),
    NoData(u32),
}

pub(super) fn judge(
    asked: &Asked,
    source: SocketAddr,
    bytes: &[u8],
    limits: &ResolverConfig,
) -> Verdict {
    // RFC 5452 §9.1: the address it came from, the id and the question must match.
    let Ok(message) = Message::parse(bytes) else {
        return Verdict::Ignore;
    };
    let same = source == asked.server
        && message.id == asked.id
        && message.flags.has(Flags::RESPONSE)
        && message.flags.opcode() == 0;
    if !same {
        return Verdict::Ignore;
    }
    let code = message.flags.code();
    match &message.question {
        Some(question) if *question != asked.question => return Verdict::Ignore,
        // A stream cannot be forged from aside, and some servers spell names their own way.
        Some(question)
            if asked.carrier == Carrier::Datagram
                && !question.name.is_spelled_like(&asked.question.name) =>
        {
            return Verdict::OtherCase;
        }
        // Servers that could not read the question do not repeat it.
        None if code == ResponseCode::NO_ERROR || code == ResponseCode::NAME_ERROR => {
            return Verdict::Ignore;
        }
        _ => {}
    }
    if message.flags.has(Flags::TRUNCATED) {
        return Verdict::Truncated;
    }
    match code {
        ResponseCode::NO_ERROR | ResponseCode::NAME_ERROR => read(asked, &message, limits),
        // RFC 6891 §7: a server that does not know OPT may answer either.
        ResponseCode::FORMAT_ERROR | ResponseCode::NOT_IMPLEMENTED => Verdict::FormatError,
        _ => Verdict::ServerFailure,
    }
}

/// What the records of an answer say about the name that was asked for.
#[derive(Default)]
struct Findings {
    aliases: Vec<(Name, Name, u32)>,
    addresses: Vec<(Name, IpAddr, u32)>,
    absence: Option<u32>,
    referral: bool,
    extended_code: u8,
}

fn read(asked: &Asked, message: &Message<'_>, limits: &ResolverConfig) -> Verdict {
    let mut findings = Findings::default();
    for record in message.records() {
        let Ok(record) = record else {
            return Verdict::ServerFailure;
        };
        findings.note(record, asked.family, limits);
    }
    if findings.extended_code != 0 {
        // RFC 6891 §6.1.3: BADVERS and its like concern our options.
        return Verdict::FormatError;
    }
    let Some((name, steps, alias_life)) = findings.follow(&asked.question.name, limits.aliases)
    else {
        return Verdict::ServerFailure;
    };
    let mut life = alias_life;
    let mut addresses = Vec::new();
    for (_, address, seconds) in findings
        .addresses
        .iter()
        .filter(|(owner, ..)| *owner == name)
    {
        if !addresses.contains(address) {
            addresses.push(*address);
        }
        life = life.min(*seconds);
    }
    if !addresses.is_empty() {
        return Verdict::Addresses(addresses, life);
    }
    // RFC 2308 §5: an absence without an SOA must not be remembered.
    let absence = life.min(findings.absence.unwrap_or(0));
    if message.flags.code() == ResponseCode::NAME_ERROR {
        // RFC 2308 §2.1: it is the end of the chain that does not exist.
        return Verdict::NoSuchName(absence);
    }
    if findings.absence.is_some() {
        return Verdict::NoData(absence);
    }
    if steps > 0 {
        return Verdict::Alias(name, steps, life);
    }
    if findings.referral {
        // RFC 2308 §2.2: a pointer to other servers is no answer; this one does not ask for us.
        return Verdict::ServerFailure;
    }
    Verdict::NoData(absence)
}

impl Findings {
    fn note(&mut self, record: Record<'_>, family: Family, limits: &ResolverConfig) {
        // RFC 2181 §8: a time to live with the top bit set counts as zero.
        let life = match record.time_to_live {
            seconds if seconds >> 31 == 0 => seconds,
            _ => 0,
        };
        match (record.section, record.data) {
            (Section::Answer, Data::Cname(target)) if self.aliases.len() < limits.aliases => {
                self.aliases.push((record.name, target, life));
            }
            (Section::Answer, Data::A(address))
                if family == Family::V4 && self.addresses.len() < limits.addresses =>
            {
                self.addresses
                    .push((record.name, IpAddr::V4(address), life));
            }
            (Section::Answer, Data::Aaaa(address))
                if family == Family::V6 && self.addresses.len() < limits.addresses =>
            {
                self.addresses
                    .push((record.name, IpAddr::V6(address), life));
            }
            (Section::Authority, Data::Soa(authority)) => {
                self.absence = Some(life.min(authority.minimum()));
            }
            (Section::Authority, Data::Ns(_)) => self.referral = true,
            (Section::Additional, _) if record.record_type == RecordType::OPT => {
                self.extended_code = (record.time_to_live >> 24) as u8;
            }
            _ => {}
        }
    }

    /// The end of the chain of aliases that begins at `name`, how many steps away it is, and how long all of them
    /// live; `None` if it does not end.
    fn follow(&self, name: &Name, limit: usize) -> Option<(Name, usize, u32)> {
        let (mut name, mut life) = (name.clone(), u32::MAX);
        for steps in 0..=limit {
            let Some((_, target, seconds)) = self.aliases.iter().find(|(owner, ..)| *owner == name)
            else {
                return Some((name, steps, life));
            };
            name = target.clone();
            life = life.min(*seconds);
        }
        None
    }
}
