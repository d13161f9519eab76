//! Frames that nobody meant well: whatever comes, the stack neither panics nor spins, and lives on.

use ethertab_stack::config::{ListenOptions, TcpOptions};
use ethertab_stack::random::Random;
use ethertab_stack::{Config, Duration, Instant, Stack};
use ethertab_tests::segment::internet_checksum;
use ethertab_tests::{Impairments, Simulation, for_seeds, traffic};
use futures_util::join;

/// Every kind of frame that two hosts send each other in ordinary life.
fn ordinary_frames(seed: u64) -> Vec<Vec<u8>> {
    let cable = Impairments {
        delay: Duration::from_millis(2),
        loss: 0.02,
        ..Impairments::default()
    };
    let mut simulation = Simulation::new("bad-input", seed);
    let one = simulation.host(Config::default(), cable);
    let other = simulation.host(Config::default(), cable);
    let _asks = simulation.dhcp_host(Config::default(), cable);
    simulation.run(Duration::from_secs(60), async {
        let listener = other
            .network
            .listen(other.at(80), ListenOptions::default())
            .expect("listening");
        let (near, far) = join!(
            one.network.connect_to(other.at(80), TcpOptions::default()),
            traffic::accept(&listener)
        );
        join!(
            traffic::exchange(near.expect("connecting"), 1, 50_000),
            traffic::exchange(far.expect("accepting"), 2, 50_000)
        );
        let refused = one
            .network
            .connect_to(other.at(81), TcpOptions::default())
            .await;
        assert!(refused.is_err());
        let socket = one.network.bind_udp(one.at(1_000)).expect("binding");
        for length in [0, 100, 5_000] {
            socket
                .send_to(&vec![0; length], other.at(9))
                .await
                .expect("sending");
        }
        let _ = one.network.ping(other.address, Default::default()).await;
    });
    let segment = simulation.segment();
    let segment = segment.borrow();
    segment
        .capture
        .frames()
        .map(|(_, frame)| frame.to_vec())
        .collect()
}

/// Makes the checksums of an IPv4 frame right again, so that what is wrong with it is found higher up.
fn repair(frame: &mut [u8]) {
    let Some(packet) = frame.get_mut(14..) else {
        return;
    };
    let header = packet
        .first()
        .map_or(0, |first| usize::from(first & 15) * 4);
    if header < 20 || packet.len() < header {
        return;
    }
    packet[10..12].fill(0);
    let sum = internet_checksum(&packet[..header]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    let length = usize::from(u16::from_be_bytes([packet[2], packet[3]])).min(packet.len());
    let Some(payload_length) = length.checked_sub(header) else {
        return;
    };
    let place = match packet[9] {
        1 => 2,
        6 => 16,
        17 => 6,
        _ => return,
    };
    if payload_length < place + 2 {
        return;
    }
    let mut pseudo = Vec::new();
    if packet[9] != 1 {
        pseudo.extend_from_slice(&packet[12..20]);
        pseudo.extend_from_slice(&[0, packet[9]]);
        pseudo.extend_from_slice(&(payload_length as u16).to_be_bytes());
    }
    packet[header + place..header + place + 2].fill(0);
    pseudo.extend_from_slice(&packet[header..length]);
    let sum = internet_checksum(&pseudo);
    packet[header + place..header + place + 2].copy_from_slice(&sum.to_be_bytes());
}

fn mutate(frame: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let length = frame.len() as u32;
        if length == 0 {
            return;
        }
        // Headers are where it hurts.
        let reach = if random.below(4) == 0 { 1_600 } else { 80 };
        let place = random.below(length.min(reach)) as usize;
        match random.below(8) {
            0 => frame.truncate(place),
            1 => frame.extend(std::iter::repeat_n(0xff, random.below(64) as usize)),
            2 => frame[place] = 0,
            3 => frame[place] = 0xff,
            4 => frame[place] ^= 1 << random.below(8),
            5 => frame[place] = frame[place].wrapping_add(1),
            6 => {
                let other = random.below(length) as usize;
                frame.swap(place, other);
            }
            _ => frame[place] = random.next_u32() as u8,
        }
    }
}

#[test]
fn random_bytes_are_dropped() {
    for_seeds(4, |seed| {
        let mut random = Random::new([seed as u8; 32]);
        let mut stack = Stack::new(Config::default(), [3; 32], Instant::ZERO);
        let mut out = vec![0; 65_549];
        for step in 0..20_000 {
            let length = random.below(if step % 10 == 0 { 2_000 } else { 100 }) as usize;
            let mut frame: Vec<u8> = (0..length).map(|_| random.next_u32() as u8).collect();
            if length > 14 && step % 2 == 0 {
                frame[..6].copy_from_slice(&stack.hardware_address().0);
                frame[12..14].copy_from_slice(&[8, if step % 8 == 0 { 6 } else { 0 }]);
            }
            let now = Instant::from_millis(step);
            stack.receive(&frame, now);
            stack.advance(now);
            while stack.transmit(now, &mut out).is_some() {}
            while stack.poll_event().is_some() {}
        }
        assert_eq!(stack.counters().frames_received, 20_000);
    });
}

#[test]
fn mutated_frames_do_no_more_than_break_a_connection() {
    for_seeds(12, |seed| {
        let frames = ordinary_frames(seed);
        let mut random = Random::new([(seed as u8).wrapping_add(100); 32]);
        let cable = Impairments {
            delay: Duration::from_millis(2),
            ..Impairments::default()
        };
        // The same seed, hence the same ports and sequence numbers: many mutants hit what is alive.
        let mut simulation = Simulation::new("bad-input", seed);
        let one = simulation.host(Config::default(), cable);
        let other = simulation.host(Config::default(), cable);
        let segment = simulation.segment();
        simulation.run(Duration::from_secs(600), async {
            let listener = other
                .network
                .listen(other.at(80), ListenOptions::default())
                .expect("listening");
            let _socket = other.network.bind_udp(other.at(9)).expect("binding");
            let connection = one
                .network
                .connect_to(other.at(80), TcpOptions::default())
                .await;
            let accepted = traffic::accept(&listener).await;
            for _ in 0..2_000 {
                let mut frame = frames[random.below(frames.len() as u32) as usize].clone();
                mutate(&mut frame, &mut random);
                if random.below(8) > 0 {
                    repair(&mut frame);
                }
                let port = if random.below(2) == 0 {
                    one.port
                } else {
                    other.port
                };
                let now = one.network.with_stack(|_, now| now);
                segment.borrow_mut().inject(port, frame, now);
                one.network
                    .sleep(Duration::from_millis(u64::from(random.below(20))))
                    .await;
            }
            drop((connection, accepted));
        });
        // What a mutant taught about neighbours is forgotten or corrected in time.
        simulation.run_for(Duration::from_secs(120));
        let reply = simulation.run(
            Duration::from_secs(10),
            one.network.ping(other.address, Default::default()),
        );
        assert!(reply.is_ok(), "{reply:?}");
    });
}
