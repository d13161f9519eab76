//! Field lines (RFC 9112 §5) and what they are made of (RFC 9110 §5.5, §5.6).

use alloc::string::String;
use alloc::vec::Vec;

/// A field as it arrived: the name in lower case, the value without the white space around it.
pub(super) type Field = (String, Vec<u8>);

/// RFC 9110 §5.6.2: a name or a method.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    let tchar = |&byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !bytes.is_empty() && bytes.iter().all(tchar)
}

/// RFC 9110 §5.5: no control characters but the tab; bytes above 0x7f are opaque.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// Reads a field line, or `None` if it is none.
pub(super) fn parse(line: &[u8]) -> Option<Field> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], trimmed(&line[colon + 1..]));
    // RFC 9112 §5.1: no white space is allowed between the name and the colon; is_token sees to it.
    if !is_token(name) || !is_value(value) {
        return None;
    }
    let name = name
        .iter()
        .map(|&byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    Some((name, value.to_vec()))
}

/// Without optional white space (RFC 9110 §5.6.3) at either end.
pub(super) fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a list field (RFC 9110 §5.6.1), over all lines of that name.
pub(super) fn list<'f>(fields: &'f [Field], name: &'f str) -> impl Iterator<Item = &'f [u8]> {
    fields
        .iter()
        .filter(move |(field, _)| field == name)
        .flat_map(|(_, value)| value.split(|&byte| byte == b','))
        .map(trimmed)
        .filter(|element| !element.is_empty())
}

/// A decimal number as Content-Length has it: digits alone, and not beyond 64 bits.
pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// A chunk's size (RFC 9112 §7.1): hexadecimal, before any extension.
pub(super) fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?;
    let digits = trimmed(digits);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        number.checked_mul(16)?.checked_add(u64::from(digit))
    })
}
