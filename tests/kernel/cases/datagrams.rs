//! ICMP and UDP, fragments, and what the network reports.

use super::{Case, case};
use crate::capture::Capture;
use crate::world::{
    INTERFACE, KERNEL, OURS, Outcome, check, check_code, fixed, kernel, ours, pattern, shell,
};
use ethertab_stack::driver::PingOptions;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("we ping the kernel", we_ping_the_kernel),
        case!("we ping the kernel with fragments", we_ping_with_fragments),
        case!(
            "the kernel pings us, with fragments too",
            the_kernel_pings_us
        ),
        case!("a ping to nobody says host unreachable", a_ping_to_nobody),
        case!(
            "a ping whose hops run out says so",
            a_ping_whose_hops_run_out
        ),
        case!(
            "datagrams arrive whole both ways, large ones in fragments",
            datagrams
        ),
        case!("a closed port is reported both ways", closed_ports),
        case!("our broadcast reaches the kernel", our_broadcast),
    ]
}

async fn we_ping_the_kernel(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    for _ in 0..5 {
        let reply = network.ping(KERNEL.into(), PingOptions::default()).await?;
        check(
            reply.source == KERNEL && reply.size == 56 && reply.hop_limit == 64,
            format!("{reply:?}"),
        )?;
    }
    Ok(())
}

async fn we_ping_with_fragments(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let options = PingOptions {
        size: 9_000,
        ..PingOptions::default()
    };
    let reply = network.ping(KERNEL.into(), options).await?;
    check(reply.size == 9_000, format!("{reply:?}"))
}

async fn the_kernel_pings_us(capture: Capture) -> Outcome {
    let _network = fixed(&capture).await?;
    for size in [0, 56, 1_472, 1_473, 9_000, 65_507] {
        shell(&format!("ping -n -c 3 -i 0.01 -W 2 -s {size} {OURS}")).await?;
    }
    Ok(())
}

async fn a_ping_to_nobody(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let options = PingOptions {
        timeout: Duration::from_secs(20),
        ..PingOptions::default()
    };
    let nobody = Ipv4Addr::new(10, 77, 0, 99);
    check_code(network.ping(nobody.into(), options).await, "EHOSTUNREACH")
}

async fn a_ping_whose_hops_run_out(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    shell("sysctl -qw net.ipv4.ip_forward=1 && ip link add behind type veth peer name beyond && ip address add 10.78.0.1/24 dev behind && ip link set behind up").await?;
    let options = PingOptions {
        hop_limit: Some(1),
        ..PingOptions::default()
    };
    let result = network
        .ping(Ipv4Addr::new(10, 78, 0, 9).into(), options)
        .await;
    shell("ip link delete behind").await?;
    let text = result.map_or_else(|error| error.to_string(), |reply| format!("{reply:?}"));
    check(text.contains("time to live"), text)
}

async fn datagrams(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let theirs = UdpSocket::bind(kernel(5_000)).await?;
    let mine = network.bind_udp(ours(6_000))?;
    let mut buffer = vec![0; 65_536];
    for size in [0, 1, 1_000, 1_472, 1_473, 20_000, 65_507] {
        let payload = pattern(size);
        mine.send_to(&payload, kernel(5_000)).await?;
        let (length, from) = theirs.recv_from(&mut buffer).await?;
        check(
            from == ours(6_000) && buffer[..length] == payload,
            format!("{size} bytes to the kernel"),
        )?;
        theirs.send_to(&payload, from).await?;
        let datagram = mine.receive(&mut buffer).await?;
        check(
            datagram.source == kernel(5_000) && buffer[..datagram.length] == payload,
            format!("{size} bytes from the kernel"),
        )?;
    }
    Ok(())
}

async fn closed_ports(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let mine = network.bind_udp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
    mine.connect(kernel(5_999))?;
    mine.send(b"anybody?").await?;
    check_code(mine.receive(&mut [0; 16]).await, "ECONNREFUSED")?;
    let theirs = UdpSocket::bind(kernel(0)).await?;
    theirs.connect(ours(6_999)).await?;
    theirs.send(b"anybody?").await?;
    let error = theirs.recv(&mut [0; 16]).await.expect_err("an ICMP error");
    check(
        error.kind() == std::io::ErrorKind::ConnectionRefused,
        error.to_string(),
    )
}

async fn our_broadcast(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let theirs = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 5_100)).await?;
    let mine = network.bind_udp(ours(6_100))?;
    for destination in [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 77, 0, 255)] {
        mine.send_to(b"all", SocketAddr::from((destination, 5_100)))
            .await?;
        let mut buffer = [0; 16];
        let (length, from) = theirs.recv_from(&mut buffer).await?;
        check(
            from == ours(6_100) && &buffer[..length] == b"all",
            format!("{destination} over {INTERFACE}"),
        )?;
    }
    Ok(())
}
