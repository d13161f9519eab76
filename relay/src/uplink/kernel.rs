//! The calls that no safe crate makes for us; the only unsafe code of the relay.
#![allow(unsafe_code)]

use ethertab_stack::MacAddress;
use ethertab_tunnel::v1::Features;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, RawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tun::Device;

/// Gives the interface of an open TAP its hardware address. It would come up with a random one each time, and after a
/// restart of the relay every tab would go on sending to the old one until its neighbour cache noticed.
pub(super) fn set_hardware_address(tap: &Device, address: MacAddress) -> io::Result<()> {
    let descriptor: RawFd = tap.as_raw_fd();
    // SAFETY: an all-zero ifreq is valid; it outlives the call, which only reads it; the descriptor is open.
    let result = unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_ifru.ifru_hwaddr.sa_family = libc::ARPHRD_ETHER;
        let bytes = &mut request.ifr_ifru.ifru_hwaddr.sa_data;
        for (to, from) in bytes.iter_mut().zip(address.0) {
            *to = from as libc::c_char;
        }
        libc::ioctl(descriptor, libc::SIOCSIFHWADDR, &request)
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// What an interface may hand over unfinished, the most first: newer kernels know more.
const OFFLOADS: [(libc::c_uint, Features); 4] = {
    let tcp = libc::TUN_F_CSUM | libc::TUN_F_TSO4 | libc::TUN_F_TSO6;
    let udp = libc::TUN_F_USO4 | libc::TUN_F_USO6;
    let tcp_features = Features(Features::CHECKSUM.0 | Features::TCP4.0 | Features::TCP6.0);
    let all = Features(tcp_features.0 | Features::UDP.0);
    [
        (tcp | libc::TUN_F_TSO_ECN | udp, all),
        (tcp | libc::TUN_F_TSO_ECN, tcp_features),
        (tcp, tcp_features),
        (libc::TUN_F_CSUM, Features::CHECKSUM),
    ]
};

/// Lets the kernel hand over frames with as much left to be done as it knows, from a TAP with virtio's header, and says what
/// that is.
pub(super) fn offload(tap: &Device) -> Features {
    let descriptor: RawFd = tap.as_raw_fd();
    for (flags, features) in OFFLOADS {
        // SAFETY: the call takes a number, no pointer; the descriptor is open.
        let result =
            unsafe { libc::ioctl(descriptor, libc::TUNSETOFFLOAD, libc::c_ulong::from(flags)) };
        if result == 0 {
            return features;
        }
    }
    Features::NONE
}

/// Has tokio watch the TAP for frames, and for its end: an interface that somebody deletes becomes an error and never
/// readable, which the crate's own asynchronous device does not look for.
pub(super) fn watch(tap: Device) -> io::Result<AsyncFd<File>> {
    tap.set_nonblock()?;
    // SAFETY: the device gives its open descriptor away to the file.
    let file = unsafe { File::from_raw_fd(tap.into_raw_fd()) };
    // SAFETY: the descriptor belongs to the file, which the AsyncFd owns and which never closes it before its end.
    let watched =
        unsafe { AsyncFd::register_with_interest(file, Interest::READABLE | Interest::ERROR) };
    Ok(watched?)
}
