//! Gives an interface its hardware address: the one thing that no safe crate here does.
//!
//! A TAP would come up with a random address each time, and after a restart of the relay every tab would go on sending
//! to the old one until its neighbour cache noticed.
#![allow(unsafe_code)]

use ethertab_stack::MacAddress;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

/// `SIOCSIFHWADDR` on an open TAP sets the address of its interface.
pub(super) fn set(tap: &impl AsRawFd, address: MacAddress) -> io::Result<()> {
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
