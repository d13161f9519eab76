//! The relay's one HTTP listener: the page at `/`, the tunnel at `/tunnel`, counters at `/status` and `/metrics`.
//!
//! hyper speaks HTTP and hands the connection over after the upgrade; tungstenite then speaks WebSocket on the bare
//! TCP stream. (A web framework's own WebSocket type would be the same tungstenite behind one more layer, without the
//! stream's own write buffer, which batching frames needs.)

pub mod origin;

use crate::config::ClientLimits;
use crate::http::{Body, Site, content, method_not_allowed, text};
use crate::metrics::Metrics;
use crate::page::Page;
use crate::session::{self, Form, SessionConfig, Shared};
use ethertab_tunnel::PATH;
use ethertab_tunnel::v1::Hello;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use origin::Origins;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::task::TaskTracker;

/// Bytes that the kernel holds of a session beside what is on its way (tcp(7), TCP_NOTSENT_LOWAT): enough to go on with, while what
/// waits, waits where it is told apart by flow.
const UNSENT: u32 = 128 * 1024;

/// Answers browsers.
pub struct Server {
    /// What sessions share.
    pub shared: Shared,
    /// The page.
    pub page: Page,
    /// Who may open the tunnel.
    pub origins: Origins,
    /// Clients at once.
    pub max_clients: usize,
    /// Limits for each.
    pub limits: ClientLimits,
    /// How we introduce ourselves to those who speak the negotiated form, but for the token.
    pub hello: Hello,
    /// What can be read about the relay.
    pub metrics: Metrics,
    /// Where sessions run.
    pub tasks: TaskTracker,
    /// Clients connected now.
    pub clients: Arc<AtomicUsize>,
    /// How many clients there ever were.
    pub visitors: AtomicU64,
}

impl Site for Server {
    async fn answer(
        self: Arc<Self>,
        peer: SocketAddr,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let path = request.uri().path();
        if path == PATH {
            return self.tunnel(peer, request);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return method_not_allowed("GET, HEAD");
        }
        match path {
            "/status" | "/metrics" if !self.origins.permits(request.headers()) => {
                self.refuse(peer, request.headers())
            }
            "/status" => content(
                StatusCode::OK,
                "application/json",
                self.metrics.json(&self.shared.switch),
            ),
            "/metrics" => content(
                StatusCode::OK,
                "text/plain; version=0.0.4; charset=utf-8",
                self.metrics.prometheus(&self.shared.switch),
            ),
            path => self.page.answer(path, request.headers()).await,
        }
    }
}

impl Server {
    /// RFC 6455 §4.2: checks the opening handshake and answers it.
    fn tunnel(
        self: &Arc<Self>,
        peer: SocketAddr,
        mut request: Request<Incoming>,
    ) -> Response<Body> {
        if *request.method() != Method::GET {
            return method_not_allowed("GET");
        }
        let headers = request.headers();
        if !has_token(headers, &header::UPGRADE, "websocket")
            || !has_token(headers, &header::CONNECTION, "upgrade")
        {
            let mut response = text(
                StatusCode::UPGRADE_REQUIRED,
                "This is the tunnel: open it with a WebSocket, or look at the page at /.\n",
            );
            response
                .headers_mut()
                .insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            return response;
        }
        if headers
            .get(header::SEC_WEBSOCKET_VERSION)
            .is_none_or(|version| version != "13")
        {
            let mut response = text(
                StatusCode::UPGRADE_REQUIRED,
                "The tunnel speaks WebSocket version 13.\n",
            );
            response.headers_mut().insert(
                header::SEC_WEBSOCKET_VERSION,
                HeaderValue::from_static("13"),
            );
            return response;
        }
        let Some(accept) = headers
            .get(header::SEC_WEBSOCKET_KEY)
            .map(|key| derive_accept_key(key.as_bytes()))
        else {
            return text(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing.\n");
        };
        if !self.origins.permits(headers) {
            return self.refuse(peer, headers);
        }
        let (form, subprotocol) = Form::negotiate(offers(headers));
        let mut response = Response::new(crate::http::full(""));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let answer = response.headers_mut();
        answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        answer.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        if let Ok(accept) = HeaderValue::from_str(&accept) {
            answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(subprotocol) = subprotocol {
            answer.insert(
                header::SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(subprotocol),
            );
        }
        let upgrade = hyper::upgrade::on(&mut request);
        let server = Arc::clone(self);
        self.tasks.spawn(async move {
            match upgrade
                .await
                .map(|upgraded| upgraded.downcast::<TokioIo<TcpStream>>())
            {
                Ok(Ok(parts)) => {
                    server
                        .session(peer, form, parts.io.into_inner(), &parts.read_buf)
                        .await
                }
                Ok(Err(_)) => {
                    tracing::error!("the upgraded connection of {peer} is not the one accepted")
                }
                Err(error) => tracing::debug!("{peer} left during the upgrade: {error}"),
            }
        });
        response
    }

    async fn session(&self, peer: SocketAddr, form: Form, stream: TcpStream, early: &[u8]) {
        // Where it cannot be had, frames only wait in a longer line.
        let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
        let config = Some(session::websocket_config(form, &self.limits));
        let stream =
            WebSocketStream::from_partially_read(stream, early.to_vec(), Role::Server, config)
                .await;
        let seat = Seat::take(&self.clients, self.max_clients);
        let Some(_seat) = seat else {
            tracing::warn!(
                "{peer} was sent away: {} clients are connected (--max-clients)",
                self.max_clients
            );
            session::send_away(stream).await;
            return;
        };
        let number = self.visitors.fetch_add(1, Ordering::Relaxed) + 1;
        let config = SessionConfig {
            name: format!("tab {number}"),
            peer,
            limits: self.limits,
            hello: (form == Form::Negotiated).then_some(self.hello),
        };
        session::run(stream, &self.shared, config).await;
    }

    /// RFC 6455 §4.2.2: an origin that is not welcome is answered with 403.
    fn refuse(&self, peer: SocketAddr, headers: &HeaderMap) -> Response<Body> {
        let show = |name| {
            let value: Option<&HeaderValue> = headers.get(name);
            value.map_or("none".into(), |value| {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            })
        };
        let host = show(header::HOST);
        let hint = match headers.contains_key(header::ORIGIN) {
            true => show(header::ORIGIN),
            false => format!("http://{host}"),
        };
        tracing::warn!(
            "{peer} was refused, for its origin or host {host:?}; --allow-origin {hint:?} would let it in"
        );
        text(
            StatusCode::FORBIDDEN,
            "Pages of this origin may not use this relay. If they should, start it with --allow-origin.\n",
        )
    }
}

/// A place among the clients, given back when dropped.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(taken: &Arc<AtomicUsize>, seats: usize) -> Option<Seat> {
        let free = |taken: usize| (taken < seats).then_some(taken + 1);
        taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, free)
            .ok()?;
        Some(Seat(Arc::clone(taken)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The subprotocols that a client offers, its favourite first (RFC 6455 §11.3.4: one header or several).
fn offers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    tokens(headers, &header::SEC_WEBSOCKET_PROTOCOL)
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

fn tokens<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim))
}
