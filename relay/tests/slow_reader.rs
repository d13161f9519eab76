//! A client that never reads: it costs a bounded amount of memory and harms nobody else. A program of its own, since it
//! looks at the memory of the whole process.

#[path = "relay/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use ethertab_relay::switch::port::DropReason;
use futures_util::SinkExt;
use std::sync::atomic::Ordering;
use support::*;
use tokio_tungstenite::tungstenite::Message;

/// Bytes of memory in use.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_costs_bounded_memory_and_harms_nobody() {
    const FRAMES: usize = 100_000;
    let relay = relay(&["--queue-kilobytes", "1024"]).await;
    let mut stuck = client(&relay).await;
    stuck
        .send(frame(ALL, CAROL, b"I am here and read nothing"))
        .await;
    // Before anybody else is there, who would hear it too.
    let known = || {
        relay
            .switch()
            .addresses()
            .iter()
            .any(|(address, _)| address.0 == CAROL)
    };
    until("the stuck one is known", known).await;
    let (mut alice, mut bob) = (client(&relay).await, client(&relay).await);
    bob.send(frame(ALL, BOB, b"I read")).await;
    alice.receive().await;
    let before = resident();
    let big = frame(CAROL, ALICE, &[7; 1_400]);
    for n in 0..FRAMES {
        alice
            .socket
            .feed(Message::binary(big.clone()))
            .await
            .unwrap();
        if n % 1_000 == 0 {
            // A frame for the one who reads passes at once, through the same switch.
            alice.send(frame(BOB, ALICE, b"and you?")).await;
            assert_eq!(bob.receive().await, frame(BOB, ALICE, b"and you?"));
        }
    }
    alice.socket.flush().await.unwrap();
    let port = &clients(&relay)[0];
    until("all were handled", || {
        let sent = port.counters.frames_out.load(Ordering::Relaxed);
        sent + drops(port, DropReason::QueueFull) >= FRAMES as u64
    })
    .await;
    assert!(drops(port, DropReason::QueueFull) > FRAMES as u64 / 2);
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 24 << 20,
        "142 MB were sent, memory grew by {grown} bytes"
    );
}
