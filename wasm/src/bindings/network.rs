//! A network, for JavaScript.

use super::capture::Captures;
use super::error::from_driver;
use super::results::{self, Information, object};
use super::{Capture, TcpListener, TcpStream, UdpSocket, options};
use crate::link::LinkState;
use crate::network;
use crate::task::{self, promise};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use ethertab_stack::Event;
use js_sys::{Array, Function, Promise, WebAssembly};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// A host of its own on the Ethernet behind a relay.
#[wasm_bindgen]
pub struct Network {
    inner: network::Network,
    mtu: usize,
    captures: Captures,
}

/// What a network tells `notify`.
#[derive(Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
enum Notice {
    /// The WebSocket is being opened.
    RelayConnecting,
    /// It is open.
    RelayOpen { reconnects: u64 },
    /// It could not be opened, or was closed; the next try follows after `delay` milliseconds.
    RelayLost {
        code: u16,
        reason: String,
        delay: f64,
        was_open: bool,
    },
    /// There is an address, or it has a new life.
    Leased { information: Option<Information> },
    /// The address is gone.
    LeaseLost,
    /// Another station uses our address.
    AddressConflict { address: IpAddr, claimant: String },
}

#[wasm_bindgen]
impl Network {
    /// Starts a network over the relay at `url` and returns at once; it goes on trying until it is closed.
    /// `notify(notice)` hears of the relay and the lease.
    pub fn start(url: &str, options: JsValue, notify: Function) -> Result<Network, JsValue> {
        let options = options::read::<options::Network>(options)?.options()?;
        let mtu = options.config.link.mtu;
        let inner = network::Network::start(url, options)?;
        task::spawn(watch_relay(inner.link().clone(), notify.clone()));
        task::spawn(watch_lease(inner.clone(), mtu, notify));
        Ok(Network {
            inner,
            mtu,
            captures: Captures::default(),
        })
    }

    /// Resolves once there is an address.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn configured(&self) -> Promise {
        let network = self.inner.clone();
        promise(async move {
            network.configured().await.map_err(from_driver)?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Who and where we are; `null` without an address.
    pub fn information(&self) -> JsValue {
        object(
            &self
                .inner
                .with_stack(|stack, _| Information::of(stack, self.mtu)),
        )
    }

    /// Connects to a name or an address.
    #[wasm_bindgen(unchecked_return_type = "Promise<TcpStream>")]
    pub fn connect(&self, host: String, port: u16, options: JsValue) -> Promise {
        let network = self.inner.clone();
        promise(async move {
            let options = options::read::<options::Tcp>(options)?.options()?;
            let stream = network.connect(&host, port, options).await;
            stream.map(TcpStream::new).map_err(from_driver)
        })
    }

    /// Listens for connections.
    pub fn listen(&self, options: JsValue) -> Result<TcpListener, JsValue> {
        let accepted = options::read::<options::Tcp>(options.clone())?;
        let options = options::read::<options::Listen>(options)?;
        let local = SocketAddr::new(options.address.unwrap_or(ANY), options.port);
        let listener = self.inner.listen(local, options.options(&accepted)?);
        listener.map(TcpListener::new).map_err(from_driver)
    }

    /// Opens a UDP socket.
    pub fn udp(&self, options: JsValue) -> Result<UdpSocket, JsValue> {
        let options = options::read::<options::Udp>(options)?;
        let local = SocketAddr::new(options.local_address.unwrap_or(ANY), options.local_port);
        let socket = self.inner.bind_udp(local);
        socket.map(UdpSocket::new).map_err(from_driver)
    }

    /// All addresses of a name.
    #[wasm_bindgen(unchecked_return_type = "Promise<string[]>")]
    pub fn resolve(&self, name: String) -> Promise {
        let network = self.inner.clone();
        promise(async move {
            let addresses = network.resolve(&name).await.map_err(from_driver)?;
            let text = |address: &IpAddr| JsValue::from(address.to_string());
            Ok(addresses.iter().map(text).collect::<Array>())
        })
    }

    /// Sends one echo request and waits for its reply.
    #[wasm_bindgen(unchecked_return_type = "Promise<any>")]
    pub fn ping(&self, address: String, options: JsValue) -> Promise {
        let network = self.inner.clone();
        promise(async move {
            let address = options::address(&address)?;
            let options = options::read::<options::Ping>(options)?.options()?;
            let reply = network.ping(address, options).await.map_err(from_driver)?;
            Ok(object(&results::Echo::from(reply)))
        })
    }

    /// Sees every frame from now on; several captures may run at once.
    pub fn capture(&self) -> Capture {
        self.captures.start(self.inner.clone())
    }

    /// What passed and what was dropped.
    pub fn counters(&self) -> JsValue {
        let counters = self.inner.with_stack(|stack, _| stack.counters());
        object(&results::Totals::of(
            &counters,
            self.inner.link(),
            memory_bytes(),
        ))
    }

    /// Resets all connections, gives the lease back, closes the WebSocket.
    pub fn close(&self) {
        self.inner.close();
    }

    /// Resolves once the last frames were handed to the browser and the WebSocket is being closed.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn ended(&self) -> Promise {
        let link = self.inner.link().clone();
        promise(async move {
            let (mut seen, mut state) = (0, link.state());
            while state != LinkState::Closed {
                (seen, state) = link.changed(seen).await;
            }
            Ok(JsValue::UNDEFINED)
        })
    }
}

const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

async fn watch_relay(link: crate::link::LinkHandle, notify: Function) {
    let (mut seen, mut state) = (0, link.state());
    loop {
        let notice = match state {
            LinkState::Connecting => Notice::RelayConnecting,
            LinkState::Open => Notice::RelayOpen {
                reconnects: link.counters().reconnects,
            },
            LinkState::Waiting {
                code,
                reason,
                delay,
                was_open,
            } => Notice::RelayLost {
                code,
                reason,
                delay: results::milliseconds(delay),
                was_open,
            },
            LinkState::Closed => return,
        };
        tell(&notify, &notice);
        (seen, state) = link.changed(seen).await;
    }
}

async fn watch_lease(network: network::Network, mtu: usize, notify: Function) {
    // A fixed address is there from the beginning and no event tells of it.
    let information = network.with_stack(|stack, _| Information::of(stack, mtu));
    if information.is_some() {
        tell(&notify, &Notice::Leased { information });
    }
    while let Some(event) = network.next_event().await {
        let notice = match event {
            Event::Leased(_) => Notice::Leased {
                information: network.with_stack(|stack, _| Information::of(stack, mtu)),
            },
            Event::LeaseLost => Notice::LeaseLost,
            Event::AddressConflict { address, claimant } => Notice::AddressConflict {
                address: address.into(),
                claimant: claimant.to_string(),
            },
            Event::Tcp(..) | Event::Listener(_) | Event::Udp(_) | Event::Echo(_) => continue,
        };
        tell(&notify, &notice);
    }
}

fn tell(notify: &Function, notice: &Notice) {
    // Whatever the program throws is its own affair.
    let _ = notify.call1(&JsValue::NULL, &object(notice));
}

fn memory_bytes() -> f64 {
    wasm_bindgen::memory()
        .dyn_into::<WebAssembly::Memory>()
        .ok()
        .and_then(|memory| memory.buffer().dyn_into::<js_sys::ArrayBuffer>().ok())
        .map_or(0.0, |buffer| f64::from(buffer.byte_length()))
}
