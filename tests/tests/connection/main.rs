//! How connections begin and end.

mod closing;
mod listening;
mod opening;
mod waiting;

use ethertab_stack::Duration;
use ethertab_stack::config::{Config, ListenOptions, TcpOptions};
use ethertab_stack::driver::{Error, TcpStream};
use ethertab_stack::socket::TcpError;
use ethertab_stack::time::Reason;
use ethertab_tests::{Host, Impairments, Simulation, traffic};
use futures_util::{AsyncReadExt, AsyncWriteExt, join};
use std::net::SocketAddr;

const CABLE: Impairments = Impairments {
    delay: Duration::from_millis(5),
    bandwidth: 0,
    queue: 0,
    loss: 0.0,
    duplication: 0.0,
    corruption: 0.0,
    reordering: 0.0,
    reordering_delay: Duration::ZERO,
    path_mtu: 0,
    black_hole: false,
};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// One connection, both ends.
async fn connected(client: &Host, server: &Host, options: TcpOptions) -> (TcpStream, TcpStream) {
    let listener = server
        .network
        .listen(
            server.at(7),
            ListenOptions {
                backlog: 1,
                accepted: options,
            },
        )
        .expect("listening");
    let (near, far) = join!(
        client.network.connect_to(server.at(7), options),
        traffic::accept(&listener)
    );
    (near.expect("connecting"), far.expect("accepting"))
}

fn code(error: &std::io::Error) -> &'static str {
    error
        .get_ref()
        .and_then(|error| error.downcast_ref::<Error>())
        .map_or("none", Error::code)
}

fn quiet(host: &Host) -> bool {
    host.network
        .with_stack(|stack, _| stack.is_quiet() && stack.connections() == 0)
}

fn simulation_now(host: &Host) -> ethertab_stack::Instant {
    host.network.with_stack(|_, now| now)
}

/// Nothing but TIME-WAIT is left shortly after, and not even a timer of it after two minutes more.
fn drop_all_and_settle(mut simulation: Simulation, hosts: &[Host]) {
    simulation.run_for(seconds(5));
    for host in hosts {
        assert!(quiet(host), "a connection is left behind");
    }
    simulation.run_for(seconds(120));
    for host in hosts {
        let timer = host.network.with_stack(|stack, _| stack.next_timer());
        let of_tcp = timer.filter(|deadline| deadline.reason == Reason::Tcp);
        assert_eq!(of_tcp, None, "a timer is left behind");
    }
}
