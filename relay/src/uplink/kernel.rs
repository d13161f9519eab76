//! The two calls that no safe crate makes for us; the only unsafe code of the relay.
#![allow(unsafe_code)]

use ethertab_stack::MacAddress;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
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

/// Has tokio watch the TAP for frames, and for its end: an interface that somebody deletes becomes an error and never
/// readable, which the crate's own asynchronous device does not look for.
pub(super) fn watch(tap: Device) -> io::Result<AsyncFd<Device>> {
    tap.set_nonblock()?;
    // SAFETY: the descriptor belongs to the device, which the AsyncFd owns and which never closes it before its end.
    let watched =
        unsafe { AsyncFd::register_with_interest(tap, Interest::READABLE | Interest::ERROR) };
    Ok(watched?)
}
