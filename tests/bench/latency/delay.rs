//! A longer way to a TCP server, on machines whose kernel has no netem: `bench-delay TARGET PORT MILLISECONDS [PORT MILLISECONDS …]`.
//!
//! What comes at loopback's PORT goes on to loopback's port TARGET, each byte half of MILLISECONDS after it came, and back the same
//! way: order is kept, nothing is lost, and there is no limit on the speed. With 0 it is the same program in the same place, which
//! is what the others are compared with.

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Bytes that are read at once.
const PIECE: usize = 128 * 1024;

/// Pieces on their way at most: many more than a WebSocket has credit for, so that this is never the limit.
const PIECES: usize = 16_384;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let target: u16 = arguments.next().ok_or("a port is needed")?.parse()?;
    while let Some(port) = arguments.next() {
        let delay: u64 = arguments.next().ok_or("a delay is needed")?.parse()?;
        let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
        tokio::spawn(serve(listener, target, Duration::from_millis(delay) / 2));
    }
    println!("ready");
    std::future::pending().await
}

async fn serve(listener: TcpListener, target: u16, delay: Duration) -> std::io::Result<()> {
    loop {
        let (near, _) = listener.accept().await?;
        tokio::spawn(async move {
            let far = TcpStream::connect(("127.0.0.1", target)).await?;
            near.set_nodelay(true)?;
            far.set_nodelay(true)?;
            let (near, far) = (near.into_split(), far.into_split());
            tokio::spawn(carry(near.0, far.1, delay));
            carry(far.0, near.1, delay).await
        });
    }
}

/// One direction, to its end.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
) -> std::io::Result<()> {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    tokio::spawn(async move {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let length = from.read_buf(&mut piece).await.unwrap_or(0);
            if length == 0 || sender.send((Instant::now() + delay, piece)).await.is_err() {
                return;
            }
        }
    });
    while let Some((due, piece)) = receiver.recv().await {
        if !delay.is_zero() {
            sleep_until(due).await;
        }
        to.write_all(&piece).await?;
    }
    to.shutdown().await
}
