//! Names (RFC 1035 §3.1), and their compression (§4.1.4).

use super::Malformed;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest name on the wire, lengths and root included (RFC 1035 §2.3.4).
const LONGEST: usize = 255;
/// Longest label (RFC 1035 §2.3.4).
const LONGEST_LABEL: usize = 63;

/// A text that is no name: empty, a label or the whole too long, or characters outside printable ASCII.
/// International names must arrive in their ASCII form (RFC 5890 §2.3.2.1), as URLs carry them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidName;

/// A domain name. Names are equal whatever the case of their letters (RFC 4343 §3); the spelling is kept, and
/// [`Name::is_spelled_like`] compares it.
#[derive(Clone)]
pub struct Name {
    /// Labels, each behind its length, and the root's zero: at most 255 bytes.
    wire: Vec<u8>,
}

impl Name {
    /// The root.
    #[must_use]
    pub fn root() -> Name {
        Name {
            wire: alloc::vec![0],
        }
    }

    /// A name from its usual text; a final dot is allowed. Escapes are not.
    pub fn from_text(text: &str) -> Result<Name, InvalidName> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() || text.len() > LONGEST - 2 {
            return Err(InvalidName);
        }
        let mut wire = Vec::with_capacity(text.len() + 2);
        for label in text.split('.') {
            if label.is_empty() || label.len() > LONGEST_LABEL {
                return Err(InvalidName);
            }
            if !label
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            {
                return Err(InvalidName);
            }
            wire.push(label.len() as u8);
            wire.extend_from_slice(label.as_bytes());
        }
        wire.push(0);
        Ok(Name { wire })
    }

    /// The name under which an address is looked up backwards (RFC 1035 §3.5, RFC 3596 §2.5).
    #[must_use]
    pub fn of_address(address: IpAddr) -> Name {
        let mut text = String::new();
        let written = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                fmt::write(&mut text, format_args!("{d}.{c}.{b}.{a}.in-addr.arpa"))
            }
            IpAddr::V6(address) => {
                for byte in address.octets().iter().rev() {
                    let _ = fmt::write(&mut text, format_args!("{:x}.{:x}.", byte & 15, byte >> 4));
                }
                fmt::write(&mut text, format_args!("ip6.arpa"))
            }
        };
        debug_assert!(written.is_ok());
        Name::from_text(&text).unwrap_or_else(|_| Name::root())
    }

    /// The address that this name looks up backwards, if it is such a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        let labels: Vec<&[u8]> = self.labels().collect();
        let ends = |last: &[&str]| {
            labels
                .iter()
                .rev()
                .zip(last.iter().rev())
                .all(|(label, last)| label.eq_ignore_ascii_case(last.as_bytes()))
        };
        if labels.len() == 6 && ends(&["in-addr", "arpa"]) {
            let mut octets = [0; 4];
            for (octet, label) in octets.iter_mut().zip(labels[..4].iter().rev()) {
                *octet = core::str::from_utf8(label).ok()?.parse().ok()?;
            }
            return Some(IpAddr::V4(Ipv4Addr::from(octets)));
        }
        if labels.len() == 34 && ends(&["ip6", "arpa"]) {
            let mut address = 0_u128;
            for label in labels[..32].iter().rev() {
                let digit = core::str::from_utf8(label).ok().filter(|l| l.len() == 1)?;
                address = address << 4 | u128::from_str_radix(digit, 16).ok()?;
            }
            return Some(IpAddr::V6(Ipv6Addr::from(address)));
        }
        None
    }

    /// This name with `domain` behind it, if that is not too long.
    #[must_use]
    pub fn within(&self, domain: &Name) -> Option<Name> {
        let mut wire = self.wire[..self.wire.len() - 1].to_vec();
        wire.extend_from_slice(&domain.wire);
        (wire.len() <= LONGEST).then_some(Name { wire })
    }

    /// The labels, the most specific first, without the root.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.wire.as_slice();
        core::iter::from_fn(move || {
            let (&length, after) = rest.split_first()?;
            let (label, after) = after.split_at_checked(usize::from(length))?;
            rest = after;
            (length > 0).then_some(label)
        })
    }

    /// Whether the last label is `label`, whatever its case.
    #[must_use]
    pub fn is_under(&self, label: &str) -> bool {
        self.labels()
            .last()
            .is_some_and(|last| last.eq_ignore_ascii_case(label.as_bytes()))
    }

    /// Whether every letter agrees, its case included.
    #[must_use]
    pub fn is_spelled_like(&self, other: &Name) -> bool {
        self.wire == other.wire
    }

    /// The same name with the case of each letter chosen by `upper`.
    #[must_use]
    pub fn respelled(&self, mut upper: impl FnMut() -> bool) -> Name {
        let mut wire = self.wire.clone();
        // Lengths are below 64, so no length is a letter.
        for byte in wire.iter_mut().filter(|byte| byte.is_ascii_alphabetic()) {
            *byte = if upper() {
                byte.to_ascii_uppercase()
            } else {
                byte.to_ascii_lowercase()
            };
        }
        Name { wire }
    }

    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// The name at `at` in `message`, and where the bytes behind it begin.
    pub(super) fn parse(message: &[u8], at: usize) -> Result<(Name, usize), Malformed> {
        let mut wire = Vec::new();
        let (mut at, mut end) = (at, None);
        // A pointer may only lead to a place before everything read so far, so no message can make this loop.
        let mut earliest = at;
        loop {
            let length = *message.get(at).ok_or(Malformed)?;
            match length >> 6 {
                0 => {
                    let label_end = at + 1 + usize::from(length);
                    let label = message.get(at..label_end).ok_or(Malformed)?;
                    if wire.len() + label.len() > LONGEST {
                        return Err(Malformed);
                    }
                    wire.extend_from_slice(label);
                    at = label_end;
                    if length == 0 {
                        return Ok((Name { wire }, end.unwrap_or(at)));
                    }
                }
                3 => {
                    let low = *message.get(at + 1).ok_or(Malformed)?;
                    let target = usize::from(length & 0x3f) << 8 | usize::from(low);
                    if target >= earliest {
                        return Err(Malformed);
                    }
                    end = end.or(Some(at + 2));
                    (at, earliest) = (target, target);
                }
                // RFC 6891 §5: the other two kinds of label are not in use.
                _ => return Err(Malformed),
            }
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.wire.eq_ignore_ascii_case(&other.wire)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in &self.wire {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

/// The usual text, without a final dot; what is not printable is written `\DDD` (RFC 4343 §2.1).
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wire.len() <= 1 {
            return f.write_str(".");
        }
        for (position, label) in self.labels().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            for &byte in label {
                match byte {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                    0x21..=0x7e => write!(f, "{}", char::from(byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
