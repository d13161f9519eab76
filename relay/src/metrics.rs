//! What passed and what was dropped, for people (the log), programs (`/status`, JSON) and Prometheus (`/metrics`).

use crate::gateway::Leases;
use crate::switch::Switch;
use crate::switch::port::{DropReason, Kind, Port};
use ethertab_stack::application::dhcp::Refusal;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often drops are logged, at most.
const REPORT: Duration = Duration::from_secs(10);

/// What can be read about the relay.
#[derive(Clone)]
pub struct Metrics {
    started: Instant,
    leases: Leases,
}

impl Metrics {
    /// Begins now; the relay's counters are with the ports of its switch.
    #[must_use]
    pub fn new(leases: Leases) -> Metrics {
        Metrics {
            started: Instant::now(),
            leases,
        }
    }

    /// The state of the relay, as JSON.
    #[must_use]
    pub fn json(&self, switch: &Switch) -> String {
        let mut addresses: HashMap<u64, Vec<String>> = HashMap::new();
        for (address, port) in switch.addresses() {
            addresses
                .entry(port)
                .or_default()
                .push(format!("\"{address}\""));
        }
        let ports: Vec<String> = switch
            .ports()
            .iter()
            .map(|port| {
                let counters = &port.counters;
                let drops: Vec<String> = drops(port).map(|(reason, count)| format!("\"{}\":{count}", reason.label())).collect();
                format!(
                    "{{\"port\":{},\"kind\":\"{}\",\"name\":\"{}\",\"seconds\":{},\"addresses\":[{}],\
                     \"frames_in\":{},\"bytes_in\":{},\"frames_out\":{},\"bytes_out\":{},\
                     \"segments_in\":{},\"segments_out\":{},\"marked\":{},\"drops\":{{{}}}}}",
                    port.id,
                    kind(port),
                    port.name,
                    port.since.elapsed().as_secs(),
                    addresses.remove(&port.id).unwrap_or_default().join(","),
                    load(&counters.frames_in),
                    load(&counters.bytes_in),
                    load(&counters.frames_out),
                    load(&counters.bytes_out),
                    load(&counters.segments_in),
                    load(&counters.segments_out),
                    load(&counters.marked),
                    drops.join(","),
                )
            })
            .collect();
        let leases: Vec<String> = self.leases.list().iter().map(|lease| {
            format!(
                "{{\"address\":\"{}\",\"hardware\":\"{}\",\"hostname\":\"{}\",\"seconds_left\":{}}}",
                lease.address,
                lease.hardware,
                lease.hostname,
                lease.remaining.as_secs(),
            )
        }).collect();
        let refused: Vec<String> = refusals(&self.leases)
            .map(|(reason, count)| format!("\"{reason}\":{count}"))
            .collect();
        format!(
            "{{\"version\":\"{}\",\"uptime_seconds\":{},\"mtu\":{},\"ports\":[{}],\"leases\":[{}],\
             \"leases_refused\":{{{}}}}}\n",
            env!("CARGO_PKG_VERSION"),
            self.started.elapsed().as_secs(),
            switch.mtu(),
            ports.join(","),
            leases.join(","),
            refused.join(","),
        )
    }

    /// The same in Prometheus's text format.
    #[must_use]
    pub fn prometheus(&self, switch: &Switch) -> String {
        let ports = switch.ports();
        let clients = ports
            .iter()
            .filter(|port| port.kind == Kind::Client)
            .count();
        let mut text = format!(
            "# TYPE ethertab_clients gauge\nethertab_clients {clients}\n\
             # TYPE ethertab_leases gauge\nethertab_leases {}\n\
             # TYPE ethertab_uptime_seconds gauge\nethertab_uptime_seconds {}\n",
            self.leases.list().len(),
            self.started.elapsed().as_secs()
        );
        type Field = fn(&Port) -> &AtomicU64;
        let fields: [(&str, &str, Field); 6] = [
            ("frames", "in", |port| &port.counters.frames_in),
            ("frames", "out", |port| &port.counters.frames_out),
            ("bytes", "in", |port| &port.counters.bytes_in),
            ("bytes", "out", |port| &port.counters.bytes_out),
            ("segments", "in", |port| &port.counters.segments_in),
            ("segments", "out", |port| &port.counters.segments_out),
        ];
        for unit in ["frames", "bytes", "segments"] {
            let _ = writeln!(text, "# TYPE ethertab_{unit}_total counter");
            for (_, direction, field) in fields.iter().filter(|field| field.0 == unit) {
                for port in &ports {
                    let _ = writeln!(
                        text,
                        "ethertab_{unit}_total{{{},direction=\"{direction}\"}} {}",
                        labels(port),
                        load(field(port))
                    );
                }
            }
        }
        text.push_str("# TYPE ethertab_leases_refused_total counter\n");
        for (reason, count) in refusals(&self.leases) {
            let _ = writeln!(
                text,
                "ethertab_leases_refused_total{{reason=\"{reason}\"}} {count}"
            );
        }
        text.push_str("# TYPE ethertab_dropped_frames_total counter\n");
        for port in &ports {
            for (reason, count) in drops(port) {
                let _ = writeln!(
                    text,
                    "ethertab_dropped_frames_total{{{},reason=\"{}\"}} {count}",
                    labels(port),
                    reason.label()
                );
            }
        }
        text
    }
}

/// Logs drops as they happen, at most once an interval for each port.
pub async fn report_drops(switch: Arc<Switch>) {
    let mut told: HashMap<(u64, &'static str), u64> = HashMap::new();
    loop {
        sleep(REPORT).await;
        let ports = switch.ports();
        told.retain(|(id, _), _| ports.iter().any(|port| port.id == *id));
        for port in &ports {
            let mut news = Vec::new();
            for (reason, count) in drops(port) {
                let before = told.insert((port.id, reason.label()), count).unwrap_or(0);
                if count > before && !reason.is_ordinary() {
                    news.push(format!("{} ({})", count - before, reason.explanation()));
                }
            }
            if !news.is_empty() {
                tracing::warn!(
                    "{}: dropped frames in the last {} s: {}",
                    port.name,
                    REPORT.as_secs(),
                    news.join(", ")
                );
            }
        }
    }
}

/// Logs clients that got no address, at most once an interval.
pub async fn report_refusals(leases: Leases) {
    let mut told = 0;
    loop {
        sleep(REPORT).await;
        let count = refusals(&leases).map(|(_, count)| count).sum();
        if count > told
            && let Some((refusal, hardware)) = leases.refusals().last
        {
            tracing::warn!(
                "DHCP: {} messages in the last {} s got no address; {hardware} was the last, for {}",
                count - told,
                REPORT.as_secs(),
                explanation(refusal)
            );
        }
        told = count;
    }
}

fn refusals(leases: &Leases) -> impl Iterator<Item = (&'static str, u64)> {
    let refusals = leases.refusals();
    [
        ("range_used_up", refusals.range_used_up),
        ("too_many_each", refusals.too_many_each),
    ]
    .into_iter()
}

fn explanation(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::RangeUsedUp => {
            "all are taken (a larger --dhcp-range or a shorter --lease-time helps)"
        }
        Refusal::TooManyEach => "it holds as many as one hardware address may",
    }
}

fn drops(port: &Port) -> impl Iterator<Item = (DropReason, u64)> + '_ {
    let counted = DropReason::ALL
        .into_iter()
        .map(|reason| (reason, port.counters.drops(reason)));
    counted.filter(|(_, count)| *count > 0)
}

fn labels(port: &Port) -> String {
    format!(
        "port=\"{}\",kind=\"{}\",name=\"{}\"",
        port.id,
        kind(port),
        port.name
    )
}

fn kind(port: &Port) -> &'static str {
    match port.kind {
        Kind::Client => "client",
        Kind::Uplink => "uplink",
        Kind::Gateway => "gateway",
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
