//! The demonstration site: ordinary servers on this host's kernel, reachable through the TAP alone, so that a tab has
//! something to fetch with no Internet.
//!
//! | | |
//! |---|---|
//! | `/` | a page |
//! | `/picture.svg` | a picture |
//! | `/100mb` | 100,000,000 bytes that are the same each time; SHA-256 in `X-SHA256` and at `/100mb.sha256` |
//! | `/bytes/N` | the first N of them |
//! | `/slow` | ten lines, one each half second, chunked |
//! | `/echo` | what was sent (POST or PUT), or the request as it arrived (GET) |
//! | port 7, TCP and UDP | what was sent (RFC 862) |

mod echo;
mod pattern;

use crate::http::{self, Body, Site, content, full, method_not_allowed, text};
use crate::relay::Relay;
use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};

/// Connections at once.
const CONNECTIONS: usize = 1_024;

/// Bytes of `/100mb`.
pub const DOWNLOAD: u64 = 100_000_000;

/// The site.
struct Demo;

/// Starts the site on `listener`, and the echo on port 7 of `host` if that is free.
pub(crate) async fn start(listener: TcpListener, host: Ipv4Addr, relay: &Relay) {
    // Hashing 100 MB takes a while in a debug build; nobody should wait for it.
    tokio::task::spawn_blocking(pattern::download_hash);
    let (stop, tasks) = (relay.stopping().clone(), relay.tasks().clone());
    relay.spawn(http::serve(
        listener,
        Arc::new(Demo),
        CONNECTIONS,
        stop,
        tasks,
    ));
    match TcpListener::bind((host, 7)).await {
        Ok(listener) => relay.spawn(echo::tcp(
            listener,
            relay.tasks().clone(),
            relay.stopping().clone(),
        )),
        Err(error) => tracing::debug!("no TCP echo on port 7: {error}"),
    }
    match UdpSocket::bind((host, 7)).await {
        Ok(socket) => relay.spawn(echo::udp(socket)),
        Err(error) => tracing::debug!("no UDP echo on port 7: {error}"),
    }
}

impl Site for Demo {
    async fn answer(
        self: Arc<Self>,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let mut response = match request.uri().path() {
            "/echo" => return named(echo(peer, request)),
            _ if !matches!(*request.method(), Method::GET | Method::HEAD) => {
                method_not_allowed("GET, HEAD")
            }
            "/" => content(StatusCode::OK, "text/html; charset=utf-8", page(peer)),
            "/picture.svg" => content(StatusCode::OK, "image/svg+xml", picture()),
            "/100mb" => download(DOWNLOAD).await,
            "/100mb.sha256" => text(
                StatusCode::OK,
                format!("{}  100mb\n", download_hash().await),
            ),
            "/slow" => slow(),
            path => match path.strip_prefix("/bytes/").map(str::parse) {
                Some(Ok(length)) if length <= 100 * DOWNLOAD => download(length).await,
                Some(_) => text(StatusCode::BAD_REQUEST, "At most 10000000000 bytes.\n"),
                None => text(
                    StatusCode::NOT_FOUND,
                    "There is nothing here. What there is, / lists.\n",
                ),
            },
        };
        // hyper would send the body of an answer to HEAD to nobody, but would read it through first.
        if request.method() == Method::HEAD {
            *response.body_mut() = full("");
        }
        named(response)
    }
}

fn named(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("ethertab-demo"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn page(peer: SocketAddr) -> String {
    format!(
        "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><title>Hello from the other side of the wire</title>
<h1>Hello from the other side of the wire</h1>
<p>You are {peer}, and this page crossed a real Ethernet frame by frame: your tab's own TCP, a WebSocket, a TAP
interface, and the kernel of the host, which sees just another computer on its network.</p>
<img src=\"/picture.svg\" alt=\"The path from a tab to this server\" width=\"640\" height=\"160\">
<ul>
<li><a href=\"/100mb\">/100mb</a>: a hundred megabytes, with their <a href=\"/100mb.sha256\">SHA-256</a>;
<code>/bytes/12345</code> for another size</li>
<li><a href=\"/slow\">/slow</a>: an answer that takes its time</li>
<li><a href=\"/echo\">/echo</a>: what you sent</li>
<li>port 7, TCP and UDP: an echo</li>
</ul>
</html>
"
    )
}

/// The path, drawn: the tab, the relay, the kernel, and frames on their way.
fn picture() -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 160\" font-family=\"system-ui, sans-serif\" font-size=\"15\">\n\
         <rect width=\"640\" height=\"160\" rx=\"12\" fill=\"#10243e\"/>\n\
         <path d=\"M120 80H520\" stroke=\"#5b7fa8\" stroke-width=\"3\"/>\n",
    );
    for n in 0..10 {
        let (x, hue) = (126 + n * 40, 170 + n * 12);
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"70\" width=\"24\" height=\"20\" rx=\"3\" fill=\"hsl({hue} 80% 60%)\"/>"
        );
    }
    for (x, name, note) in [
        (70, "your tab", "TCP/IP in wasm"),
        (320, "relay", "switch + TAP"),
        (570, "kernel", "this server"),
    ] {
        let _ = writeln!(
            svg,
            "<g text-anchor=\"middle\"><rect x=\"{}\" y=\"45\" width=\"110\" height=\"70\" rx=\"10\" fill=\"#f4f7fb\"/>\
             <text x=\"{x}\" y=\"76\" font-weight=\"700\" fill=\"#10243e\">{name}</text>\
             <text x=\"{x}\" y=\"98\" font-size=\"12\" fill=\"#45607f\">{note}</text></g>",
            x - 55
        );
    }
    svg.push_str("</svg>\n");
    svg
}

async fn download(length: u64) -> Response<Body> {
    let mut response = Response::new(pattern::body(length));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if length == DOWNLOAD
        && let Ok(hash) = HeaderValue::from_str(&download_hash().await)
    {
        headers.insert("x-sha256", hash);
    }
    response
}

async fn download_hash() -> String {
    tokio::task::spawn_blocking(pattern::download_hash)
        .await
        .unwrap_or_default()
}

fn slow() -> Response<Body> {
    const LINES: u32 = 10;
    let lines = futures_util::stream::unfold(0, |line| async move {
        if line == LINES {
            return None;
        }
        if line > 0 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let text = format!(
            "line {} of {LINES}, sent half a second after the one before\n",
            line + 1
        );
        Some((Ok(Frame::data(Bytes::from(text))), line + 1))
    });
    let mut response = Response::new(StreamBody::new(lines).boxed_unsync());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

/// Sends the body back as it comes, or, when there is none to be had, the head.
fn echo(peer: SocketAddr, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    if !matches!(head.method, Method::POST | Method::PUT) {
        let mut seen = format!("{} {} from {peer}\n", head.method, head.uri);
        for (name, value) in &head.headers {
            let _ = writeln!(
                seen,
                "{name}: {}",
                String::from_utf8_lossy(value.as_bytes())
            );
        }
        return text(StatusCode::OK, seen);
    }
    let mut response = Response::new(body.map_err(std::io::Error::other).boxed_unsync());
    copy_header(&head.headers, response.headers_mut(), header::CONTENT_TYPE);
    copy_header(
        &head.headers,
        response.headers_mut(),
        header::CONTENT_LENGTH,
    );
    response
}

fn copy_header(from: &HeaderMap, to: &mut HeaderMap, name: header::HeaderName) {
    if let Some(value) = from.get(&name) {
        to.insert(name, value.clone());
    }
}
