//! A network, for JavaScript.

use super::capture::Captures;
use super::error::from_driver;
use super::object::object;
use super::options;
use super::results;
use super::text;
use super::{Capture, TcpListener, TcpStream, UdpSocket};
use crate::link::LinkState;
use crate::network;
use crate::task::{self, promise};
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use ethertab_stack::Event;
use ethertab_stack::driver::Error;
use ethertab_stack::socket::TcpError;
use js_sys::{Function, Promise, WebAssembly};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// A host of its own on the Ethernet behind a relay.
#[wasm_bindgen]
pub struct Network {
    inner: network::Network,
    mtu: usize,
    captures: Captures,
}

#[wasm_bindgen]
impl Network {
    /// Starts a network over the relay at `url` and returns at once; it goes on trying until it is closed.
    /// `notify(notice)` hears of the relay and the lease.
    pub fn start(url: &str, options: JsValue, notify: Function) -> Result<Network, JsValue> {
        let options = options::network(options)?;
        let mtu = options.config.link.mtu;
        let inner = network::Network::launch(url, options)?;
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
        information(&self.inner, self.mtu)
    }

    /// Connects to a name or an address; gives up when `stop` settles.
    #[wasm_bindgen(unchecked_return_type = "Promise<TcpStream>")]
    pub fn connect(
        &self,
        host: String,
        port: u16,
        options: JsValue,
        stop: Option<Promise>,
    ) -> Promise {
        let network = self.inner.clone();
        promise(async move {
            let options = options::tcp(options)?;
            let stream = unless(stop, network.connect(&host, port, options)).await;
            stream.map(TcpStream::new).map_err(from_driver)
        })
    }

    /// Listens for connections.
    pub fn listen(&self, options: JsValue) -> Result<TcpListener, JsValue> {
        let (local, options) = options::listen(options)?;
        let listener = self.inner.listen(local, options);
        listener.map(TcpListener::new).map_err(from_driver)
    }

    /// Opens a UDP socket.
    pub fn udp(&self, options: JsValue) -> Result<UdpSocket, JsValue> {
        let local = options::udp(options)?;
        let socket = self.inner.bind_udp(local);
        socket.map(UdpSocket::new).map_err(from_driver)
    }

    /// All addresses of a name.
    #[wasm_bindgen(unchecked_return_type = "Promise<string[]>")]
    pub fn resolve(&self, name: String) -> Promise {
        let network = self.inner.clone();
        promise(async move {
            let addresses = network.resolve(&name).await.map_err(from_driver)?;
            Ok(results::addresses(&addresses))
        })
    }

    /// Sends one echo request and waits for its reply.
    #[wasm_bindgen(unchecked_return_type = "Promise<any>")]
    pub fn ping(&self, address: String, options: JsValue) -> Promise {
        let network = self.inner.clone();
        promise(async move {
            let address = options::address(&address)?;
            let options = options::ping(options)?;
            let reply = network.ping(address, options).await.map_err(from_driver)?;
            Ok(results::echo(&reply))
        })
    }

    /// Sees every frame from now on; several captures may run at once.
    pub fn capture(&self) -> Capture {
        self.captures.start(self.inner.clone())
    }

    /// What passed and what was dropped.
    pub fn counters(&self) -> JsValue {
        let counters = self.inner.with_stack(|stack, _| stack.counters());
        results::totals(&counters, self.inner.link(), memory_bytes())
    }

    /// Every TCP connection but those in TIME-WAIT.
    pub fn connections(&self) -> JsValue {
        self.inner
            .with_stack(|stack, _| results::connections(stack))
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

/// Waits for `work`, which is dropped when `stop` settles.
async fn unless<T>(
    stop: Option<Promise>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut stop = stop.map(JsFuture::from);
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Some(stop) = &mut stop
            && Pin::new(stop).poll(context).is_ready()
        {
            return Poll::Ready(Err(Error::Tcp(TcpError::Aborted)));
        }
        work.as_mut().poll(context)
    })
    .await
}

fn information(network: &network::Network, mtu: usize) -> JsValue {
    network.with_stack(|stack, _| results::information(stack, mtu))
}

/// Tells of the WebSocket: that it is being opened, that it is open, or that it could not be opened or was closed and the next
/// try follows after `delay` milliseconds.
async fn watch_relay(link: crate::link::LinkHandle, notify: Function) {
    let (mut seen, mut state) = (0, link.state());
    loop {
        match state {
            LinkState::Connecting => tell(&notify, &[("type", "relay-connecting".into())]),
            LinkState::Open => tell(
                &notify,
                &[
                    ("type", "relay-open".into()),
                    ("reconnects", results::count(link.counters().reconnects)),
                ],
            ),
            LinkState::Waiting {
                code,
                reason,
                delay,
                was_open,
            } => tell(
                &notify,
                &[
                    ("type", "relay-lost".into()),
                    ("code", code.into()),
                    ("reason", reason.into()),
                    ("delay", results::milliseconds(delay)),
                    ("wasOpen", was_open.into()),
                ],
            ),
            LinkState::Closed => return,
        }
        (seen, state) = link.changed(seen).await;
    }
}

/// Tells of the address: that there is one or that it has a new life, that it is gone, that another station uses it.
async fn watch_lease(network: network::Network, mtu: usize, notify: Function) {
    let leased = |information| {
        let kind = ("type", "leased".into());
        tell(&notify, &[kind, ("information", information)]);
    };
    // A fixed address is there from the beginning and no event tells of it.
    let first = information(&network, mtu);
    if !first.is_null() {
        leased(first);
    }
    while let Some(event) = network.next_event().await {
        match event {
            Event::Leased(_) => leased(information(&network, mtu)),
            Event::LeaseLost => tell(&notify, &[("type", "lease-lost".into())]),
            Event::AddressConflict { address, claimant } => tell(
                &notify,
                &[
                    ("type", "address-conflict".into()),
                    ("address", results::address(&address.into())),
                    ("claimant", text::mac(claimant).into()),
                ],
            ),
            Event::Tcp(..) | Event::Listener(_) | Event::Udp(_) | Event::Echo(_) => {}
        }
    }
}

fn tell(notify: &Function, notice: &[(&'static str, JsValue)]) {
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
