//! The echo of RFC 862, over TCP and UDP.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
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

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    /// Ends when the echo gives the seat back, and says how long it was kept. Time is tokio's, and passes at once.
    async fn kept(stream: impl AsyncRead + AsyncWrite + Unpin) -> Duration {
        let began = Instant::now();
        timeout(10 * IDLE, converse(stream))
            .await
            .expect("the seat is kept for ever");
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_loses_its_seat() {
        let (stream, _client) = tokio::io::duplex(64);
        assert_eq!(kept(stream).await, IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_reads_loses_its_seat() {
        let (stream, mut client) = tokio::io::duplex(64);
        // Twice what waits for a reader: the echo of it cannot be written.
        let talk = async {
            client.write_all(&[0; 128]).await.unwrap();
            client
        };
        let (kept, _client) = tokio::join!(kept(stream), talk);
        assert_eq!(kept, IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_talks_and_reads_now_and_then_keeps_its_seat() {
        let (stream, mut client) = tokio::io::duplex(64);
        let talk = async {
            for _ in 0..5 {
                tokio::time::sleep(IDLE - Duration::from_secs(1)).await;
                client.write_all(b"still here").await.unwrap();
                client.read_exact(&mut [0; 10]).await.unwrap();
            }
            client.shutdown().await.unwrap();
            client
        };
        let (kept, _client) = tokio::join!(kept(stream), talk);
        assert_eq!(kept, 5 * (IDLE - Duration::from_secs(1)));
    }
}
