//! What a sender left to be done to a frame, done in software for a port that does not take it so.
//!
//! Enters: a frame and its [`Offload`]. [`admit`] says, once for each frame, whether the two fit together and the network's
//! MTU; [`finish`] then completes the checksum, or cuts a segment or a train of datagrams into frames of the MTU, each with its
//! own lengths, identification, sequence number, flags and checksums (what Linux calls GSO, Documentation/networking/segmentation-offloads).
//!
//! A client says freely where a checksum is to be written, after the guard has looked at the frame. So a client's must be that of
//! its own TCP or UDP header and no other; the host's kernel may have reasons of its own.

mod cut;
mod headers;

use super::port::DropReason;
use cut::cut;
use ethertab_stack::wire::checksum;
use ethertab_tunnel::v1::{Checksum, Features, Offload, Segmentation};
use ethertab_tunnel::{VLAN_TAG, largest_frame};
use headers::{Headers, Transport, Version};

/// The least of a segment, where there are several: Linux's least for a path (TCP_MIN_SND_MSS). A client that could ask for
/// smaller ones would have the relay make tens of thousands of frames of one.
const LEAST_SEGMENT: u16 = 48;

/// Datagrams in a train, at most: as many as Linux puts there (UDP_MAX_SEGMENTS).
const MOST_DATAGRAMS: usize = 128;

/// Where transport headers begin at the earliest: behind Ethernet and IPv4.
const EARLIEST_START: usize = 34;

/// SYN and RST: flags of segments that nobody may multiply.
const SYN_OR_RST: u8 = 0x02 | 0x04;

/// What a port must take to be given a frame as it is.
#[must_use]
pub fn needs(offload: Offload) -> Features {
    let segmentation = match offload.segmentation {
        None => Features::NONE,
        Some((Segmentation::Tcp4 { .. }, _)) => Features::TCP4,
        Some((Segmentation::Tcp6 { .. }, _)) => Features::TCP6,
        Some((Segmentation::Udp, _)) => Features::UDP,
    };
    match offload.checksum {
        Checksum::Complete => segmentation,
        Checksum::Verified | Checksum::Partial { .. } => segmentation | Features::CHECKSUM,
    }
}

/// Whether a frame, at least as long as an Ethernet header, and what is to be done to it fit together, and the frame or what
/// will be cut from it fits the MTU.
pub(super) fn admit(
    frame: &[u8],
    offload: Offload,
    mtu: usize,
    trusted: bool,
) -> Result<(), DropReason> {
    if let Some((kind, size)) = offload.segmentation {
        return admit_segments(frame, offload.checksum, kind, size, mtu);
    }
    if frame.len() > longest(frame, mtu) {
        return Err(DropReason::Oversized);
    }
    let Checksum::Partial { start, offset } = offload.checksum else {
        return Ok(());
    };
    let (start, offset) = (usize::from(start), usize::from(offset));
    let own = Headers::of(frame).is_some_and(|headers| points_at(&headers, start, offset));
    let fits = trusted && start >= EARLIEST_START && start + offset + 2 <= frame.len();
    if own || fits {
        Ok(())
    } else {
        Err(DropReason::BadOffload)
    }
}

/// Bytes that a frame may have; a tag is not counted.
fn longest(frame: &[u8], mtu: usize) -> usize {
    let tagged = frame[12..14] == [0x81, 0x00];
    largest_frame(mtu) + if tagged { VLAN_TAG } else { 0 }
}

/// As how many frames, at least one, an [admitted](admit) frame may reach a port.
pub(super) fn count(frame: &[u8], offload: Offload) -> usize {
    let Some((_, size)) = offload.segmentation else {
        return 1;
    };
    Headers::of(frame).map_or(1, |headers| segments(&headers, size).max(1))
}

/// Of how many segments the payload is, of this size each.
fn segments(headers: &Headers, size: u16) -> usize {
    headers.payload().len().div_ceil(usize::from(size).max(1))
}

fn points_at(headers: &Headers, start: usize, offset: usize) -> bool {
    start == headers.segment && offset == headers.transport.checksum()
}

fn admit_segments(
    frame: &[u8],
    checksum: Checksum,
    kind: Segmentation,
    size: u16,
    mtu: usize,
) -> Result<(), DropReason> {
    let headers = Headers::of(frame).ok_or(DropReason::BadOffload)?;
    let of_this_kind = match kind {
        Segmentation::Tcp4 { .. } => {
            headers.version == Version::V4 && headers.transport == Transport::Tcp
        }
        Segmentation::Tcp6 { .. } => {
            headers.version == Version::V6 && headers.transport == Transport::Tcp
        }
        Segmentation::Udp => headers.transport == Transport::Udp,
    };
    let own_checksum = match checksum {
        Checksum::Partial { start, offset } => points_at(&headers, start.into(), offset.into()),
        Checksum::Complete | Checksum::Verified => false,
    };
    let length = headers.payload().len();
    let segments = segments(&headers, size);
    let divisible = match headers.transport {
        Transport::Tcp => {
            (segments == 1 || size >= LEAST_SEGMENT)
                && frame[headers.segment + 13] & SYN_OR_RST == 0
        }
        Transport::Udp => segments <= MOST_DATAGRAMS,
    };
    let right = of_this_kind
        && own_checksum
        && length > 0
        && size > 0
        && divisible
        && headers.payload.1 == frame.len()
        && headers.is_intact(frame);
    if !right {
        return Err(DropReason::BadOffload);
    }
    // Also what stands before the packet counts: of many tags, each frame would have a copy.
    if headers.payload.0 + length.min(size.into()) > longest(frame, mtu) {
        return Err(DropReason::Oversized);
    }
    Ok(())
}

/// Hands `each` what a port that takes no more than `takes` is to be given instead of an [admitted](admit) frame: the frame
/// itself, finished, or what was cut from it, in order.
pub(super) fn finish(
    frame: &[u8],
    offload: Offload,
    takes: Features,
    mut each: impl FnMut(&[u8], Offload),
) {
    if takes.contains(needs(offload)) {
        return each(frame, offload);
    }
    // What we summed up ourselves needs no second look by who can be told.
    let finished = Offload {
        checksum: if takes.contains(Features::CHECKSUM) {
            Checksum::Verified
        } else {
            Checksum::Complete
        },
        segmentation: None,
    };
    if let Some((_, size)) = offload.segmentation {
        if let Some(headers) = Headers::of(frame) {
            cut(frame, &headers, size.into(), |frame| each(frame, finished));
        }
        return;
    }
    match offload.checksum {
        Checksum::Complete | Checksum::Verified => each(frame, Offload::NONE),
        Checksum::Partial { start, offset } => {
            let mut frame = frame.to_vec();
            complete(&mut frame, start.into(), offset.into());
            each(&frame, finished);
        }
    }
}

/// Adds up from `start` to the end of the packet, and writes the checksum where it belongs.
fn complete(frame: &mut [u8], start: usize, offset: usize) {
    let own = Headers::of(frame).filter(|headers| points_at(headers, start, offset));
    // Padding behind the packet is nobody's. What is inside something else is written so that zero cannot mean none.
    let (end, transport) = own.map_or((frame.len(), Transport::Udp), |headers| {
        (headers.payload.1, headers.transport)
    });
    if let Some(covered) = frame.get_mut(start..end)
        && covered.len() >= offset + 2
    {
        let sum = transport.written(checksum::of(covered));
        covered[offset..offset + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
