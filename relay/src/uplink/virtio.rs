//! What stands in front of a frame on a TAP with `IFF_VNET_HDR`: virtio's network header (Virtio 1.2 §5.1.6, `struct
//! virtio_net_hdr` of linux/virtio_net.h), in this machine's byte order.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | flags: 1 the checksum is partial, 2 it was verified |
//! | 1 | segmentation: 0 none, 1 TCP over IPv4, 4 TCP over IPv6, 5 UDP; 0x80 beside TCP: with CWR |
//! | 2–3 | length of all headers, where there is segmentation: a hint |
//! | 4–5 | bytes of payload in each segment |
//! | 6–7 | where the checksum begins to count, from the start of the frame |
//! | 8–9 | where the checksum field is, from there |

use ethertab_tunnel::v1::{Checksum, Offload, Segmentation};

/// Bytes of the header, as the kernel has it unless told otherwise.
pub(super) const HEADER: usize = 10;

const PARTIAL: u8 = 1;
const VERIFIED: u8 = 2;

const NONE: u8 = 0;
const TCP4: u8 = 1;
const TCP6: u8 = 4;
const UDP: u8 = 5;
const ECN: u8 = 0x80;

/// Reads it; `None`: it asks for what we do not know.
pub(super) fn parse(header: &[u8; HEADER]) -> Option<Offload> {
    let pair = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
    let checksum = if header[0] & PARTIAL != 0 {
        Checksum::Partial {
            start: pair(6),
            offset: pair(8),
        }
    } else if header[0] & VERIFIED != 0 {
        Checksum::Verified
    } else {
        Checksum::Complete
    };
    let ecn = header[1] & ECN != 0;
    let kind = match header[1] & !ECN {
        NONE => None,
        TCP4 => Some(Segmentation::Tcp4 { ecn }),
        TCP6 => Some(Segmentation::Tcp6 { ecn }),
        UDP => Some(Segmentation::Udp),
        _ => return None,
    };
    Some(Offload {
        checksum,
        segmentation: kind.map(|kind| (kind, pair(4))),
    })
}

/// Writes what belongs in front of `frame`, which the switch has admitted.
pub(super) fn emit(offload: Offload, frame: &[u8]) -> [u8; HEADER] {
    let (flags, start, offset) = match offload.checksum {
        Checksum::Complete => (0, 0, 0),
        Checksum::Verified => (VERIFIED, 0, 0),
        Checksum::Partial { start, offset } => (PARTIAL, start, offset),
    };
    let with = |kind: u8, ecn: bool| if ecn { kind | ECN } else { kind };
    let (kind, size) = match offload.segmentation {
        None => (NONE, 0),
        Some((Segmentation::Tcp4 { ecn }, size)) => (with(TCP4, ecn), size),
        Some((Segmentation::Tcp6 { ecn }, size)) => (with(TCP6, ecn), size),
        Some((Segmentation::Udp, size)) => (UDP, size),
    };
    let transport = match kind & !ECN {
        NONE => None,
        UDP => Some(8),
        _ => (frame.get(usize::from(start) + 12)).map(|offset| u16::from(offset >> 4) * 4),
    };
    let headers = transport.map_or(0, |length| start + length);
    let [[a, b], [c, d], [e, f], [g, h]] = [headers, size, start, offset].map(u16::to_ne_bytes);
    [flags, kind, a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let partial = Checksum::Partial {
            start: 34,
            offset: 16,
        };
        let cases = [
            (Checksum::Complete, None),
            (Checksum::Verified, None),
            (partial, None),
            (partial, Some((Segmentation::Tcp4 { ecn: false }, 1_448))),
            (partial, Some((Segmentation::Tcp4 { ecn: true }, 1_448))),
            (partial, Some((Segmentation::Tcp6 { ecn: false }, 1_428))),
            (partial, Some((Segmentation::Udp, 1_200))),
        ];
        for (checksum, segmentation) in cases {
            let offload = Offload {
                checksum,
                segmentation,
            };
            assert_eq!(parse(&emit(offload, &[0x80; 60])), Some(offload));
        }
    }

    #[test]
    fn the_kernel_is_told_how_long_the_headers_are() {
        let offload = Offload {
            checksum: Checksum::Partial {
                start: 34,
                offset: 16,
            },
            segmentation: Some((Segmentation::Tcp4 { ecn: false }, 1_448)),
        };
        let mut frame = [0; 100];
        frame[34 + 12] = 0x80;
        assert_eq!(emit(offload, &frame)[2..4], 66_u16.to_ne_bytes());
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert_eq!(parse(&[1, 3, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
