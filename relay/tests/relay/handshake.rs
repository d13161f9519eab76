//! Opening the tunnel, and the other paths beside it.

use crate::support::*;
use ethertab_relay::Relay;
use tokio_tungstenite::tungstenite::Error;

async fn refused(relay: &Relay, headers: &[(&'static str, &str)]) -> u16 {
    match open(relay, headers).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("let in with {headers:?}"),
    }
}

#[tokio::test]
async fn pages_from_elsewhere_are_refused_and_our_own_let_in() {
    let relay = relay(&["--allow-origin", "https://friend.example"]).await;
    assert_eq!(
        refused(&relay, &[("origin", "https://evil.example")]).await,
        403
    );
    assert_eq!(refused(&relay, &[("origin", "null")]).await, 403);
    let rebound = [("origin", "http://evil.example"), ("host", "evil.example")];
    assert_eq!(refused(&relay, &rebound).await, 403);
    let own = format!("http://{}", relay.address());
    for origin in [&own, "http://localhost:5173", "https://friend.example"] {
        assert!(
            open(&relay, &[("origin", origin)]).await.is_ok(),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn who_asks_for_no_subprotocol_gets_none() {
    let relay = relay(&[]).await;
    let client = open(&relay, &[]).await.unwrap();
    assert!(
        client
            .response
            .headers()
            .get("sec-websocket-protocol")
            .is_none()
    );
    let client = open(&relay, &[("sec-websocket-protocol", "binary, base64")])
        .await
        .unwrap();
    assert_eq!(
        client.response.headers()["sec-websocket-protocol"],
        "binary"
    );
}

#[tokio::test]
async fn one_client_too_many_is_told_so() {
    let relay = relay(&["--max-clients", "2"]).await;
    let first = client(&relay).await;
    let _second = client(&relay).await;
    let mut third = open(&relay, &[]).await.unwrap();
    let (code, reason) = third.closed().await;
    assert_eq!(code, 1013);
    assert!(reason.contains("try again"), "{reason}");
    drop(first);
    until("a seat is free", || clients(&relay).len() == 1).await;
    client(&relay).await;
}

#[tokio::test]
async fn the_tunnel_says_what_it_is_to_who_comes_without_a_websocket() {
    let relay = relay(&[]).await;
    assert!(
        request(&relay, "GET /tunnel HTTP/1.1")
            .await
            .starts_with("HTTP/1.1 426")
    );
    assert!(
        request(&relay, "POST /tunnel HTTP/1.1")
            .await
            .starts_with("HTTP/1.1 405")
    );
    let old = "GET /tunnel HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8";
    let response = request(&relay, old).await;
    assert!(
        response.starts_with("HTTP/1.1 426") && response.contains("sec-websocket-version: 13"),
        "{response}"
    );
}

#[tokio::test]
async fn the_page_and_the_counters_are_there() {
    let relay = relay(&[]).await;
    let _client = client(&relay).await;
    assert!(
        request(&relay, "GET / HTTP/1.1")
            .await
            .contains("<!doctype html>")
    );
    assert!(
        request(&relay, "GET /nothing HTTP/1.1")
            .await
            .starts_with("HTTP/1.1 404")
    );
    assert!(
        request(&relay, "DELETE / HTTP/1.1")
            .await
            .starts_with("HTTP/1.1 405")
    );
    let status = request(&relay, "GET /status HTTP/1.1").await;
    assert!(
        status.contains("\"kind\":\"client\",\"name\":\"tab 1\""),
        "{status}"
    );
    let metrics = request(&relay, "GET /metrics HTTP/1.1").await;
    assert!(metrics.contains("ethertab_clients 1\n"), "{metrics}");
}
