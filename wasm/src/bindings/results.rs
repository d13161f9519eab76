//! Plain objects that JavaScript gets back; `web/src/types.ts` says what the fields mean.

use core::net::{IpAddr, SocketAddr};
use ethertab_stack::counters::Counters;
use ethertab_stack::driver::PingReply;
use ethertab_stack::socket::TcpInfo;
use ethertab_stack::{Duration, Lease, Stack};
use serde::Serialize;
use wasm_bindgen::JsValue;

/// Makes a plain object. What is in this file serializes without fail.
pub(super) fn object(value: &impl Serialize) -> JsValue {
    const PLAIN: serde_wasm_bindgen::Serializer = serde_wasm_bindgen::Serializer::new()
        .serialize_maps_as_objects(true)
        .serialize_missing_as_null(true);
    value.serialize(&PLAIN).unwrap_or(JsValue::UNDEFINED)
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Information {
    hardware_address: String,
    address: IpAddr,
    prefix_length: u8,
    gateway: Option<IpAddr>,
    name_servers: Vec<IpAddr>,
    domain: Option<String>,
    mtu: usize,
    lease: Option<LeaseTerms>,
}

#[derive(Serialize)]
struct LeaseTerms {
    server: IpAddr,
    duration: f64,
}

impl Information {
    /// `None` without an address. `mtu` is what the link carries.
    pub(super) fn of(stack: &Stack, mtu: usize) -> Option<Information> {
        let (address, prefix_length) = stack.address()?;
        let lease: Option<&Lease> = stack.lease();
        Some(Information {
            hardware_address: stack.hardware_address().to_string(),
            address,
            prefix_length,
            gateway: stack.gateway(),
            name_servers: stack.name_servers().to_vec(),
            domain: lease.and_then(|lease| lease.domain.clone()),
            mtu: lease
                .and_then(|lease| lease.mtu)
                .map_or(mtu, |told| mtu.min(usize::from(told))),
            lease: lease.map(|lease| LeaseTerms {
                server: lease.server.into(),
                duration: milliseconds(lease.duration),
            }),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ends {
    pub(super) remote_address: IpAddr,
    pub(super) remote_port: u16,
    pub(super) local_address: IpAddr,
    pub(super) local_port: u16,
}

impl Ends {
    pub(super) fn of(local: SocketAddr, remote: SocketAddr) -> Ends {
        Ends {
            remote_address: remote.ip(),
            remote_port: remote.port(),
            local_address: local.ip(),
            local_port: local.port(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LocalEnd {
    local_address: IpAddr,
    local_port: u16,
}

impl From<SocketAddr> for LocalEnd {
    fn from(local: SocketAddr) -> LocalEnd {
        LocalEnd {
            local_address: local.ip(),
            local_port: local.port(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TcpVitals {
    state: &'static str,
    round_trip_ms: Option<f64>,
    retransmission_timeout_ms: f64,
    congestion_window: usize,
    slow_start_threshold: Option<usize>,
    in_flight: usize,
    send_window: usize,
    receive_window: usize,
    send_queued: usize,
    receive_queued: usize,
    maximum_segment: usize,
    retransmits: u64,
    bytes_sent: u64,
    bytes_received: u64,
}

impl From<TcpInfo> for TcpVitals {
    fn from(info: TcpInfo) -> TcpVitals {
        TcpVitals {
            state: info.state,
            round_trip_ms: info.smoothed_round_trip.map(milliseconds),
            retransmission_timeout_ms: milliseconds(info.retransmission_timeout),
            congestion_window: info.congestion_window,
            slow_start_threshold: Some(info.slow_start_threshold)
                .filter(|&bytes| bytes != usize::MAX),
            in_flight: info.in_flight,
            send_window: info.send_window,
            receive_window: info.receive_window,
            send_queued: info.send_queued,
            receive_queued: info.receive_queued,
            maximum_segment: info.maximum_segment,
            retransmits: info.retransmits,
            bytes_sent: info.bytes_sent,
            bytes_received: info.bytes_received,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Echo {
    address: IpAddr,
    round_trip_ms: f64,
    hop_limit: u8,
    size: usize,
}

impl From<PingReply> for Echo {
    fn from(reply: PingReply) -> Echo {
        Echo {
            address: reply.source,
            round_trip_ms: milliseconds(reply.round_trip),
            hop_limit: reply.hop_limit,
            size: reply.size,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals {
    frames_received: u64,
    bytes_received: u64,
    frames_transmitted: u64,
    bytes_transmitted: u64,
    packets_received: u64,
    packets_transmitted: u64,
    segments_received: u64,
    segments_transmitted: u64,
    tcp_timeout_retransmits: u64,
    tcp_fast_retransmits: u64,
    tcp_resets_sent: u64,
    tcp_challenge_acks: u64,
    drops: Drops,
    link: LinkTotals,
    memory_bytes: f64,
}

/// An object with a field for each reason that happened.
struct Drops(Counters);

impl Serialize for Drops {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((self.0.drops()).map(|(reason, count)| (reason.name(), count)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkTotals {
    receive_queue_drops: u64,
    invalid_messages: u64,
    send_drops: u64,
    buffered_bytes: usize,
    reconnects: u64,
}

impl Totals {
    pub(super) fn of(
        counters: &Counters,
        link: &crate::link::LinkHandle,
        memory_bytes: f64,
    ) -> Totals {
        let below = link.counters();
        Totals {
            frames_received: counters.frames_received,
            bytes_received: counters.bytes_received,
            frames_transmitted: counters.frames_transmitted,
            bytes_transmitted: counters.bytes_transmitted,
            packets_received: counters.packets_received,
            packets_transmitted: counters.packets_transmitted,
            segments_received: counters.segments_received,
            segments_transmitted: counters.segments_transmitted,
            tcp_timeout_retransmits: counters.tcp_timeout_retransmits,
            tcp_fast_retransmits: counters.tcp_fast_retransmits,
            tcp_resets_sent: counters.tcp_resets_sent,
            tcp_challenge_acks: counters.tcp_challenge_acks,
            drops: Drops(counters.clone()),
            link: LinkTotals {
                receive_queue_drops: below.receive_queue_drops,
                invalid_messages: below.invalid_messages,
                send_drops: below.send_drops,
                buffered_bytes: link.buffered(),
                reconnects: below.reconnects,
            },
            memory_bytes,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Source {
    remote_address: IpAddr,
    remote_port: u16,
}

impl From<SocketAddr> for Source {
    fn from(source: SocketAddr) -> Source {
        Source {
            remote_address: source.ip(),
            remote_port: source.port(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) status_text: String,
    pub(super) headers: Vec<(String, String)>,
}
