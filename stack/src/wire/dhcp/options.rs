//! The options (RFC 2132).

use super::Malformed;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

/// Option codes (RFC 2132; IANA "BOOTP Vendor Extensions and DHCP Options").
pub mod code {
    #![allow(
        missing_docs,
        reason = "the names are those of the fields of `Options`"
    )]
    pub const PAD: u8 = 0;
    pub const SUBNET_MASK: u8 = 1;
    pub const ROUTERS: u8 = 3;
    pub const NAME_SERVERS: u8 = 6;
    pub const HOSTNAME: u8 = 12;
    pub const DOMAIN: u8 = 15;
    pub const MTU: u8 = 26;
    pub const BROADCAST_ADDRESS: u8 = 28;
    pub const REQUESTED_ADDRESS: u8 = 50;
    pub const LEASE_SECONDS: u8 = 51;
    pub const OVERLOAD: u8 = 52;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER: u8 = 54;
    pub const PARAMETERS: u8 = 55;
    pub const TEXT: u8 = 56;
    pub const MAXIMUM_LENGTH: u8 = 57;
    pub const RENEWAL_SECONDS: u8 = 58;
    pub const REBINDING_SECONDS: u8 = 59;
    pub const CLIENT_IDENTIFIER: u8 = 61;
    pub const END: u8 = 255;
}

/// Addresses taken from one list; more are ignored.
const LONGEST_LIST: usize = 8;
/// Longest value that one option carries.
const LONGEST_VALUE: usize = 255;

/// The options that we speak. An empty list or text is an absent option.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The network's mask (1).
    pub subnet_mask: Option<Ipv4Addr>,
    /// Gateways, the best first (3).
    pub routers: Vec<Ipv4Addr>,
    /// DNS servers, the best first (6).
    pub name_servers: Vec<Ipv4Addr>,
    /// The client's name (12).
    pub hostname: String,
    /// The domain to search (15).
    pub domain: String,
    /// The network's MTU in bytes (26).
    pub mtu: Option<u16>,
    /// The network's broadcast address (28).
    pub broadcast_address: Option<Ipv4Addr>,
    /// The address that the client wants, or declines (50).
    pub requested_address: Option<Ipv4Addr>,
    /// How long the lease is, or is wanted to be (51).
    pub lease_seconds: Option<u32>,
    /// Which server speaks, or is spoken to (54).
    pub server: Option<Ipv4Addr>,
    /// Codes of the options that the client wants to be told (55).
    pub parameters: Vec<u8>,
    /// Why an address is refused or declined, for people (56).
    pub text: String,
    /// Longest packet that the sender takes, IP and UDP headers included (57).
    pub maximum_length: Option<u16>,
    /// When the client shall ask its server to renew (58).
    pub renewal_seconds: Option<u32>,
    /// When the client shall ask any server to renew (59).
    pub rebinding_seconds: Option<u32>,
    /// What the client calls itself towards servers (61).
    pub client_identifier: Vec<u8>,
}

/// By code: each option's value, pieces joined. An option that is absent reads as an empty one, which none of ours may be.
type Values = [Vec<u8>; 256];

/// Reads the options area and, if option 52 says so, the two fields in which options can go on. Returns the
/// message type (0: none) and the options.
pub(super) fn parse(area: &[u8], file: &[u8], sname: &[u8]) -> Result<(u8, Options), Malformed> {
    let mut values = [const { Vec::new() }; 256];
    collect(area, &mut values)?;
    let overload = match *core::mem::take(&mut values[usize::from(code::OVERLOAD)]) {
        [fields] => fields,
        _ => 0,
    };
    // RFC 2131 §4.1: first the options field, then file, then sname.
    if overload & 1 != 0 {
        collect(file, &mut values)?;
    }
    if overload & 2 != 0 {
        collect(sname, &mut values)?;
    }
    let kind = match *value(&values, code::MESSAGE_TYPE) {
        [kind] => kind,
        _ => 0,
    };
    let long = |code| Some(u32::from_be_bytes(fixed(&values, code)?));
    let word = |code| Some(u16::from_be_bytes(fixed(&values, code)?));
    let address = |code| Some(Ipv4Addr::from(fixed::<4>(&values, code)?));
    let raw = |code| value(&values, code).to_vec();
    let options = Options {
        subnet_mask: address(code::SUBNET_MASK),
        routers: addresses(&values, code::ROUTERS),
        name_servers: addresses(&values, code::NAME_SERVERS),
        hostname: text(&values, code::HOSTNAME),
        domain: text(&values, code::DOMAIN),
        mtu: word(code::MTU),
        broadcast_address: address(code::BROADCAST_ADDRESS),
        requested_address: address(code::REQUESTED_ADDRESS),
        lease_seconds: long(code::LEASE_SECONDS),
        server: address(code::SERVER),
        parameters: raw(code::PARAMETERS),
        text: text(&values, code::TEXT),
        maximum_length: word(code::MAXIMUM_LENGTH),
        renewal_seconds: long(code::RENEWAL_SECONDS),
        rebinding_seconds: long(code::REBINDING_SECONDS),
        client_identifier: raw(code::CLIENT_IDENTIFIER),
    };
    Ok((kind, options))
}

fn collect(area: &[u8], values: &mut Values) -> Result<(), Malformed> {
    let mut rest = area;
    while let Some((&code, after)) = rest.split_first() {
        match code {
            code::PAD => rest = after,
            code::END => break,
            _ => {
                let (&length, after) = after.split_first().ok_or(Malformed)?;
                let (value, after) = after
                    .split_at_checked(usize::from(length))
                    .ok_or(Malformed)?;
                values[usize::from(code)].extend_from_slice(value);
                rest = after;
            }
        }
    }
    // Some senders forget the end; if nothing was cut, nothing is missing.
    Ok(())
}

fn value(values: &Values, code: u8) -> &[u8] {
    &values[usize::from(code)]
}

fn fixed<const LENGTH: usize>(values: &Values, code: u8) -> Option<[u8; LENGTH]> {
    value(values, code).try_into().ok()
}

fn addresses(values: &Values, code: u8) -> Vec<Ipv4Addr> {
    let (fours, _) = value(values, code).as_chunks::<4>();
    fours
        .iter()
        .take(LONGEST_LIST)
        .map(|&four| four.into())
        .collect()
}

/// A text, without the zeros that some senders put behind it; empty if it is not printable ASCII.
fn text(values: &Values, code: u8) -> String {
    let raw = value(values, code);
    let end = raw.iter().rposition(|&byte| byte != 0).map_or(0, |i| i + 1);
    let raw = &raw[..end.min(LONGEST_VALUE)];
    let printable = raw.iter().all(|&byte| (0x20..0x7f).contains(&byte));
    match core::str::from_utf8(raw) {
        Ok(text) if printable => text.into(),
        _ => String::new(),
    }
}

impl Options {
    /// Writes the message type, then the options, the most important first, then the end; returns the length.
    pub(super) fn emit(&self, kind: u8, out: &mut [u8]) -> usize {
        let mut writer = Writer { out, at: 0 };
        writer.option(code::MESSAGE_TYPE, &[kind]);
        writer.address(code::SERVER, self.server);
        writer.option(code::CLIENT_IDENTIFIER, &self.client_identifier);
        writer.address(code::REQUESTED_ADDRESS, self.requested_address);
        writer.long(code::LEASE_SECONDS, self.lease_seconds);
        writer.address(code::SUBNET_MASK, self.subnet_mask);
        writer.addresses(code::ROUTERS, &self.routers);
        writer.addresses(code::NAME_SERVERS, &self.name_servers);
        writer.long(code::RENEWAL_SECONDS, self.renewal_seconds);
        writer.long(code::REBINDING_SECONDS, self.rebinding_seconds);
        writer.option(code::PARAMETERS, &self.parameters);
        writer.word(code::MAXIMUM_LENGTH, self.maximum_length);
        writer.word(code::MTU, self.mtu);
        writer.address(code::BROADCAST_ADDRESS, self.broadcast_address);
        writer.option(code::HOSTNAME, self.hostname.as_bytes());
        writer.option(code::DOMAIN, self.domain.as_bytes());
        writer.option(code::TEXT, self.text.as_bytes());
        writer.finish()
    }
}

struct Writer<'o> {
    out: &'o mut [u8],
    at: usize,
}

impl Writer<'_> {
    /// Writes one option, if it has a value and fits with the end behind it.
    fn option(&mut self, code: u8, value: &[u8]) {
        let end = self.at + 2 + value.len();
        if value.is_empty() || value.len() > LONGEST_VALUE || end >= self.out.len() {
            return;
        }
        self.out[self.at] = code;
        self.out[self.at + 1] = value.len() as u8;
        self.out[self.at + 2..end].copy_from_slice(value);
        self.at = end;
    }

    fn address(&mut self, code: u8, address: Option<Ipv4Addr>) {
        if let Some(address) = address {
            self.option(code, &address.octets());
        }
    }

    fn addresses(&mut self, code: u8, addresses: &[Ipv4Addr]) {
        let raw: Vec<u8> = addresses
            .iter()
            .take(LONGEST_LIST)
            .flat_map(|address| address.octets())
            .collect();
        self.option(code, &raw);
    }

    fn long(&mut self, code: u8, long: Option<u32>) {
        if let Some(long) = long {
            self.option(code, &long.to_be_bytes());
        }
    }

    fn word(&mut self, code: u8, word: Option<u16>) {
        if let Some(word) = word {
            self.option(code, &word.to_be_bytes());
        }
    }

    fn finish(self) -> usize {
        self.out[self.at] = code::END;
        self.at + 1
    }
}
