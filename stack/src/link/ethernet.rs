//! Which frames are ours, and how packets are framed.

use crate::wire::address::MacAddress;
use crate::wire::ethernet::{EtherType, EthernetHeader, HEADER};
use crate::wire::ip::Cast;
use core::net::IpAddr;

/// How a frame concerns the station `hardware`; `None`: not at all.
///
/// A group address cannot be a source (IEEE 802.3 §3.2.3), and our own address as the source is an echo of what we
/// sent.
#[inline]
pub(super) fn cast(header: &EthernetHeader, hardware: MacAddress) -> Option<Cast> {
    if header.source.is_multicast() || header.source == hardware {
        None
    } else if header.destination == hardware {
        Some(Cast::Unicast)
    } else if header.destination.is_broadcast() {
        Some(Cast::Broadcast)
    } else if header.destination.is_multicast() {
        Some(Cast::Multicast)
    } else {
        None
    }
}

/// The Ethernet group that carries an IP group: RFC 1112 §6.4, RFC 2464 §7.
pub(super) fn group_address(group: IpAddr) -> MacAddress {
    match group {
        IpAddr::V4(group) => {
            let [_, b, c, d] = group.octets();
            MacAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(group) => {
            let [.., a, b, c, d] = group.octets();
            MacAddress([0x33, 0x33, a, b, c, d])
        }
    }
}

/// Writes the header in front of the packet at `frame[14..]`; false if there is no packet.
#[inline]
pub(super) fn frame_packet(frame: &mut [u8], source: MacAddress, destination: MacAddress) -> bool {
    let Some(first) = frame.get(HEADER) else {
        return false;
    };
    let ether_type = match first >> 4 {
        6 => EtherType::IPV6,
        _ => EtherType::IPV4,
    };
    let header = EthernetHeader {
        destination,
        source,
        ether_type,
    };
    header.emit(frame).is_some()
}

/// Writes a whole frame around `packet`; `None` if it does not fit.
pub(super) fn copy_packet(
    packet: &[u8],
    source: MacAddress,
    destination: MacAddress,
    out: &mut [u8],
) -> Option<usize> {
    let length = HEADER + packet.len();
    let frame = out.get_mut(..length)?;
    frame.get_mut(HEADER..)?.copy_from_slice(packet);
    frame_packet(frame, source, destination).then_some(length)
}
