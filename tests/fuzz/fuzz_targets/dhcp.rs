//! Any messages, at any pace, at the DHCP client and at the server.
#![no_main]

use ethertab_stack::application::dhcp::{DhcpClient, DhcpEvent, DhcpServer, DhcpServerConfig};
use ethertab_stack::random::Random;
use ethertab_stack::{Duration, Instant, MacAddress};
use libfuzzer_sys::fuzz_target;

/// Messages that a client may send for one that arrives and the time that passes with it.
const MESSAGES: usize = 10;
/// Addresses that the server remembers.
const LEASES: usize = 8;

fuzz_target!(|input: &[u8]| {
    let mut now = Instant::ZERO;
    let hardware = MacAddress([2, 0, 0, 0, 0, 1]);
    let mut client = DhcpClient::new(hardware, None, Random::new([7; 32]), now);
    let mut server = DhcpServer::new(DhcpServerConfig {
        leases: LEASES,
        ..DhcpServerConfig::new([10, 0, 0, 1].into(), 24)
    });
    let mut out = [0; 1_472];
    let mut transaction = [0; 4];
    // Each message is led by what is done with it, its length, and a pause in seconds.
    let mut rest = input;
    while let [way, length, pause, tail @ ..] = rest {
        let (options, next) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = next;
        if way & 16 != 0 {
            client.restored(now);
        }
        now += Duration::from_secs(u64::from(*pause));
        for _ in 0..MESSAGES {
            if client.next_deadline().is_none_or(|due| due > now) {
                break;
            }
            client.advance(now);
            act(&mut client, *way, now);
        }
        let mut sent = 0;
        while let Some((length, _)) = client.transmit(now, &mut out) {
            transaction.copy_from_slice(&out[4..8]);
            if way & 4 != 0
                && let Some(reply) = server.respond(&out[..length], now)
            {
                client.receive(&reply.bytes, now);
            }
            act(&mut client, *way, now);
            sent += 1;
            assert!(sent < MESSAGES, "the client storms");
        }
        let message = message(way & 1 != 0, transaction, hardware, options);
        client.receive(&message, now);
        act(&mut client, *way, now);
        let _ = server.respond(&message, now);
        assert!(server.leases(now).count() <= LEASES);
    }
    client.receive(input, now);
    let _ = server.respond(input, now);
});

/// A message that passes the first checks, with the input as its options.
fn message(reply: bool, transaction: [u8; 4], hardware: MacAddress, options: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 240];
    message[..3].copy_from_slice(&[if reply { 2 } else { 1 }, 1, 6]);
    message[4..8].copy_from_slice(&transaction);
    message[16..20].copy_from_slice(&[10, 0, 0, 9]);
    message[28..34].copy_from_slice(&hardware.0);
    message[236..].copy_from_slice(&[99, 130, 83, 99]);
    message.extend_from_slice(options);
    message
}

/// What a host does with events.
fn act(client: &mut DhcpClient, way: u8, now: Instant) {
    while let Some(event) = client.poll_event() {
        match event {
            DhcpEvent::Probe(address) if way & 8 != 0 => client.conflict(address, now),
            DhcpEvent::Probe(address) => client.probe_clear(address, now),
            DhcpEvent::Bound(lease) => assert!(lease.prefix_length <= 32),
            DhcpEvent::Lost => {}
        }
    }
}
