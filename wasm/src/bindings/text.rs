//! Addresses in words. What `format!` would bring for these few is a kilobyte of what a page loads, compressed.

use core::net::{IpAddr, Ipv6Addr};
use ethertab_stack::MacAddress;

/// As the standard library writes it, but for IPv4 inside of IPv6, which has no dots here.
pub(super) fn ip(address: &IpAddr) -> String {
    let mut text = String::new();
    match address {
        IpAddr::V4(address) => join(&mut text, address.octets(), ".", 10),
        IpAddr::V6(address) => ipv6(&mut text, address),
    }
    text
}

/// RFC 5952 §4.2: `::` stands for the longest run of zeros, the first of several, if it is of more than one group.
fn ipv6(text: &mut String, address: &Ipv6Addr) {
    let groups = address.segments();
    let zeros_at = |start: usize| groups[start..].iter().take_while(|group| **group == 0);
    let mut longest = (0, 1);
    for start in 0..8 {
        let length = zeros_at(start).count();
        if length > longest.1 {
            longest = (start, length);
        }
    }
    let (start, length) = longest;
    if length < 2 {
        return join(text, groups, ":", 16);
    }
    join(text, groups[..start].iter().copied(), ":", 16);
    text.push_str("::");
    join(text, groups[start + length..].iter().copied(), ":", 16);
}

pub(super) fn mac(address: MacAddress) -> String {
    let mut text = String::new();
    for (at, octet) in address.0.into_iter().enumerate() {
        if at > 0 {
            text.push(':');
        }
        text.push(digit(octet >> 4));
        text.push(digit(octet & 0xf));
    }
    text
}

fn join<N: Into<u32>>(
    text: &mut String,
    numbers: impl IntoIterator<Item = N>,
    between: &str,
    radix: u32,
) {
    for (at, number) in numbers.into_iter().enumerate() {
        if at > 0 {
            text.push_str(between);
        }
        put(text, number.into(), radix);
    }
}

fn put(text: &mut String, number: u32, radix: u32) {
    if number >= radix {
        put(text, number / radix, radix);
    }
    text.push(digit((number % radix) as u8));
}

/// A digit below 16.
fn digit(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value & 0xf)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        let addresses = [
            "0.0.0.0",
            "10.0.0.1",
            "255.255.255.255",
            "203.0.113.9",
            "::",
            "::1",
            "1::",
            "fe80::1",
            "2001:db8::a:0:0:b",
            "2001:db8:0:0:1::",
            "1:0:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8",
            "1:0:0:2:0:0:0:3",
            "ff02:0:0:1::abcd:0",
        ];
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(ip(&address), address.to_string());
        }
        let address = MacAddress([0x02, 0, 0x5e, 0xf0, 0x0a, 0xff]);
        assert_eq!(mac(address), address.to_string());
    }
}
