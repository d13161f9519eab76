//! The servers that this host asks itself, and how they are asked: over the kernel's own network.

use super::Transport;
use ethertab_stack::wire::dns::{Flags, Message, Query, ResponseCode, set_id};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// How long one server may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Servers asked for one question.
const SERVERS: usize = 3;

/// Whom to ask.
pub(super) struct Upstream {
    /// Those that were named on the command line; if there are none, the resolver's.
    named: Vec<SocketAddr>,
    file: PathBuf,
    read: Mutex<(Option<SystemTime>, Vec<SocketAddr>)>,
}

impl Upstream {
    pub(super) fn new(named: Vec<SocketAddr>) -> Upstream {
        Upstream {
            named,
            file: PathBuf::from("/etc/resolv.conf"),
            read: Mutex::default(),
        }
    }

    /// Asks one server after the other until one knows. A failure is passed on only if all of them fail.
    pub(super) async fn ask(
        &self,
        message: &[u8],
        query: &Query,
        transport: Transport,
    ) -> Option<Vec<u8>> {
        let mut failure = None;
        for server in self.servers().into_iter().take(SERVERS) {
            let response =
                match timeout(PATIENCE, exchange(server, message, query, transport)).await {
                    Ok(Ok(response)) => response,
                    Ok(Err(error)) => {
                        tracing::debug!("DNS: {server} could not be asked: {error}");
                        continue;
                    }
                    Err(_) => {
                        tracing::debug!("DNS: {server} did not answer in time");
                        continue;
                    }
                };
            let code = Message::parse(&response).map(|response| response.flags.code());
            if matches!(code, Ok(ResponseCode::NO_ERROR | ResponseCode::NAME_ERROR)) {
                return Some(response);
            }
            failure = Some(response);
        }
        failure
    }

    fn servers(&self) -> Vec<SocketAddr> {
        if !self.named.is_empty() {
            return self.named.clone();
        }
        let modified = std::fs::metadata(&self.file)
            .and_then(|file| file.modified())
            .ok();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.0 != modified {
            let servers = parse(&std::fs::read_to_string(&self.file).unwrap_or_default());
            let list: Vec<String> = servers.iter().map(ToString::to_string).collect();
            tracing::debug!(
                "DNS: asking {}",
                if list.is_empty() {
                    "nobody".into()
                } else {
                    list.join(", ")
                }
            );
            *read = (modified, servers);
        }
        read.1.clone()
    }
}

/// The servers of a resolv.conf (resolv.conf(5)).
fn parse(text: &str) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() == Some("nameserver")
            && let Some(address) = words
                .next()
                .and_then(|word| word.split('%').next()?.parse::<IpAddr>().ok())
        {
            servers.push(SocketAddr::new(address, 53));
        }
    }
    servers
}

/// Asks by UDP, and by TCP as well if the answer did not fit and the client can take it whole.
async fn exchange(
    server: SocketAddr,
    message: &[u8],
    query: &Query,
    transport: Transport,
) -> io::Result<Vec<u8>> {
    let response = by_udp(server, message, query).await?;
    let truncated =
        Message::parse(&response).is_ok_and(|message| message.flags.has(Flags::TRUNCATED));
    if truncated && transport == Transport::Tcp {
        by_tcp(server, message).await
    } else {
        Ok(response)
    }
}

async fn by_udp(server: SocketAddr, message: &[u8], query: &Query) -> io::Result<Vec<u8>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // A socket for each question: the kernel picks its port at random, and with the random id that is what an answer
    // must guess to be believed (RFC 5452 §9).
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let mut message = message.to_vec();
    let id = random_id()?;
    set_id(&mut message, id);
    socket.send(&message).await?;
    let mut response = vec![0; 65_535];
    loop {
        let length = socket.recv(&mut response).await?;
        let answers = |message: Message<'_>| {
            message.id == id
                && message
                    .question
                    .as_ref()
                    .is_none_or(|asked| *asked == query.question)
        };
        if Message::parse(&response[..length]).is_ok_and(answers) {
            response.truncate(length);
            return Ok(response);
        }
    }
}

/// RFC 1035 §4.2.2.
async fn by_tcp(server: SocketAddr, message: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend(message);
    set_id(&mut framed[2..], random_id()?);
    stream.write_all(&framed).await?;
    let mut response = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut response).await?;
    Ok(response)
}

fn random_id() -> io::Result<u16> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    Ok(u16::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resolvers_servers_are_read() {
        let text = "# comment\nsearch lan\nnameserver 192.0.2.1\nnameserver  2001:db8::1\nnameserver fe80::1%eth0\n\
                    nameserver nonsense\noptions edns0\n";
        let servers: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(
            servers,
            ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1]:53"]
        );
    }
}
