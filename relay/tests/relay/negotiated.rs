//! The negotiated form, and both forms on one switch.

use crate::support::*;
use crate::tab::*;
use ethertab_relay::switch::port::DropReason;
use ethertab_tunnel::v1::{
    Checksum, Features, Hello, LARGEST_CONTROL, Offload, Segmentation, Stamp, VERSION, put_credit,
    put_hello, put_ping,
};
use std::sync::atomic::Ordering;
use std::time::Duration;

const MALFORMED: u16 = 4_001;
const REPLACED: u16 = 4_002;

/// A TCP segment to be cut, and how.
fn segment(to: [u8; 6], from: [u8; 6], payload: &[u8]) -> (Vec<u8>, Offload) {
    let mut frame = [&to[..], &from, &[8, 0, 0x45, 0]].concat();
    frame.extend((40 + payload.len() as u16).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0, 10, 77, 0, 7, 10, 77, 0, 8]);
    let sum = !naive_sum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend([
        0, 80, 0, 81, 0, 0, 0, 0, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0,
    ]);
    let length = (20 + payload.len() as u16).to_be_bytes();
    let pseudo = [&frame[26..34], &[0, 6], &length].concat();
    frame[50..52].copy_from_slice(&naive_sum(&pseudo).to_be_bytes());
    frame.extend(payload);
    let offload = Offload {
        checksum: Checksum::Partial {
            start: 34,
            offset: 16,
        },
        segmentation: Some((Segmentation::Tcp4 { ecn: false }, 1_460)),
    };
    (frame, offload)
}

fn naive_sum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The payload of a TCP segment in a complete frame of the MTU; panics unless its checksums add up.
fn payload(frame: &[u8]) -> &[u8] {
    assert!(frame.len() <= 1_514);
    assert_eq!(naive_sum(&frame[14..34]), 0xffff, "the IP header");
    assert_eq!(
        usize::from(u16::from_be_bytes([frame[16], frame[17]])),
        frame.len() - 14
    );
    let length = (frame.len() as u16 - 34).to_be_bytes();
    let covered = [&frame[26..34], &[0, 6], &length, &frame[34..]].concat();
    assert_eq!(naive_sum(&covered), 0xffff, "the segment");
    &frame[54..]
}

fn numbered(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn both_sides_say_hello() {
    let relay = relay(&["--window-kilobytes", "256", "--message-kilobytes", "32"]).await;
    let tab = Tab::open(&relay).await;
    assert_eq!(tab.hello.versions, (VERSION, VERSION));
    assert_eq!(tab.hello.hardware, [2, 0x45, 0x54, 77, 0, 2]);
    assert_eq!(
        (tab.hello.mtu, tab.hello.largest_message),
        (1_500, 32 << 10)
    );
    assert!(tab.hello.features.contains(capable().features));
    assert_eq!(tab.hello.credit, 256 << 10);
    assert_ne!(tab.hello.token, [0; 16]);
    assert!(clients(&relay).is_empty(), "it did not say what it takes");
    let other = Tab::new(&relay, &capable()).await;
    assert_ne!(tab.hello.token, other.hello.token);
}

#[tokio::test]
async fn frames_pass_between_both_forms_in_every_pairing() {
    let relay = relay(&[]).await;
    let mut plain = client(&relay).await;
    let mut first = Tab::new(&relay, &capable()).await;
    let mut second = Tab::new(&relay, &Hello::default()).await;
    plain.send(frame(ALL, ALICE, b"plain")).await;
    for tab in [&mut first, &mut second] {
        assert_eq!(
            tab.frame_from(ALICE).await,
            (Offload::NONE, frame(ALL, ALICE, b"plain"))
        );
    }
    first
        .send_frame(Offload::NONE, &frame(ALL, BOB, b"rich"))
        .await;
    assert_eq!(plain.receive().await, frame(ALL, BOB, b"rich"));
    assert_eq!(second.frame_from(BOB).await.1, frame(ALL, BOB, b"rich"));
    second
        .send_frame(Offload::NONE, &frame(BOB, CAROL, b"to Bob"))
        .await;
    assert_eq!(
        first.frame_from(CAROL).await.1,
        frame(BOB, CAROL, b"to Bob")
    );
    second
        .send_frame(Offload::NONE, &frame(ALICE, CAROL, b"to Alice"))
        .await;
    assert_eq!(plain.receive().await, frame(ALICE, CAROL, b"to Alice"));
}

#[tokio::test]
async fn many_frames_in_one_message_are_many_frames_and_unknown_records_none() {
    let relay = relay(&[]).await;
    let mut bob = client(&relay).await;
    let mut alice = Tab::new(&relay, &capable()).await;
    let mut message = vec![0x7f, 0, 0, 3, 1, 2, 3];
    for n in 0..100 {
        message.extend(record(Offload::NONE, &frame(ALL, ALICE, &[n; 20])));
        message.extend([0xe0, 0, 0, 0]);
    }
    alice.send(message).await;
    for n in 0..100 {
        assert_eq!(bob.receive().await, frame(ALL, ALICE, &[n; 20]));
    }
}

#[tokio::test]
async fn what_waits_goes_in_as_few_messages_as_the_client_takes() {
    let relay = relay(&[]).await;
    let mut alice = client(&relay).await;
    for (largest, expected) in [(65_536, 1), (2_048, 19)] {
        let hello = Hello {
            largest_message: largest,
            credit: 0,
            ..capable()
        };
        let mut bob = Tab::new(&relay, &hello).await;
        let port = clients(&relay).pop().unwrap();
        for n in 0..200 {
            alice.send(frame(ALL, ALICE, &[n; 160])).await;
        }
        until("they wait", || {
            port.counters.frames_out.load(Ordering::Relaxed) >= 200
        })
        .await;
        bob.send(put_credit(1 << 30).to_vec()).await;
        for n in 0..200 {
            assert_eq!(bob.frame_from(ALICE).await.1, frame(ALL, ALICE, &[n; 160]));
        }
        // A frame of the gateway's may stand between them.
        let messages = bob.messages.len() - 1;
        assert!(
            (expected..=expected + 1).contains(&messages),
            "{:?}",
            bob.messages
        );
        assert!(
            bob.messages
                .iter()
                .all(|length| *length <= largest as usize)
        );
    }
}

#[tokio::test]
async fn the_clients_credit_holds_frames_back_and_pongs_pass_them() {
    let relay = relay(&["--queue-frames", "100000"]).await;
    let mut alice = client(&relay).await;
    let hello = Hello {
        largest_message: 2_048,
        credit: LARGEST_CONTROL as u64 + 10_000,
        ..capable()
    };
    let mut bob = Tab::new(&relay, &hello).await;
    let port = clients(&relay).pop().unwrap();
    for n in 0..100 {
        alice.send(frame(ALL, ALICE, &[n; 1_000])).await;
    }
    until("they wait", || {
        port.counters.frames_out.load(Ordering::Relaxed) >= 100
    })
    .await;
    bob.send(put_ping(Stamp(42)).to_vec()).await;
    let mut frames = 0;
    loop {
        match bob.heard().await {
            Heard::Frame(..) => frames += 1,
            Heard::Pong(stamp) => break assert_eq!(stamp, Stamp(42)),
            other => panic!("{other:?}"),
        }
    }
    // What the credit allowed, and no message begun behind it, beside the pong and the relay's own ping; nothing comes behind
    // the pong but by new credit.
    let received: usize = bob.messages.iter().sum();
    assert!(received <= hello.credit as usize + 2_048 + 24, "{received}");
    bob.send(put_ping(Stamp(43)).to_vec()).await;
    loop {
        match bob.heard().await {
            Heard::Frame(..) => frames += 1,
            Heard::Pong(Stamp(43)) => break,
            other => panic!("{other:?}"),
        }
    }
    let received: usize = bob.messages.iter().sum();
    assert!(received <= hello.credit as usize + 2_048 + 36, "{received}");
    assert!((9..=13).contains(&frames), "{frames}");
    bob.send(put_credit(1 << 30).to_vec()).await;
    while bob.frame_from(ALICE).await.1[14] != 99 {}
}

#[tokio::test]
async fn what_waits_for_the_clients_credit_alone_is_not_late() {
    let relay = relay(&[]).await;
    let mut alice = client(&relay).await;
    let mut credit = LARGEST_CONTROL as u64;
    let hello = Hello {
        largest_message: 2_048,
        credit,
        ..capable()
    };
    let mut bob = Tab::new(&relay, &hello).await;
    let port = clients(&relay).pop().unwrap();
    for n in 0..200 {
        alice.send(frame(ALL, ALICE, &[n; 1_500])).await;
    }
    until("they wait", || {
        port.counters.frames_out.load(Ordering::Relaxed) >= 200
    })
    .await;
    for n in 0..200 {
        tokio::time::pause();
        tokio::time::advance(Duration::from_millis(20)).await;
        tokio::time::resume();
        // One frame, and the relay's pings before it.
        credit = bob.messages.iter().sum::<usize>() as u64 + 200;
        bob.send(put_credit(credit).to_vec()).await;
        assert_eq!(bob.frame_from(ALICE).await.1[14], n);
    }
    assert_eq!(port.counters.drops(DropReason::Late), 0);
}

#[tokio::test]
async fn a_quiet_flow_passes_what_a_busy_one_has_queued() {
    let relay = relay(&["--queue-kilobytes", "16384", "--queue-frames", "100000"]).await;
    let mut alice = client(&relay).await;
    let mut bob = Tab::new(&relay, &capable()).await;
    bob.send_frame(Offload::NONE, &frame(ALL, BOB, b"here I am"))
        .await;
    alice.receive().await;
    // Bob reads nothing while Alice sends what no buffer on the way holds.
    let port = clients(&relay).pop().unwrap();
    let count = 10_000;
    for _ in 0..count {
        alice.send(frame(BOB, ALICE, &[1; 1_400])).await;
    }
    until("all were queued", || {
        port.counters.frames_out.load(Ordering::Relaxed) >= count
    })
    .await;
    let (quiet, _) = segment(BOB, ALICE, b"quiet");
    let before = port.counters.frames_out.load(Ordering::Relaxed);
    alice.send(quiet.clone()).await;
    until("it was queued", || {
        port.counters.frames_out.load(Ordering::Relaxed) > before
    })
    .await;
    let mut behind = 0;
    while bob.frame_from(ALICE).await.1 != quiet {
        behind += 1;
    }
    println!("{behind} of {count} frames were too far ahead");
    assert!(behind < 1_000, "{behind} of {count} frames came first");
}

#[tokio::test]
async fn the_relay_gives_new_credit_by_the_quarter_of_its_window() {
    let relay = relay(&["--window-kilobytes", "128"]).await;
    let mut bob = client(&relay).await;
    let mut alice = Tab::new(&relay, &capable()).await;
    // Who never answers has no round trip that the window could follow.
    alice.answers = false;
    let mut credit = alice.hello.credit;
    let window = credit;
    // Many windows, and never a byte without credit.
    for n in 0..1_000_u32 {
        while alice.sent >= credit {
            if let Heard::Credit(total) = alice.heard().await {
                assert!(total >= credit + window / 4, "less than a quarter");
                assert!(total <= alice.sent + window, "more than the window");
                credit = total;
            }
        }
        let frame = frame(ALL, ALICE, &n.to_be_bytes().repeat(350));
        alice.send_frame(Offload::NONE, &frame).await;
        assert_eq!(bob.receive().await, frame);
    }
}

#[tokio::test]
async fn what_breaks_the_rules_is_closed_with_its_reason() {
    let relay = relay(&[]).await;
    let hello = put_hello(&capable()).to_vec();
    let frame = record(Offload::NONE, &frame(ALL, ALICE, b"early"));
    let too_new = put_hello(&Hello {
        versions: (VERSION + 1, VERSION + 3),
        ..capable()
    });
    // Each record is right, and the whole a few bytes longer than a message of several may be.
    let several = |count| {
        [
            &hello[..],
            &record(Offload::NONE, &[0; 1_000]).repeat(count),
        ]
        .concat()
    };
    let mut too_long = several(64);
    too_long.extend(record(Offload::NONE, &vec![0; 65_550 - too_long.len() - 4]));
    let cases = [
        ("no hello", frame.clone()),
        ("nothing at all", Vec::new()),
        ("another version", too_new.to_vec()),
        ("two hellos", [&hello[..], &hello].concat()),
        ("cut off", [&hello[..], &frame[..frame.len() - 1]].concat()),
        (
            "an offload of nonsense",
            [&hello[..], &[2, 0, 0, 8, 9, 9, 9, 9, 9, 9, 9, 9]].concat(),
        ),
        ("longer than we take", too_long),
    ];
    for (what, message) in cases {
        let mut tab = Tab::open(&relay).await;
        tab.send(message).await;
        assert_eq!(tab.closed().await, (Some(MALFORMED), MALFORMED), "{what}");
    }
    let mut tab = Tab::new(&relay, &capable()).await;
    tab.client
        .message(tokio_tungstenite::tungstenite::Message::text("?"))
        .await;
    assert_eq!(tab.closed().await, (Some(1_003), 1_003));
    let mut tab = Tab::new(&relay, &capable()).await;
    tab.send(several(64)[hello.len()..].to_vec()).await;
    until("all were dropped as frames of no station", || {
        clients(&relay)
            .last()
            .is_some_and(|port| drops(port, DropReason::BadSource) == 64)
    })
    .await;
}

#[tokio::test]
async fn a_relay_that_stops_says_so_in_both_ways() {
    let relay = relay(&[]).await;
    let mut tab = Tab::new(&relay, &capable()).await;
    tokio::join!(relay.stop(), async {
        assert_eq!(tab.closed().await, (Some(1_001), 1_001));
    });
}

#[tokio::test]
async fn who_comes_back_has_its_address_at_once_and_ends_the_session_before() {
    let relay = relay(&[]).await;
    let mut bob = client(&relay).await;
    let mut before = Tab::new(&relay, &capable()).await;
    before
        .send_frame(Offload::NONE, &frame(ALL, ALICE, b"here I am"))
        .await;
    bob.receive().await;
    let mut after = Tab::open(&relay).await;
    assert_ne!(after.hello.token, before.hello.token);
    let hello = Hello {
        token: before.hello.token,
        ..capable()
    };
    after.send(put_hello(&hello).to_vec()).await;
    assert_eq!(before.closed().await, (Some(REPLACED), REPLACED));
    // It said nothing, and is found.
    bob.send(frame(ALICE, BOB, b"are you back?")).await;
    assert_eq!(
        after.frame_from(BOB).await.1,
        frame(ALICE, BOB, b"are you back?")
    );
    after
        .send_frame(Offload::NONE, &frame(BOB, ALICE, b"I am"))
        .await;
    assert_eq!(bob.receive().await, frame(BOB, ALICE, b"I am"));
    // The token before is nobody's now: who says it is a newcomer.
    let stranger = Tab::new(&relay, &hello).await;
    assert_ne!(stranger.hello.token, hello.token);
    after
        .send_frame(Offload::NONE, &frame(BOB, ALICE, b"still here"))
        .await;
    assert_eq!(bob.receive().await, frame(BOB, ALICE, b"still here"));
}

#[tokio::test]
async fn a_large_segment_goes_whole_to_who_takes_it_and_cut_to_who_does_not() {
    let relay = relay(&[]).await;
    let mut plain = client(&relay).await;
    let mut whole = Tab::new(&relay, &capable()).await;
    let mut simple = Tab::new(&relay, &Hello::default()).await;
    let summing = Hello {
        features: Features::CHECKSUM,
        ..Hello::default()
    };
    let mut summing = Tab::new(
        &relay,
        &Hello {
            credit: 1 << 30,
            ..summing
        },
    )
    .await;
    let mut alice = Tab::new(&relay, &capable()).await;
    let data = numbered(60_000);
    let (frame, offload) = segment(ALL, ALICE, &data);
    alice.send_frame(offload, &frame).await;
    assert_eq!(whole.frame_from(ALICE).await, (offload, frame));
    let mut got = Vec::new();
    while got.len() < data.len() {
        let (offload, frame) = simple.frame_from(ALICE).await;
        assert!(offload.is_none());
        got.extend_from_slice(payload(&frame));
        let (offload, same) = summing.frame_from(ALICE).await;
        assert_eq!(offload.checksum, Checksum::Verified);
        assert!(same == frame);
        let same = loop {
            match futures_util::StreamExt::next(&mut plain.socket)
                .await
                .unwrap()
                .unwrap()
            {
                tokio_tungstenite::tungstenite::Message::Binary(frame) if frame[6..12] == ALICE => {
                    break frame;
                }
                _ => {}
            }
        };
        assert!(same == frame);
    }
    assert!(got == data, "the bytes differ");
}

#[tokio::test]
async fn segments_to_everybody_count_as_the_frames_that_they_are_cut_to() {
    let relay = relay(&[]).await;
    let mut alice = Tab::new(&relay, &capable()).await;
    let (frame, offload) = segment(ALL, ALICE, &numbered(60_000));
    // Of a thousand frames a second, some forty make one.
    for _ in 0..30 {
        alice.send_frame(offload, &frame).await;
    }
    let port = clients(&relay).pop().unwrap();
    until("those too many were dropped", || {
        drops(&port, DropReason::Storm) >= 3
    })
    .await;
}

#[tokio::test]
async fn an_offload_that_does_not_fit_its_frame_is_a_counted_drop() {
    let relay = relay(&[]).await;
    let mut alice = Tab::new(&relay, &capable()).await;
    let (frame, offload) = segment(ALL, ALICE, &numbered(3_000));
    alice.send_frame(Offload::NONE, &frame).await;
    alice.send_frame(offload, &frame[..2_000]).await;
    let wide = Offload {
        segmentation: Some((Segmentation::Tcp4 { ecn: false }, 1_461)),
        ..offload
    };
    alice.send_frame(wide, &frame).await;
    let port = clients(&relay).pop().unwrap();
    until("all were dropped", || {
        drops(&port, DropReason::Oversized) == 2 && drops(&port, DropReason::BadOffload) == 1
    })
    .await;
    alice.send(put_ping(Stamp(1)).to_vec()).await;
    while alice.heard().await != Heard::Pong(Stamp(1)) {}
}
