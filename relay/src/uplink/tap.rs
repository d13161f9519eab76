//! A TAP interface: the kernel's end is an Ethernet card of this host, ours reads and writes whole frames.
//!
//! Writing a frame runs the kernel's receive path on the spot and hardly ever has to wait, so whoever has a frame for
//! the host writes it himself ([`Outlet`]); only reading has a task. The kernel removes the interface when the last
//! descriptor closes, however this process ends.
//!
//! With offload, virtio's header stands in front of each frame, and the kernel hands over and takes segments of up to 64 KiB, and
//! checksums that nobody has filled in yet.

use super::virtio::{self, HEADER};
use super::{TapError, kernel};
use crate::config::NetworkPlan;
use crate::switch::Plug;
use crate::switch::port::{Delivery, DropReason, Outlet};
use ethertab_stack::MacAddress;
use ethertab_tunnel::v1::{Features, Offload};
use ethertab_tunnel::{LARGEST_MESSAGE, VLAN_TAG, largest_frame};
use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;
use tun::{AbstractDevice, Configuration, Device, Layer};

/// Frames, and bytes of them, read before other tasks get a turn.
const BURST: (usize, usize) = (64, 512 * 1024);

/// An open TAP interface. Clones share it.
#[derive(Clone)]
pub struct Tap {
    device: Arc<AsyncFd<File>>,
    address: MacAddress,
    /// The longest frame that it hands over.
    frame: usize,
    /// What may be left to be done to frames, in both directions; `None`: there is no header that could say so.
    offload: Option<Features>,
}

impl Tap {
    /// Makes the interface, gives it its addresses and sets it up. With `offload` it hands over and takes frames to which
    /// something is left to be done, as far as the kernel does.
    pub fn create(name: &str, network: &NetworkPlan, offload: bool) -> Result<Tap, TapError> {
        let (mut device, header) = open(name, offload)?;
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
        let features = header.then(|| kernel::offload(&device));
        match features {
            Some(features) => tracing::info!("{name} takes and hands over {}", list(features)),
            None => tracing::info!("{name} takes and hands over complete frames only"),
        }
        device.enabled(true).map_err(at("state to up"))?;
        let device = kernel::watch(device).map_err(TapError::Other)?;
        let frame = match features {
            Some(features) if features != Features::NONE => LARGEST_MESSAGE,
            _ => largest_frame(network.mtu.into()) + VLAN_TAG,
        };
        Ok(Tap {
            device: Arc::new(device),
            address,
            frame,
            offload: features,
        })
    }

    /// The host's hardware address on it.
    #[must_use]
    pub fn hardware_address(&self) -> MacAddress {
        self.address
    }

    /// Reads frames into the switch until the interface is gone.
    pub async fn read(self, plug: Plug) -> io::Error {
        let mut buffer = vec![0; HEADER + self.frame];
        // An interface that somebody deletes is not readable, but an error.
        let interest = Interest::READABLE | Interest::ERROR;
        'bursts: loop {
            let mut ready = match self.device.ready(interest).await {
                Ok(ready) => ready,
                Err(error) => return error,
            };
            let now = Instant::now();
            // Several are often there already: take them without asking the poller each time.
            let (mut frames, mut bytes) = (0, 0);
            while frames < BURST.0 && bytes < BURST.1 {
                match self.device.get_ref().read(&mut buffer) {
                    Ok(length) => {
                        frames += 1;
                        bytes += length;
                        self.hand_over(&buffer[..length], &plug, now);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        ready.clear_ready();
                        continue 'bursts;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return error,
                }
            }
            // Not where waiting does it anyway: to yield is to call another worker, which takes the frames' next task to another core.
            tokio::task::yield_now().await;
        }
    }

    fn hand_over(&self, read: &[u8], plug: &Plug, now: Instant) {
        if self.offload.is_none() {
            return plug.forward(read, Offload::NONE, now);
        }
        let counters = &plug.port().counters;
        match read.split_first_chunk::<HEADER>() {
            None => counters.drop_frame(DropReason::Short),
            Some((header, frame)) => match virtio::parse(header) {
                None => counters.drop_frame(DropReason::BadOffload),
                Some(offload) => plug.forward(frame, offload, now),
            },
        }
    }
}

/// Makes the interface, and says whether it has a header in front of frames.
fn open(name: &str, header: bool) -> Result<(Device, bool), TapError> {
    let mut configuration = Configuration::default();
    configuration.tun_name(name).layer(Layer::L2);
    // Setting it up is done one step at a time, so that an error can say which.
    configuration.platform_config(|platform| {
        platform.ensure_root_privileges(false).vnet_hdr(header);
    });
    match Device::new(&configuration) {
        Ok(device) => Ok((device, header)),
        // A kernel that does not know the header says no more than that something is wrong.
        Err(_) if header => open(name, false),
        Err(error) => Err(TapError::explain(error.into(), name)),
    }
}

/// Features, for a person.
fn list(features: Features) -> String {
    let names = [
        (Features::CHECKSUM, "partial checksums"),
        (Features::TCP4, "large TCP segments over IPv4"),
        (Features::TCP6, "over IPv6"),
        (Features::UDP, "trains of UDP datagrams"),
    ];
    let names: Vec<&str> = (names.into_iter())
        .filter(|(feature, _)| features.contains(*feature))
        .map(|(_, name)| name)
        .collect();
    if names.is_empty() {
        "complete frames only".to_owned()
    } else {
        names.join(", ")
    }
}

impl Outlet for Tap {
    fn deliver(&self, frame: &[u8], offload: Offload) -> Delivery {
        let mut device = self.device.get_ref();
        // The kernel refuses with EIO while somebody has set the interface down, and with EAGAIN or ENOBUFS when it has
        // no room: a drop in either case, as on any card.
        let written = match self.offload {
            None => device.write(frame),
            Some(_) => {
                let header = virtio::emit(offload, frame);
                device.write_vectored(&[IoSlice::new(&header), IoSlice::new(frame)])
            }
        };
        match written {
            Ok(_) => Delivery::Taken,
            Err(_) => Delivery::Refused,
        }
    }

    fn takes(&self) -> Features {
        self.offload.unwrap_or_default()
    }
}
