//! Programs that everybody runs, against our stack: curl, nginx, iperf3.

use super::{Case, case};
use crate::capture::Capture;
use crate::iperf3;
use crate::world::{KERNEL, OURS, Outcome, Server, check, fixed, kernel, pattern, shell};
use ethertab_stack::config::{ListenOptions, TcpOptions};
use ethertab_stack::driver::TcpListener;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::net::{Ipv4Addr, SocketAddr};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("curl fetches from an HTTP server on our stack", curl),
        case!("we fetch from nginx, small and large", nginx),
        case!("iperf3 sends to us", iperf3_sends),
        case!("iperf3 receives from us", iperf3_receives),
    ]
}

async fn curl(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let listener = network.listen(
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80)),
        ListenOptions::default(),
    )?;
    let server = tokio::spawn(serve_http(listener, pattern(5 << 20)));
    let folder = tempfile::tempdir()?;
    let path = folder.path().display();
    for round in 0..10 {
        shell(&format!(
            "curl -sS -o {path}/{round} --max-time 20 http://{OURS}/data"
        ))
        .await?;
        check(
            std::fs::read(folder.path().join(round.to_string()))? == pattern(5 << 20),
            format!("round {round}"),
        )?;
    }
    server.abort();
    Ok(())
}

/// Answers every request with `body`, one request a connection.
async fn serve_http(listener: TcpListener, body: Vec<u8>) -> Outcome {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let mut request = Vec::new();
        let mut buffer = [0; 1_024];
        while !request.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut buffer).await? {
                0 => return Err("a request without an end".into()),
                count => request.extend_from_slice(&buffer[..count]),
            }
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        stream.close().await?;
    }
}

async fn nginx(capture: Capture) -> Outcome {
    let network = fixed(&capture).await?;
    let folder = tempfile::tempdir()?;
    let large = pattern(20 << 20);
    std::fs::write(folder.path().join("small"), "hello from nginx\n")?;
    std::fs::write(folder.path().join("large"), &large)?;
    shell(&format!("chmod 755 {}", folder.path().display())).await?;
    let _nginx = Server::nginx(folder.path()).await?;
    for (name, body) in [
        ("small", b"hello from nginx\n".as_slice()),
        ("large", &large),
    ] {
        let mut stream = network
            .connect_to(kernel(80), TcpOptions::default())
            .await?;
        let request = format!("GET /{name} HTTP/1.0\r\nHost: {KERNEL}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        check(
            response.starts_with(b"HTTP/1.1 200") && response.ends_with(body),
            format!("{name}: {} bytes", response.len()),
        )?;
    }
    Ok(())
}

async fn iperf3_sends(capture: Capture) -> Outcome {
    iperf3(&capture, "").await
}

async fn iperf3_receives(capture: Capture) -> Outcome {
    iperf3(&capture, "--reverse").await
}

async fn iperf3(capture: &Capture, option: &str) -> Outcome {
    let network = fixed(capture).await?;
    let listener = network.listen(
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5_201)),
        ListenOptions::default(),
    )?;
    let served = tokio::spawn(async move { iperf3::serve(&listener).await });
    let printed = shell(&format!(
        "iperf3 --client {OURS} --time 1 --format m {option}"
    ))
    .await?;
    let moved = served.await??;
    check(
        moved > 1_000_000 && printed.contains("receiver"),
        format!("{moved} bytes; {printed}"),
    )
}
