//! The stack against the Linux kernel and ordinary servers, over a TAP interface.
//!
//! Run by `tests/kernel/run.sh` as root in a network namespace of its own: every case makes a fresh interface, and
//! what it starts ends with it. Arguments pick cases by name; one that picks none is a failure. Every frame that we send is kept and at the end handed
//! to tshark, which must agree with all of them.

mod capture;
mod cases;
mod iperf3;
mod tap;
mod world;

use std::process::ExitCode;
use std::time::Duration;

/// Longest run of one case.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let capture = capture::Capture::default();
    let (mut passed, mut failed) = (0, 0);
    for part in &wanted {
        // Or a slip of the keyboard would pass for success.
        if !cases::all().any(|case| case.name.contains(part.as_str())) {
            println!("FAILED  no case has `{part}` in its name");
            failed += 1;
        }
    }
    for case in cases::all() {
        if !wanted.is_empty() && !wanted.iter().any(|part| case.name.contains(part.as_str())) {
            continue;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let outcome = runtime.block_on(async {
            let run = tokio::spawn((case.run)(capture.clone()));
            match tokio::time::timeout(LIMIT, run).await {
                Ok(Ok(result)) => result,
                Ok(Err(panic)) => Err(panic.to_string().into()),
                Err(_) => Err(format!("not done after {LIMIT:?}").into()),
            }
        });
        match outcome {
            Ok(()) => {
                passed += 1;
                println!("ok      {}", case.name);
            }
            Err(error) => {
                failed += 1;
                println!("FAILED  {}: {error}", case.name);
            }
        }
    }
    match capture.judge() {
        Ok(frames) => {
            passed += 1;
            println!("ok      tshark agrees with all {frames} frames that we sent");
        }
        Err(error) => {
            failed += 1;
            println!("FAILED  tshark: {error}");
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
