//! Any message at the DHCP client and at the server.
#![no_main]

use ethertab_stack::application::dhcp::{DhcpClient, DhcpServer, DhcpServerConfig};
use ethertab_stack::random::Random;
use ethertab_stack::{Duration, Instant, MacAddress};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let now = Instant::ZERO;
    let hardware = MacAddress([2, 0, 0, 0, 0, 1]);
    let mut client = DhcpClient::new(hardware, None, Random::new([7; 32]), now);
    let mut server = DhcpServer::new(DhcpServerConfig::new([10, 0, 0, 1].into(), 24));
    let mut out = [0; 1_472];
    while client.transmit(now, &mut out).is_some() {}
    client.receive(input, now);
    while client.poll_event().is_some() {}
    client.advance(now + Duration::from_secs(5));
    while client.transmit(now + Duration::from_secs(5), &mut out).is_some() {}
    let _ = server.respond(input, now);
});
