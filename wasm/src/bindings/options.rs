//! Plain objects that JavaScript hands in. Field names are camelCase there; an absent field means the default.
//!
//! Objects are read as lists of names and values, and those one by one, so that an error names the field.

use super::error::invalid;
use crate::network::NetworkOptions;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use ethertab_stack::config::{Addressing, BufferSize, ListenOptions, StaticAddress, TcpOptions};
use ethertab_stack::driver::PingOptions;
use ethertab_stack::{Duration, MacAddress};
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};

/// The fields of each object.
const NETWORK: &[&str] = &[
    "hardwareAddress",
    "hostname",
    "mtu",
    "address",
    "tcp",
    "plain",
];
const ADDRESS: &[&str] = &["address", "prefixLength", "gateway", "nameServers"];
const TCP: &[&str] = &[
    "localPort",
    "receiveBufferSize",
    "sendBufferSize",
    "noDelay",
    "keepAliveDelay",
    "timeout",
];
const LISTEN: &[&str] = &[
    "address",
    "port",
    "backlog",
    "localPort",
    "receiveBufferSize",
    "sendBufferSize",
    "noDelay",
    "keepAliveDelay",
    "timeout",
];
const UDP: &[&str] = &["localAddress", "localPort"];
const PING: &[&str] = &["size", "hopLimit", "timeout"];

/// An options object: those of its fields that are asked for.
struct Options(Vec<(&'static str, JsValue)>);

impl Options {
    /// `undefined` and `null` are an empty one. What a getter throws goes to the caller.
    fn new(value: JsValue, names: &'static [&'static str]) -> Result<Options, JsValue> {
        Field::new("options", value)
            .object(names)
            .map(|given| given.unwrap_or_else(|| Options(Vec::new())))
    }

    /// `name` is one of the names that were asked for.
    fn field(&self, name: &'static str) -> Field {
        let found = self.0.iter().find(|(known, _)| *known == name);
        Field::new(
            name,
            found.map_or(JsValue::UNDEFINED, |(_, value)| value.clone()),
        )
    }
}

/// One field of an options object, to be read as what it must be. `undefined` and `null` are no value.
struct Field {
    name: &'static str,
    value: Option<JsValue>,
}

impl Field {
    fn new(name: &'static str, value: JsValue) -> Field {
        let absent = value.is_undefined() || value.is_null();
        Field {
            name,
            value: (!absent).then_some(value),
        }
    }

    /// Reads the value by `convert`, which gives `None` for what is not `kind`.
    fn read<T>(
        &self,
        kind: &str,
        convert: impl FnOnce(&JsValue) -> Option<T>,
    ) -> Result<Option<T>, JsValue> {
        let Some(value) = &self.value else {
            return Ok(None);
        };
        match convert(value) {
            Some(value) => Ok(Some(value)),
            None => Err(self.is_not(kind)),
        }
    }

    fn is_not(&self, kind: &str) -> JsValue {
        invalid(&[self.name, " is not ", kind].concat())
    }

    fn object(&self, names: &'static [&'static str]) -> Result<Option<Options>, JsValue> {
        let Some(value) = &self.value else {
            return Ok(None);
        };
        if !value.is_object() {
            return Err(self.is_not("an object"));
        }
        super::object::fields(value, names).map(|fields| Some(Options(fields)))
    }

    fn list(&self) -> Result<Vec<JsValue>, JsValue> {
        let list = self.read("an array", |value| value.dyn_ref().map(Array::to_vec))?;
        Ok(list.unwrap_or_default())
    }

    fn text(&self) -> Result<Option<String>, JsValue> {
        self.read("a string", JsValue::as_string)
    }

    fn flag(&self) -> Result<Option<bool>, JsValue> {
        self.read("a boolean", JsValue::as_bool)
    }

    fn number(&self) -> Result<Option<f64>, JsValue> {
        self.read("a number", JsValue::as_f64)
    }

    /// A whole number that is not negative, and fits.
    fn whole<T: TryFrom<u64>>(&self) -> Result<Option<T>, JsValue> {
        let number = self.read("a whole number in range", whole)?;
        match number.map(T::try_from) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(self.is_not("a whole number in range")),
        }
    }

    /// An address of any family, or of one.
    fn address<T: core::str::FromStr>(&self) -> Result<Option<T>, JsValue> {
        let kind = "an IP address of that kind";
        match self
            .read(kind, JsValue::as_string)?
            .map(|text| text.parse())
        {
            None => Ok(None),
            Some(Ok(address)) => Ok(Some(address)),
            Some(Err(_)) => Err(self.is_not(kind)),
        }
    }
}

/// JavaScript's safe integers.
fn whole(value: &JsValue) -> Option<u64> {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    let number = value.as_f64()?;
    // NaN is in no range.
    ((0.0..=SAFE).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// Reads an IP address.
pub(super) fn address(text: &str) -> Result<IpAddr, JsValue> {
    text.parse()
        .map_err(|_| invalid(&["\"", text, "\" is not an IP address"].concat()))
}

pub(super) fn network(options: JsValue) -> Result<NetworkOptions, JsValue> {
    let given = Options::new(options, NETWORK)?;
    let mut options = NetworkOptions {
        plain: given.field("plain").flag()?.unwrap_or(false),
        ..NetworkOptions::default()
    };
    if let Some(text) = given.field("hardwareAddress").text()? {
        options.hardware_address = Some(hardware_address(&text)?);
    }
    let config = &mut options.config;
    config.hostname = given.field("hostname").text()?;
    if let Some(mtu) = given.field("mtu").whole()? {
        config.link.mtu = mtu;
    }
    if let Some(fixed) = given.field("address").object(ADDRESS)? {
        config.addressing = Addressing::Static(fixed_address(&fixed)?);
    }
    if let Some(tcp) = given.field("tcp").object(TCP)? {
        if let Some(size) = buffer(&tcp, "receiveBufferSize")? {
            config.tcp.receive_buffer = BufferSize::fixed(size);
        }
        if let Some(size) = buffer(&tcp, "sendBufferSize")? {
            config.tcp.send_buffer = BufferSize::fixed(size);
        }
    }
    Ok(options)
}

fn fixed_address(given: &Options) -> Result<StaticAddress, JsValue> {
    let missing = || invalid("an address has the fields address and prefixLength");
    let name_servers = given.field("nameServers").list()?.into_iter();
    let name_server = |value| {
        let address = Field::new("a name server", value).address()?;
        address.ok_or_else(|| invalid("a name server is not an IP address"))
    };
    Ok(StaticAddress {
        address: given
            .field("address")
            .address::<Ipv4Addr>()?
            .ok_or_else(missing)?,
        prefix_length: given.field("prefixLength").whole()?.ok_or_else(missing)?,
        gateway: given.field("gateway").address()?,
        name_servers: name_servers
            .map(name_server)
            .collect::<Result<_, JsValue>>()?,
    })
}

pub(super) fn tcp(options: JsValue) -> Result<TcpOptions, JsValue> {
    tcp_of(&Options::new(options, TCP)?)
}

fn tcp_of(given: &Options) -> Result<TcpOptions, JsValue> {
    let keep_alive = given
        .field("keepAliveDelay")
        .number()?
        .and_then(milliseconds);
    if keep_alive.is_some_and(|delay| delay < Duration::from_secs(1)) {
        return Err(invalid("keepAliveDelay is below 1,000 ms"));
    }
    Ok(TcpOptions {
        local_port: given.field("localPort").whole()?.filter(|&port| port != 0),
        receive_buffer: buffer(given, "receiveBufferSize")?,
        send_buffer: buffer(given, "sendBufferSize")?,
        no_delay: given.field("noDelay").flag()?.unwrap_or(false),
        keep_alive,
        user_timeout: None,
        connect_timeout: given.field("timeout").number()?.and_then(milliseconds),
    })
}

/// Where to listen, and how.
pub(super) fn listen(options: JsValue) -> Result<(SocketAddr, ListenOptions), JsValue> {
    let given = &Options::new(options, LISTEN)?;
    let backlog = given.field("backlog").whole()?;
    let backlog = backlog.unwrap_or(ListenOptions::default().backlog);
    if !(1..=4_096).contains(&backlog) {
        return Err(invalid("backlog is not between 1 and 4,096"));
    }
    let options = ListenOptions {
        backlog,
        accepted: tcp_of(given)?,
    };
    Ok((local(given, "address", "port")?, options))
}

/// Our end of a UDP socket.
pub(super) fn udp(options: JsValue) -> Result<SocketAddr, JsValue> {
    let given = &Options::new(options, UDP)?;
    local(given, "localAddress", "localPort")
}

fn local(
    given: &Options,
    address: &'static str,
    port: &'static str,
) -> Result<SocketAddr, JsValue> {
    const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let address = given.field(address).address()?;
    let port = given.field(port).whole()?;
    Ok(SocketAddr::new(address.unwrap_or(ANY), port.unwrap_or(0)))
}

pub(super) fn ping(options: JsValue) -> Result<PingOptions, JsValue> {
    let given = Options::new(options, PING)?;
    let defaults = PingOptions::default();
    let size = given.field("size").whole()?.unwrap_or(defaults.size);
    if size > 65_507 {
        return Err(invalid("size is above 65,507"));
    }
    let hop_limit = given.field("hopLimit").whole()?;
    if hop_limit == Some(0) {
        return Err(invalid("hopLimit is 0"));
    }
    let timeout = given.field("timeout").number()?;
    Ok(PingOptions {
        size,
        timeout: timeout.and_then(milliseconds).unwrap_or(defaults.timeout),
        hop_limit,
    })
}

/// Milliseconds as JavaScript counts them; `None` for what stands for no limit.
fn milliseconds(value: f64) -> Option<Duration> {
    // A century is for ever, and fits.
    (value.is_finite() && value < 3.2e12)
        .then(|| Duration::from_micros((value.max(0.0) * 1_000.0) as u64))
}

fn buffer(given: &Options, name: &'static str) -> Result<Option<usize>, JsValue> {
    match given.field(name).whole()? {
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
