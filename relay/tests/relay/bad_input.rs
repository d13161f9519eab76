//! What no well-behaved client sends.

use crate::support::*;
use ethertab_relay::switch::port::DropReason;
use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_text_message_is_closed_with_its_reason_and_never_answered_by_text() {
    let relay = relay(&[]).await;
    let mut alice = client(&relay).await;
    alice.message(Message::text("hello?")).await;
    let (code, reason) = alice.closed().await;
    assert_eq!(code, 1003);
    assert!(reason.contains("binary"), "{reason}");
}

#[tokio::test]
async fn text_that_is_no_text_is_closed_the_same_way() {
    let relay = relay(&[]).await;
    let mut alice = client(&relay).await;
    // FIN and text, masked with zeros, one byte that is not UTF-8.
    alice
        .socket
        .get_mut()
        .write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff])
        .await
        .unwrap();
    assert_eq!(alice.closed().await.0, 1003);
}

#[tokio::test]
async fn a_giant_message_is_closed_with_its_reason_however_large() {
    let relay = relay(&[]).await;
    for size in [65_554, 1_000_000] {
        let mut alice = client(&relay).await;
        alice.message(Message::binary(vec![2; size])).await;
        assert_eq!(alice.closed().await.0, 1009, "{size}");
    }
    // A header that announces 2⁶² bytes: no memory may be set aside for them.
    let mut alice = client(&relay).await;
    let header = [0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    alice.socket.get_mut().write_all(&header).await.unwrap();
    assert_eq!(alice.closed().await.0, 1009);
}

#[tokio::test]
async fn a_giant_message_in_pieces_is_closed_too() {
    let relay = relay(&[]).await;
    let mut alice = client(&relay).await;
    let piece = |first: u8| {
        let mut bytes = vec![first, 0xfe];
        bytes.extend(40_000_u16.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.resize(bytes.len() + 40_000, 7);
        bytes
    };
    alice
        .socket
        .get_mut()
        .write_all(&piece(0x02))
        .await
        .unwrap();
    alice
        .socket
        .get_mut()
        .write_all(&piece(0x00))
        .await
        .unwrap();
    assert_eq!(alice.closed().await.0, 1009);
}

#[tokio::test]
async fn messages_that_are_no_frames_are_counted_and_the_session_goes_on() {
    let relay = relay(&[]).await;
    let (mut alice, mut bob) = (client(&relay).await, client(&relay).await);
    alice.send(Vec::new()).await;
    alice.send(vec![0xff; 13]).await;
    alice.send(frame(ALL, ALICE, &[0; 1_501])).await;
    alice.send(frame(ALL, ALICE, &[0; 60_000])).await;
    alice.send(frame(ALL, ALL, b"from everybody")).await;
    alice.send(frame(ALL, [0; 6], b"from nobody")).await;
    alice.send(frame(ALL, ALICE, b"from me")).await;
    assert_eq!(bob.receive().await, frame(ALL, ALICE, b"from me"));
    let port = &clients(&relay)[0];
    assert_eq!(drops(port, DropReason::Short), 2);
    assert_eq!(drops(port, DropReason::Oversized), 2);
    assert_eq!(drops(port, DropReason::BadSource), 2);
}

#[tokio::test]
async fn broken_framing_ends_the_session_and_nothing_else() {
    let relay = relay(&[]).await;
    let mut bob = client(&relay).await;
    let long_ping = [&[0x89, 0xfe, 0, 126][..], &[0; 4], &[1; 126]].concat();
    let wrong: [&[u8]; 4] = [
        &[0x82, 0x00],             // not masked (RFC 6455 §5.1)
        &[0xf2, 0x80, 0, 0, 0, 0], // reserved bits (§5.2)
        &[0x83, 0x80, 0, 0, 0, 0], // an unknown kind of data (§5.2)
        &long_ping,                // (§5.5)
    ];
    for bytes in wrong {
        let mut alice = client(&relay).await;
        alice.socket.get_mut().write_all(bytes).await.unwrap();
        let _ = alice.socket.flush().await;
        let mut rest = Vec::new();
        // Whatever it says, it hangs up.
        let _ = alice.socket.get_mut().read_to_end(&mut rest).await;
        until("the session ended", || clients(&relay).len() == 1).await;
    }
    let mut alice = client(&relay).await;
    alice.send(frame(ALL, ALICE, b"still there?")).await;
    bob.receive().await;
}

#[tokio::test]
async fn noise_instead_of_http_harms_nobody() {
    let relay = relay(&[]).await;
    for noise in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        b"GET\r\n\r\n",
        &[0; 4_096],
    ] {
        let mut stream = tokio::net::TcpStream::connect(relay.address())
            .await
            .unwrap();
        stream.write_all(noise).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut answer).await;
    }
    client(&relay).await;
}
