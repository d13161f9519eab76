//! The relay as a program of its own, whose costs are read from outside.

use crate::Failure;
use crate::raw::Count;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The interface that it makes.
const TAP: &str = "ethertab0";

/// Ticks in a second of `/proc`'s processor times: USER_HZ, 100 on every architecture that Linux still runs on (proc(5)).
const TICKS: u64 = 100;

/// A running relay, ended with the value.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts it with its TAP and these flags.
    pub(crate) fn start(relay: &Path, flags: &[&str]) -> Result<Program, Failure> {
        Program::start_on(relay, flags, false)
    }

    /// Starts it on processor 0 alone.
    pub(crate) fn start_on_one_processor(relay: &Path) -> Result<Program, Failure> {
        Program::start_on(relay, &[], true)
    }

    fn start_on(relay: &Path, flags: &[&str], one: bool) -> Result<Program, Failure> {
        let mut command = if one {
            let mut command = Command::new("taskset");
            // It replaces itself by the relay, so the child's number is the relay's.
            command.args(["-c", "0"]).arg(relay);
            command
        } else {
            Command::new(relay)
        };
        command.args(["--listen", "127.0.0.1:0", "--tap", TAP, "--no-demo"]);
        command.args(["--max-clients", "1100"]).args(flags);
        // What it says of its clients is of no use here; what goes wrong is.
        command.env("RUST_LOG", "error");
        command.stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let output = child.stdout.take();
        let mut program = Program {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        for line in BufReader::new(output.ok_or("no output")?).lines() {
            if let Some((_, rest)) = line?.split_once("Open http://") {
                let address = rest.split('/').next().unwrap_or_default();
                program.address = address.parse()?;
                return Ok(program);
            }
        }
        Err("the relay ended".into())
    }

    /// Processor time that it has used, in user and in kernel mode.
    pub(crate) fn processor_time(&self) -> Result<Duration, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Fields are counted behind the name, which may hold anything (proc(5)): utime and stime are the 14th and 15th.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        let mut time = || times.next().ok_or("no time");
        let ticks = time()?? + time()??;
        Ok(Duration::from_millis(ticks * 1_000 / TICKS))
    }

    /// Bytes of frames that its switch took from each client, the oldest client first.
    pub(crate) async fn taken_from_clients(&self) -> Result<Vec<u64>, Failure> {
        let mut stream = TcpStream::connect(self.address).await?;
        let request = format!(
            "GET /status HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let clients = answer.split("\"kind\":\"client\"").skip(1);
        let bytes = clients.map(|client| {
            let (_, rest) = client.split_once("\"bytes_in\":").ok_or("no bytes_in")?;
            let digits = rest.split(',').next().unwrap_or_default();
            Ok(digits.parse()?)
        });
        bytes.collect()
    }

    /// Memory in use, in bytes.
    pub(crate) fn resident(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        Ok(kilobytes.ok_or("no VmRSS")?.parse::<u64>()? * 1_024)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Frames and bytes that the kernel got from the TAP: what it says of its own end.
pub(crate) fn arrived_at_host() -> Result<Count, Failure> {
    // Of this process's namespace, unlike /sys, which shows the one in which it was mounted.
    let interfaces = std::fs::read_to_string("/proc/net/dev")?;
    let mut lines = interfaces.lines().map(str::trim_start);
    let line = lines.find_map(|line| line.strip_prefix(TAP)?.strip_prefix(':'));
    let mut numbers = line.ok_or("no TAP")?.split_whitespace().map(str::parse);
    let mut number = || numbers.next().ok_or("no number");
    let (bytes, frames) = (number()??, number()??);
    Ok(Count { frames, bytes })
}
