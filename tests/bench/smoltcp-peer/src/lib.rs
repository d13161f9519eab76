//! smoltcp with one TCP connection over a plain WebSocket to the relay: one frame a message, both ways.
//!
//! What ours is measured beside in the browser, so whatever is left to choose is chosen for its speed: frames that arrive wait
//! until [`Peer::receive`] takes all of them at once, so that one acknowledgement answers them; stream bytes are copied once between
//! JavaScript and the socket's buffers. The Worker around it is `tests/bench/browser/smoltcp.ts`.

mod device;

use device::Tunnel;
use js_sys::Uint8Array;
use smoltcp::iface::{
    Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet,
};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address};
use wasm_bindgen::prelude::*;
use web_sys::WebSocket;

/// Length of the prefix of the relay's network.
const PREFIX: u8 = 20;

/// Bytes of the buffer of each direction: the default of our own stack.
const BUFFER: usize = 2 * 1024 * 1024;

/// A station with one TCP connection. Times are milliseconds since any origin.
#[wasm_bindgen]
pub struct Peer {
    device: Tunnel,
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
}

#[wasm_bindgen]
impl Peer {
    /// A station with this address, a fixed one that DHCP does not hand out, in the tunnel behind an open WebSocket. Its hardware
    /// address and its local port follow from the seed.
    #[wasm_bindgen(constructor)]
    pub fn new(websocket: WebSocket, address: &str, seed: u32) -> Result<Peer, JsError> {
        let address: Ipv4Address = address.parse()?;
        let mut device = Tunnel::new(websocket);
        let [_, _, third, fourth] = address.octets();
        let hardware = EthernetAddress([2, 0x5a, 0, 0, third, fourth]);
        let mut config = Config::new(hardware.into());
        config.random_seed = seed.into();
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        let mut room = true;
        interface.update_ip_addrs(|addresses| {
            room = addresses.push(IpCidr::new(address.into(), PREFIX)).is_ok();
        });
        if !room {
            return Err(JsError::new("no room for an address"));
        }
        let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_congestion_control(tcp::CongestionControl::Cubic);
        socket.set_nagle_enabled(false);
        // One acknowledgement answers all that came at once: there is nothing to gain by delaying it.
        socket.set_ack_delay(None);
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        Ok(Peer {
            device,
            interface,
            sockets,
            handle,
        })
    }

    /// Begins to open the connection.
    pub fn connect(&mut self, host: &str, port: u16, local_port: u16) -> Result<(), JsError> {
        let host: Ipv4Address = host.parse()?;
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.handle);
        Ok(socket.connect(self.interface.context(), (host, port), local_port)?)
    }

    /// Takes one message of the WebSocket; it waits for [`Peer::receive`].
    pub fn arrived(&mut self, frame: &Uint8Array) {
        self.device.arrived(frame);
    }

    /// Processes the frames that wait.
    pub fn receive(&mut self, now: f64) {
        let now = instant(now);
        self.interface.poll_maintenance(now);
        while self
            .interface
            .poll_ingress_single(now, &mut self.device, &mut self.sockets)
            != PollIngressSingleResult::None
        {}
    }

    /// Sends what there is to send, while the browser takes it. After this, [`Peer::delay`].
    pub fn transmit(&mut self, now: f64) {
        self.device.look();
        while self
            .interface
            .poll_egress(instant(now), &mut self.device, &mut self.sockets)
            != PollResult::None
        {}
    }

    /// Milliseconds until the next `transmit`, if no frame arrives and nothing is written before.
    pub fn delay(&mut self, now: f64) -> Option<f64> {
        self.interface
            .poll_delay(instant(now), &self.sockets)
            .map(|delay| delay.total_micros() as f64 / 1e3)
    }

    /// The next bytes of the stream, as many as lie in one piece and at most `limit`; none: nothing waits.
    pub fn read(&mut self, limit: usize) -> Option<Uint8Array> {
        self.socket()
            .recv(|bytes| {
                let bytes = &bytes[..bytes.len().min(limit)];
                (bytes.len(), Uint8Array::from(bytes))
            })
            .ok()
            .filter(|bytes| bytes.length() > 0)
    }

    /// Writes as much of these bytes as the send buffer takes in one piece; says how many.
    pub fn write(&mut self, bytes: &Uint8Array) -> usize {
        self.socket()
            .send(|room| {
                let length = room.len().min(bytes.length() as usize);
                bytes
                    .subarray(0, length as u32)
                    .copy_to(&mut room[..length]);
                (length, length)
            })
            .unwrap_or(0)
    }

    /// No more is written.
    pub fn close(&mut self) {
        self.socket().close();
    }

    /// Whether bytes can be written.
    #[wasm_bindgen(getter, js_name = isOpen)]
    pub fn is_open(&mut self) -> bool {
        self.socket().may_send()
    }

    /// Whether the connection is over, or never began.
    #[wasm_bindgen(getter, js_name = isOver)]
    pub fn is_over(&mut self) -> bool {
        !self.socket().is_active()
    }
}

impl Peer {
    fn socket(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut::<tcp::Socket<'_>>(self.handle)
    }
}

fn instant(milliseconds: f64) -> Instant {
    Instant::from_micros((milliseconds * 1e3) as i64)
}
