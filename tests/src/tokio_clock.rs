//! The real clock, for what meets real servers.

use ethertab_stack::Instant;
use ethertab_stack::driver::Clock;
use std::time::Duration;

/// Tokio's time since the clock was made.
#[derive(Clone, Copy)]
pub struct TokioClock(tokio::time::Instant);

impl TokioClock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn start() -> TokioClock {
        TokioClock(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    type Sleep = tokio::time::Sleep;

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, deadline: Instant) -> tokio::time::Sleep {
        tokio::time::sleep_until(self.0 + Duration::from_micros(deadline.micros()))
    }
}
