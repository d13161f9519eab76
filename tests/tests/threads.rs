//! Handles on many threads: no wake-up is lost between a call that is about to wait and a driver that has just looked.
//!
//! No wall clock: time moves by ten microseconds with each look at it, and who sleeps looks again and again.

use ethertab_stack::config::{Addressing, ListenOptions, StaticAddress, TcpOptions};
use ethertab_stack::driver::{Clock, Link, LinkEvent, Network};
use ethertab_stack::{Config, Duration, Instant, MacAddress, Stack};
use ethertab_tests::traffic;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

#[derive(Clone, Default)]
struct Ticking(Arc<AtomicU64>);

struct Tick {
    clock: Ticking,
    deadline: Instant,
}

impl Clock for Ticking {
    type Sleep = Tick;
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.fetch_add(10, Ordering::Relaxed))
    }
    fn sleep_until(&self, deadline: Instant) -> Tick {
        let clock = self.clone();
        Tick { clock, deadline }
    }
}

impl Future for Tick {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.deadline {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        thread::yield_now();
        Poll::Pending
    }
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Vec<u8>>,
    receiver: Option<Waker>,
}

struct Wire {
    clock: Ticking,
    inward: Arc<Mutex<Queue>>,
    outward: Arc<Mutex<Queue>>,
}

impl Link for Wire {
    type Error = Infallible;

    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        frame: &mut Vec<u8>,
    ) -> Poll<Result<LinkEvent, Infallible>> {
        let mut queue = self.inward.lock().expect("the queue");
        let Some(arrived) = queue.frames.pop_front() else {
            queue.receiver = Some(context.waker().clone());
            return Poll::Pending;
        };
        *frame = arrived;
        Poll::Ready(Ok(LinkEvent::Frame(self.clock.now())))
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn transmit(&mut self, frame: &[u8]) -> Result<(), Infallible> {
        let mut queue = self.outward.lock().expect("the queue");
        queue.frames.push_back(frame.to_vec());
        let receiver = queue.receiver.take();
        drop(queue);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        Ok(())
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

fn host(
    number: u8,
    clock: &Ticking,
    inward: &Arc<Mutex<Queue>>,
    outward: &Arc<Mutex<Queue>>,
) -> (Network, impl FnOnce() + use<>) {
    let config = Config {
        hardware_address: MacAddress([2, 0, 0, 0, 0, number]),
        addressing: Addressing::Static(StaticAddress {
            address: Ipv4Addr::new(10, 0, 0, number),
            prefix_length: 24,
            gateway: None,
            name_servers: Vec::new(),
        }),
        ..Config::default()
    };
    let wire = Wire {
        clock: clock.clone(),
        inward: Arc::clone(inward),
        outward: Arc::clone(outward),
    };
    let stack = Stack::new(config, [number; 32], Instant::ZERO);
    let (network, driver) = Network::new(stack, wire, clock.clone());
    let run = move || {
        let Ok(()) = block_on(driver);
    };
    (network, run)
}

#[test]
fn streams_on_many_threads_arrive_intact_and_the_drivers_end() {
    const LENGTH: u64 = 300_000;
    let clock = Ticking::default();
    let (to_server, to_client) = (Arc::default(), Arc::default());
    let (client, run_client) = host(1, &clock, &to_client, &to_server);
    let (server, run_server) = host(2, &clock, &to_server, &to_client);
    let at = SocketAddr::from(([10, 0, 0, 2], 80));
    let drivers = [thread::spawn(run_client), thread::spawn(run_server)];
    let listener = server
        .listen(at, ListenOptions::default())
        .expect("listening");
    let asks: Vec<_> = (0..6)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || {
                block_on(async {
                    let stream = client
                        .connect_to(at, TcpOptions::default())
                        .await
                        .expect("connecting");
                    traffic::exchange(stream, 1, LENGTH).await;
                    client.sleep(Duration::from_millis(1)).await;
                });
            })
        })
        .collect();
    let serves: Vec<_> = (0..6)
        .map(|_| {
            let stream = block_on(traffic::accept(&listener)).expect("accepting");
            thread::spawn(move || block_on(traffic::exchange(stream, 2, LENGTH)))
        })
        .collect();
    for thread in asks.into_iter().chain(serves) {
        thread.join().expect("a transfer");
    }
    drop((client, server, listener));
    for driver in drivers {
        driver.join().expect("a driver");
    }
}
