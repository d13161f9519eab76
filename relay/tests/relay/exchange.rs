//! Frames from tab to tab.

use crate::support::*;
use ethertab_relay::switch::port::DropReason;

#[tokio::test]
async fn two_tabs_find_each_other_and_then_speak_alone() {
    let relay = relay(&[]).await;
    let (mut alice, mut bob, mut carol) = (
        client(&relay).await,
        client(&relay).await,
        client(&relay).await,
    );
    alice.send(frame(ALL, ALICE, b"who is there?")).await;
    assert_eq!(bob.receive().await, frame(ALL, ALICE, b"who is there?"));
    assert_eq!(carol.receive().await, frame(ALL, ALICE, b"who is there?"));
    bob.send(frame(ALICE, BOB, b"me")).await;
    assert_eq!(alice.receive().await, frame(ALICE, BOB, b"me"));
    alice.send(frame(BOB, ALICE, b"for you alone")).await;
    assert_eq!(bob.receive().await, frame(BOB, ALICE, b"for you alone"));
    // What Carol hears next is the next thing said to all: the two frames before did not reach her.
    alice.send(frame(ALL, ALICE, b"bye")).await;
    assert_eq!(carol.receive().await, frame(ALL, ALICE, b"bye"));
}

#[tokio::test]
async fn frames_of_every_size_arrive_whole_and_in_order() {
    let relay = relay(&["--queue-frames", "100000"]).await;
    let (mut alice, mut bob) = (client(&relay).await, client(&relay).await);
    bob.send(frame(ALL, BOB, b"here I am")).await;
    alice.receive().await;
    let frames: Vec<Vec<u8>> = (0..=1_500_u32)
        .map(|length| {
            let payload: Vec<u8> = (0..length).map(|n| (n * 7 + length) as u8).collect();
            frame(BOB, ALICE, &payload)
        })
        .collect();
    let send = async {
        for frame in &frames {
            alice.send(frame.clone()).await;
        }
    };
    let receive = async {
        for frame in &frames {
            assert_eq!(bob.receive().await, *frame);
        }
    };
    tokio::join!(send, receive);
}

#[tokio::test]
async fn a_tab_cannot_draw_anothers_frames_to_itself() {
    let relay = relay(&[]).await;
    let (mut alice, mut bob, mut mallory) = (
        client(&relay).await,
        client(&relay).await,
        client(&relay).await,
    );
    alice.send(frame(ALL, ALICE, b"this is my address")).await;
    bob.receive().await;
    mallory.receive().await;
    mallory.send(frame(ALL, ALICE, b"no, mine")).await;
    let ports = clients(&relay);
    until("the frame is dropped", || {
        drops(&ports[2], DropReason::Spoofed) == 1
    })
    .await;
    bob.send(frame(ALICE, BOB, b"secret")).await;
    assert_eq!(alice.receive().await, frame(ALICE, BOB, b"secret"));
}

#[tokio::test]
async fn a_tab_that_reconnects_has_its_address_again_at_once() {
    let relay = relay(&[]).await;
    let mut bob = client(&relay).await;
    let mut alice = client(&relay).await;
    alice.send(frame(ALL, ALICE, b"hello")).await;
    bob.receive().await;
    drop(alice);
    until("the lost client is noticed", || clients(&relay).len() == 1).await;
    let mut alice = client(&relay).await;
    alice.send(frame(ALL, ALICE, b"hello again")).await;
    assert_eq!(bob.receive().await, frame(ALL, ALICE, b"hello again"));
}
