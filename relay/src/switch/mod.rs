//! One learning switch (IEEE 802.1D §7, without the spanning tree: it has no second switch to make a loop with).
//!
//! Enters: frames from the tasks that read the ports, by a plain call of [`Plug::forward`]. Leaves: the same frames,
//! copied into the queue, or written to the device, of the ports that they go to; a large one that came in a buffer of its
//! own ([`parcel`]) moves to the queue with it. There is no task of its own: a frame passes one lock for a moment and one
//! queue. Nothing here waits, so one slow port cannot hold up another; what a queue cannot take is dropped and counted at
//! the port that was too slow.
//!
//! A frame may come with something left to be done to it: its checksum, or cutting it ([`Offload`]). It goes on as it is to
//! ports that take it so; for others, [`finish`] does it on the way out.
//!
//! It trusts the uplink and the gateway. A client is trusted with its own addresses only:
//! - the host's and the gateway's hardware addresses are pinned to their ports;
//! - an address that another client uses stays there until that client is gone, or was silent for five minutes. When
//!   somebody else turns up with it (a tab that came back before its dead connection was noticed), the holder is asked
//!   by a ping at once, so a dead one makes room within seconds;
//! - it hears what is sent to its addresses, to groups and to all, and nothing else;
//! - [`guard`] drops frames that pose as the relay's own hosts, and requests for other stations' leases; each client's broadcasts are bounded in number.

pub mod fair;
pub mod finish;
pub mod guard;
pub mod parcel;
pub mod port;
pub mod queue;
mod table;

pub use table::{AGEING, TableLimits};

use ethertab_stack::MacAddress;
use ethertab_tunnel::SHORTEST_FRAME;
use ethertab_tunnel::v1::Offload;
use guard::Guard;
use parcel::Parcel;
use port::{DropReason, Kind, Outlet, Port};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use table::{Learned, Table};
use tokio::time::Instant;

/// What a switch is made from.
#[derive(Clone, Debug)]
pub struct SwitchConfig {
    /// The network's MTU in bytes: longer frames are dropped.
    pub mtu: usize,
    /// What clients may not say.
    pub guard: Guard,
    /// Bounds of the address table.
    pub table: TableLimits,
    /// Frames to groups and to all that one client may send in a second.
    pub flood_rate: u32,
}

/// The switch.
pub struct Switch {
    config: SwitchConfig,
    state: Mutex<State>,
    next_id: AtomicU64,
}

struct State {
    ports: Vec<Arc<Port>>,
    table: Table,
}

/// Keeps a port plugged in; dropping it pulls the plug.
pub struct Plug {
    switch: Arc<Switch>,
    port: Arc<Port>,
}

/// Where a frame goes, found under the lock and used after it.
enum Target {
    One(Arc<Port>),
    Others(Vec<Arc<Port>>),
}

impl Switch {
    /// A switch with nothing plugged in.
    #[must_use]
    pub fn new(config: SwitchConfig) -> Arc<Switch> {
        let table = Table::new(config.table, Instant::now());
        Arc::new(Switch {
            config,
            state: Mutex::new(State {
                ports: Vec::new(),
                table,
            }),
            next_id: AtomicU64::new(1),
        })
    }

    /// Plugs something in. `address` is pinned to the port.
    pub fn plug_in(
        self: &Arc<Self>,
        kind: Kind,
        name: String,
        outlet: Box<dyn Outlet>,
        address: Option<MacAddress>,
    ) -> Plug {
        let now = Instant::now();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let port = Arc::new(Port::new(
            id,
            kind,
            name,
            outlet,
            self.config.flood_rate,
            now,
        ));
        let mut state = self.lock();
        state.ports.push(Arc::clone(&port));
        if let Some(address) = address {
            state.table.pin(address, &port, now);
        }
        drop(state);
        Plug {
            switch: Arc::clone(self),
            port,
        }
    }

    /// The ports plugged in now, the oldest first.
    #[must_use]
    pub fn ports(&self) -> Vec<Arc<Port>> {
        self.lock().ports.clone()
    }

    /// Which addresses live at which port.
    #[must_use]
    pub fn addresses(&self) -> Vec<(MacAddress, u64)> {
        self.lock().table.addresses().collect()
    }

    /// Pulls the plug of the port `before` and gives its addresses to `newcomer`, all at once: its owner goes on there.
    pub fn take_over(&self, before: u64, newcomer: &Plug) {
        let mut state = self.lock();
        state.ports.retain(|port| port.id != before);
        state
            .table
            .hand_over(before, &newcomer.port, Instant::now());
    }

    /// The network's MTU in bytes.
    #[must_use]
    pub fn mtu(&self) -> usize {
        self.config.mtu
    }

    /// Takes one frame that came in at a port and hands it on.
    fn forward(&self, from: &Arc<Port>, frame: &[u8], offload: Offload, now: Instant) {
        match self.route(from, frame, offload, now) {
            Some(Target::One(port)) => port.send(frame, offload),
            Some(Target::Others(ports)) => {
                ports.iter().for_each(|port| port.send(frame, offload));
            }
            None => {}
        }
    }

    /// Takes one frame in its own buffer, which whoever it goes to may keep.
    fn forward_parcel(
        &self,
        from: &Arc<Port>,
        parcel: &mut Parcel,
        offload: Offload,
        now: Instant,
    ) {
        match self.route(from, parcel.frame(), offload, now) {
            Some(Target::One(port)) => port.send_parcel(parcel, offload),
            Some(Target::Others(ports)) => {
                let frame = parcel.frame();
                ports.iter().for_each(|port| port.send(frame, offload));
            }
            None => {}
        }
    }

    /// Where a frame that came in at a port goes; `None`: it was dropped, and counted.
    fn route(
        &self,
        from: &Arc<Port>,
        frame: &[u8],
        offload: Offload,
        now: Instant,
    ) -> Option<Target> {
        let target = self.admit(from, frame, offload).and_then(|()| {
            from.counters.count_in(frame, offload);
            self.target(from, frame, offload, now)
        });
        target
            .inspect_err(|reason| from.counters.drop_frame(*reason))
            .ok()
    }

    /// Whether nothing is wrong with the frame itself.
    fn admit(&self, from: &Port, frame: &[u8], offload: Offload) -> Result<(), DropReason> {
        if frame.len() < SHORTEST_FRAME {
            return Err(DropReason::Short);
        }
        let client = from.kind == Kind::Client;
        finish::admit(frame, offload, self.config.mtu, !client)?;
        if !source(frame).is_unicast() {
            return Err(DropReason::BadSource);
        }
        if client && !self.config.guard.permits(frame, offload) {
            return Err(DropReason::Forbidden);
        }
        Ok(())
    }

    fn target(
        &self,
        from: &Arc<Port>,
        frame: &[u8],
        offload: Offload,
        now: Instant,
    ) -> Result<Target, DropReason> {
        let client = from.kind == Kind::Client;
        let mut state = self.lock();
        match state.table.learn(source(frame), from, client, now) {
            Learned::Known => {}
            Learned::Held(holder) => {
                if client {
                    holder.challenge();
                }
                return Err(DropReason::Spoofed);
            }
            Learned::TooMany => return Err(DropReason::TooManyAddresses),
        }
        let destination = destination(frame);
        if !destination.is_multicast()
            && let Some(port) = state.table.find(destination)
        {
            // Split horizon: who is on the same port has heard it already.
            return if port.id == from.id {
                Err(DropReason::Reflected)
            } else {
                Ok(Target::One(Arc::clone(port)))
            };
        }
        let mut others: Vec<Arc<Port>> = state.ports.clone();
        drop(state);
        others.retain(|port| port.id != from.id);
        if destination.is_multicast() {
            if client && !from.storm.allow(now, finish::count(frame, offload)) {
                return Err(DropReason::Storm);
            }
        } else {
            // A switch looks everywhere for a station that it does not know. Here every client is known by its first
            // frame until it leaves, so a stranger can only be behind the uplink, and no tab hears what is not for it.
            others.retain(|port| port.kind == Kind::Uplink);
            if others.is_empty() {
                return Err(DropReason::NobodyThere);
            }
        }
        Ok(Target::Others(others))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plug {
    /// Hands a frame that came in at this port to the switch, with what is still to be done to it; `now` is when it came.
    pub fn forward(&self, frame: &[u8], offload: Offload, now: Instant) {
        self.switch.forward(&self.port, frame, offload, now);
    }

    /// The same for a frame in a buffer of its own, which may be gone afterwards.
    pub fn forward_parcel(&self, parcel: &mut Parcel, offload: Offload, now: Instant) {
        self.switch.forward_parcel(&self.port, parcel, offload, now);
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> &Arc<Port> {
        &self.port
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        let mut state = self.switch.lock();
        state.ports.retain(|port| port.id != self.port.id);
        state.table.forget(self.port.id);
    }
}

fn destination(frame: &[u8]) -> MacAddress {
    address_at(frame, 0)
}

fn source(frame: &[u8]) -> MacAddress {
    address_at(frame, 6)
}

fn address_at(frame: &[u8], offset: usize) -> MacAddress {
    let mut address = [0; 6];
    if let Some(bytes) = frame.get(offset..offset + 6) {
        address.copy_from_slice(bytes);
    }
    MacAddress(address)
}

#[cfg(test)]
mod tests;
