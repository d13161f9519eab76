//! Plain objects that JavaScript hands in. Field names are camelCase there; an absent field means the default.

use super::error::invalid;
use crate::network::NetworkOptions;
use core::net::{IpAddr, Ipv4Addr};
use ethertab_stack::config::{Addressing, ListenOptions, StaticAddress, TcpOptions};
use ethertab_stack::driver::PingOptions;
use ethertab_stack::{Duration, MacAddress};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

/// Reads an options object; `undefined` and `null` are an empty one.
pub(super) fn read<T: DeserializeOwned + Default>(value: JsValue) -> Result<T, JsValue> {
    if value.is_undefined() || value.is_null() {
        return Ok(T::default());
    }
    serde_wasm_bindgen::from_value(value).map_err(|error| invalid(&error.to_string()))
}

/// Reads an IP address.
pub(super) fn address(text: &str) -> Result<IpAddr, JsValue> {
    text.parse()
        .map_err(|_| invalid(&format!("\"{text}\" is not an IP address")))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Network {
    hardware_address: Option<String>,
    hostname: Option<String>,
    address: Option<Static>,
    mtu: Option<usize>,
    tcp: TcpDefaults,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TcpDefaults {
    receive_buffer_size: Option<usize>,
    send_buffer_size: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Static {
    address: Ipv4Addr,
    prefix_length: u8,
    gateway: Option<Ipv4Addr>,
    #[serde(default)]
    name_servers: Vec<IpAddr>,
}

impl Network {
    pub(super) fn options(self) -> Result<NetworkOptions, JsValue> {
        let mut options = NetworkOptions::default();
        if let Some(text) = self.hardware_address {
            options.hardware_address = Some(hardware_address(&text)?);
        }
        let config = &mut options.config;
        config.hostname = self.hostname;
        if let Some(mtu) = self.mtu {
            config.link.mtu = mtu;
        }
        if let Some(fixed) = self.address {
            config.addressing = Addressing::Static(StaticAddress {
                address: fixed.address,
                prefix_length: fixed.prefix_length,
                gateway: fixed.gateway,
                name_servers: fixed.name_servers,
            });
        }
        if let Some(size) = buffer(self.tcp.receive_buffer_size)? {
            config.tcp.receive_buffer = size;
        }
        if let Some(size) = buffer(self.tcp.send_buffer_size)? {
            config.tcp.send_buffer = size;
        }
        Ok(options)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Tcp {
    no_delay: bool,
    keep_alive_delay: Option<f64>,
    receive_buffer_size: Option<usize>,
    send_buffer_size: Option<usize>,
    local_port: Option<u16>,
    timeout: Option<f64>,
}

impl Tcp {
    pub(super) fn options(&self) -> Result<TcpOptions, JsValue> {
        let keep_alive = self.keep_alive_delay.and_then(milliseconds);
        if keep_alive.is_some_and(|delay| delay < Duration::from_secs(1)) {
            return Err(invalid("keepAliveDelay is below 1,000 ms"));
        }
        Ok(TcpOptions {
            local_port: self.local_port.filter(|&port| port != 0),
            receive_buffer: buffer(self.receive_buffer_size)?,
            send_buffer: buffer(self.send_buffer_size)?,
            no_delay: self.no_delay,
            keep_alive,
            user_timeout: None,
            connect_timeout: self.timeout.and_then(milliseconds),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Listen {
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    backlog: Option<usize>,
}

impl Listen {
    /// `accepted` was read from the same object: serde's `flatten` costs more than reading it twice.
    pub(super) fn options(&self, accepted: &Tcp) -> Result<ListenOptions, JsValue> {
        let backlog = self.backlog.unwrap_or(ListenOptions::default().backlog);
        if !(1..=4_096).contains(&backlog) {
            return Err(invalid("backlog is not between 1 and 4,096"));
        }
        Ok(ListenOptions {
            backlog,
            accepted: accepted.options()?,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Udp {
    pub(super) local_address: Option<IpAddr>,
    pub(super) local_port: u16,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Ping {
    size: Option<usize>,
    timeout: Option<f64>,
    hop_limit: Option<u8>,
}

impl Ping {
    pub(super) fn options(self) -> Result<PingOptions, JsValue> {
        let defaults = PingOptions::default();
        let size = self.size.unwrap_or(defaults.size);
        if size > 65_507 {
            return Err(invalid("size is above 65,507"));
        }
        if self.hop_limit == Some(0) {
            return Err(invalid("hopLimit is 0"));
        }
        Ok(PingOptions {
            size,
            timeout: self
                .timeout
                .and_then(milliseconds)
                .unwrap_or(defaults.timeout),
            hop_limit: self.hop_limit,
        })
    }
}

/// A request to send.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    /// Bytes of the body, if it comes in pieces and they are known.
    pub(super) body_length: Option<u64>,
}

/// Milliseconds as JavaScript counts them; `None` for what stands for no limit.
fn milliseconds(value: f64) -> Option<Duration> {
    // A century is for ever, and fits.
    (value.is_finite() && value < 3.2e12)
        .then(|| Duration::from_micros((value.max(0.0) * 1_000.0) as u64))
}

fn buffer(size: Option<usize>) -> Result<Option<usize>, JsValue> {
    match size {
        Some(size) if !(1..=1 << 30).contains(&size) => {
            Err(invalid("a buffer size is not between 1 and 1,073,741,824"))
        }
        size => Ok(size),
    }
}

fn hardware_address(text: &str) -> Result<MacAddress, JsValue> {
    let mut parts = text.split([':', '-']);
    let mut bytes = [0; 6];
    for byte in &mut bytes {
        *byte = parts
            .next()
            .filter(|part| part.len() == 2)
            .and_then(|part| u8::from_str_radix(part, 16).ok())
            .ok_or_else(|| invalid("hardwareAddress does not look like 02:00:5e:10:00:01"))?;
    }
    match parts.next() {
        None => Ok(MacAddress(bytes)),
        Some(_) => Err(invalid(
            "hardwareAddress does not look like 02:00:5e:10:00:01",
        )),
    }
}
