//! The calls that no safe crate makes for us; the only unsafe code of the relay.
#![allow(unsafe_code)]

use bytes::BytesMut;
use ethertab_stack::MacAddress;
use ethertab_tunnel::v1::Features;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Where the kernel hands out TAP interfaces.
pub(super) const DEVICE: &str = "/dev/net/tun";

/// Opens a queue of the TAP `name`, and makes the interface if this is the first. All of one interface must agree on whether virtio's
/// `header` is in front of frames, and on being one of `several`.
pub(super) fn open_queue(name: &str, header: bool, several: bool) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(DEVICE)?;
    let mut flags = libc::IFF_TAP | libc::IFF_NO_PI;
    if header {
        flags |= libc::IFF_VNET_HDR;
    }
    if several {
        flags |= libc::IFF_MULTI_QUEUE;
    }
    // SAFETY: an all-zero ifreq is valid; it outlives the call, which writes no more than it; the descriptor is open.
    let result = unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_ifru.ifru_flags = flags as libc::c_short;
        // The last byte stays zero.
        let letters = request.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1);
        for (to, from) in letters.zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &mut request)
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(file)
    }
}

/// Gives the interface of an open TAP its hardware address. It would come up with a random one each time, and after a
/// restart of the relay every tab would go on sending to the old one until its neighbour cache noticed.
pub(super) fn set_hardware_address(tap: &File, address: MacAddress) -> io::Result<()> {
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
pub(super) fn offload(tap: &File) -> Features {
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

/// Reads one frame to the end of the buffer, as far as there is room behind what is in it, and gives its length.
pub(super) fn read(queue: &File, buffer: &mut BytesMut) -> io::Result<usize> {
    let room = buffer.spare_capacity_mut();
    // SAFETY: the room is the buffer's own and outlives the call, which writes no more to it than it holds; the descriptor is open.
    let length = unsafe { libc::read(queue.as_raw_fd(), room.as_mut_ptr().cast(), room.len()) };
    let Ok(length) = usize::try_from(length) else {
        return Err(io::Error::last_os_error());
    };
    // SAFETY: the kernel has written that much to the room.
    unsafe { buffer.set_len(buffer.len() + length) };
    Ok(length)
}

/// Has tokio watch a queue of the TAP for frames, and for its end: an interface that somebody deletes becomes an error and never
/// readable, which the crate's own asynchronous device does not look for.
pub(super) fn watch(queue: File) -> io::Result<AsyncFd<File>> {
    // SAFETY: the descriptor belongs to the file, which the AsyncFd owns and which never closes it before its end.
    let watched =
        unsafe { AsyncFd::register_with_interest(queue, Interest::READABLE | Interest::ERROR) };
    Ok(watched?)
}
