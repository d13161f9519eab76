//! Hosts on a segment in virtual time, and the executor that runs them: one thread, first woken first run.

use crate::cable::{Impairments, Tally};
use crate::clock::VirtualClock;
use crate::segment::{PortLink, Segment};
use ethertab_stack::config::{Addressing, StaticAddress};
use ethertab_stack::driver::{Clock, Network};
use ethertab_stack::random::Random;
use ethertab_stack::{Config, Duration, Instant, MacAddress, Stack};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Polls without a step of time after which a run counts as spinning.
const SPINNING: u64 = 1_000_000;

/// The task that [`Simulation::run`] was given.
const MAIN: usize = usize::MAX;

/// A host: its network, its place on the segment.
pub struct Host {
    /// The program's handle.
    pub network: Network,
    /// Its port on the segment.
    pub port: usize,
    /// Its configured address; unspecified if it asks for one by DHCP.
    pub address: IpAddr,
    ended: Rc<Cell<bool>>,
}

impl Host {
    /// A port of this host.
    #[must_use]
    pub fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }

    /// Whether the driver has ended. It outlives the host while [`Host::network`] has clones.
    #[must_use]
    pub fn end_watch(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.ended)
    }
}

/// A network in virtual time.
pub struct Simulation {
    name: &'static str,
    seed: u64,
    random: Random,
    clock: VirtualClock,
    segment: Rc<RefCell<Segment>>,
    tasks: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    wakers: Vec<Arc<TaskWaker>>,
    ready: Arc<Ready>,
    polls: u64,
    hosts: u8,
}

#[derive(Default)]
struct Ready {
    queue: Mutex<VecDeque<usize>>,
}

struct TaskWaker {
    task: usize,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl TaskWaker {
    fn new(task: usize, ready: &Arc<Ready>) -> Arc<TaskWaker> {
        Arc::new(TaskWaker {
            task,
            queued: AtomicBool::new(false),
            ready: Arc::clone(ready),
        })
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            let mut queue = self
                .ready
                .queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            queue.push_back(self.task);
        }
    }
}

impl Simulation {
    /// An empty segment. `name` goes into the name of the pcap file that a failing run leaves.
    #[must_use]
    pub fn new(name: &'static str, seed: u64) -> Simulation {
        let mut bytes = [0x5a; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Simulation {
            name,
            seed,
            random: Random::new(bytes),
            clock: VirtualClock::default(),
            segment: Rc::default(),
            tasks: Vec::new(),
            wakers: Vec::new(),
            ready: Arc::default(),
            polls: 0,
            hosts: 0,
        }
    }

    /// Two hosts, 10.0.0.1 and 10.0.0.2, with the same cable both ways.
    #[must_use]
    pub fn pair(
        name: &'static str,
        seed: u64,
        impairments: Impairments,
    ) -> (Simulation, Host, Host) {
        let mut simulation = Simulation::new(name, seed);
        let one = simulation.host(Config::default(), impairments);
        let other = simulation.host(Config::default(), impairments);
        (simulation, one, other)
    }

    /// Adds a host. Its hardware address is set here; its address too (10.0.0.1, 10.0.0.2, …; prefix length 24) unless
    /// `config` says static.
    pub fn host(&mut self, mut config: Config, impairments: Impairments) -> Host {
        let number = self.next_number();
        let address = match &config.addressing {
            Addressing::Static(fixed) => fixed.address,
            Addressing::Dhcp => Ipv4Addr::new(10, 0, 0, number),
        };
        if matches!(config.addressing, Addressing::Dhcp) {
            config.addressing = Addressing::Static(StaticAddress {
                address,
                prefix_length: 24,
                gateway: None,
                name_servers: Vec::new(),
            });
        }
        self.start(config, impairments, IpAddr::V4(address))
    }

    /// Adds a host that asks for its address by DHCP.
    pub fn dhcp_host(&mut self, mut config: Config, impairments: Impairments) -> Host {
        config.addressing = Addressing::Dhcp;
        self.start(config, impairments, IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    fn next_number(&self) -> u8 {
        self.hosts + 1
    }

    fn start(&mut self, mut config: Config, impairments: Impairments, address: IpAddr) -> Host {
        self.hosts += 1;
        config.hardware_address = MacAddress([2, 0, 0, 0, 0, self.hosts]);
        let mut seed = [0; 32];
        for chunk in seed.chunks_mut(8) {
            chunk.copy_from_slice(&self.random.next_u64().to_le_bytes());
        }
        let stack = Stack::new(config, seed, self.clock.now());
        let port = self
            .segment
            .borrow_mut()
            .add(impairments, self.random.fork());
        let link = PortLink::new(Rc::clone(&self.segment), port, self.clock.clone());
        let (network, driver) = Network::new(stack, link, self.clock.clone());
        let ended = Rc::new(Cell::new(false));
        let watch = Rc::clone(&ended);
        self.spawn(async move {
            let Ok(()) = driver.await;
            watch.set(true);
        });
        Host {
            network,
            port,
            address,
            ended,
        }
    }

    /// Runs a future beside the main one.
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let waker = TaskWaker::new(self.tasks.len(), &self.ready);
        waker.wake_by_ref();
        self.tasks.push(Some(Box::pin(future)));
        self.wakers.push(waker);
    }

    /// The segment, to cut cables and to look at frames.
    #[must_use]
    pub fn segment(&self) -> Rc<RefCell<Segment>> {
        Rc::clone(&self.segment)
    }

    /// What happened on the cable from `host`.
    #[must_use]
    pub fn tally(&self, host: &Host) -> Tally {
        self.segment.borrow_mut().cable(host.port).tally
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// Virtual time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// How often any task was polled.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.polls
    }

    /// Runs until `main` is ready, and panics if that takes more than `limit` of virtual time, or if nothing can ever
    /// happen again.
    pub fn run<T>(&mut self, limit: Duration, main: impl Future<Output = T>) -> T {
        let end = self.now() + limit;
        let mut main = pin!(main);
        let waker = TaskWaker::new(MAIN, &self.ready);
        waker.wake_by_ref();
        loop {
            let mut polls = 0;
            while let Some(task) = self.next_ready() {
                polls += 1;
                self.polls += 1;
                assert!(
                    polls < SPINNING,
                    "the run spins without moving on in time at {:?}",
                    self.now()
                );
                if task != MAIN {
                    self.poll_task(task);
                    continue;
                }
                waker.queued.store(false, Ordering::Relaxed);
                let handle = Waker::from(Arc::clone(&waker));
                if let Poll::Ready(output) = main.as_mut().poll(&mut Context::from_waker(&handle)) {
                    return output;
                }
            }
            self.step(end, limit);
        }
    }

    /// Lets everything go on for `duration`.
    pub fn run_for(&mut self, duration: Duration) {
        let sleep = self.clock.sleep_until(self.now() + duration);
        self.run(duration, sleep);
    }

    fn step(&mut self, end: Instant, limit: Duration) {
        let arrival = self.segment.borrow().next_arrival();
        let next = [arrival, self.clock.next_alarm()]
            .into_iter()
            .flatten()
            .min();
        let Some(next) = next else {
            panic!(
                "nothing will ever happen again, and the run is not done at {:?}",
                self.now()
            );
        };
        assert!(
            next <= end,
            "the run takes longer than its bound of {limit:?}"
        );
        self.clock.set(next);
        self.segment.borrow_mut().deliver(next);
    }

    fn next_ready(&self) -> Option<usize> {
        let mut queue = self
            .ready
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        queue.pop_front()
    }

    fn poll_task(&mut self, task: usize) {
        let (Some(slot), Some(waker)) = (self.tasks.get_mut(task), self.wakers.get(task)) else {
            return;
        };
        waker.queued.store(false, Ordering::Relaxed);
        let handle = Waker::from(Arc::clone(waker));
        let Some(future) = slot else { return };
        if future
            .as_mut()
            .poll(&mut Context::from_waker(&handle))
            .is_ready()
        {
            *slot = None;
        }
    }
}

/// A run that fails leaves its seed and its last frames.
impl Drop for Simulation {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let path = std::env::temp_dir().join(format!("ethertab-{}-{}.pcap", self.name, self.seed));
        let written = self
            .segment
            .try_borrow()
            .map(|segment| segment.capture.write(&path));
        eprintln!(
            "{}: seed {} failed at {:?} (ETHERTAB_SEED={} runs it again)",
            self.name,
            self.seed,
            self.clock.now(),
            self.seed
        );
        match written {
            Ok(Ok(())) => eprintln!("its last frames are in {}", path.display()),
            Ok(Err(error)) => eprintln!("its frames could not be written: {error}"),
            Err(_) => eprintln!("its frames could not be written: the segment is in use"),
        }
    }
}
