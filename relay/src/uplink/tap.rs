//! A TAP interface: the kernel's end is an Ethernet card of this host, ours reads and writes whole frames.
//!
//! Writing a frame runs the kernel's receive path on the spot and hardly ever has to wait, so whoever has a frame for
//! the host writes it himself ([`Outlet`]); only reading has a task. The kernel removes the interface when the last
//! descriptor closes, however this process ends.

use super::{TapError, kernel};
use crate::config::NetworkPlan;
use crate::switch::Plug;
use crate::switch::port::Outlet;
use ethertab_stack::MacAddress;
use ethertab_tunnel::v1::Offload;
use ethertab_tunnel::{VLAN_TAG, largest_frame};
use std::io;
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;
use tun::{AbstractDevice, Configuration, Device, Layer};

/// Frames read before other tasks get a turn.
const BURST: usize = 64;

/// An open TAP interface. Clones share it.
#[derive(Clone)]
pub struct Tap {
    device: Arc<AsyncFd<Device>>,
    address: MacAddress,
    frame: usize,
}

impl Tap {
    /// Makes the interface, gives it its addresses and sets it up.
    pub fn create(name: &str, network: &NetworkPlan) -> Result<Tap, TapError> {
        let mut configuration = Configuration::default();
        configuration.tun_name(name).layer(Layer::L2);
        // Setting it up is done below, one step at a time, so that an error can say which.
        configuration.platform_config(|platform| {
            platform.ensure_root_privileges(false);
        });
        let mut device =
            Device::new(&configuration).map_err(|error| TapError::explain(error.into(), name))?;
        let address = NetworkPlan::hardware_address(network.host);
        let at = |step| {
            move |error: tun::Error| TapError::Setup {
                step,
                error: error.into(),
            }
        };
        kernel::set_hardware_address(&device, address)
            .map_err(|error| at("hardware address")(error.into()))?;
        device.set_mtu(network.mtu).map_err(at("MTU"))?;
        device
            .set_address(network.host.into())
            .map_err(at("address"))?;
        let mask = network.subnet.mask().into();
        device.set_netmask(mask).map_err(at("netmask"))?;
        device.enabled(true).map_err(at("state to up"))?;
        let device = kernel::watch(device).map_err(TapError::Other)?;
        Ok(Tap {
            device: Arc::new(device),
            address,
            frame: largest_frame(network.mtu.into()) + VLAN_TAG,
        })
    }

    /// The host's hardware address on it.
    #[must_use]
    pub fn hardware_address(&self) -> MacAddress {
        self.address
    }

    /// Reads frames into the switch until the interface is gone.
    pub async fn read(self, plug: Plug) -> io::Error {
        let mut frame = vec![0; self.frame];
        // An interface that somebody deletes is not readable, but an error.
        let interest = Interest::READABLE | Interest::ERROR;
        loop {
            let mut ready = match self.device.ready(interest).await {
                Ok(ready) => ready,
                Err(error) => return error,
            };
            let now = Instant::now();
            // Several are often there already: take them without asking the poller each time.
            for _ in 0..BURST {
                match self.device.get_ref().recv(&mut frame) {
                    Ok(length) => plug.forward(&frame[..length], Offload::NONE, now),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready.clear_ready();
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return error,
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Outlet for Tap {
    fn deliver(&self, frame: &[u8], _: Offload) -> bool {
        // The kernel refuses with EIO while somebody has set the interface down, and with EAGAIN or ENOBUFS when it has
        // no room: a drop in either case, as on any card.
        self.device.get_ref().send(frame).is_ok()
    }
}
