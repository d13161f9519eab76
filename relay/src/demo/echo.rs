//! The echo of RFC 862, over TCP and UDP.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at once.
const CONNECTIONS: usize = 256;

/// How long a connection may be silent, or leave what it is sent unread: it must not keep its seat for ever.
const IDLE: Duration = Duration::from_secs(600);

pub(super) async fn tcp(listener: TcpListener, tasks: TaskTracker, stop: CancellationToken) {
    static SEATS: Semaphore = Semaphore::const_new(CONNECTIONS);
    loop {
        let Ok(seat) = SEATS.acquire().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let stop = stop.clone();
                tasks.spawn(async move {
                    stop.run_until_cancelled(converse(stream)).await;
                    drop(seat);
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn converse(mut stream: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(Ok(length @ 1..)) = timeout(IDLE, stream.read(&mut buffer)).await {
        let written = timeout(IDLE, stream.write_all(&buffer[..length])).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

pub(super) async fn udp(socket: UdpSocket) {
    let mut buffer = vec![0; 65_535];
    loop {
        // An error here is about an earlier datagram (its port was closed), and no reason to stop.
        if let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            // RFC 862 answers anybody; two echoes that answer each other would never end.
            if peer.port() != 7 {
                let _ = socket.send_to(&buffer[..length], peer).await;
            }
        }
    }
}
