//! What a measured stack must do: the same for ours and for the peer.

use crate::wire::Wire;
use std::net::Ipv4Addr;

/// The port that everybody uses.
pub(crate) const PORT: u16 = 5_001;

/// What both sides are set up with.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    /// Largest IP packet, in bytes.
    pub mtu: usize,
    /// Socket buffers, in bytes.
    pub buffer: usize,
    /// CUBIC, or none.
    pub congestion_control: bool,
    /// Whether TCP and IP checksums are computed and verified.
    pub checksums: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            mtu: 1_500,
            buffer: 1 << 20,
            congestion_control: false,
            checksums: true,
        }
    }
}

/// The address of host number `number`.
pub(crate) fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 0, number)
}

/// A stack with one connection, without Nagle's algorithm: the odd end of a transfer would wait for a delayed
/// acknowledgement, and the figure would show the length of that timer.
pub(crate) trait Host {
    /// A host with the address of that number.
    fn new(setup: &Setup, number: u8) -> Self;
    /// Opens the one connection.
    fn connect(&mut self, remote: Ipv4Addr, port: u16);
    /// Waits for the one connection.
    fn listen(&mut self, port: u16);
    /// Takes what came over the wire and sends what is to be sent, as far as the wire takes it.
    fn poll(&mut self, now: u64, wire: &mut impl Wire);
    /// Milliseconds until the next timer, if there is one.
    fn delay(&mut self, now: u64) -> Option<u64>;
    /// Bytes taken; 0 if there is no room.
    fn write(&mut self, bytes: &[u8], now: u64) -> usize;
    /// Bytes given; 0 if there are none.
    fn read(&mut self, buffer: &mut [u8], now: u64) -> usize;
    /// Ends the connection at once.
    fn abort(&mut self, now: u64);
}
