//! ICMP: echo, errors that come in, errors that go out (RFC 792; RFC 1122 §3.2.2).
//!
//! Deviation: redirects (RFC 1122 §3.2.2.2) are not followed: whoever is on the link could divert traffic with
//! them, and this host has one gateway. Source quench is discarded (RFC 6633 §3).

use super::address::Kind;
use super::path_mtu::Report;
use super::{EchoArrival, Internet, InternetArrival};
use crate::counters::DropReason;
use crate::random::Random;
use crate::time::Instant;
use crate::wire::icmpv4::{self, Echo, ErrorKind, IcmpError, Icmpv4};
use crate::wire::ip::{Cast, Departure, Ecn, PacketError, Protocol, Unreachable};
use crate::wire::ipv4::{self, Ipv4Header};
use crate::wire::offload::Offload;
use alloc::vec;
use core::net::IpAddr;

/// As much of the packet as an error quotes: the error itself must fit in 576 bytes (RFC 1812 §4.3.2.3).
const MOST_QUOTED: usize = ipv4::LEAST_REASSEMBLY - ipv4::HEADER - icmpv4::HEADER;

/// An error must quote this much of the transport header to be of use (RFC 792).
const LEAST_QUOTED: usize = 8;

/// A token bucket (RFC 1812 §4.3.2.8): about so many a second, and as many at once after a pause. What one error costs is
/// drawn from none, one and two tokens: if all could be counted, whoever asks in another's name could tell from what is left for
/// himself which ports are open (CVE-2020-25705).
#[derive(Debug)]
pub(super) struct RateLimit {
    rate: u64,
    /// In millionths of a token: what a microsecond brings is then a whole number.
    tokens: u64,
    filled: Instant,
    random: Random,
}

impl RateLimit {
    const TOKEN: u64 = 1_000_000;

    pub(super) fn new(rate: u32, random: Random) -> RateLimit {
        RateLimit {
            rate: rate.into(),
            tokens: u64::from(rate) * Self::TOKEN,
            filled: Instant::ZERO,
            random,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let earned = now.micros_since(self.filled).saturating_mul(self.rate);
        self.tokens = self
            .tokens
            .saturating_add(earned)
            .min(self.rate * Self::TOKEN);
        self.filled = self.filled.max(now);
        let enough = self.tokens >= Self::TOKEN;
        if enough {
            let cost = u64::from(self.random.below(3)) * Self::TOKEN;
            self.tokens = self.tokens.saturating_sub(cost);
        }
        enough
    }
}

impl Internet {
    pub(super) fn receive_icmpv4<'p>(
        &mut self,
        header: &Ipv4Header,
        cast: Cast,
        message: &'p [u8],
    ) -> InternetArrival<'p> {
        let Some(parsed) = Icmpv4::parse(message) else {
            self.counters.drop(DropReason::MalformedIcmp);
            return InternetArrival::Nothing;
        };
        // RFC 1122 §3.2.2.6: pings to everybody may be ignored, and nothing else is meant for everybody.
        if cast != Cast::Unicast {
            self.counters.drop(DropReason::IcmpUnmatched);
            return InternetArrival::Nothing;
        }
        match parsed {
            Icmpv4::EchoRequest(echo) => self.answer_echo(header, echo),
            Icmpv4::EchoReply(echo) => {
                return InternetArrival::Echo(EchoArrival {
                    source: header.source.into(),
                    identifier: echo.identifier,
                    sequence: echo.sequence,
                    hop_limit: header.hop_limit,
                    payload: echo.payload,
                });
            }
            Icmpv4::Error(error) => match self.check_error(header, error) {
                Some(error) => return InternetArrival::Error(error),
                None => self.counters.drop(DropReason::IcmpUnmatched),
            },
            Icmpv4::Other { .. } => self.counters.drop(DropReason::IcmpUnmatched),
        }
        InternetArrival::Nothing
    }

    /// RFC 1122 §3.2.2.6: from the address that was asked, all data included.
    fn answer_echo(&mut self, header: &Ipv4Header, echo: Echo<'_>) {
        self.queue_icmpv4(
            (header.destination.into(), header.source.into()),
            &Icmpv4::EchoReply(echo),
        );
    }

    fn queue_icmpv4(&mut self, (source, destination): (IpAddr, IpAddr), message: &Icmpv4<'_>) {
        let length = message.length();
        if !self.replies.has_room(length) {
            self.counters.drop(DropReason::ReplyQueueFull);
            return;
        }
        let mut payload = vec![0; length];
        message.emit(&mut payload);
        let departure = Departure {
            source,
            destination,
            protocol: Protocol::ICMP,
            length,
            hop_limit: None,
            dscp: 0,
            ecn: Ecn::NotCapable,
            offload: Offload::NONE,
            dont_fragment: false,
        };
        self.queue_reply(departure, payload);
    }

    /// An error that came in is believed as far as it quotes a packet that we may have sent.
    fn check_error<'p>(
        &self,
        header: &Ipv4Header,
        error: IcmpError<'p>,
    ) -> Option<PacketError<'p>> {
        self.quoted_v4(error.quoted, error.kind.meaning()?, header.source.into())
    }

    /// Takes note of what `error`, about a packet that a socket has sent, says of the path, and makes it say what holds now.
    /// False: it contradicts itself, and was counted.
    pub fn heed_path_mtu(&mut self, error: &mut PacketError<'_>, now: Instant) -> bool {
        let Unreachable::TooBig { mtu } = &mut error.kind else {
            return true;
        };
        let report = Report {
            destination: error.destination,
            told: (*mtu).into(),
            length: error.length,
            link: self.mtu,
            least: ipv4::LEAST_REASSEMBLY,
        };
        self.recent = None;
        let Some(holds) = self.path_mtu.report(&report, now) else {
            self.counters.drop(DropReason::IcmpUnmatched);
            return false;
        };
        *mtu = u16::try_from(holds).unwrap_or(u16::MAX);
        true
    }

    /// What `packet`, one of ours and perhaps cut short, was.
    pub(super) fn quoted_v4<'p>(
        &self,
        packet: &'p [u8],
        kind: Unreachable,
        reporter: IpAddr,
    ) -> Option<PacketError<'p>> {
        let (header, quoted) = Ipv4Header::parse_quoted(packet)?;
        let ours = self.is_local(header.source.into());
        // RFC 5927 §4: what cannot be checked against a socket is not passed on.
        if !ours || header.fragment_offset != 0 || quoted.len() < LEAST_QUOTED {
            return None;
        }
        Some(PacketError {
            kind,
            reporter,
            source: header.source.into(),
            destination: header.destination.into(),
            protocol: header.protocol,
            length: ipv4::HEADER + usize::from(header.payload_length),
            quoted,
        })
    }

    /// Queues an error about `original`, an IPv4 packet that we received, unless it must not be answered.
    pub(super) fn queue_error_v4(&mut self, kind: ErrorKind, original: &[u8], now: Instant) {
        let Ok((header, payload)) = Ipv4Header::parse(original) else {
            return;
        };
        if !self.may_be_answered(&header, payload) {
            return;
        }
        if !self.icmp_limit.take(now) {
            self.counters.drop(DropReason::IcmpRateLimit);
            return;
        }
        let header_length = usize::from(original[0] & 0xf) * 4;
        let length = (header_length + payload.len()).min(MOST_QUOTED);
        let quoted = &original[..length];
        self.queue_icmpv4(
            (header.destination.into(), header.source.into()),
            &Icmpv4::Error(IcmpError { kind, quoted }),
        );
    }

    /// RFC 1122 §3.2.2: no error about an ICMP error, nor about what was sent to many, nor about a later fragment,
    /// nor to a source that is not a single host.
    fn may_be_answered(&self, header: &Ipv4Header, payload: &[u8]) -> bool {
        let icmp_error = header.protocol == Protocol::ICMP
            && payload.first().is_none_or(|&kind| icmpv4::is_error(kind));
        let to_us = self.is_local(header.destination.into());
        let single_host = match self.addresses.kind_v4(header.source) {
            Kind::Ours | Kind::Loopback | Kind::Foreign => header.source.octets()[0] < 240,
            Kind::Broadcast | Kind::Multicast | Kind::ThisNetwork => false,
        };
        // A loopback source is one of our own only if so is the destination; martians never get here.
        !icmp_error && to_us && single_host && header.fragment_offset == 0
    }
}
