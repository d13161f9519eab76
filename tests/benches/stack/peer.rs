//! smoltcp, measured: through its own device trait, with its own poll.

use crate::host::{Host, Setup, address};
use crate::wire::{Frame, Wire};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{
    Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken,
};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use std::net::Ipv4Addr;

/// smoltcp with one connection.
pub(crate) struct Smoltcp {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    capabilities: DeviceCapabilities,
}

struct OnWire<'w, W> {
    wire: std::cell::RefCell<&'w mut W>,
    capabilities: DeviceCapabilities,
}

struct Received<'d, 'w, W>(&'d OnWire<'w, W>, Frame);
struct Room<'d, 'w, W>(&'d OnWire<'w, W>);

impl<W: Wire> RxToken for Received<'_, '_, W> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        let result = take(self.1.bytes());
        self.0.wire.borrow_mut().recycle(self.1);
        result
    }
}

impl<W: Wire> TxToken for Room<'_, '_, W> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        // An answer to a frame that arrived may find the wire full: then it is lost, as on any link.
        let (mut frame, fits) = match self.0.wire.borrow_mut().buffer() {
            Some(frame) => (frame, true),
            None => (Frame::new(length), false),
        };
        frame.set_length(length);
        let result = fill(&mut frame.room()[..length]);
        if fits {
            self.0.wire.borrow_mut().send(frame);
        }
        result
    }
}

impl<'w, W: Wire> Device for OnWire<'w, W> {
    type RxToken<'d>
        = Received<'d, 'w, W>
    where
        Self: 'd;
    type TxToken<'d>
        = Room<'d, 'w, W>
    where
        Self: 'd;

    fn receive(&mut self, _: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let frame = self.wire.borrow_mut().receive()?;
        Some((Received(self, frame), Room(self)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Self::TxToken<'_>> {
        let mut wire = self.wire.borrow_mut();
        let buffer = wire.buffer()?;
        wire.recycle(buffer);
        drop(wire);
        Some(Room(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.capabilities.clone()
    }
}

/// A device for [`Interface::new`], which looks at capabilities alone.
struct Nowhere;

impl Wire for Nowhere {
    fn receive(&mut self) -> Option<Frame> {
        None
    }
    fn recycle(&mut self, _: Frame) {}
    fn buffer(&mut self) -> Option<Frame> {
        None
    }
    fn send(&mut self, _: Frame) {}
}

impl Smoltcp {
    fn socket(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut::<tcp::Socket<'_>>(self.handle)
    }
}

impl Host for Smoltcp {
    fn new(setup: &Setup, number: u8) -> Smoltcp {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = setup.mtu + 14;
        if !setup.checksums {
            capabilities.checksum = ChecksumCapabilities::ignored();
            capabilities.checksum.ipv4 = Checksum::Both;
        }
        let mut nowhere = Nowhere;
        let mut device = OnWire {
            wire: std::cell::RefCell::new(&mut nowhere),
            capabilities: capabilities.clone(),
        };
        let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into());
        config.random_seed = number.into();
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses
                .push(IpCidr::new(IpAddress::Ipv4(address(number)), 24))
                .expect("room for one address");
        });
        let buffer = || tcp::SocketBuffer::new(vec![0; setup.buffer]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        // With its feature on, CUBIC is the default.
        socket.set_congestion_control(if setup.congestion_control {
            tcp::CongestionControl::Cubic
        } else {
            tcp::CongestionControl::None
        });
        socket.set_nagle_enabled(false);
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        Smoltcp {
            interface,
            sockets,
            handle,
            capabilities,
        }
    }

    fn connect(&mut self, remote: Ipv4Addr, port: u16) {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.handle);
        // The caller picks the local port: a fresh one a connection.
        let local = 49_152 + (std::process::id() as u16 ^ fresh_port()) % 16_000;
        socket
            .connect(self.interface.context(), (remote, port), local)
            .expect("a route");
    }

    fn listen(&mut self, port: u16) {
        self.socket().listen(port).expect("a free port");
    }

    fn poll(&mut self, now: u64, wire: &mut impl Wire) {
        let mut device = OnWire {
            wire: std::cell::RefCell::new(wire),
            capabilities: self.capabilities.clone(),
        };
        let now = Instant::from_micros(i64::try_from(now).unwrap_or(i64::MAX));
        self.interface.poll(now, &mut device, &mut self.sockets);
    }

    fn delay(&mut self, now: u64) -> Option<u64> {
        let now = Instant::from_micros(i64::try_from(now).unwrap_or(i64::MAX));
        self.interface
            .poll_delay(now, &self.sockets)
            .map(|delay| delay.total_micros().div_ceil(1_000))
    }

    fn write(&mut self, bytes: &[u8], _: u64) -> usize {
        self.socket().send_slice(bytes).unwrap_or(0)
    }

    fn read(&mut self, buffer: &mut [u8], _: u64) -> usize {
        self.socket().recv_slice(buffer).unwrap_or(0)
    }

    fn abort(&mut self, _: u64) {
        self.socket().abort();
    }
}

fn fresh_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    NEXT.fetch_add(97, Ordering::Relaxed)
}
