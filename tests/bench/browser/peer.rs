//! What the figures in the browser are measured against and with: moves bytes and does nothing else.
//!
//! The WebSocket server on loopback port ARGUMENT 1 is of the same make as the relay's: `/down/SIZE/TOTAL` sends TOTAL
//! bytes in binary messages of SIZE bytes, `/up/TOTAL` takes as many and then says so in one short message, `/echo` sends back
//! what comes, and `/proxy/PORT` is a plain proxy to that port of loopback. The TCP server on port ARGUMENT 2 of every address is
//! the kernel's end behind the TAP: it reads one line, `down TOTAL` or `up TOTAL`, and does the same.

use futures_util::{SinkExt, StreamExt};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Bytes, Message};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut ports = std::env::args().skip(1).map(|port| port.parse::<u16>());
    let mut port = || {
        ports
            .next()
            .ok_or("two ports are needed")?
            .map_err(Failure::from)
    };
    let web_sockets = TcpListener::bind(("127.0.0.1", port()?)).await?;
    let streams = TcpListener::bind(("0.0.0.0", port()?)).await?;
    println!("ready");
    loop {
        // A client that goes away ends its own task and nothing else.
        tokio::select! {
            accepted = web_sockets.accept() => {
                let (stream, _) = accepted?;
                tokio::spawn(async move { web_socket(stream).await.map_err(|error| eprintln!("websocket: {error}")) });
            }
            accepted = streams.accept() => {
                let (stream, _) = accepted?;
                tokio::spawn(async move { tcp(stream).await.map_err(|error| eprintln!("tcp: {error}")) });
            }
        }
    }
}

async fn web_socket(stream: TcpStream) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let path = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&path);
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let note = move |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        if let Ok(mut path) = seen.lock() {
            request.uri().path().clone_into(&mut path);
        }
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, note).await?;
    let path = path.lock().map_err(|_| "a lock")?.clone();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["down", size, total] => {
            let (size, mut left): (usize, u64) = (size.parse()?, total.parse()?);
            let message = Bytes::from(vec![7; size]);
            while left > 0 {
                // Several messages a flush, as the relay does.
                for _ in 0..32 {
                    socket.feed(Message::Binary(message.clone())).await?;
                    left = left.saturating_sub(size as u64);
                }
                socket.flush().await?;
            }
        }
        ["up", total] => {
            let mut left: u64 = total.parse()?;
            while left > 0 {
                let message = socket.next().await.ok_or("closed early")??;
                left = left.saturating_sub(message.len() as u64);
            }
            socket.send(Message::binary(b"done".as_slice())).await?;
        }
        ["echo"] => {
            while let Some(message) = socket.next().await {
                let message = message?;
                if message.is_binary() {
                    socket.send(message).await?;
                }
            }
            return Ok(());
        }
        ["proxy", port] => return proxy(socket, port.parse()?).await,
        _ => return Err("no such path".into()),
    }
    socket.close(None).await?;
    Ok(())
}

/// What a user would pick instead of a stack: a connection of this host, copied into 64 KiB messages and back.
async fn proxy(socket: WebSocketStream<TcpStream>, port: u16) -> Result<(), Failure> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut reader, mut writer) = stream.into_split();
    let (mut sink, mut messages) = socket.split();
    let down = async {
        let mut block = vec![0; 65_536];
        loop {
            let length = reader.read(&mut block).await?;
            if length == 0 {
                sink.close().await?;
                return Ok::<(), Failure>(());
            }
            let message = Bytes::copy_from_slice(&block[..length]);
            sink.send(Message::Binary(message)).await?;
        }
    };
    let up = async {
        while let Some(message) = messages.next().await {
            match message? {
                Message::Binary(bytes) => writer.write_all(&bytes).await?,
                Message::Close(_) => break,
                _ => {}
            }
        }
        writer.shutdown().await?;
        Ok::<(), Failure>(())
    };
    tokio::try_join!(down, up)?;
    Ok(())
}

async fn tcp(stream: TcpStream) -> Result<(), Failure> {
    let mut stream = BufReader::with_capacity(256 * 1024, stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let (verb, total) = line
        .trim()
        .split_once(' ')
        .ok_or("a verb and a number are needed")?;
    let mut left: usize = total.parse()?;
    match verb {
        "down" => {
            let block = vec![7; 256 * 1024];
            while left > 0 {
                let length = left.min(block.len());
                stream.write_all(&block[..length]).await?;
                left -= length;
            }
        }
        "up" => {
            let mut block = vec![0; 256 * 1024];
            while left > 0 {
                let length = stream.read(&mut block).await?;
                if length == 0 {
                    return Err("closed early".into());
                }
                left = left.saturating_sub(length);
            }
            stream.write_all(b"done").await?;
        }
        _ => return Err("no such verb".into()),
    }
    stream.shutdown().await?;
    // The other end closes last.
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok(())
}
