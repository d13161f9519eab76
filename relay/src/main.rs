//! The program: flags, logs, signals; everything else is the library's.

use clap::Parser;
use ethertab_relay::config::{Options, Plan};
use ethertab_relay::page::Page;
use ethertab_relay::shutdown::Signals;
use ethertab_relay::{Relay, StartError};
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoLocal;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    start_logging(options.verbose);
    let plan = match Plan::try_from(options) {
        Ok(plan) => plan,
        Err(error) => return fail(&error),
    };
    match run(&plan).await {
        Ok(code) => code,
        Err(error) => fail(&error.to_string()),
    }
}

async fn run(plan: &Plan) -> Result<ExitCode, StartError> {
    let signals = Signals::catch();
    let mut relay = Relay::start(plan).await?;
    println!("{}", banner(plan, &relay));
    let mut signals = match signals {
        Ok(signals) => signals,
        Err(error) => return Ok(fail(&format!("cannot catch signals: {error}"))),
    };
    let failure = tokio::select! {
        signal = signals.next() => {
            tracing::info!("{signal}: closing the tunnels");
            None
        }
        failure = relay.failed() => Some(failure),
    };
    let impatience = async {
        // Whoever runs us may pass on a signal that reached us already; only a later one is meant.
        let passed_on = async {
            loop {
                signals.next().await;
            }
        };
        let _: Result<(), _> = tokio::time::timeout(Duration::from_millis(300), passed_on).await;
        signals.next().await
    };
    tokio::select! {
        () = relay.stop() => {}
        _ = impatience => tracing::warn!("again: leaving at once"),
    }
    if let Some(failure) = failure {
        return Ok(fail(&failure));
    }
    if let Some(tap) = &plan.tap {
        tracing::info!("{tap} is removed; goodbye");
    }
    Ok(ExitCode::SUCCESS)
}

/// What a newcomer wants to know: what is there, and where to click.
fn banner(plan: &Plan, relay: &Relay) -> String {
    let network = &plan.network;
    let mut lines = vec![format!(
        "ethertab-relay {}: network {}, MTU {}",
        env!("CARGO_PKG_VERSION"),
        network.subnet,
        network.mtu
    )];
    lines.push(match &plan.tap {
        Some(tap) => format!("  host     {} on {tap}", network.host),
        None => "  host     not reachable (--no-tap)".into(),
    });
    lines.push(format!(
        "  gateway  {}, answers DHCP ({}), DNS and ping",
        network.gateway, network.dhcp_range
    ));
    if let Some(demo) = relay.demo() {
        let port = if demo.port() == 80 {
            String::new()
        } else {
            format!(":{}", demo.port())
        };
        lines.push(format!(
            "  demo     http://{}{port}/ for tabs, also as demo.ethertab",
            demo.ip()
        ));
    }
    if plan.page.is_none() && !Page::is_built() {
        lines.push("  page     not built into this binary; `make demo` builds it".into());
    }
    lines.push(format!(
        "Open http://{}/ in a browser. Ctrl-C stops it.",
        relay.address()
    ));
    lines.join("\n")
}

fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("ethertab_relay={level},warn")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_timer(ChronoLocal::new("%H:%M:%S".into()))
        .compact()
        .init();
}

fn fail(error: &str) -> ExitCode {
    eprintln!("ethertab-relay: {error}");
    ExitCode::FAILURE
}
