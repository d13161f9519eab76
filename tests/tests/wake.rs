//! A machine that slept: its clock has leapt, every timer is overdue, and nobody has heard of it meanwhile.

use ethertab_stack::config::{Addressing, ListenOptions, StaticAddress, TcpOptions};
use ethertab_stack::socket::TcpError;
use ethertab_stack::{Config, Duration, Instant, MacAddress, Stack, TcpId};
use std::net::SocketAddr;
use std::task::Poll;

const CONNECTIONS: usize = 20;
const NIGHT: Duration = Duration::from_secs(8 * 3_600);

fn host(number: u8) -> Stack {
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 0, 0, number]),
        addressing: Addressing::Static(StaticAddress {
            address: [10, 0, 0, number].into(),
            prefix_length: 24,
            gateway: None,
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    Stack::new(config, [number; 32], Instant::ZERO)
}

/// Two hosts with connections between them, each with keep-alive at the first.
struct Pair {
    sleeper: Stack,
    peer: Stack,
    ids: Vec<TcpId>,
    now: Instant,
}

impl Pair {
    fn new() -> Pair {
        let (mut sleeper, mut peer) = (host(1), host(2));
        let server = SocketAddr::from(([10, 0, 0, 2], 7));
        let listen = ListenOptions {
            backlog: CONNECTIONS,
            ..ListenOptions::default()
        };
        peer.tcp_listen(server, &listen).expect("a free port");
        let now = Instant::ZERO;
        let options = TcpOptions {
            keep_alive: Some(Duration::from_secs(1)),
            ..TcpOptions::default()
        };
        let connect = |_| sleeper.tcp_connect(server, &options, now).expect("a port");
        let ids = (0..CONNECTIONS).map(connect).collect();
        let mut pair = Pair {
            sleeper,
            peer,
            ids,
            now,
        };
        pair.talk();
        for id in pair.ids.clone() {
            let connected = pair.sleeper.tcp(id, now).connected();
            assert_eq!(connected, Poll::Ready(Ok(())));
        }
        pair
    }

    /// Carries frames until neither has one.
    fn talk(&mut self) {
        let mut frame = [0; 1_514];
        loop {
            let mut is_quiet = true;
            while let Some(length) = self.sleeper.transmit(self.now, &mut frame) {
                self.peer.receive(&frame[..length], self.now);
                is_quiet = false;
            }
            while let Some(length) = self.peer.transmit(self.now, &mut frame) {
                self.sleeper.receive(&frame[..length], self.now);
                is_quiet = false;
            }
            if is_quiet {
                return;
            }
        }
    }

    /// Frames that the sleeper has to send now, none of which arrives.
    fn sent_in_vain(&mut self) -> usize {
        let mut frame = [0; 1_514];
        std::iter::from_fn(|| self.sleeper.transmit(self.now, &mut frame)).count()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.sleeper.advance(self.now);
        self.peer.advance(self.now);
    }

    fn error(&mut self, id: TcpId) -> Option<TcpError> {
        match self.sleeper.tcp(id, self.now).read(&mut [0; 10]) {
            Poll::Ready(Err(error)) => Some(error),
            _ => None,
        }
    }
}

#[test]
fn timers_that_came_due_in_a_night_cost_one_frame_a_connection_and_keep_it() {
    let mut pair = Pair::new();
    pair.pass(NIGHT);
    let mut frame = [0; 1_514];
    let mut sent = 0;
    while let Some(length) = pair.sleeper.transmit(pair.now, &mut frame) {
        pair.peer.receive(&frame[..length], pair.now);
        sent += 1;
        assert!(sent <= 2 * CONNECTIONS, "a storm");
    }
    assert!(sent > 0, "nobody asks whether the peer is there");
    pair.talk();
    for id in pair.ids.clone() {
        assert_eq!(pair.error(id), None);
    }
}

#[test]
fn a_night_in_the_middle_of_a_loss_is_not_held_against_the_peer() {
    let mut pair = Pair::new();
    let id = pair.ids[0];
    let written = pair.sleeper.tcp(id, pair.now).write(b"good night");
    assert_eq!(written, Poll::Ready(Ok(10)));
    // The network goes before the machine does: some of what is sent is sent again, in vain.
    for _ in 0..5 {
        pair.sent_in_vain();
        pair.pass(Duration::from_secs(1));
    }
    pair.sent_in_vain();
    pair.pass(NIGHT);
    assert_eq!(pair.error(id), None);
    pair.talk();
    for _ in 0..60 {
        pair.pass(Duration::from_secs(1));
        pair.talk();
    }
    assert_eq!(
        pair.sleeper.tcp(id, pair.now).flushed(),
        Poll::Ready(Ok(()))
    );
}
