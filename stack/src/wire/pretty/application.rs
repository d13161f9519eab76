//! DHCP, DNS and HTTP in words.

use super::{PacketSummary, first_line};
use crate::wire::dhcp::{self, MessageType};
use crate::wire::dns::{self, Data, Flags, RecordType, ResponseCode, Section};
use alloc::string::{String, ToString};
use core::fmt::Write;

/// Answers shown; of the rest only the number.
const ANSWERS: usize = 6;

impl PacketSummary {
    pub(super) fn datagram(&mut self, from: u16, to: u16, payload: &[u8]) {
        let either = |port| from == port || to == port;
        if either(dhcp::SERVER_PORT) || either(dhcp::CLIENT_PORT) {
            if let Ok(message) = dhcp::Message::parse(payload) {
                self.layer("DHCP", dhcp(&message));
            }
        } else if either(dns::PORT)
            && let Ok(message) = dns::Message::parse(payload)
        {
            self.layer("DNS", dns(&message));
        }
    }

    pub(super) fn stream(&mut self, from: u16, to: u16, payload: &[u8]) {
        if from == dns::PORT || to == dns::PORT {
            // RFC 1035 §4.2.2: the length goes first.
            if let Some((_, message)) = payload.split_first_chunk::<2>()
                && let Ok(message) = dns::Message::parse(message)
            {
                self.layer("DNS", dns(&message));
            }
        } else if is_http(payload) {
            self.layer("HTTP", first_line(payload));
        }
    }
}

fn dhcp(message: &dhcp::Message) -> String {
    let options = &message.options;
    let mut text = message.kind.name().to_string();
    // A String takes any writing.
    let mut say = |arguments: core::fmt::Arguments<'_>| {
        let _ = text.write_fmt(arguments);
    };
    match message.kind {
        MessageType::Offer | MessageType::Ack => {
            say(format_args!(" {}", message.your_address));
            if let Some(server) = options.server {
                say(format_args!(" by {server}"));
            }
            match options.lease_seconds {
                Some(dhcp::INFINITE) => say(format_args!(" for ever")),
                Some(seconds) => say(format_args!(" for {seconds} s")),
                None => {}
            }
        }
        _ => {
            let own = Some(message.client_address).filter(|address| !address.is_unspecified());
            if let Some(address) = options.requested_address.or(own) {
                say(format_args!(" {address}"));
            }
            if let Some(server) = options.server {
                let word = if message.operation == dhcp::Operation::Reply {
                    "by"
                } else {
                    "to"
                };
                say(format_args!(" {word} {server}"));
            }
        }
    }
    if !options.hostname.is_empty() {
        say(format_args!(
            " \"{}\"",
            first_line(options.hostname.as_bytes())
        ));
    }
    if !options.text.is_empty() {
        say(format_args!(": {}", first_line(options.text.as_bytes())));
    }
    text
}

fn dns(message: &dns::Message<'_>) -> String {
    let response = message.flags.has(Flags::RESPONSE);
    let mut text = if response { "Answer" } else { "Query" }.to_string();
    if let Some(question) = &message.question {
        let _ = write!(text, " {} {}", question.record_type, question.name);
    }
    if !response {
        return text;
    }
    if message.flags.code() != ResponseCode::NO_ERROR {
        let _ = write!(text, ": {}", message.flags.code());
    } else if message.count(Section::Answer) == 0 {
        text.push_str(": no such record");
    }
    let answers = message
        .records()
        .map_while(Result::ok)
        .filter(|record| record.section == Section::Answer);
    for (position, record) in answers.enumerate() {
        if position == ANSWERS {
            let rest = usize::from(message.count(Section::Answer)).saturating_sub(ANSWERS);
            let _ = write!(text, " and {rest} more");
            break;
        }
        text.push_str(if position == 0 { ": " } else { ", " });
        let _ = match &record.data {
            Data::A(address) => write!(text, "{address}"),
            Data::Aaaa(address) => write!(text, "{address}"),
            Data::Cname(name) => write!(text, "alias of {name}"),
            Data::Ptr(name) | Data::Ns(name) => write!(text, "{name}"),
            Data::Other(RecordType::TXT, [length, raw @ ..]) => {
                let shown = raw.len().min(usize::from(*length));
                write!(text, "\"{}\"", first_line(&raw[..shown]))
            }
            data => write!(text, "{}", data.record_type()),
        };
    }
    if message.flags.has(Flags::TRUNCATED) {
        text.push_str(" (truncated)");
    }
    text
}

/// Whether a segment begins with an HTTP/1 message (RFC 9112 §2.1).
fn is_http(payload: &[u8]) -> bool {
    const STARTS: [&[u8]; 10] = [
        b"HTTP/1.",
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"DELETE ",
        b"OPTIONS ",
        b"PATCH ",
        b"CONNECT ",
        b"TRACE ",
    ];
    STARTS.iter().any(|start| payload.starts_with(start))
}
