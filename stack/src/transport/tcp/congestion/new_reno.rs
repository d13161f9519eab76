//! The window rules of RFC 5681, as RFC 6582 uses them.

/// Counts acknowledged bytes towards the next segment of growth.
#[derive(Clone, Debug, Default)]
pub(super) struct NewReno {
    acknowledged: usize,
}

impl NewReno {
    /// Congestion avoidance by byte counting (RFC 5681 §3.1): one segment for each window acknowledged.
    pub(super) fn avoid(&mut self, window: usize, maximum_segment: usize, bytes: usize) -> usize {
        self.acknowledged = self.acknowledged.saturating_add(bytes.min(window));
        if self.acknowledged < window {
            return window;
        }
        self.acknowledged -= window;
        window + maximum_segment
    }

    /// ssthresh after a loss, before its lower bound (RFC 5681 §3.1, equation 4).
    pub(super) fn reduced(&mut self, in_flight: usize) -> usize {
        self.acknowledged = 0;
        in_flight.min(super::LARGEST_WINDOW) / 2
    }
}
