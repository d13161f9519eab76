//! Puts the relay together and takes it apart.

use crate::config::{NetworkPlan, Plan};
use crate::demo;
use crate::gateway;
use crate::http;
use crate::metrics::{self, Metrics};
use crate::page::Page;
use crate::plain::plain;
use crate::server::Server;
use crate::server::origin::Origins;
use crate::session::{Shared, Turns};
use crate::switch::guard::Guard;
use crate::switch::port::Kind;
use crate::switch::{Switch, SwitchConfig};
use crate::uplink::tap::Tap;
use crate::uplink::{TapError, overlapping};
use ethertab_tunnel::v1::{Features, Hello};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// HTTP connections beside the tunnels: browsers open six each to fetch the page.
const PAGE_CONNECTIONS: usize = 256;

/// How long the goodbyes may take.
const STOPPING_TIME: Duration = Duration::from_secs(3);

const LOOPBACK_DOWN: &str =
    "The loopback interface of this network namespace is down: `ip link set lo up` first.";

/// Why the relay could not start.
#[derive(Debug)]
pub enum StartError {
    /// The address to listen on could not be had.
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        error: io::Error,
    },
    /// There is no TAP.
    Tap(TapError),
    /// The gateway's stack could not be made.
    Gateway(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen { address, error } => {
                write!(f, "cannot listen on {address}: {}. ", plain(error))?;
                f.write_str(match error.kind() {
                    io::ErrorKind::AddrNotAvailable if address.ip().is_loopback() => LOOPBACK_DOWN,
                    io::ErrorKind::AddrInUse => "Something else, perhaps another relay, listens there; pick another port with --listen.",
                    io::ErrorKind::AddrNotAvailable => "This host has no such address; look at --listen.",
                    io::ErrorKind::PermissionDenied => "Ports below 1024 need privileges; pick a higher one with --listen.",
                    _ => "Look at --listen.",
                })
            }
            StartError::Tap(error) => error.fmt(f),
            StartError::Gateway(error) => write!(f, "the gateway could not start: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A running relay.
pub struct Relay {
    address: SocketAddr,
    switch: Arc<Switch>,
    demo: Option<SocketAddr>,
    stop: CancellationToken,
    tasks: TaskTracker,
    failures: mpsc::Receiver<String>,
}

impl Relay {
    /// Starts a relay. Must be called inside a tokio runtime.
    pub async fn start(plan: &Plan) -> Result<Relay, StartError> {
        let listen = |error| StartError::Listen {
            address: plan.listen,
            error,
        };
        // First, because it fails most often, and nothing needs undoing then.
        let listener = TcpListener::bind(plan.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        if let Some((interface, network)) = plan
            .tap
            .as_ref()
            .and_then(|_| overlapping(plan.network.subnet))
        {
            tracing::warn!(
                "{interface} leads to {network} already, which overlaps with our {}; pick another with --subnet",
                plan.network.subnet
            );
        }
        let tap = match &plan.tap {
            Some(name) => Some((
                name.clone(),
                Tap::create(name, &plan.network, plan.offload, plan.tap_queues)
                    .map_err(StartError::Tap)?,
            )),
            None => None,
        };
        let switch = Switch::new(SwitchConfig {
            mtu: plan.network.mtu.into(),
            guard: Guard {
                protected: vec![plan.network.host, plan.network.gateway],
            },
            table: plan.table,
            flood_rate: plan.flood_rate,
        });
        let (failed, failures) = mpsc::channel(4);
        let mut relay = Relay {
            address,
            switch: Arc::clone(&switch),
            demo: None,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            failures,
        };

        let leases = gateway::start(plan, &relay, &failed).map_err(StartError::Gateway)?;
        if let Some((name, tap)) = tap {
            relay.connect_tap(name, tap, failed);
            relay.start_demo(plan).await;
        }
        relay.spawn(metrics::report_drops(Arc::clone(&switch)));
        relay.spawn(metrics::report_refusals(leases.clone()));
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let server = Arc::new(Server {
            shared: Shared {
                switch,
                tokens: Arc::default(),
                turns: Turns::new(2 * processors),
                stop: relay.stop.clone(),
            },
            page: plan.page.clone().map_or(Page::Embedded, Page::Directory),
            origins: Origins::new(&plan.allow_origin),
            max_clients: plan.max_clients,
            limits: plan.client,
            hello: hello(plan),
            metrics: Metrics::new(leases),
            tasks: relay.tasks.clone(),
            clients: Arc::new(AtomicUsize::new(0)),
            visitors: AtomicU64::new(0),
        });
        if address.ip().is_loopback() && !reachable(address) {
            tracing::warn!("nobody can reach {address}. {LOOPBACK_DOWN}");
        }
        let connections = plan.max_clients + PAGE_CONNECTIONS;
        relay.spawn(http::serve(
            listener,
            server,
            connections,
            relay.stop.clone(),
            relay.tasks.clone(),
        ));
        Ok(relay)
    }

    /// Where browsers find it.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its switch.
    #[must_use]
    pub fn switch(&self) -> &Arc<Switch> {
        &self.switch
    }

    /// Where tabs find the demonstration site.
    #[must_use]
    pub fn demo(&self) -> Option<SocketAddr> {
        self.demo
    }

    /// Ends when the relay cannot go on, and says why.
    pub async fn failed(&mut self) -> String {
        match self.failures.recv().await {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Says goodbye to every client, and takes everything down.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(STOPPING_TIME, self.tasks.wait()).await.is_err() {
            tracing::debug!("{} tasks did not end in time", self.tasks.len());
        }
    }

    /// Runs a task until it ends or the relay stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks
            .spawn(async move { stop.run_until_cancelled(task).await });
    }

    fn connect_tap(&self, name: String, tap: Tap, failed: mpsc::Sender<String>) {
        let outlet = Box::new(tap.clone());
        let plug = (self.switch).plug_in(
            Kind::Uplink,
            name.clone(),
            outlet,
            Some(tap.hardware_address()),
        );
        let plug = Arc::new(plug);
        for queue in 0..tap.queues() {
            let (tap, plug, name, failed) =
                (tap.clone(), Arc::clone(&plug), name.clone(), failed.clone());
            self.spawn(async move {
                let error = tap.read(queue, &plug).await;
                let _ = failed.try_send(format!("the TAP interface {name} is gone: {error}"));
            });
        }
    }

    async fn start_demo(&mut self, plan: &Plan) {
        let Some(port) = plan.demo_port else { return };
        let address = SocketAddr::V4(plan.network.demo(port));
        match TcpListener::bind(address).await {
            Ok(listener) => {
                self.demo = Some(address);
                demo::start(listener, plan.network.host, self).await;
            }
            Err(error) => {
                let way_out = if error.kind() == io::ErrorKind::PermissionDenied {
                    "; --demo-port 8000 needs no privilege"
                } else {
                    ""
                };
                tracing::warn!(
                    "no demonstration site: port {port} of {} is not to be had: {error}{way_out}",
                    address.ip()
                );
            }
        }
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }
}

/// How the relay introduces itself. It takes whatever may be left to be done to a frame: the switch does it where nobody else will.
fn hello(plan: &Plan) -> Hello {
    Hello {
        hardware: NetworkPlan::hardware_address(plan.network.gateway).0,
        mtu: plan.network.mtu,
        features: if plan.offload {
            Features::CHECKSUM | Features::TCP4 | Features::TCP6 | Features::UDP
        } else {
            Features::NONE
        },
        largest_message: plan.client.largest_message,
        credit: plan.client.window,
        ..Hello::default()
    }
}

/// Whether there is a route to an address; nothing is sent.
fn reachable(address: SocketAddr) -> bool {
    let any = if address.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    std::net::UdpSocket::bind(any).is_ok_and(|socket| socket.connect(address).is_ok())
}
