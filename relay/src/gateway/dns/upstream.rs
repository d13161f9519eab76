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
        by_tcp(server, message, query).await
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
        if answers(&response[..length], id, query) {
            response.truncate(length);
            return Ok(response);
        }
    }
}

/// Whether this is an answer to what was asked. RFC 5452 §9.1: the id and the question must match, name (in whatever case),
/// type and class; one without a question says of nothing what it says, so whoever guesses the id need guess no more.
fn answers(response: &[u8], id: u16, query: &Query) -> bool {
    Message::parse(response).is_ok_and(|message| {
        message.id == id
            && message.flags.has(Flags::RESPONSE)
            && message.question.as_ref() == Some(&query.question)
    })
}

/// RFC 1035 §4.2.2. Nobody can slip an answer in here: one to something else is the server's mistake.
async fn by_tcp(server: SocketAddr, message: &[u8], query: &Query) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend(message);
    let id = random_id()?;
    set_id(&mut framed[2..], id);
    stream.write_all(&framed).await?;
    let mut response = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut response).await?;
    if answers(&response, id, query) {
        Ok(response)
    } else {
        Err(io::Error::other("an answer to something else"))
    }
}

fn random_id() -> io::Result<u16> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    Ok(u16::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethertab_stack::wire::dns::{CLASS_INTERNET, Data, Emitter, Name, Question, RecordType};
    use tokio::net::TcpListener;

    const NAME: &str = "www.example.com";
    /// CH (RFC 1035 §3.2.4).
    const CLASS_CHAOS: u16 = 3;

    /// A query as tabs send them.
    fn asked(name: &str, record_type: RecordType, class: u16) -> Vec<u8> {
        let mut emitter = Emitter::new(7, Flags::default().with(Flags::RECURSION_DESIRED));
        emitter.question(&Question {
            name: Name::from_text(name).unwrap(),
            record_type,
            class,
        });
        emitter.finish()
    }

    /// An answer to `query` with one address.
    fn answer(query: &Query, last: u8) -> Vec<u8> {
        let mut response = query.respond(ResponseCode::NO_ERROR);
        let address = Data::A(Ipv4Addr::new(192, 0, 2, last));
        response.answer(&query.question.name, 60, &address);
        query.finish(response)
    }

    /// The same about another question.
    fn about(query: &Query, name: &str, record_type: RecordType, class: u16) -> Vec<u8> {
        let mut other = query.clone();
        other.question = Question {
            name: Name::from_text(name).unwrap(),
            record_type,
            class,
        };
        answer(&other, 66)
    }

    /// What a server should never send, each with the id that was asked with, but the first.
    fn forgeries(query: &Query) -> Vec<Vec<u8>> {
        let mut guessed = answer(query, 66);
        set_id(&mut guessed, query.id.wrapping_add(1));
        // The header alone: a response that says of no question that there is no such name (RFC 1035 §4.1.1).
        let mut silent = query.failure(ResponseCode::NAME_ERROR)[..12].to_vec();
        silent[4..12].fill(0);
        let mut echoed = asked(NAME, RecordType::A, CLASS_INTERNET);
        set_id(&mut echoed, query.id);
        vec![
            guessed,
            silent,
            echoed,
            about(query, "ww.example.com", RecordType::A, CLASS_INTERNET),
            about(query, NAME, RecordType::AAAA, CLASS_INTERNET),
            about(query, NAME, RecordType::A, CLASS_CHAOS),
        ]
    }

    #[tokio::test]
    async fn only_an_answer_to_the_question_that_was_asked_is_believed() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = server.local_addr().unwrap();
        let message = asked(NAME, RecordType::A, CLASS_INTERNET);
        let query = Query::parse(&message).unwrap();
        for nth in 0..6 {
            let serve = async {
                let mut buffer = [0; 512];
                let (length, client) = server.recv_from(&mut buffer).await.unwrap();
                let heard = Query::parse(&buffer[..length]).unwrap();
                let forged = &forgeries(&heard)[nth];
                // The right one spells the name otherwise: names are equal whatever the case (RFC 4343 §3).
                let right = about(&heard, "WWW.Example.com", RecordType::A, CLASS_INTERNET);
                server.send_to(forged, client).await.unwrap();
                server.send_to(&right, client).await.unwrap();
                right
            };
            let (response, right) = tokio::join!(by_udp(address, &message, &query), serve);
            assert_eq!(response.unwrap(), right, "forgery {nth} was believed");
        }
    }

    #[tokio::test]
    async fn by_tcp_an_answer_to_something_else_is_an_error() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = server.local_addr().unwrap();
        let message = asked(NAME, RecordType::A, CLASS_INTERNET);
        let query = Query::parse(&message).unwrap();
        for nth in 0..7 {
            let serve = async {
                let mut stream = server.accept().await.unwrap().0;
                let mut heard = vec![0; usize::from(stream.read_u16().await.unwrap())];
                stream.read_exact(&mut heard).await.unwrap();
                let heard = Query::parse(&heard).unwrap();
                let mut responses = forgeries(&heard);
                responses.push(answer(&heard, 1));
                let response = &responses[nth];
                let length = u16::try_from(response.len()).unwrap();
                stream.write_u16(length).await.unwrap();
                stream.write_all(response).await.unwrap();
            };
            let (response, ()) = tokio::join!(by_tcp(address, &message, &query), serve);
            assert_eq!(response.is_ok(), nth == 6, "response {nth}");
        }
    }

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
