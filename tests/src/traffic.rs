//! What hosts say to each other in tests.

use crate::pattern;
use ethertab_stack::driver::{Error, TcpListener, TcpStream};
use futures_util::{AsyncReadExt, AsyncWriteExt, join};

/// Writes `length` bytes of `stream`.
pub async fn send(connection: &mut (impl AsyncWriteExt + Unpin), stream: u32, length: u64) {
    let mut position = 0;
    while position < length {
        let count = (length - position).min(20_000) as usize;
        let bytes = pattern::bytes(stream, position, count);
        connection.write_all(&bytes).await.expect("writing");
        position += count as u64;
    }
}

/// Reads to the end of the stream and checks every byte; returns how many there were.
pub async fn receive(connection: &mut (impl AsyncReadExt + Unpin), stream: u32) -> u64 {
    let mut buffer = vec![0; 16_384];
    let mut position = 0;
    loop {
        let count = connection.read(&mut buffer).await.expect("reading");
        if count == 0 {
            return position;
        }
        pattern::verify(stream, position, &buffer[..count]);
        position += count as u64;
    }
}

/// Sends stream 1 or 2 and receives the other at the same time, each `length` bytes and a FIN.
pub async fn exchange(connection: TcpStream, sends: u32, length: u64) {
    let (mut reader, mut writer) = connection.split();
    let outward = async {
        send(&mut writer, sends, length).await;
        writer.close().await.expect("closing");
    };
    let inward = async {
        let received = receive(&mut reader, 3 - sends).await;
        assert_eq!(received, length, "bytes received of stream {}", 3 - sends);
    };
    join!(outward, inward);
}

/// Accepts one connection.
pub async fn accept(listener: &TcpListener) -> Result<TcpStream, Error> {
    listener.accept().await.map(|(stream, _)| stream)
}
