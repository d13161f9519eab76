//! The gateway: an instance of our own stack, plugged into the switch, that answers DHCP, DNS and ping.

use crate::config::Plan;
use crate::relay::Relay;
use tokio::sync::mpsc;

/// Starts the gateway.
pub(crate) fn start(_plan: &Plan, _relay: &Relay, _failed: &mpsc::Sender<String>) {}
