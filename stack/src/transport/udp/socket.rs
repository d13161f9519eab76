//! One UDP socket, and how its datagrams are written.

use crate::config::UdpConfig;
use crate::transport::queue::MessageQueue;
use crate::transport::{Outgoing, SourceFor, UdpError};
use crate::wire::checksum::Checksum;
use crate::wire::ip::{Departure, Ecn, Headroom, Protocol};
use crate::wire::offload::Offload;
use crate::wire::udp::{CHECKSUM_OFFSET, HEADER_LENGTH, UdpHeader};
use alloc::collections::VecDeque;
use alloc::vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) local: SocketAddr,
    pub(super) remote: Option<SocketAddr>,
    pub(super) hop_limit: Option<u8>,
    /// Source and destination of each.
    pub(super) incoming: MessageQueue<(SocketAddr, SocketAddr)>,
    /// Destination and hop limit of each.
    pub(super) outgoing: MessageQueue<(SocketAddr, Option<u8>)>,
    pub(super) error: Option<UdpError>,
    /// Length of the datagram for which a write was refused.
    pub(super) blocked: Option<usize>,
    pub(super) announced: bool,
    /// It is bound to an address that the host has no more.
    pub(super) stranded: bool,
    /// The program is gone; what is queued still leaves.
    pub(super) closed: bool,
}

impl Socket {
    pub(super) fn new(local: SocketAddr, config: &UdpConfig) -> Socket {
        Socket {
            local,
            remote: None,
            hop_limit: None,
            incoming: MessageQueue::new(config.receive_bytes),
            outgoing: MessageQueue::new(config.send_bytes),
            error: None,
            blocked: None,
            announced: false,
            stranded: false,
            closed: false,
        }
    }

    /// Puts the socket, whose number is `id`, among those that the owner should look at.
    pub(super) fn announce(&mut self, id: u32, events: &mut VecDeque<u32>) {
        if !self.announced && !self.closed {
            self.announced = true;
            events.push_back(id);
        }
    }

    pub(super) fn can_reach(&self, remote: SocketAddr) -> bool {
        remote.port() != 0
            && !remote.ip().is_unspecified()
            && remote.is_ipv4() == self.local.is_ipv4()
    }

    /// Writes the oldest queued datagram; `None` if nothing leads to its destination.
    pub(super) fn write_next(
        &self,
        out: &mut [u8],
        headroom: Headroom,
        source_for: SourceFor<'_>,
    ) -> Option<Outgoing> {
        let message = self.outgoing.front()?;
        let &(destination, hop_limit) = message.head;
        let routed = source_for(destination.ip()).or_else(|| {
            // RFC 1122 §3.2.1.3(a): before there is an address, as DHCP needs it.
            (destination.ip() == IpAddr::V4(Ipv4Addr::BROADCAST))
                .then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
        })?;
        let source = if self.local.ip().is_unspecified() {
            routed
        } else {
            self.local.ip()
        };
        let header = UdpHeader {
            source_port: self.local.port(),
            destination_port: destination.port(),
        };
        let length = HEADER_LENGTH + message.length();
        let departure = Departure {
            source,
            destination: destination.ip(),
            protocol: Protocol::UDP,
            length,
            hop_limit,
            dscp: 0,
            ecn: Ecn::NotCapable,
            offload: Offload::NONE,
            dont_fragment: false,
        };
        let write = |datagram: &mut [u8]| {
            header.emit(message.length(), datagram);
            message.copy_to(&mut datagram[HEADER_LENGTH..]);
            // Always complete: what is cut into fragments leaves nothing that a link could add.
            let pseudo = Checksum::pseudo_header(source, destination.ip(), Protocol::UDP, length);
            // RFC 768: a checksum of zero is sent as all ones, since zero means none.
            let sum = match pseudo.with(datagram).finish() {
                0 => 0xffff,
                sum => sum,
            };
            datagram[CHECKSUM_OFFSET..HEADER_LENGTH].copy_from_slice(&sum.to_be_bytes());
        };
        let room = out
            .get_mut(headroom.before(destination.ip())..)
            .and_then(|rest| rest.get_mut(..length));
        Some(if let Some(datagram) = room {
            write(datagram);
            Outgoing::Written(departure)
        } else {
            let mut payload = vec![0; length];
            write(&mut payload);
            Outgoing::Large { departure, payload }
        })
    }
}
