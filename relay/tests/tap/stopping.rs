//! The program itself, stopped as a person stops it.

use crate::support::{ALICE, ALL, open_at};
use crate::{PATIENCE, shell};
use futures_util::StreamExt;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// An ARP probe (RFC 5227 §2.1.1) for the kernel's address on the TAP.
fn who_has_the_host() -> Vec<u8> {
    let request = [0, 1, 8, 0, 6, 4, 0, 1];
    [
        &ALL[..],
        &ALICE,
        &[8, 6],
        &request,
        &ALICE,
        &[0; 4],
        &[0; 6],
        &[10, 77, 0, 1],
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a namespace"]
async fn an_interrupt_closes_the_tabs_with_a_reason_and_removes_the_interface() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ethertab-relay"))
        .args(["--tap", "card0", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let opened = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("it ended");
            if let Some((_, url)) = line.split_once("Open http://") {
                return url.split('/').next().unwrap().parse().unwrap();
            }
        }
    };
    let address = timeout(PATIENCE, opened).await.expect("no URL was printed");
    let mut tab = open_at(address, &[]).await.unwrap();
    // The kernel answers through the TAP: the tab is plugged in, and the whole path is there.
    tab.send(who_has_the_host()).await;
    let answered = async {
        loop {
            let message = tab.socket.next().await.expect("it ended").unwrap();
            if let Message::Binary(frame) = message
                && frame[12..14] == [8, 6]
                && frame[20..22] == [0, 2]
            {
                return;
            }
        }
    };
    timeout(PATIENCE, answered).await.expect("no answer");
    assert!(shell("cat /proc/net/dev").contains("card0"));

    shell(&format!("kill -s INT {}", child.id().unwrap()));
    let goodbye = tab.closed().await;
    assert_eq!(goodbye, (1001, "the relay is shutting down".to_owned()));
    let status = timeout(PATIENCE, child.wait()).await.expect("it goes on");
    assert_eq!(status.unwrap().code(), Some(0));
    assert!(!shell("cat /proc/net/dev").contains("card0"));
}
