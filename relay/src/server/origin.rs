//! Who may open the tunnel: the one thing between any page on the web and the network behind this relay.
//!
//! A browser sends `Origin` with each WebSocket and no page can change it (RFC 6455 §10.2). Three are welcome unasked:
//! pages from this machine, pages that this relay served, and requests without `Origin` (a program's, which could have
//! sent anything, or a page's own GET). The last two need care: whoever owns a name can point it at 127.0.0.1 once his
//! page is loaded (DNS rebinding), and then origin and host agree. So the host asked for must be an IP address or
//! localhost, which nobody can point elsewhere; a relay with a name of its own is told the name by `--allow-origin`.

use hyper::header::{self, HeaderMap};
use std::net::{IpAddr, Ipv6Addr};

/// The origins that may open the tunnel.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// The usual ones and these. `*` stands for all.
    #[must_use]
    pub fn new(allowed: &[String]) -> Origins {
        Origins {
            allowed: allowed
                .iter()
                .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
                .collect(),
        }
    }

    /// Whether a request with these headers may open the tunnel.
    #[must_use]
    pub fn permits(&self, headers: &HeaderMap) -> bool {
        let host = headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok());
        let Some(origin) = headers.get(header::ORIGIN) else {
            // A page's own GET carries no Origin, so the host alone must do: a rebound name is not ours.
            return host.is_none_or(|host| self.is_own_host(host));
        };
        let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else {
            return false;
        };
        if self
            .allowed
            .iter()
            .any(|allowed| allowed == "*" || *allowed == origin)
        {
            return true;
        }
        let Some((_, authority)) = origin.split_once("://") else {
            return false; // "null": a sandboxed page or a file
        };
        let own = host.is_some_and(|host| {
            host.eq_ignore_ascii_case(authority) && is_fixed(hostname(authority))
        });
        own || is_local(hostname(authority))
    }

    fn is_own_host(&self, host: &str) -> bool {
        let listed = |allowed: &String| {
            allowed == "*"
                || allowed
                    .split_once("://")
                    .is_some_and(|(_, own)| own.eq_ignore_ascii_case(host))
        };
        is_fixed(hostname(host)) || self.allowed.iter().any(listed)
    }
}

/// The host of `host`, `host:port` or `[address]:port`; empty, which is nobody's, if it is none of these.
fn hostname(authority: &str) -> &str {
    let (host, rest) = match authority
        .strip_prefix('[')
        .and_then(|inside| inside.split_once(']'))
    {
        Some(parts) => parts,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        host
    } else {
        ""
    }
}

/// Whether nobody can point this host elsewhere.
fn is_fixed(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok() || is_local(host)
}

/// Whether this host is this machine (RFC 6761 §6.3: localhost, and every name below it).
fn is_local(host: &str) -> bool {
    let name = host.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| match address {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn permits(allowed: &[&str], origin: Option<&str>, host: &str) -> bool {
        let allowed: Vec<String> = allowed.iter().map(|&origin| origin.to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        Origins::new(&allowed).permits(&headers)
    }

    #[test]
    fn our_own_page_localhost_and_programs_are_welcome() {
        assert!(permits(
            &[],
            Some("http://127.0.0.1:8080"),
            "127.0.0.1:8080"
        ));
        assert!(permits(
            &[],
            Some("http://192.0.2.7:8080"),
            "192.0.2.7:8080"
        ));
        assert!(permits(
            &[],
            Some("http://[2001:db8::7]:8080"),
            "[2001:db8::7]:8080"
        ));
        assert!(permits(
            &[],
            Some("http://localhost:5173"),
            "127.0.0.1:8080"
        ));
        assert!(permits(
            &[],
            Some("https://demo.localhost"),
            "127.0.0.1:8080"
        ));
        assert!(permits(&[], Some("http://[::1]:5173"), "127.0.0.1:8080"));
        assert!(permits(&[], None, "127.0.0.1:8080"));
    }

    #[test]
    fn pages_from_elsewhere_are_not() {
        assert!(!permits(
            &[],
            Some("https://evil.example"),
            "127.0.0.1:8080"
        ));
        assert!(!permits(
            &[],
            Some("https://localhost.evil.example"),
            "127.0.0.1:8080"
        ));
        assert!(!permits(
            &[],
            Some("https://127.0.0.1.evil.example"),
            "127.0.0.1:8080"
        ));
        assert!(!permits(&[], Some("http://192.0.2.9"), "192.0.2.7:8080"));
        assert!(!permits(&[], Some("null"), "127.0.0.1:8080"));
        assert!(!permits(
            &[],
            Some("http://127.0.0.1:8080@evil.example"),
            "127.0.0.1:8080"
        ));
        assert!(!permits(
            &[],
            Some("http://[::1].evil.example"),
            "127.0.0.1:8080"
        ));
    }

    #[test]
    fn a_rebound_name_does_not_pass_for_ours() {
        assert!(!permits(
            &[],
            Some("http://evil.example:8080"),
            "evil.example:8080"
        ));
        assert!(!permits(&[], None, "evil.example:8080"));
    }

    #[test]
    fn the_operator_can_add_origins() {
        let allowed = ["https://relay.example/"];
        assert!(permits(
            &allowed,
            Some("https://relay.example"),
            "relay.example"
        ));
        assert!(permits(
            &allowed,
            Some("https://Relay.Example"),
            "127.0.0.1:8080"
        ));
        assert!(permits(&allowed, None, "relay.example"));
        assert!(!permits(
            &allowed,
            Some("http://relay.example"),
            "relay.example"
        ));
        assert!(permits(
            &["*"],
            Some("https://evil.example"),
            "127.0.0.1:8080"
        ));
        assert!(permits(&["null"], Some("null"), "127.0.0.1:8080"));
    }
}
