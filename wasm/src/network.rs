//! A network for Rust: a stack over a WebSocket, driven by the browser's event loop.

use crate::clock::BrowserClock;
use crate::link::{LinkHandle, LinkState, WINDOW, WebSocketLink};
use crate::scope;
use core::fmt;
use core::future::{Future, poll_fn};
use core::ops::Deref;
use core::pin::pin;
use core::task::Poll;
use ethertab_stack::config::{Addressing, BufferSize, Config};
use ethertab_stack::driver::{self, Clock};
use ethertab_stack::{Duration, MacAddress, Stack};
use ethertab_tunnel::v1::LARGEST_WINDOW;
use wasm_bindgen::JsValue;

/// How a network is opened.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
    /// The stack's configuration. Its hardware address is used only with `hardware_address` set.
    pub config: Config,
    /// Our hardware address; `None`: a random one, kept while the network lives.
    pub hardware_address: Option<MacAddress>,
    /// How long [`Network::open`] waits for the relay and an address.
    pub timeout: Duration,
    /// Speak the tunnel's plain form alone: one frame a message, nothing negotiated.
    pub plain: bool,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        let mut config = Config::default();
        let buffer = BufferSize {
            // As much as the link lets the relay send: with less the path would be idle, and more would wait in the relay.
            initial: WINDOW as usize,
            // As much as it ever lets the relay send.
            largest: LARGEST_WINDOW as usize,
        };
        config.tcp.receive_buffer = buffer;
        config.tcp.send_buffer = buffer;
        NetworkOptions {
            config,
            hardware_address: None,
            timeout: Duration::from_secs(15),
            plain: false,
        }
    }
}

/// Why a network could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// An option is out of its range.
    InvalidOption(&'static str),
    /// The relay's WebSocket could not be opened.
    Relay {
        /// The WebSocket's close code.
        code: u16,
        /// What the relay or the browser said.
        reason: String,
    },
    /// The relay was reached, and no address came in time.
    NoAddress,
}

impl OpenError {
    /// A stable name: `EINVAL`, `ERELAY` or `ENOLEASE`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            OpenError::InvalidOption(_) => "EINVAL",
            OpenError::Relay { .. } => "ERELAY",
            OpenError::NoAddress => "ENOLEASE",
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::InvalidOption(what) => f.write_str(&InvalidOption(what).text()),
            OpenError::Relay { code, reason } if reason.is_empty() => {
                write!(
                    f,
                    "the relay cannot be reached (WebSocket close code {code})"
                )
            }
            OpenError::Relay { code, reason } => {
                write!(
                    f,
                    "the relay cannot be reached: {reason} (WebSocket close code {code})"
                )
            }
            OpenError::NoAddress => {
                f.write_str("the relay was reached, but no address came in time")
            }
        }
    }
}

impl std::error::Error for OpenError {}

/// A host of its own on the Ethernet behind a relay: the driver's [`Network`](driver::Network), to which it derefs, and the
/// link below it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use ethertab_wasm::{Network, TcpOptions};
/// let network = Network::open("ws://127.0.0.1:8080/tunnel").await?;
/// let stream = network.connect("www.example.com", 80, TcpOptions::default()).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Network {
    network: driver::Network,
    link: LinkHandle,
}

impl Network {
    /// Opens a network over the relay at `url` and waits for an address. If that fails, it is closed again.
    pub async fn open(url: &str) -> Result<Network, OpenError> {
        Network::open_with(url, NetworkOptions::default()).await
    }

    /// The same with options.
    pub async fn open_with(url: &str, options: NetworkOptions) -> Result<Network, OpenError> {
        let timeout = options.timeout;
        let network = Network::start(url, options)?;
        let outcome = network.first_address(timeout).await;
        if outcome.is_err() {
            network.close();
        }
        outcome.map(|()| network)
    }

    /// Starts a network and returns at once. It goes on trying until it is closed.
    pub fn start(url: &str, options: NetworkOptions) -> Result<Network, OpenError> {
        Ok(Network::launch(url, options)?)
    }

    /// The same with the one error that there is.
    pub(crate) fn launch(url: &str, options: NetworkOptions) -> Result<Network, InvalidOption> {
        let plain = options.plain;
        let config = configure(options)?;
        let (link, handle) =
            WebSocketLink::open(url, config.hardware_address, config.link.mtu, plain);
        let clock = BrowserClock;
        let stack = Stack::new(config, scope::random_bytes(), BrowserClock::now());
        let (network, driver) = driver::Network::new(stack, link, clock);
        crate::task::spawn(async move {
            // The link cannot fail; the driver ends when the network is closed or nobody holds it any more.
            let Ok(()) = driver.await;
        });
        Ok(Network {
            network,
            link: handle,
        })
    }

    /// The WebSocket below.
    #[must_use]
    pub fn link(&self) -> &LinkHandle {
        &self.link
    }

    /// Waits for an address: as long as `timeout`, or until the relay has refused for the first time.
    async fn first_address(&self, timeout: Duration) -> Result<(), OpenError> {
        let mut configured = pin!(self.network.configured());
        let mut relay_lost = pin!(self.relay_lost());
        let mut timeout = pin!(BrowserClock.sleep_until(BrowserClock::now() + timeout));
        poll_fn(|context| {
            if let Poll::Ready(outcome) = configured.as_mut().poll(context) {
                return Poll::Ready(outcome.map_err(|_| OpenError::NoAddress));
            }
            if let Poll::Ready(error) = relay_lost.as_mut().poll(context) {
                return Poll::Ready(Err(error));
            }
            timeout
                .as_mut()
                .poll(context)
                .map(|()| Err(OpenError::NoAddress))
        })
        .await
    }

    async fn relay_lost(&self) -> OpenError {
        let mut seen = 0;
        loop {
            let (version, state) = self.link.changed(seen).await;
            seen = version;
            if let LinkState::Waiting { code, reason, .. } = state {
                return OpenError::Relay { code, reason };
            }
            if state == LinkState::Closed {
                return OpenError::Relay {
                    code: 1000,
                    reason: "closed".to_owned(),
                };
            }
        }
    }
}

impl Deref for Network {
    type Target = driver::Network;
    fn deref(&self) -> &driver::Network {
        &self.network
    }
}

/// Checks what would make no network, and fills in the hardware address.
fn configure(options: NetworkOptions) -> Result<Config, InvalidOption> {
    let mut config = options.config;
    config.hardware_address = match options.hardware_address {
        Some(address) if address.is_unicast() => address,
        Some(_) => {
            return Err(InvalidOption("the hardware address is not unicast"));
        }
        None => random_hardware_address(scope::random_bytes()),
    };
    if !(ethertab_tunnel::SMALLEST_MTU..=ethertab_tunnel::LARGEST_MTU).contains(&config.link.mtu) {
        return Err(InvalidOption("the MTU is not between 576 and 65,535"));
    }
    if config.hostname.as_ref().is_some_and(|name| name.len() > 63) {
        return Err(InvalidOption("the host name is longer than 63 bytes"));
    }
    if let Addressing::Static(address) = &config.addressing
        && address.prefix_length > 32
    {
        return Err(InvalidOption("the prefix is longer than 32 bits"));
    }
    Ok(config)
}

/// A unicast address from the locally administered range (IEEE 802, RFC 9542 §2.1).
fn random_hardware_address(mut bytes: [u8; 6]) -> MacAddress {
    bytes[0] = bytes[0] & !0x01 | 0x02;
    MacAddress(bytes)
}

/// An option is out of its range.
#[derive(Debug)]
pub(crate) struct InvalidOption(&'static str);

impl InvalidOption {
    fn text(&self) -> String {
        ["invalid option: ", self.0].concat()
    }
}

impl From<InvalidOption> for OpenError {
    fn from(InvalidOption(what): InvalidOption) -> OpenError {
        OpenError::InvalidOption(what)
    }
}

impl From<InvalidOption> for JsValue {
    fn from(error: InvalidOption) -> JsValue {
        crate::bindings::error("EINVAL", &error.text())
    }
}

impl From<OpenError> for JsValue {
    fn from(error: OpenError) -> JsValue {
        crate::bindings::error(error.code(), &error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_hardware_address_is_unicast_and_locally_administered() {
        for first in 0..=255 {
            let address = random_hardware_address([first, 0, 0, 0, 0, 0]);
            assert!(address.is_unicast());
            assert_eq!(address.0[0] & 0x02, 0x02);
        }
    }

    #[test]
    fn options_out_of_range_are_refused_by_name() {
        let refused = |change: fn(&mut NetworkOptions)| {
            let mut options = NetworkOptions {
                hardware_address: Some(MacAddress([2, 0, 0, 0, 0, 1])),
                ..NetworkOptions::default()
            };
            change(&mut options);
            let refusal = configure(options).err()?;
            Some(OpenError::from(refusal).code())
        };
        assert_eq!(refused(|_| ()), None);
        assert_eq!(
            refused(|options| options.config.link.mtu = 500),
            Some("EINVAL")
        );
        assert_eq!(
            refused(|options| options.hardware_address = Some(MacAddress::BROADCAST)),
            Some("EINVAL")
        );
        assert_eq!(
            refused(|options| options.config.hostname = Some("n".repeat(64))),
            Some("EINVAL")
        );
    }
}
