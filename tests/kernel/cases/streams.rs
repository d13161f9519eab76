//! TCP with the kernel at the other end.

use super::{Case, case};
use crate::capture::Capture;
use crate::world::{
    KERNEL, OURS, Outcome, check, check_code, fixed, kernel, ours, pattern, read_all, shell,
};
use ethertab_stack::config::{ListenOptions, TcpOptions};
use ethertab_stack::driver::Network;
use futures_util::future::join_all;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of a bulk transfer.
const BULK: usize = 64 << 20;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(
            "bulk data arrives intact from us to the kernel",
            bulk_to_the_kernel
        ),
        case!(
            "bulk data arrives intact from the kernel to us",
            bulk_from_the_kernel
        ),
        case!(
            "a kernel that connects to us gets bulk data through both ways at once",
            both_ways_at_once
        ),
        case!(
            "small messages go back and forth a thousand times",
            small_messages
        ),
        case!("both ends offer window scaling on the wire", window_scaling),
        case!(
            "after we end our half the kernel can still send",
            we_end_our_half
        ),
        case!(
            "after the kernel ends its half we can still send",
            the_kernel_ends_its_half
        ),
        case!("a reset reaches whoever did not reset", resets),
        case!("a closed port refuses at once, both ways", refused),
        case!("a host that is not there is unreachable", unreachable),
        case!(
            "a router's word that there is no way fails a connect",
            no_way
        ),
        case!("two hundred connections at once", two_hundred),
        case!(
            "a close right after a write loses nothing",
            a_close_loses_nothing
        ),
        case!("a smaller MTU on the path is found", path_mtu),
    ]
}

fn anywhere(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
}

/// A connection that we opened, and the kernel's end of it.
async fn connected(
    network: &Network,
    port: u16,
) -> Result<(ethertab_stack::driver::TcpStream, TcpStream), Box<dyn std::error::Error + Send + Sync>>
{
    let listener = TcpListener::bind(kernel(port)).await?;
    let (mine, theirs) = tokio::join!(
        network.connect_to(kernel(port), TcpOptions::default()),
        listener.accept()
    );
    Ok((mine?, theirs?.0))
}

async fn bulk_to_the_kernel(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let (mut mine, mut theirs) = connected(&network, 7_001).await?;
    let data = pattern(BULK);
    let (sent, received) = tokio::join!(
        async {
            mine.write_all(&data).await?;
            mine.close().await
        },
        read_all(&mut theirs)
    );
    sent?;
    check(received? == data, "the kernel read something else")
}

async fn bulk_from_the_kernel(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let (mut mine, mut theirs) = connected(&network, 7_002).await?;
    let data = pattern(BULK);
    let mut received = Vec::new();
    let (sent, read) = tokio::join!(
        async {
            theirs.write_all(&data).await?;
            theirs.shutdown().await
        },
        mine.read_to_end(&mut received)
    );
    sent?;
    read?;
    check(received == data, "we read something else")
}

async fn both_ways_at_once(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let listener = network.listen(anywhere(8_001), ListenOptions::default())?;
    let (mine, theirs) = tokio::join!(listener.accept(), TcpStream::connect(ours(8_001)));
    let ((mine, from), mut theirs) = (mine?, theirs?);
    check(
        from == theirs.local_addr()?,
        format!("accepted from {from}"),
    )?;
    let (mut reader, mut writer) = mine.split();
    let (mut their_reader, mut their_writer) = theirs.split();
    let data = pattern(BULK / 4);
    let (mut here, mut there) = (Vec::new(), Vec::new());
    let (a, b, c, d) = tokio::join!(
        async {
            writer.write_all(&data).await?;
            writer.close().await
        },
        reader.read_to_end(&mut here),
        async {
            their_writer.write_all(&data).await?;
            their_writer.shutdown().await
        },
        their_reader.read_to_end(&mut there)
    );
    a?;
    b?;
    c?;
    d?;
    check(here == data && there == data, "something else arrived")
}

async fn small_messages(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let (mut mine, mut theirs) = connected(&network, 7_003).await?;
    mine.set_no_delay(true);
    theirs.set_nodelay(true)?;
    let mut buffer = [0; 64];
    for round in 0..1_000_usize {
        let message = pattern(1 + round % 64);
        mine.write_all(&message).await?;
        theirs.read_exact(&mut buffer[..message.len()]).await?;
        check(buffer[..message.len()] == message, format!("round {round}"))?;
        theirs.write_all(&message).await?;
        mine.read_exact(&mut buffer[..message.len()]).await?;
        check(
            buffer[..message.len()] == message,
            format!("answer {round}"),
        )?;
    }
    Ok(())
}

async fn window_scaling(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let (_mine, _theirs) = connected(&network, 7_004).await?;
    let listener = network.listen(anywhere(8_004), ListenOptions::default())?;
    let (accepted, stream) = tokio::join!(listener.accept(), TcpStream::connect(ours(8_004)));
    accepted?;
    stream?;
    let count = |filter: &str| -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        let text = capture.filter(filter).map_err(|error| error.to_string())?;
        Ok(text.lines().count())
    };
    let offered = count(
        "tcp.flags.syn == 1 && tcp.options.wscale.shift >= 1 && (tcp.port == 7004 || tcp.port == 8004)",
    )?;
    check(
        offered >= 2,
        format!("{offered} of our SYNs offer a window scale"),
    )
}

async fn we_end_our_half(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let (mut mine, mut theirs) = connected(&network, 7_005).await?;
    mine.write_all(b"question").await?;
    mine.close().await?;
    check(read_all(&mut theirs).await? == b"question", "the question")?;
    let answer = pattern(1 << 20);
    let mut received = Vec::new();
    let (sent, read) = tokio::join!(
        async {
            theirs.write_all(&answer).await?;
            theirs.shutdown().await
        },
        mine.read_to_end(&mut received)
    );
    sent?;
    read?;
    check(received == answer, "the answer")
}

async fn the_kernel_ends_its_half(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let (mut mine, mut theirs) = connected(&network, 7_006).await?;
    theirs.write_all(b"question").await?;
    theirs.shutdown().await?;
    let mut question = Vec::new();
    mine.read_to_end(&mut question).await?;
    check(question == b"question", "the question")?;
    let answer = pattern(1 << 20);
    let (sent, received) = tokio::join!(
        async {
            mine.write_all(&answer).await?;
            mine.close().await
        },
        read_all(&mut theirs)
    );
    sent?;
    check(received? == answer, "the answer")
}

async fn resets(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let (mut mine, theirs) = connected(&network, 7_007).await?;
    theirs.set_zero_linger()?;
    drop(theirs);
    let error = mine.read(&mut [0; 16]).await.expect_err("a reset");
    check(
        error.kind() == std::io::ErrorKind::ConnectionReset,
        error.to_string(),
    )?;
    let (mine, mut theirs) = connected(&network, 7_008).await?;
    mine.abort();
    let error = theirs.read(&mut [0; 16]).await.expect_err("a reset");
    check(
        error.kind() == std::io::ErrorKind::ConnectionReset,
        error.to_string(),
    )
}

async fn refused(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    check_code(
        network
            .connect_to(kernel(7_999), TcpOptions::default())
            .await,
        "ECONNREFUSED",
    )?;
    let error = TcpStream::connect(ours(8_999))
        .await
        .expect_err("nobody listens");
    check(
        error.kind() == std::io::ErrorKind::ConnectionRefused,
        error.to_string(),
    )
}

async fn unreachable(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let nobody = SocketAddr::from((Ipv4Addr::new(10, 77, 0, 98), 80));
    check_code(
        network.connect_to(nobody, TcpOptions::default()).await,
        "EHOSTUNREACH",
    )
}

async fn no_way(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    shell("sysctl -qw net.ipv4.ip_forward=1 && ip route add prohibit 10.66.0.0/24 && ip route add unreachable 10.67.0.0/24").await?;
    let refused = SocketAddr::from((Ipv4Addr::new(10, 66, 0, 1), 80));
    check_code(
        network.connect_to(refused, TcpOptions::default()).await,
        "EHOSTUNREACH",
    )?;
    let options = TcpOptions {
        connect_timeout: Some(std::time::Duration::from_secs(5)),
        ..TcpOptions::default()
    };
    let nowhere = SocketAddr::from((Ipv4Addr::new(10, 67, 0, 1), 80));
    check_code(network.connect_to(nowhere, options).await, "EHOSTUNREACH")?;
    shell("ip route delete prohibit 10.66.0.0/24; ip route delete unreachable 10.67.0.0/24")
        .await?;
    Ok(())
}

async fn two_hundred(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let listener = TcpListener::bind(kernel(7_010)).await?;
    let echo = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    let results = join_all((0..200_usize).map(|number| {
        let network = network.clone();
        async move {
            let mut stream = network
                .connect_to(kernel(7_010), TcpOptions::default())
                .await?;
            let data = pattern(10_000 + number);
            stream.write_all(&data).await?;
            stream.close().await?;
            let mut back = Vec::new();
            stream.read_to_end(&mut back).await?;
            check(back == data, format!("connection {number}"))
        }
    }))
    .await;
    echo.abort();
    results.into_iter().collect()
}

async fn a_close_loses_nothing(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let (mut mine, mut theirs) = connected(&network, 7_011).await?;
    let data = pattern(300_000);
    mine.write_all(&data).await?;
    drop(mine);
    check(
        read_all(&mut theirs).await? == data,
        "what was written before the close",
    )
}

async fn path_mtu(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    // kernel ── veth with a small MTU ── a second host, in a namespace inside this one.
    shell(&format!(
        "sysctl -qw net.ipv4.ip_forward=1 && ip netns add far && ip link add near type veth peer name eth0 netns far \
         && ip address add 10.79.0.1/24 dev near && ip link set near mtu 1000 up \
         && ip -n far address add 10.79.0.2/24 dev eth0 && ip -n far link set eth0 mtu 1000 up \
         && ip -n far link set lo up && ip -n far route add {OURS} via 10.79.0.1"
    ))
    .await?;
    let file = tempfile::NamedTempFile::new()?;
    let sink = format!(
        "ip netns exec far socat -u TCP-LISTEN:7012,bind=10.79.0.2 OPEN:{},trunc",
        file.path().display()
    );
    let served = tokio::spawn(async move { shell(&sink).await });
    let remote = SocketAddr::from((Ipv4Addr::new(10, 79, 0, 2), 7_012));
    let mut stream = loop {
        match network.connect_to(remote, TcpOptions::default()).await {
            Ok(stream) => break stream,
            // Nothing tells when socat begins to listen: asking again is the condition.
            Err(error) if error.code() == "ECONNREFUSED" => {
                network.sleep(std::time::Duration::from_millis(10)).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    let data = pattern(2 << 20);
    stream.write_all(&data).await?;
    stream.flush().await?;
    let segment = stream.info()?.maximum_segment;
    stream.close().await?;
    served.await??;
    shell("ip netns delete far").await?;
    check(
        std::fs::read(file.path())? == data,
        "the far host read something else",
    )?;
    check(
        segment <= 960,
        format!("segments of {segment} bytes past {KERNEL}"),
    )
}
