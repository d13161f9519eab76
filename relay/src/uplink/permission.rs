//! Why there is no TAP, in one sentence that names the missing piece, and what to do about it.

use std::fmt;
use std::io;
use std::path::Path;

/// Where the kernel hands out TAP interfaces.
const DEVICE: &str = "/dev/net/tun";

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

fn exists(name: &str) -> bool {
    Path::new("/sys/class/net").join(name).exists()
}

fn has_capability() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    set.is_none_or(|set| set >> CAP_NET_ADMIN & 1 == 1)
}

const WAYS_OUT: &str = "
  sudo ethertab-relay                                   as root; or
  sudo setcap cap_net_admin,cap_net_bind_service+ep PATH  once, then run this binary as yourself; or
  unshare -Urn sh -c 'ip link set lo up; exec ethertab-relay'   in a network of its own, browser included; or
  ethertab-relay --no-tap                               without the host: tabs reach the gateway and each other";

impl fmt::Display for TapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways_out = || {
            let path = std::env::current_exe()
                .map_or("ethertab-relay".into(), |path| path.display().to_string());
            WAYS_OUT.replace("PATH ", &format!("{path} "))
        };
        match self {
            TapError::NoDevice => write!(
                f,
                "no TAP interface: {DEVICE} does not exist. Load the kernel's module (`sudo modprobe tun`); in a container, \
                 start it with `--device {DEVICE} --cap-add NET_ADMIN`; or go without: `ethertab-relay --no-tap`."
            ),
            TapError::NotOpenable(error) => write!(
                f,
                "no TAP interface: {DEVICE} is there and this user may not open it ({error}). Ways out:{}",
                ways_out()
            ),
            TapError::NoCapability { name } => write!(
                f,
                "no TAP interface: this process lacks the capability CAP_NET_ADMIN, which making {name} needs. Ways out:{}",
                ways_out()
            ),
            TapError::NameTaken { name } => write!(
                f,
                "no TAP interface: {name} exists already, perhaps of another relay. Stop that one, pick another name with \
                 `--tap NAME` (and another `--subnet`), or remove a leftover with `sudo ip link delete {name}`."
            ),
            TapError::Setup { step, error } => {
                write!(
                    f,
                    "the TAP interface was made, but setting its {step} failed: {error}."
                )
            }
            TapError::Other(error) => write!(f, "no TAP interface: {error}."),
        }
    }
}

impl std::error::Error for TapError {}
