//! The house keeps its shape: which module may import which, by the table in the repository's architecture.
//!
//! Reads the sources as text. An arrow is any path that begins with `crate::` (or climbs out by `super::`) and names
//! another room. Comments do not count.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Plain values that every floor may use.
const GROUND: &[&str] = &["time", "random", "counters", "config", "event"];

/// A room of `stack/src`, and the rooms that it may import besides itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("time", &[]),
    ("timer", &["time"]),
    ("random", &[]),
    ("counters", &[]),
    ("config", &["time", "wire"]),
    ("event", &["time", "wire"]),
    ("buffer", &[]),
    ("table", &[]),
    ("link", &["wire", "buffer", "timer", "table"]),
    ("internet", &["wire", "buffer", "link"]),
    ("transport", &["wire", "buffer", "timer", "table"]),
    ("socket", &["transport", "buffer", "wire"]),
    ("application", &["socket", "wire"]),
    (
        "stack",
        &[
            "addressing",
            "train",
            "link",
            "internet",
            "transport",
            "socket",
            "application",
            "wire",
        ],
    ),
    ("addressing", &["stack", "application", "socket", "wire"]),
    ("train", &["wire"]),
    ("train_tests", &["stack", "wire"]),
    ("stack_tests", &["socket", "wire"]),
    (
        "ingress",
        &["stack", "train", "link", "internet", "transport", "wire"],
    ),
    (
        "egress",
        &["stack", "train", "link", "internet", "transport", "wire"],
    ),
    (
        "driver",
        &["stack", "application", "socket", "timer", "table", "wire"],
    ),
    ("lib", &["config", "event", "stack", "time", "wire"]),
];

/// A crate's folder, and the crates of ours that it may depend on.
const MAY_DEPEND: &[(&str, &[&str])] = &[
    ("stack", &[]),
    ("relay/tunnel", &[]),
    ("wasm", &["ethertab-stack", "ethertab-tunnel"]),
    ("wasm/tls", &["ethertab-tls-records"]),
    ("wasm/tls/records", &[]),
    ("relay", &["ethertab-stack", "ethertab-tunnel"]),
    ("tests", &["ethertab-stack", "ethertab-tunnel"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module path of a file below `src`: `transport/tcp/mod.rs` is `[transport, tcp]`.
fn module_path(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Rooms of the crate that a file names, by `crate::room` or by climbing out with `super::`.
fn arrows(module: &[String], text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                found.extend(group.split(',').map(first_word));
            } else {
                found.insert(first_word(rest));
            }
        }
        let mut rest = code;
        let mut depth = 0;
        while let Some(at) = rest.find("super::") {
            depth = if at == 0 { depth + 1 } else { 1 };
            rest = &rest[at + "super::".len()..];
            if !rest.starts_with("super::") && depth >= module.len() {
                found.insert(first_word(rest));
            }
        }
    }
    found.retain(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
    found
}

fn first_word(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn forbidden(module: &[String], text: &str) -> Vec<String> {
    let room = module[0].as_str();
    let (_, allowed) = MAY_IMPORT
        .iter()
        .find(|(name, _)| *name == room)
        .unwrap_or_else(|| panic!("{room} is a room without a line in the table"));
    arrows(module, text)
        .into_iter()
        .filter(|to| {
            let ground = GROUND.contains(&to.as_str()) && room != "wire" && room != "buffer";
            to != room && !ground && !allowed.contains(&to.as_str())
        })
        .collect()
}

#[test]
fn every_arrow_between_the_rooms_of_the_stack_is_in_the_table() {
    let source = root().join("stack/src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let below = file.strip_prefix(&source).expect("a file below src");
        let text = fs::read_to_string(file).expect("a readable source");
        for to in forbidden(&module_path(below), &text) {
            wrong.push(format!("{} imports {to}", below.display()));
        }
    }
    assert!(files.len() > 20, "the check must see the sources");
    assert!(wrong.is_empty(), "forbidden arrows:\n{}", wrong.join("\n"));
}

#[test]
fn the_check_sees_a_forbidden_arrow() {
    let module = |path: &str| module_path(Path::new(path));
    let cases = [
        ("link/mod.rs", "use crate::transport::Transport;", true),
        ("link/mod.rs", "use super::transport::Transport;", true),
        ("link/arp.rs", "use super::super::internet;", true),
        (
            "transport/tcp/mod.rs",
            "let x = crate::socket::TcpError::Reset;",
            true,
        ),
        ("wire/dns.rs", "use crate::time::Instant;", true),
        ("transport/udp/mod.rs", "use crate::{wire, internet};", true),
        (
            "link/arp.rs",
            "use super::neighbor; // crate::transport",
            false,
        ),
        ("internet/mod.rs", "use crate::link::NextHop;", false),
        ("transport/tcp/mod.rs", "use super::port::Ports;", false),
    ];
    for (file, text, wrong) in cases {
        assert_eq!(
            !forbidden(&module(file), text).is_empty(),
            wrong,
            "{file}: {text}"
        );
    }
}

#[test]
fn crates_depend_downwards_only() {
    for (folder, allowed) in MAY_DEPEND {
        let manifest =
            fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        let mut section = "";
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line;
            }
            let name = line.split([' ', '.', '=']).next().unwrap_or_default();
            // Tests of a crate may have tools that all share.
            let tool = section == "[dev-dependencies]" && name == "ethertab-tests";
            assert!(
                !name.starts_with("ethertab-") || tool || allowed.contains(&name),
                "{folder} depends on {name}"
            );
        }
    }
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let mut files = Vec::new();
    for folder in [
        "stack/src",
        "relay/src",
        "relay/tunnel/src",
        "wasm/src",
        "tests/src",
    ] {
        sources(&root().join(folder), &mut files);
    }
    for file in files {
        for part in module_path(&file) {
            assert!(
                ![
                    "utils", "util", "common", "helpers", "helper", "manager", "misc"
                ]
                .contains(&part.as_str()),
                "{}: say what it holds",
                file.display()
            );
        }
    }
}

/// Code of a source file that ships: without its tests and comments, a line each.
fn shipped(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
}

/// The names and keywords in a line of code.
fn names(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

#[test]
fn internet_knows_plain_types_of_link_alone() {
    let mut files = Vec::new();
    sources(&root().join("stack/src/internet"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable source");
        for (line, code) in shipped(&text) {
            let stranger = code
                .split("crate::link::")
                .skip(1)
                .any(|name| !name.starts_with("NextHop"));
            assert!(!stranger, "{}:{line}: {code}", file.display());
        }
    }
}

#[test]
fn nothing_below_the_driver_is_asynchronous_or_asks_the_machine() {
    let source = root().join("stack/src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    for file in files
        .iter()
        .filter(|file| !file.starts_with(source.join("driver")))
    {
        let text = fs::read_to_string(file).expect("a readable source");
        for (line, code) in shipped(&text).filter(|(_, code)| !code.trim_start().starts_with("#!"))
        {
            for word in ["async", "await", "std", "unsafe"] {
                assert!(
                    !names(code).any(|name| name == word),
                    "{}:{line}: {word} below the driver",
                    file.display()
                );
            }
        }
    }
}
