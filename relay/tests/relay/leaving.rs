//! How sessions end.

use crate::support::*;
use ethertab_relay::switch::port::DropReason;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_relay_that_stops_says_goodbye() {
    let relay = relay(&[]).await;
    let address = relay.address();
    let (mut alice, mut bob) = (client(&relay).await, client(&relay).await);
    let (goodbye, other, ()) = tokio::join!(alice.closed(), bob.closed(), relay.stop());
    assert_eq!(goodbye, (1001, "the relay is shutting down".to_owned()));
    assert_eq!(other.0, 1001);
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_tab_that_closes_is_gone_and_its_close_is_answered() {
    let relay = relay(&[]).await;
    let mut alice = client(&relay).await;
    alice.socket.close(None).await.unwrap();
    until("the client is gone", || clients(&relay).is_empty()).await;
}

#[tokio::test]
async fn a_tab_that_answers_nothing_is_disconnected() {
    let relay = relay(&["--ping-interval", "1", "--ping-timeout", "2"]).await;
    // Connected, and never looked at again: its pongs are never sent.
    let mut dead = client(&relay).await;
    until("it is disconnected", || clients(&relay).is_empty()).await;
    assert_eq!(dead.closed().await.0, 4000);
}

#[tokio::test]
async fn a_dead_tab_makes_room_for_the_live_one_with_its_address() {
    let relay = relay(&["--ping-interval", "3600", "--ping-timeout", "7200"]).await;
    let mut dead = client(&relay).await;
    dead.send(frame(ALL, ALICE, b"hello")).await;
    let learnt = || {
        relay
            .switch()
            .addresses()
            .iter()
            .any(|(address, _)| address.0 == ALICE)
    };
    until("the address is learnt", learnt).await;
    let mut bob = client(&relay).await;
    let mut alice = client(&relay).await;
    let ports = clients(&relay);
    alice.send(frame(ALL, ALICE, b"it is me")).await;
    until("the claim is refused at first", || {
        drops(&ports[2], DropReason::Spoofed) == 1
    })
    .await;
    until("the dead one is gone, long before its timeout", || {
        clients(&relay).len() == 2
    })
    .await;
    alice.send(frame(ALL, ALICE, b"it is me")).await;
    assert_eq!(bob.receive().await, frame(ALL, ALICE, b"it is me"));
}
