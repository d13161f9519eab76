//! Questions on TCP connections (RFC 1035 §4.2.2, RFC 7766).

use super::{Answers, LOCAL, Transport};
use ethertab_stack::config::ListenOptions;
use ethertab_stack::driver::{Error, Network, TcpStream};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a TCP connection may be silent (RFC 7766 §6.2.3 leaves it to the server).
const IDLE: Duration = Duration::from_secs(10);

/// TCP connections at once, for all clients.
const CONNECTIONS: usize = 128;

/// Answers questions on connections until the network is closed.
pub(in crate::gateway) async fn serve(
    network: Network,
    answers: Arc<Answers>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let options = ListenOptions {
        backlog: 32,
        ..ListenOptions::default()
    };
    let listener = match network.listen(LOCAL, options) {
        Ok(listener) => listener,
        Err(error) => {
            return tracing::error!(
                "no DNS over TCP: port {} is not to be had: {}",
                LOCAL.port(),
                error.code()
            );
        }
    };
    let seats = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, client)) => {
                let work = converse(stream, client.ip(), Arc::clone(&answers));
                let stop = stop.clone();
                tasks.spawn(async move {
                    stop.run_until_cancelled(work).await;
                    drop(seat);
                });
            }
            Err(Error::NetworkClosed) => return,
            Err(_) => {}
        }
    }
}

/// RFC 1035 §4.2.2, RFC 7766: messages on a connection, each behind its length.
async fn converse(mut stream: TcpStream, client: IpAddr, answers: Arc<Answers>) {
    loop {
        let mut length = [0; 2];
        let Ok(Ok(())) = timeout(IDLE, stream.read_exact(&mut length)).await else {
            break;
        };
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        let Ok(Ok(())) = timeout(IDLE, stream.read_exact(&mut message)).await else {
            break;
        };
        let Some(answer) = answers.answer(&message, client, Transport::Tcp).await else {
            break;
        };
        let Ok(length) = u16::try_from(answer.len()) else {
            break;
        };
        // In one piece, so that it leaves in one segment.
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(answer);
        let Ok(Ok(())) = timeout(IDLE, stream.write_all(&framed)).await else {
            break;
        };
    }
    let _ = stream.close().await;
}
