//! The program as a person runs it: what it prints, how it stops, and what it says when a piece is missing.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

const RELAY: &str = env!("CARGO_BIN_EXE_ethertab-relay");

/// Starts it and reads until the line with the URL.
fn start(flags: &[&str]) -> (Child, String) {
    let mut command = Command::new(RELAY);
    command.args(["--listen", "127.0.0.1:0"]).args(flags);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while !said.contains("Open http://") {
        assert!(lines.read_line(&mut said).unwrap() > 0, "it ended: {said}");
    }
    (child, said)
}

/// Runs a command line, in which `$RELAY` is the program, and gives its exit code and all that it said. `None`: this
/// machine does not let us.
fn run(wrapper: &[&str], line: &str) -> Option<(i32, String)> {
    let (program, arguments) = wrapper.split_first().unwrap();
    let works = Command::new(program)
        .args(arguments)
        .arg("true")
        .stderr(Stdio::null())
        .status();
    if !works.is_ok_and(|status| status.success()) {
        eprintln!("skipped: `{}` is not allowed here", wrapper.join(" "));
        return None;
    }
    let output = Command::new(program)
        .args(arguments)
        .args(["sh", "-c", &format!("exec 2>&1; {line}")])
        .env("RELAY", RELAY)
        .output()
        .unwrap();
    Some((
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    ))
}

#[test]
fn it_prints_one_url_and_both_signals_end_it_well() {
    for signal in ["INT", "TERM"] {
        let (mut child, said) = start(&["--no-tap"]);
        assert_eq!(said.matches("http://").count(), 1, "{said}");
        let status = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        let mut log = String::new();
        child.stderr.unwrap().read_to_string(&mut log).unwrap();
        assert!(
            log.contains("closing the tunnels") && !log.contains("panicked"),
            "{log}"
        );
    }
}

#[test]
fn a_missing_device_is_named() {
    let hidden = "mount -t tmpfs none /dev/net && \"$RELAY\" --listen 127.0.0.1:0";
    if let Some((code, said)) = run(
        &["unshare", "-Urnm"],
        &format!("ip link set lo up; {hidden}"),
    ) {
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains("/dev/net/tun does not exist") && said.contains("modprobe tun"),
            "{said}"
        );
    }
}

#[test]
fn a_device_that_may_not_be_opened_is_named() {
    // Root may open anything by two more capabilities; without them the file's own permission counts.
    let line = "ip link set lo up; mount -t tmpfs none /dev/net; touch /dev/net/tun; chmod 0 /dev/net/tun; \
        caps=-dac_override,-dac_read_search; \
        setpriv --bounding-set $caps --inh-caps $caps \"$RELAY\" --listen 127.0.0.1:0";
    if let Some((code, said)) = run(&["unshare", "-Urnm"], line) {
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains("/dev/net/tun is there, but this user may not open it"),
            "{said}"
        );
        assert!(said.contains("sudo") && said.contains("--no-tap"), "{said}");
    }
}

#[test]
fn a_missing_capability_is_named() {
    // Root in a user namespace, robbed of the one capability.
    let wrapper = [
        "unshare",
        "-Urn",
        "setpriv",
        "--bounding-set",
        "-net_admin",
        "--inh-caps",
        "-net_admin",
    ];
    if let Some((code, said)) = run(&wrapper, "\"$RELAY\" --listen 127.0.0.1:0") {
        assert_eq!(code, 1, "{said}");
        let device = said.contains("this user may not open it");
        assert!(
            device || said.contains("lacks the capability CAP_NET_ADMIN"),
            "{said}"
        );
        assert!(said.contains("sudo") && said.contains("--no-tap"), "{said}");
        assert!(
            device || said.contains("setcap") && said.contains("unshare -Urn"),
            "{said}"
        );
    }
}

#[test]
fn a_name_that_is_taken_is_named() {
    let line = "ip link set lo up; ip link add card0 type bridge; \"$RELAY\" --tap card0 --listen 127.0.0.1:0";
    if let Some((code, said)) = run(&["unshare", "-Urn"], line) {
        assert_eq!(code, 1, "{said}");
        let device = said.contains("this user may not open it");
        assert!(
            device || said.contains("card0 exists already") && said.contains("--tap NAME"),
            "{said}"
        );
    }
}

#[test]
fn contradictions_and_taken_ports_end_it_with_one_sentence() {
    let (mut child, said) = start(&["--no-tap"]);
    let url = said.split("Open http://").nth(1).unwrap();
    let address = url.split('/').next().unwrap();
    let cases = [
        (
            vec!["--no-tap", "--listen", address],
            "pick another port with --listen",
        ),
        (
            vec!["--ping-timeout", "3"],
            "must be longer than --ping-interval",
        ),
        (
            vec!["--subnet", "10.77.0.5/20"],
            "do you mean 10.77.0.0/20?",
        ),
    ];
    for (flags, expected) in cases {
        let output = Command::new(RELAY).args(&flags).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(expected),
            "{flags:?}: {said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn help_groups_what_it_explains_and_shows_examples() {
    let output = Command::new(RELAY).arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    for heading in [
        "Browsers:",
        "This host's side:",
        "The network:",
        "Limits for each client:",
        "Examples:",
    ] {
        assert!(help.contains(heading), "{heading} is missing");
    }
}
