//! A TAP interface: the kernel's end is an Ethernet card of this host, ours reads and writes whole frames.
//!
//! Writing a frame runs the kernel's receive path on the spot and hardly ever has to wait, so whoever has a frame for
//! the host writes it himself ([`Outlet`]); only reading has a task, one for each queue. The kernel removes the interface when the
//! last descriptor closes, however this process ends.
//!
//! With several queues the kernel keeps each connection on one of them: on that which its last frame to the host was written to, which
//! is picked by the sender's hardware address, so that the frames of a client keep their order.
//!
//! A read or a write moves one frame, and the kernel offers nothing else (`readv` splits one frame over buffers): with offload that
//! is up to 64 KiB. io_uring would save the way into the kernel, which is 1 % of what a gigabyte costs the relay on its way down;
//! its copies and wake-ups stay.
//!
//! With offload, virtio's header stands in front of each frame, and the kernel hands over and takes segments of up to 64 KiB, and
//! checksums that nobody has filled in yet.

use super::virtio::{self, HEADER};
use super::{TapError, kernel};
use crate::config::NetworkPlan;
use crate::switch::Plug;
use crate::switch::parcel::Parcel;
use crate::switch::port::{Delivery, DropReason, Outlet};
use ethertab_stack::MacAddress;
use ethertab_tunnel::v1::{Features, Offload};
use ethertab_tunnel::{LARGEST_MESSAGE, VLAN_TAG, largest_frame};
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::os::fd::AsRawFd;
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
    queues: Arc<[AsyncFd<File>]>,
    address: MacAddress,
    /// The longest frame that it hands over.
    frame: usize,
    /// What may be left to be done to frames, in both directions; `None`: there is no header that could say so.
    offload: Option<Features>,
}

impl Tap {
    /// Makes the interface, gives it its addresses and sets it up. With `offload` it hands over and takes frames to which
    /// something is left to be done, as far as the kernel does. It has so many `queues`, at least one.
    pub fn create(
        name: &str,
        network: &NetworkPlan,
        offload: bool,
        queues: usize,
    ) -> Result<Tap, TapError> {
        let (first, header) = open(name, offload, queues > 1)?;
        let mut device = settings(name, &first)?;
        let address = NetworkPlan::hardware_address(network.host);
        let at = |step| {
            move |error: tun::Error| TapError::Setup {
                step,
                error: error.into(),
            }
        };
        kernel::set_hardware_address(&first, address)
            .map_err(|error| at("hardware address")(error.into()))?;
        device.set_mtu(network.mtu).map_err(at("MTU"))?;
        device
            .set_address(network.host.into())
            .map_err(at("address"))?;
        let mask = network.subnet.mask().into();
        device.set_netmask(mask).map_err(at("netmask"))?;
        let features = header.then(|| kernel::offload(&first));
        match features {
            Some(features) => tracing::info!("{name} takes and hands over {}", list(features)),
            None => tracing::info!("{name} takes and hands over complete frames only"),
        }
        let mut files = vec![first];
        while files.len() < queues {
            let next = kernel::open_queue(name, header, true);
            files.push(next.map_err(|error| at("number of queues")(error.into()))?);
        }
        device.enabled(true).map_err(at("state to up"))?;
        let queues: io::Result<Vec<_>> = files.into_iter().map(kernel::watch).collect();
        let frame = match features {
            Some(features) if features != Features::NONE => LARGEST_MESSAGE,
            _ => largest_frame(network.mtu.into()) + VLAN_TAG,
        };
        Ok(Tap {
            queues: queues.map_err(TapError::Other)?.into(),
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

    /// How many queues it has.
    #[must_use]
    pub fn queues(&self) -> usize {
        self.queues.len()
    }

    /// Reads frames of one queue into the switch until the interface is gone.
    pub async fn read(&self, queue: usize, plug: &Plug) -> io::Error {
        let Some(queue) = self.queues.get(queue) else {
            return io::ErrorKind::NotFound.into();
        };
        let header = if self.offload.is_some() { HEADER } else { 0 };
        let mut parcel = Parcel::default();
        // An interface that somebody deletes is not readable, but an error.
        let interest = Interest::READABLE | Interest::ERROR;
        'bursts: loop {
            let mut ready = match queue.ready(interest).await {
                Ok(ready) => ready,
                Err(error) => return error,
            };
            let now = Instant::now();
            // Several are often there already: take them without asking the poller each time.
            let (mut frames, mut bytes) = (0, 0);
            while frames < BURST.0 && bytes < BURST.1 {
                match kernel::read(queue.get_ref(), parcel.prepare(header, self.frame)) {
                    Ok(length) => {
                        frames += 1;
                        bytes += length;
                        self.hand_over(&mut parcel, plug, now);
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

    fn hand_over(&self, parcel: &mut Parcel, plug: &Plug, now: Instant) {
        let offload = match (self.offload, parcel.header()) {
            (None, _) => Some(Offload::NONE),
            (Some(_), Some(header)) => virtio::parse(header),
            // Not even the header was whole.
            (Some(_), None) => Some(Offload::NONE),
        };
        match offload {
            Some(offload) => plug.forward_parcel(parcel, offload, now),
            None => (plug.port().counters).drop_frame(DropReason::BadOffload),
        }
    }
}

/// Makes the interface, and says whether it has a header in front of frames.
fn open(name: &str, header: bool, several: bool) -> Result<(File, bool), TapError> {
    match kernel::open_queue(name, header, several) {
        Ok(file) => Ok((file, header)),
        // A kernel that does not know the header says no more than that something is wrong.
        Err(_) if header => open(name, false, several),
        Err(error) => Err(TapError::explain(error, name)),
    }
}

/// What sets up the interface of an open TAP, one step at a time, so that an error can say which.
fn settings(name: &str, tap: &File) -> Result<Device, TapError> {
    let mut configuration = Configuration::default();
    configuration
        .tun_name(name)
        .layer(Layer::L2)
        .raw_fd(tap.as_raw_fd())
        .close_fd_on_drop(false);
    Device::new(&configuration).map_err(|error| TapError::Other(error.into()))
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
        let sender = frame.iter().skip(6).take(6);
        let number = sender.map(|byte| usize::from(*byte)).sum::<usize>() % self.queues.len();
        let mut device = self.queues[number].get_ref();
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
