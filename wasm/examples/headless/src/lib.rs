//! A stand-in for your crate: it speaks some protocol over anything that reads and writes, and so can be tested over real
//! sockets in a headless browser. `tests/real_sockets.rs` does; `README.md` says how to run it.

use futures_util::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use std::io;

/// Asks an HTTP/1.0 server for a page and returns all that it answers.
pub async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    host: &str,
    path: &str,
) -> io::Result<String> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
