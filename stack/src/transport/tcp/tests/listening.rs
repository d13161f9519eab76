//! Listeners: SYN queue, accept queue, ports.

use super::rig::*;
use crate::config::{Config, ListenOptions, TcpOptions};
use crate::counters::DropReason;
use crate::event::Event;
use crate::time::Duration;
use crate::transport::{BindError, ConnectError, TcpError};
use core::net::SocketAddr;

fn with_backlog(backlog: usize) -> Bench {
    let options = ListenOptions {
        backlog,
        ..ListenOptions::default()
    };
    Bench::listening(&config(), &options)
}

fn from(port: u16) -> SocketAddr {
    SocketAddr::new(peer_address(), port)
}

/// The peer at that port opens a connection, up to the SYN-ACK; false if there was no answer.
fn knock(bench: &mut Bench, port: u16) -> bool {
    bench.say_from(from(port), seq(0).syn());
    !bench.hear().is_empty()
}

/// A whole handshake.
fn enter(bench: &mut Bench, port: u16) {
    assert!(knock(bench, port), "the SYN of {port} was dropped");
    bench.say_from(from(port), seq(1).ack(1));
}

#[test]
fn connections_are_accepted_in_the_order_in_which_they_were_established() {
    let mut bench = with_backlog(10);
    (1..=3).for_each(|port| enter(&mut bench, port));
    let listener = bench.listener.unwrap();
    let ports: alloc::vec::Vec<u16> =
        core::iter::from_fn(|| bench.tcp.accept(listener).map(|(_, remote)| remote.port()))
            .collect();
    assert_eq!(ports, [1, 2, 3]);
}

#[test]
fn a_listener_tells_once_that_it_has_connections() {
    let mut bench = with_backlog(10);
    assert!(knock(&mut bench, 1));
    assert_eq!(bench.events(), [], "not before the handshake is over");
    bench.say_from(from(1), seq(1).ack(1));
    enter(&mut bench, 2);
    assert_eq!(bench.events(), [Event::Listener(bench.listener.unwrap())]);
    enter(&mut bench, 3);
    assert_eq!(bench.events().len(), 1);
}

#[test]
fn data_that_came_before_the_accept_is_told_after_it() {
    let mut bench = with_backlog(10);
    enter(&mut bench, 1);
    bench.say_from(from(1), seq(1).ack(1).data(b"hello"));
    bench.events();
    let (id, _) = bench.tcp.accept(bench.listener.unwrap()).unwrap();
    assert!(
        matches!(bench.events()[..], [Event::Tcp(told, ready)] if told == id && ready.readable)
    );
    bench.id = Some(id);
    assert_eq!(bench.read(), b"hello");
}

#[test]
fn a_syn_finds_no_place_when_too_many_wait_to_be_accepted() {
    let mut bench = with_backlog(2);
    enter(&mut bench, 1);
    enter(&mut bench, 2);
    assert!(
        !knock(&mut bench, 3),
        "dropped, so that the peer tries again"
    );
    assert_eq!(bench.tcp.counters().dropped(DropReason::TcpBacklogFull), 1);
    bench.tcp.accept(bench.listener.unwrap()).unwrap();
    assert!(knock(&mut bench, 3));
}

#[test]
fn a_syn_finds_no_place_when_too_many_are_opening_unless_the_oldest_has_waited_long() {
    let mut bench = with_backlog(2);
    assert!(knock(&mut bench, 1) && knock(&mut bench, 2));
    assert!(!knock(&mut bench, 3));
    bench.millis(1_500);
    assert!(knock(&mut bench, 3), "the first SYN-ACK had to be repeated");
    bench.say_from(from(1), seq(1).ack(1));
    assert_eq!(bench.hears()[0], "SEQ=1 RST", "it made room");
    bench.say_from(from(3), seq(1).ack(1));
    assert!(bench.tcp.accept(bench.listener.unwrap()).is_some());
}

#[test]
fn a_handshake_that_began_in_time_ends_well_though_the_queue_filled_meanwhile() {
    let mut bench = with_backlog(2);
    assert!(knock(&mut bench, 1) && knock(&mut bench, 2));
    bench.say_from(from(1), seq(1).ack(1));
    assert!(knock(&mut bench, 3) && !knock(&mut bench, 4));
    bench.say_from(from(2), seq(1).ack(1));
    bench.say_from(from(3), seq(1).ack(1));
    let listener = bench.listener.unwrap();
    assert_eq!(
        (0..9)
            .filter(|_| bench.tcp.accept(listener).is_some())
            .count(),
        3
    );
}

#[test]
fn closing_a_listener_resets_what_nobody_took() {
    let mut bench = with_backlog(10);
    enter(&mut bench, 1);
    assert!(knock(&mut bench, 2));
    bench.tcp.close_listener(bench.listener.unwrap());
    assert_eq!(bench.hears(), ["SEQ=1 RST", "SEQ=1 RST"]);
    bench.say_from(from(3), seq(0).syn());
    assert_eq!(bench.hears(), ["SEQ=0 ACK=1 RST,ACK"]);
    assert!(bench.tcp.accept(bench.listener.unwrap()).is_none());
}

#[test]
fn what_is_reset_before_it_was_accepted_vanishes() {
    let mut bench = with_backlog(1);
    enter(&mut bench, 1);
    bench.say_from(from(1), seq(1).rst());
    assert!(bench.tcp.accept(bench.listener.unwrap()).is_none());
    enter(&mut bench, 2);
    assert!(bench.tcp.accept(bench.listener.unwrap()).is_some());
}

#[test]
fn a_reset_or_a_new_syn_in_syn_received_goes_back_to_listening() {
    let mut bench = with_backlog(1);
    assert!(knock(&mut bench, 1));
    bench.say_from(from(1), seq(1).rst());
    assert!(knock(&mut bench, 2), "the place is free again");
    bench.say_from(from(2), seq(5).syn());
    assert_eq!(bench.hears(), [""; 0]);
    assert!(knock(&mut bench, 3));
}

#[test]
fn a_wrong_acknowledgement_in_syn_received_is_reset_and_the_handshake_goes_on() {
    let mut bench = with_backlog(1);
    assert!(knock(&mut bench, 1));
    bench.say_from(from(1), seq(1).ack(77));
    assert_eq!(bench.hears(), ["SEQ=77 RST"]);
    bench.say_from(from(1), seq(1).ack(1));
    assert!(bench.tcp.accept(bench.listener.unwrap()).is_some());
}

#[test]
fn a_listener_resets_acknowledgements_and_drops_what_is_no_syn() {
    let mut bench = with_backlog(1);
    bench.say(seq(5).ack(9).data(b"x"));
    assert_eq!(bench.hears(), ["SEQ=9 RST"]);
    bench.say(seq(5).ack(9).syn());
    assert_eq!(bench.hears(), ["SEQ=9 RST"]);
    bench.say(seq(5).data(b"x"));
    bench.say(seq(5).fin());
    bench.say(seq(5).rst());
    bench.say(seq(5).rst().syn());
    assert_eq!(bench.hears(), [""; 0]);
}

#[test]
fn data_and_fin_that_come_with_the_syn_are_kept_for_later() {
    let mut bench = with_backlog(1);
    bench.say(seq(0).syn().data(b"eager").fin());
    assert_eq!(bench.hears(), ["SEQ=0 ACK=6 SYN,ACK"]);
    bench.say(seq(6).ack(1));
    let (id, _) = bench.tcp.accept(bench.listener.unwrap()).unwrap();
    bench.id = Some(id);
    assert_eq!(bench.read(), b"eager");
    assert_eq!(bench.read(), b"");
    assert_eq!(bench.state(), "CLOSE-WAIT");
}

#[test]
fn the_acknowledgement_that_opens_may_carry_data_and_fin() {
    let mut bench = with_backlog(1);
    assert!(knock(&mut bench, 50_000));
    bench.say(seq(1).ack(1).data(b"request").fin());
    let (id, _) = bench.tcp.accept(bench.listener.unwrap()).unwrap();
    bench.id = Some(id);
    assert_eq!(bench.read(), b"request");
    assert_eq!(bench.state(), "CLOSE-WAIT");
    assert_eq!(bench.hears(), ["SEQ=1 ACK=9 ACK"]);
}

#[test]
fn accepted_connections_get_the_listeners_options() {
    let options = ListenOptions {
        accepted: TcpOptions {
            receive_buffer: Some(5_000),
            keep_alive: Some(Duration::from_secs(10)),
            ..TcpOptions::default()
        },
        ..ListenOptions::default()
    };
    let mut bench = Bench::listening(&config(), &options);
    bench.say(seq(0).syn());
    assert_eq!(bench.hear()[0].window, 5_000);
    bench.say(seq(1).ack(1));
    assert_eq!(bench.millis(10_000), [(10_000, "SEQ=0 ACK=1 ACK".into())]);
}

#[test]
fn two_listeners_of_one_port_need_two_addresses() {
    let mut bench = with_backlog(1);
    let options = ListenOptions::default();
    let any = SocketAddr::new([0, 0, 0, 0].into(), 80);
    assert_eq!(
        bench.tcp.listen(bench.host, &options),
        Err(BindError::PortInUse)
    );
    assert_eq!(bench.tcp.listen(any, &options), Err(BindError::PortInUse));
    let other = SocketAddr::new([10, 0, 0, 9].into(), 80);
    assert!(bench.tcp.listen(other, &options).is_ok());
    bench.tcp.close_listener(bench.listener.unwrap());
    assert!(bench.tcp.listen(bench.host, &options).is_ok());
}

#[test]
fn a_port_can_be_listened_at_while_connections_from_it_are_open_or_opening() {
    let (mut bench, _) = Bench::connecting(&config(), &TcpOptions::default());
    let listener = bench.tcp.listen(bench.host, &ListenOptions::default());
    assert!(listener.is_ok());
    bench.say(seq(0).ack(1).syn());
    assert_eq!(bench.state(), "ESTABLISHED", "it hears its own segments");
    enter(&mut bench, 77);
    assert!(bench.tcp.accept(listener.unwrap()).is_some());
}

#[test]
fn port_zero_picks_one() {
    let mut bench = Bench::new(&config());
    let any = SocketAddr::new([0, 0, 0, 0].into(), 0);
    let listener = bench.tcp.listen(any, &ListenOptions::default()).unwrap();
    let address = bench.tcp.listener_address(listener).unwrap();
    assert!((49_152..=65_535).contains(&address.port()));
    bench.tcp.close_listener(listener);
    assert_eq!(bench.tcp.listener_address(listener), None);
}

#[test]
fn a_connect_needs_a_destination_that_can_be_one() {
    let mut bench = Bench::new(&config());
    let local = SocketAddr::new(host_address(), 0);
    for remote in [
        "0.0.0.0:80",
        "255.255.255.255:80",
        "224.0.0.1:80",
        "10.0.0.2:0",
        "[ff02::1]:80",
    ] {
        let remote = remote.parse().unwrap();
        let options = TcpOptions::default();
        let connect = bench.tcp.connect(local, remote, 1_500, &options, bench.now);
        assert_eq!(connect, Err(ConnectError::InvalidDestination), "{remote}");
    }
}

#[test]
fn a_connect_needs_a_free_port_and_a_place() {
    let mut config = Config::default();
    config.tcp.ephemeral_ports = (50_000, 50_001);
    config.tcp.connections = 4;
    let mut bench = Bench::new(&config);
    let mut connect = |port, remote| {
        let local = SocketAddr::new(host_address(), 0);
        let options = TcpOptions {
            local_port: port,
            ..TcpOptions::default()
        };
        bench
            .tcp
            .connect(local, from(remote), 1_500, &options, bench.now)
    };
    assert!(connect(None, 1).is_ok() && connect(None, 1).is_ok());
    assert_eq!(connect(None, 1), Err(ConnectError::PortInUse));
    assert_eq!(connect(Some(50_000), 1), Err(ConnectError::PortInUse));
    assert!(
        connect(None, 2).is_ok(),
        "another destination is another pair"
    );
    assert!(connect(Some(7), 1).is_ok());
    assert_eq!(connect(Some(8), 1), Err(ConnectError::TooMany));
}

#[test]
fn initial_numbers_cannot_be_guessed_from_others() {
    let mut bench = Bench::new(&config());
    let mut numbers = alloc::vec::Vec::new();
    for remote in [1, 2, 3] {
        let options = TcpOptions::default();
        let (local, peer) = (bench.host, from(remote));
        let connect = bench.tcp.connect(local, peer, 1_500, &options, bench.now);
        assert!(connect.is_ok());
        bench.hear();
        bench.peer = peer;
        numbers.push(bench.host_initial());
    }
    let distances: alloc::vec::Vec<u32> = numbers
        .windows(2)
        .map(|pair| (pair[1].wrapping_sub(pair[0]) as i32).unsigned_abs())
        .collect();
    assert!(
        distances.iter().all(|&distance| distance > 1_000_000),
        "{distances:?}"
    );
}

#[test]
fn a_flood_of_syns_fills_no_more_than_the_backlog() {
    let mut bench = with_backlog(16);
    for port in 1..5_000 {
        bench.say_from(from(port), seq(0).syn());
        bench.now += Duration::from_millis(1);
        bench.tcp.advance(bench.now);
        bench.hear();
    }
    assert!(bench.tcp.table.len() <= 16);
    assert!(bench.tcp.events.len() <= 1);
    bench.millis(600_000);
    assert_eq!(bench.tcp.table.len(), 0);
}

#[test]
fn resets_that_wait_to_leave_are_bounded() {
    let mut bench = Bench::new(&config());
    for port in 1..5_000 {
        bench.say_from(from(port), seq(0).syn());
    }
    assert!(bench.hear().len() <= 512);
    assert!(bench.tcp.counters().dropped(DropReason::ReplyQueueFull) > 4_000);
}

#[test]
fn a_refused_listener_error_is_told_to_the_one_who_connects() {
    let mut bench = Bench::new(&config());
    let local = SocketAddr::new(host_address(), 40_000);
    bench.host = local;
    let options = TcpOptions::default();
    let id = bench
        .tcp
        .connect(local, bench.peer, 1_500, &options, bench.now)
        .unwrap();
    bench.id = Some(id);
    bench.hear();
    bench.events();
    bench.say(seq(0).ack(1).rst());
    assert!(
        matches!(bench.events()[..], [Event::Tcp(told, ready)] if told == id && ready.writable)
    );
    assert_eq!(bench.error(), Some(TcpError::Refused));
}
