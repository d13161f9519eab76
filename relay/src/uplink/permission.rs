//! Why there is no TAP, in one sentence that names the missing piece, and what to do about it.

use super::kernel::DEVICE;
use crate::plain::plain;
use std::fmt;
use std::io;
use std::path::Path;

/// The bit of CAP_NET_ADMIN in a set of capabilities (capabilities(7)).
const CAP_NET_ADMIN: u32 = 12;

/// Why the TAP could not be made.
#[derive(Debug)]
pub enum TapError {
    /// The device file is not there: the module `tun` is not loaded, or a container hides it.
    NoDevice,
    /// The device file may not be opened.
    NotOpenable(io::Error),
    /// The capability is missing.
    NoCapability {
        /// The name of the interface.
        name: String,
    },
    /// An interface of this name exists and is not ours to take.
    NameTaken {
        /// The name.
        name: String,
    },
    /// The interface was made and could not be set up.
    Setup {
        /// What was being set.
        step: &'static str,
        /// What the kernel said.
        error: io::Error,
    },
    /// Something else.
    Other(io::Error),
}

impl TapError {
    /// Finds the missing piece behind what the kernel said when the interface `name` was asked for.
    pub(super) fn explain(error: io::Error, name: &str) -> TapError {
        if !Path::new(DEVICE).exists() {
            return TapError::NoDevice;
        }
        if let Err(error) = std::fs::File::options().read(true).write(true).open(DEVICE) {
            return TapError::NotOpenable(error);
        }
        let name = name.to_owned();
        match error.raw_os_error() {
            Some(libc::EBUSY | libc::EINVAL) if exists(&name) => TapError::NameTaken { name },
            // An interface of another kind or owner answers EPERM as well, so only a lack of the capability says which.
            Some(libc::EPERM) if has_capability() && exists(&name) => TapError::NameTaken { name },
            Some(libc::EPERM) => TapError::NoCapability { name },
            _ => TapError::Other(error),
        }
    }
}

/// /sys/class/net would do where it was mounted for this network namespace; /proc/net always follows the process.
fn exists(name: &str) -> bool {
    let interfaces = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let mut names = interfaces.lines().filter_map(|line| line.split_once(':'));
    names.any(|(listed, _)| listed.trim() == name)
}

fn has_capability() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    set.is_none_or(|set| set >> CAP_NET_ADMIN & 1 == 1)
}

/// What to do about it: pairs of a circumstance and a command, in which `RELAY` stands for this binary.
type WayOut = (&'static str, &'static str);

const AS_ROOT: WayOut = ("as root", "sudo RELAY");
const WITH_CAPABILITY: WayOut = (
    "once for this binary",
    "sudo setcap cap_net_admin,cap_net_bind_service+ep RELAY",
);
const OPEN_TO_ALL: WayOut = (
    "once for this device",
    "sudo chmod 666 /dev/net/tun, then setcap as `--help` says",
);
const OWN_NAMESPACE: WayOut = (
    "in a network of its own, browser included",
    "unshare -Urn sh -c 'ip link set lo up; exec RELAY'",
);
const WITHOUT: WayOut = ("without the host", "RELAY --no-tap");

fn list(f: &mut fmt::Formatter<'_>, ways_out: &[WayOut]) -> fmt::Result {
    let relay =
        std::env::current_exe().map_or("ethertab-relay".into(), |path| path.display().to_string());
    f.write_str(" Ways out:")?;
    for (circumstance, command) in ways_out {
        write!(
            f,
            "\n  {circumstance}:\n      {}",
            command.replace("RELAY", &relay)
        )?;
    }
    Ok(())
}

impl fmt::Display for TapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TapError::NoDevice => write!(
                f,
                "no TAP interface: {DEVICE} does not exist. Load the kernel's module (`sudo modprobe tun`); in a \
                 container, start it with `--device {DEVICE} --cap-add NET_ADMIN`; or go without, by `--no-tap`."
            ),
            TapError::NotOpenable(error) => {
                let error = plain(error);
                write!(
                    f,
                    "no TAP interface: {DEVICE} is there, but this user may not open it ({error})."
                )?;
                list(f, &[AS_ROOT, OPEN_TO_ALL, WITHOUT])
            }
            TapError::NoCapability { name } => {
                write!(
                    f,
                    "no TAP interface: this process lacks the capability CAP_NET_ADMIN, which making {name} needs."
                )?;
                list(f, &[AS_ROOT, WITH_CAPABILITY, OWN_NAMESPACE, WITHOUT])
            }
            TapError::NameTaken { name } => write!(
                f,
                "no TAP interface: {name} exists already, perhaps of another relay. Stop that one, pick another name \
                 with `--tap NAME` (and another `--subnet`), or remove a leftover with `sudo ip link delete {name}`."
            ),
            TapError::Setup { step, error } => {
                write!(
                    f,
                    "the TAP interface was made, but setting its {step} failed: {}.",
                    plain(error)
                )
            }
            TapError::Other(error) => write!(f, "no TAP interface: {}.", plain(error)),
        }
    }
}

impl std::error::Error for TapError {}
