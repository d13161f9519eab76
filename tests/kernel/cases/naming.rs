//! DHCP and DNS against programs that everybody runs.

use super::{Case, case};
use crate::capture::Capture;
use crate::world::{
    INTERFACE, KERNEL, OURS, Outcome, Server, check, check_code, fixed, kernel, open, shell,
};
use ethertab_stack::Event;
use ethertab_stack::application::dhcp::{DhcpServer, DhcpServerConfig};
use ethertab_stack::config::{Addressing, StaticAddress};
use ethertab_stack::driver::{Network, PingOptions};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("udhcpc gets an address from our server", udhcpc_asks_us),
        case!("our client gets an address from dnsmasq", we_ask_dnsmasq),
        case!(
            "our client declines an address that somebody uses",
            we_decline
        ),
        case!(
            "names are resolved by dnsmasq: addresses, aliases, absence, TCP on truncation",
            names
        ),
    ]
}

async fn udhcpc_asks_us(capture: Capture) -> Outcome {
    let addressing = Addressing::Static(StaticAddress {
        address: OURS,
        prefix_length: 24,
        gateway: None,
        name_servers: Vec::new(),
    });
    let network = open(&capture, addressing)?;
    let server = tokio::spawn(serve_dhcp(network));
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(
        script.path(),
        "#!/bin/sh\n[ \"$1\" = bound ] && ip address add $ip/$mask dev $interface\nexit 0\n",
    )?;
    shell(&format!("chmod +x {}", script.path().display())).await?;
    // A program that is still open for writing cannot be started: keep the path alone.
    let script = script.into_temp_path();
    shell(&format!(
        "udhcpc -i {INTERFACE} -n -q -f -t 5 -T 1 -s {}",
        script.display()
    ))
    .await?;
    let addresses = shell(&format!("ip -4 address show dev {INTERFACE}")).await?;
    server.abort();
    check(addresses.contains("10.77.0.1"), addresses)
}

/// Serves DHCP for ever, as the relay's gateway does.
async fn serve_dhcp(network: Network) -> Outcome {
    let socket = network.bind_udp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 67)))?;
    let mut server = DhcpServer::new(DhcpServerConfig {
        first: Ipv4Addr::new(10, 77, 0, 100),
        last: Ipv4Addr::new(10, 77, 0, 120),
        ..DhcpServerConfig::new(OURS, 24)
    });
    let mut buffer = vec![0; 1_500];
    loop {
        let datagram = socket.receive(&mut buffer).await?;
        let reply = network.with_stack(|stack, now| {
            let reply = server.respond(&buffer[..datagram.length], now)?;
            if let Some((address, hardware)) = reply.learn {
                stack.learn_neighbor(address.into(), hardware, now);
            }
            Some(reply)
        });
        if let Some(reply) = reply {
            socket
                .send_to(&reply.bytes, reply.destination.into())
                .await?;
        }
    }
}

/// dnsmasq as DHCP and DNS server on the interface.
fn dnsmasq() -> Result<Server, Box<dyn std::error::Error + Send + Sync>> {
    let interface = format!("--interface={INTERFACE}");
    let mut arguments = vec![
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--leasefile-ro",
        "--pid-file=",
        "--user=root",
        "--bind-interfaces",
        "--except-interface=lo",
        "--dhcp-range=10.77.0.50,10.77.0.60,255.255.255.0,1h",
        "--domain=test.example",
        "--host-record=server.example,10.77.0.1",
        "--cname=alias.example,server.example",
        "--cname=alias-of-alias.example,alias.example",
        "--local=/example/",
        "--edns-packet-max=512",
        "--log-facility=/dev/null",
        &interface,
    ];
    let many: Vec<String> = (1..=60)
        .map(|number| format!("--host-record=many.example,10.200.0.{number}"))
        .collect();
    arguments.extend(many.iter().map(String::as_str));
    Server::start("dnsmasq", &arguments)
}

async fn we_ask_dnsmasq(capture: Capture) -> Outcome {
    let network = open(&capture, Addressing::Dhcp)?;
    shell(&format!("ip address add {KERNEL}/24 dev {INTERFACE}")).await?;
    let _dnsmasq = dnsmasq()?;
    network.configured().await?;
    let lease = network
        .with_stack(|stack, _| stack.lease().cloned())
        .ok_or("an address without a lease")?;
    check(
        (50..=60).contains(&lease.address.octets()[3])
            && lease.gateway == Some(KERNEL)
            && lease.name_servers == [IpAddr::V4(KERNEL)]
            && lease.prefix_length == 24
            && lease.domain.as_deref() == Some("test.example"),
        format!("{lease:?}"),
    )?;
    network.ping(KERNEL.into(), PingOptions::default()).await?;
    shell(&format!("ping -n -c 1 -W 2 {}", lease.address)).await?;
    Ok(())
}

async fn we_decline(capture: Capture) -> Outcome {
    let network = open(&capture, Addressing::Dhcp)?;
    shell(&format!("ip address add {KERNEL}/24 dev {INTERFACE}")).await?;
    // The kernel holds the whole range but the last address, and dnsmasq is told not to look.
    for number in 50..60 {
        shell(&format!(
            "ip address add 10.77.0.{number}/32 dev {INTERFACE}"
        ))
        .await?;
    }
    let interface = format!("--interface={INTERFACE}");
    let _dnsmasq = Server::start(
        "dnsmasq",
        &[
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-ping",
            "--leasefile-ro",
            "--pid-file=",
            "--user=root",
            "--port=0",
            "--dhcp-sequential-ip",
            "--dhcp-range=10.77.0.59,10.77.0.60,255.255.255.0,1h",
            "--log-facility=/dev/null",
            &interface,
        ],
    )?;
    let mut conflicts = 0;
    let lease = loop {
        match network.next_event().await {
            Some(Event::AddressConflict { address, .. }) => {
                conflicts += 1;
                check(address == Ipv4Addr::new(10, 77, 0, 59), address.to_string())?;
            }
            Some(Event::Leased(lease)) => break lease,
            Some(_) => {}
            None => return Err("the network ended".into()),
        }
    };
    check(
        conflicts > 0 && lease.address == Ipv4Addr::new(10, 77, 0, 60),
        format!("{conflicts} conflicts, then {lease:?}"),
    )
}

async fn names(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let _dnsmasq = dnsmasq()?;
    crate::world::reachable(53).await?;
    for name in [
        "server.example",
        "SERVER.example.",
        "alias.example",
        "alias-of-alias.example",
    ] {
        let addresses = network.resolve(name).await?;
        check(
            addresses == [IpAddr::V4(KERNEL)],
            format!("{name}: {addresses:?}"),
        )?;
    }
    check_code(network.resolve("absent.example").await, "ENOTFOUND")?;
    let many = network.resolve("many.example").await?;
    check(
        many.len() == 60,
        format!("{} of 60 addresses: was it asked again by TCP?", many.len()),
    )?;
    let asked = capture
        .filter(&format!(
            "tcp.dstport == 53 && ip.dst == {}",
            kernel(53).ip()
        ))
        .map_err(|error| error.to_string())?;
    check(!asked.is_empty(), "no question by TCP")
}
