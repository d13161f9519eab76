//! What a case stands on: an interface, the kernel's address on it, a stack with its driver, and child processes.

use crate::capture::Capture;
use crate::tap::TapLink;
use ethertab_stack::config::{Addressing, StaticAddress};
use ethertab_stack::driver::{Error, Network};
use ethertab_stack::{Config, MacAddress, Stack};
use ethertab_tests::TokioClock;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// The interface that every case makes afresh.
pub(crate) const INTERFACE: &str = "ethertab-test";
/// The kernel's address.
pub(crate) const KERNEL: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Our address, where it is fixed.
pub(crate) const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// What a case answers with.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// An address of the kernel's.
pub(crate) fn kernel(port: u16) -> SocketAddr {
    SocketAddr::new(KERNEL.into(), port)
}

/// An address of ours.
pub(crate) fn ours(port: u16) -> SocketAddr {
    SocketAddr::new(OURS.into(), port)
}

/// A stack with a fixed address on a fresh interface, the kernel as its gateway and name server.
pub(crate) async fn fixed(
    capture: &Capture,
) -> Result<Network, Box<dyn std::error::Error + Send + Sync>> {
    let addressing = Addressing::Static(StaticAddress {
        address: OURS,
        prefix_length: 24,
        gateway: Some(KERNEL),
        name_servers: vec![KERNEL.into()],
    });
    let network = open(capture, addressing)?;
    shell(&format!("ip address add {KERNEL}/24 dev {INTERFACE}")).await?;
    Ok(network)
}

/// A stack on a fresh interface on which the kernel has no address yet.
pub(crate) fn open(
    capture: &Capture,
    addressing: Addressing,
) -> Result<Network, Box<dyn std::error::Error + Send + Sync>> {
    static CASE: AtomicU8 = AtomicU8::new(0);
    let case = CASE.fetch_add(1, Ordering::Relaxed);
    let clock = TokioClock::start();
    let link = TapLink::open(INTERFACE, clock)?;
    let config = Config {
        hardware_address: MacAddress([2, 0xe7, 0, 0, 0, case]),
        addressing,
        hostname: Some("ethertab".into()),
        ..Config::default()
    };
    let stack = Stack::new(
        config,
        [case; 32],
        ethertab_stack::driver::Clock::now(&clock),
    );
    let (network, driver) = Network::new(stack, link, clock);
    network.capture(Some(capture.tap()));
    tokio::spawn(driver);
    Ok(network)
}

/// Runs a command line and answers with what it printed on either stream; an error if it failed.
pub(crate) async fn shell(line: &str) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {line}")])
        .kill_on_drop(true)
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(format!("`{line}` failed: {text}").into())
    }
}

/// A server of somebody else's that ends with the case.
pub(crate) struct Server(#[expect(dead_code, reason = "held so that it is killed on drop")] Child);

impl Server {
    /// Starts a program in the foreground.
    pub(crate) fn start(
        program: &str,
        arguments: &[&str],
    ) -> Result<Server, Box<dyn std::error::Error + Send + Sync>> {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        Ok(Server(child))
    }

    /// nginx on the kernel's port 80 with `folder` as its files.
    pub(crate) async fn nginx(
        folder: &Path,
    ) -> Result<Server, Box<dyn std::error::Error + Send + Sync>> {
        let place = folder.display();
        let configuration = format!(
            "daemon off; master_process off; pid {place}/pid; error_log stderr error; events {{}} \
             http {{ access_log off; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; \
             fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi; \
             server {{ listen {KERNEL}:80; root {place}; }} }}"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration)?;
        let server = Server::start("nginx", &["-e", "stderr", "-c", &file.to_string_lossy()])?;
        reachable(80).await?;
        Ok(server)
    }
}

/// Waits until the kernel accepts connections on one of its own ports.
pub(crate) async fn reachable(port: u16) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    loop {
        match tokio::net::TcpStream::connect(kernel(port)).await {
            Ok(_) => return Ok(()),
            // Nothing tells when another program begins to listen: asking again is the condition.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads a stream of the kernel's to its end.
pub(crate) async fn read_all(stream: &mut tokio::net::TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Bytes that repeat nowhere near a power of two, so that a block out of place is seen.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at % 251) as u8 ^ (at / 251 % 241) as u8)
        .collect()
}

/// An error unless `condition` holds.
pub(crate) fn check(condition: bool, otherwise: impl Into<String>) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(otherwise.into().into())
    }
}

/// An error unless `result` failed with that code.
pub(crate) fn check_code<T>(result: Result<T, Error>, code: &str) -> Outcome {
    match result {
        Ok(_) => Err(format!("expected {code}, and it worked").into()),
        Err(error) => check(
            error.code() == code,
            format!("expected {code}, got {} ({error})", error.code()),
        ),
    }
}
