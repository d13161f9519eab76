//! Whatever comes, nothing panics and no queue passes its bound.

use super::*;
use crate::wire::checksum;
use crate::wire::icmpv4::ErrorKind;
use proptest::prelude::*;

/// Packets that are right, or nearly so: most mutations of random bytes would die at the first check.
fn seeds() -> Vec<Vec<u8>> {
    let echo = Echo {
        identifier: 1,
        sequence: 2,
        payload: &[3; 64],
    };
    let quoted = packet(header(OURS, FAR, Protocol::TCP), &[5; 20]);
    let error = |kind| {
        let quoted = &quoted;
        icmp_from(GATEWAY, OURS, Icmpv4::Error(IcmpError { kind, quoted }))
    };
    let part = |fragment_offset, more_fragments| {
        let header = Ipv4Header {
            fragment_offset,
            more_fragments,
            ..header(FAR, OURS, Protocol::UDP)
        };
        packet(header, &[6; 24])
    };
    vec![
        udp_from(PEER, OURS),
        udp_from(Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST),
        icmp_from(FAR, OURS, Icmpv4::EchoRequest(echo)),
        icmp_from(FAR, OURS, Icmpv4::EchoReply(echo)),
        error(ErrorKind::PORT_UNREACHABLE),
        error(ErrorKind::DestinationUnreachable { code: 4, mtu: 0 }),
        error(ErrorKind::DestinationUnreachable { code: 4, mtu: 700 }),
        error(ErrorKind::TimeExceeded { code: 0 }),
        part(0, true),
        part(24, true),
        part(48, false),
    ]
}

/// Makes the checksums right again, so that a mutation gets past them.
fn mend(packet: &mut [u8]) {
    let length = usize::from(packet.first().copied().unwrap_or(0) & 0xf) * 4;
    if length < HEADER || packet.len() < length {
        return;
    }
    let (header, payload) = packet.split_at_mut(length);
    header[10..12].fill(0);
    let sum = checksum::of(header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    if header[9] == Protocol::ICMP.0 && payload.len() >= 8 {
        payload[2..4].fill(0);
        let sum = checksum::of(payload);
        payload[2..4].copy_from_slice(&sum.to_be_bytes());
    }
}

#[derive(Clone, Debug)]
struct Mutation {
    seed: usize,
    changes: Vec<(usize, u8)>,
    length: Option<usize>,
    mended: bool,
    loopback: bool,
    wait: u64,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    (
        any::<usize>(),
        proptest::collection::vec((0_usize..80, any::<u8>()), 0..4),
        proptest::option::weighted(0.1, 0_usize..100),
        proptest::bool::weighted(0.9),
        proptest::bool::weighted(0.2),
        prop_oneof![4 => Just(0_u64), 1 => 0_u64..100_000],
    )
        .prop_map(|(seed, changes, length, mended, loopback, wait)| Mutation {
            seed,
            changes,
            length,
            mended,
            loopback,
            wait,
        })
}

proptest! {
    #[test]
    fn mutated_packets_neither_panic_nor_pass_a_bound(
        mutations in proptest::collection::vec(mutation(), 1..40),
    ) {
        let seeds = seeds();
        let mut host = Host::with(InternetConfig {
            reassemblies: 4,
            reassembly_bytes: 1_000,
            reply_queue: 8,
            path_mtu_entries: 2,
            ..InternetConfig::default()
        });
        let mut waiting = 0;
        for mutation in &mutations {
            let mut packet = seeds[mutation.seed % seeds.len()].clone();
            for &(at, value) in &mutation.changes {
                if let Some(byte) = packet.get_mut(at) {
                    *byte = value;
                }
            }
            packet.resize(mutation.length.unwrap_or(packet.len()), 0);
            if mutation.mended {
                mend(&mut packet);
            }
            host.wait(mutation.wait);
            let seen = if mutation.loopback {
                seen(host.internet.receive_local(&packet, host.now))
            } else {
                host.receive(&packet)
            };
            match seen {
                Seen::Reassembled(whole) => { host.receive(&whole); }
                Seen::Datagram(..) => {
                    host.internet.port_unreachable(&packet, host.now);
                    host.internet.protocol_unreachable(&packet, host.now);
                }
                _ => {}
            }
            for destination in [FAR, PEER, OURS] {
                let path = host.internet.route(destination.into()).expect("a route");
                prop_assert!((576..=1_500).contains(&path.mtu));
            }
            waiting += 1;
            if waiting == 20 {
                prop_assert!(core::iter::from_fn(|| host.transmit()).count() <= 8);
            }
        }
        host.wait(600_000);
        prop_assert_eq!(host.internet.next_deadline(), None, "everything ends");
    }

    #[test]
    fn random_bytes_do_not_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200), ether_type: u16, at in 0_u64..1_000_000,
    ) {
        let mut host = Host::new();
        host.now = Instant::from_micros(at);
        for ether_type in [EtherType::IPV4, EtherType(ether_type)] {
            let _ = host.internet.receive(ether_type, &bytes, Cast::Unicast, host.now);
        }
        let _ = host.internet.receive_local(&bytes, host.now);
        host.internet.port_unreachable(&bytes, host.now);
        let _ = host.internet.quoted(&bytes, Unreachable::Host, OURS.into());
        host.internet.transmit(host.now, &mut [0; 30]);
    }

    #[test]
    fn a_datagram_cut_anyhow_and_shuffled_joins_to_itself(
        length in 1_usize..3_000, cuts in proptest::collection::vec(1_u16..40, 1..8), order: u64,
    ) {
        let payload: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
        let mut parts = Vec::new();
        let (mut start, mut cut) = (0, 0);
        while start < length {
            let end = (start + usize::from(cuts[cut % cuts.len()]) * 8).min(length);
            cut += 1;
            let header = Ipv4Header {
                fragment_offset: start as u16,
                more_fragments: end < length,
                ..header(FAR, OURS, Protocol::UDP)
            };
            parts.push(packet(header, &payload[start..end]));
            start = end;
        }
        let mut random = Random::new(core::array::from_fn(|at| (order >> (at % 8)) as u8));
        for at in (1..parts.len()).rev() {
            parts.swap(at, random.below(at as u32 + 1) as usize);
        }
        let mut host = Host::new();
        let (last, first) = parts.split_last().expect("a part");
        for part in first {
            prop_assert_eq!(host.receive(part), Seen::Nothing);
        }
        if parts.len() == 1 {
            prop_assert_eq!(host.receive(last), Seen::Datagram(Cast::Unicast, payload));
        } else {
            let Seen::Reassembled(whole) = host.receive(last) else {
                return Err(TestCaseError::fail("not whole"));
            };
            prop_assert_eq!(&whole[HEADER..], &payload[..]);
        }
    }
}
