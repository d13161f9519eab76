//! Who may import whom in the stack. A forbidden arrow fails here, with the file and the line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Plain values that every floor may speak in.
const VALUES: &[&str] = &["time", "random", "wire", "config", "counters", "event"];

/// What a module may import besides itself, and [`VALUES`] if `true`.
const ARROWS: &[(&str, bool, &[&str])] = &[
    ("time", false, &[]),
    ("random", false, &[]),
    ("counters", false, &[]),
    ("wire", false, &[]),
    ("buffer", false, &[]),
    ("event", false, &["time", "wire"]),
    ("config", false, &["time", "wire", "event"]),
    ("link", true, &["buffer"]),
    // Of link, internet may know plain types alone; see `internet_knows_plain_types_of_link_alone`.
    ("internet", true, &["buffer", "link"]),
    ("transport", true, &["buffer"]),
    ("socket", true, &["transport", "buffer"]),
    ("application", true, &["socket"]),
    (
        "stack",
        true,
        &[
            "buffer",
            "link",
            "internet",
            "transport",
            "socket",
            "application",
            "ingress",
            "egress",
        ],
    ),
    (
        "ingress",
        true,
        &[
            "link",
            "internet",
            "transport",
            "socket",
            "application",
            "stack",
        ],
    ),
    (
        "egress",
        true,
        &[
            "link",
            "internet",
            "transport",
            "socket",
            "application",
            "stack",
        ],
    ),
    ("driver", true, &["stack", "socket", "application"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the entry can be read").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every `crate::` path in code that ships: the file, the line, the module it is in, and what follows `crate::`.
fn imports() -> Vec<(String, usize, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stack/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut found = Vec::new();
    for path in files {
        let inside = path
            .strip_prefix(&root)
            .expect("it is inside")
            .to_path_buf();
        let first = inside.iter().next().expect("a name").to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        if module == "lib" || inside.to_string_lossy().contains("tests") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("the file can be read");
        let shipped = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        for (index, line) in shipped.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for path in line.split("crate::").skip(1) {
                found.push((
                    inside.display().to_string(),
                    index + 1,
                    module.clone(),
                    path.to_owned(),
                ));
            }
        }
    }
    found
}

#[test]
fn no_module_imports_what_it_may_not() {
    let mut forbidden = Vec::new();
    let mut seen = BTreeSet::new();
    for (file, line, module, path) in imports() {
        let (_, values, others) = ARROWS
            .iter()
            .find(|(name, ..)| *name == module)
            .unwrap_or_else(|| panic!("{module} is a new room: say here whom it may import"));
        let to: String = path
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        seen.insert(module.clone());
        // A type re-exported at the root; a list of modules in braces would hide them from this check.
        let root_item = to.chars().next().is_some_and(char::is_uppercase);
        let allowed = to == module
            || root_item
            || others.contains(&to.as_str())
            || (*values && VALUES.contains(&to.as_str()));
        if !allowed {
            forbidden.push(format!("{file}:{line}: {module} may not import {to}"));
        }
    }
    assert!(
        seen.contains("driver") && seen.contains("link"),
        "nothing was looked at"
    );
    assert!(forbidden.is_empty(), "{}", forbidden.join("\n"));
}

#[test]
fn internet_knows_plain_types_of_link_alone() {
    for (file, line, module, path) in imports() {
        let knows_link = module == "internet" && path.starts_with("link::");
        assert!(
            !knows_link || path.starts_with("link::NextHop"),
            "{file}:{line}: crate::{path}"
        );
    }
}

#[test]
fn nothing_below_the_driver_is_asynchronous_or_asks_the_machine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stack/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for path in files {
        if path.starts_with(root.join("driver")) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("the file can be read");
        let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (index, line) in shipped.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in ["async ", ".await", "std::", "unsafe"] {
                let attribute = code.trim_start().starts_with("#!");
                assert!(
                    attribute || !code.contains(word),
                    "{}:{}: {word} below the driver",
                    path.display(),
                    index + 1
                );
            }
        }
    }
}
