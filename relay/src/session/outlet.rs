//! The client's side of its port.

use crate::switch::fair::FairQueue;
use crate::switch::parcel::Parcel;
use crate::switch::port::{Delivery, Outlet};
use ethertab_tunnel::v1::{Features, Offload};
use std::sync::Arc;

/// Where the frames for a client go.
pub(super) struct ClientOutlet {
    pub(super) queue: Arc<FairQueue>,
    /// What may be left to be done to them: what its hello lists, as far as we do it.
    pub(super) takes: Features,
}

impl Outlet for ClientOutlet {
    fn deliver(&self, frame: &[u8], offload: Offload) -> Delivery {
        self.queue.push(frame, offload)
    }

    fn deliver_parcel(&self, parcel: &mut Parcel, offload: Offload) -> Delivery {
        self.queue.push_parcel(parcel, offload)
    }

    fn takes(&self) -> Features {
        self.takes
    }
}
