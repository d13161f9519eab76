//! What is still to be done to frames, as the stack says it and as the tunnel does.

use ethertab_stack::wire::offload::{Offload, TransportChecksum};
use ethertab_tunnel::v1::{Checksum, Features, Offload as Tunnelled, Segmentation};

/// What the stack makes of what came through the tunnel. How arrived segments could be cut does not matter to it.
pub(super) fn from_tunnel(offload: &Tunnelled) -> Offload {
    Offload {
        checksum: match offload.checksum {
            Checksum::Complete => TransportChecksum::Complete,
            Checksum::Verified => TransportChecksum::Verified,
            Checksum::Partial { start, offset } => TransportChecksum::Partial { start, offset },
        },
        segment_size: 0,
    }
}

/// What the tunnel says for the stack.
pub(super) fn to_tunnel(offload: Offload) -> Tunnelled {
    let cut = (Segmentation::Tcp4 { ecn: false }, offload.segment_size);
    Tunnelled {
        checksum: match offload.checksum {
            TransportChecksum::Complete => Checksum::Complete,
            TransportChecksum::Verified => Checksum::Verified,
            TransportChecksum::Partial { start, offset } => Checksum::Partial { start, offset },
        },
        segmentation: (offload.segment_size > 0).then_some(cut),
    }
}

/// Whether the other side takes a frame to which this is still to be done.
pub(super) fn is_taken_by(offload: Offload, features: Features) -> bool {
    let checksum = match offload.checksum {
        TransportChecksum::Complete => Features::NONE,
        _ => Features::CHECKSUM,
    };
    let cutting = match offload.segment_size {
        0 => Features::NONE,
        _ => Features::TCP4,
    };
    features.contains(checksum | cutting)
}
