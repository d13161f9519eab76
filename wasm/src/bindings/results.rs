//! Plain objects that JavaScript gets back; `web/src/types.ts` says what the fields mean.
//!
//! Lists of names and values, which [`object`] makes objects of.

use super::object::object;
use super::text;
use core::net::{IpAddr, SocketAddr};
use ethertab_stack::counters::Counters;
use ethertab_stack::driver::PingReply;
use ethertab_stack::socket::TcpInfo;
use ethertab_stack::{Duration, Lease, Stack};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;

/// A count. JavaScript's numbers are exact up to 2⁵³.
pub(super) fn count(count: u64) -> JsValue {
    JsValue::from_f64(count as f64)
}

/// A number of bytes.
pub(super) fn size(bytes: usize) -> JsValue {
    count(bytes as u64)
}

pub(super) fn milliseconds(duration: Duration) -> JsValue {
    JsValue::from_f64(duration.as_secs_f64() * 1_000.0)
}

pub(super) fn address(address: &IpAddr) -> JsValue {
    text::ip(address).into()
}

/// `null` if there is none.
fn optional<T>(value: Option<T>, convert: impl FnOnce(T) -> JsValue) -> JsValue {
    value.map_or(JsValue::NULL, convert)
}

/// Who and where we are; `null` without an address. `mtu` is what the link carries.
pub(super) fn information(stack: &Stack, mtu: usize) -> JsValue {
    let Some((own, prefix_length)) = stack.address() else {
        return JsValue::NULL;
    };
    let lease: Option<&Lease> = stack.lease();
    let told = lease.and_then(|lease| lease.mtu);
    let domain = lease.and_then(|lease| lease.domain.as_deref());
    let terms = |lease: &Lease| {
        object(&[
            ("server", address(&lease.server.into())),
            ("duration", milliseconds(lease.duration)),
        ])
    };
    object(&[
        (
            "hardwareAddress",
            text::mac(stack.hardware_address()).into(),
        ),
        ("address", address(&own)),
        ("prefixLength", prefix_length.into()),
        (
            "gateway",
            optional(stack.gateway(), |gateway| address(&gateway)),
        ),
        ("nameServers", addresses(stack.name_servers())),
        ("domain", optional(domain, JsValue::from_str)),
        ("mtu", size(told.map_or(mtu, |told| mtu.min(told.into())))),
        ("lease", optional(lease, terms)),
    ])
}

pub(super) fn addresses(list: &[IpAddr]) -> JsValue {
    list.iter().map(address).collect::<Array>().into()
}

/// Both ends of a connection.
pub(super) fn ends(local: SocketAddr, remote: SocketAddr) -> JsValue {
    object(&end_fields(local, remote))
}

fn end_fields(local: SocketAddr, remote: SocketAddr) -> [(&'static str, JsValue); 4] {
    [
        ("remoteAddress", address(&remote.ip())),
        ("remotePort", remote.port().into()),
        ("localAddress", address(&local.ip())),
        ("localPort", local.port().into()),
    ]
}

/// Our end.
pub(super) fn local_end(local: SocketAddr) -> JsValue {
    object(&[
        ("localAddress", address(&local.ip())),
        ("localPort", local.port().into()),
    ])
}

/// A connection's vital signs.
pub(super) fn vitals(info: &TcpInfo) -> JsValue {
    object(&vital_fields(info))
}

/// Every TCP connection: both ends and the vital signs of each.
pub(super) fn connections(stack: &Stack) -> JsValue {
    let one = |(local, remote, info): (SocketAddr, SocketAddr, TcpInfo)| {
        let mut fields = end_fields(local, remote).to_vec();
        fields.extend(vital_fields(&info));
        object(&fields)
    };
    stack.tcp_status().map(one).collect::<Array>().into()
}

fn vital_fields(info: &TcpInfo) -> [(&'static str, JsValue); 14] {
    let threshold = Some(info.slow_start_threshold).filter(|&bytes| bytes != usize::MAX);
    [
        ("state", info.state.into()),
        (
            "roundTripMs",
            optional(info.smoothed_round_trip, milliseconds),
        ),
        (
            "retransmissionTimeoutMs",
            milliseconds(info.retransmission_timeout),
        ),
        ("congestionWindow", size(info.congestion_window)),
        ("slowStartThreshold", optional(threshold, size)),
        ("inFlight", size(info.in_flight)),
        ("sendWindow", size(info.send_window)),
        ("receiveWindow", size(info.receive_window)),
        ("sendQueued", size(info.send_queued)),
        ("receiveQueued", size(info.receive_queued)),
        ("maximumSegment", size(info.maximum_segment)),
        ("retransmits", count(info.retransmits)),
        ("bytesSent", count(info.bytes_sent)),
        ("bytesReceived", count(info.bytes_received)),
    ]
}

/// An echo reply.
pub(super) fn echo(reply: &PingReply) -> JsValue {
    object(&[
        ("address", address(&reply.source)),
        ("roundTripMs", milliseconds(reply.round_trip)),
        ("hopLimit", reply.hop_limit.into()),
        ("size", size(reply.size)),
    ])
}

/// What passed and what was dropped; `drops` has a field for each reason that happened.
pub(super) fn totals(
    counters: &Counters,
    link: &crate::link::LinkHandle,
    memory_bytes: f64,
) -> JsValue {
    let below = link.counters();
    let drops = counters
        .drops()
        .map(|(reason, drops)| (reason.name(), count(drops)));
    let drops: Vec<(&str, JsValue)> = drops.collect();
    let link = object(&[
        ("receiveQueueDrops", count(below.receive_queue_drops)),
        ("invalidMessages", count(below.invalid_messages)),
        ("sendDrops", count(below.send_drops)),
        ("bufferedBytes", size(link.buffered())),
        ("reconnects", count(below.reconnects)),
    ]);
    object(&[
        ("framesReceived", count(counters.frames_received)),
        ("bytesReceived", count(counters.bytes_received)),
        ("framesTransmitted", count(counters.frames_transmitted)),
        ("bytesTransmitted", count(counters.bytes_transmitted)),
        ("packetsReceived", count(counters.packets_received)),
        ("packetsTransmitted", count(counters.packets_transmitted)),
        ("segmentsReceived", count(counters.segments_received)),
        ("segmentsTransmitted", count(counters.segments_transmitted)),
        (
            "tcpTimeoutRetransmits",
            count(counters.tcp_timeout_retransmits),
        ),
        ("tcpFastRetransmits", count(counters.tcp_fast_retransmits)),
        ("tcpResetsSent", count(counters.tcp_resets_sent)),
        ("tcpChallengeAcks", count(counters.tcp_challenge_acks)),
        ("drops", object(&drops)),
        ("link", link),
        ("memoryBytes", memory_bytes.into()),
    ])
}

/// A datagram and who sent it.
pub(super) fn datagram(source: SocketAddr, data: &[u8]) -> JsValue {
    object(&[
        ("remoteAddress", address(&source.ip())),
        ("remotePort", source.port().into()),
        ("data", Uint8Array::from(data).into()),
    ])
}
