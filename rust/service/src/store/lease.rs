//! Leases, as far as they keep others from writing.

use std::time::{Duration, Instant};

/// The states that a lease is reported in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseState {
    Available,
    Leased,
    Breaking,
    Broken,
    Expired,
}

impl LeaseState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Leased => "leased",
            Self::Breaking => "breaking",
            Self::Broken => "broken",
            Self::Expired => "expired",
        }
    }

    /// What else is said of it: whether it keeps others out.
    pub(crate) fn status(self) -> &'static str {
        if self.locks() { "locked" } else { "unlocked" }
    }

    /// Whether writers need the lease's id.
    pub(crate) fn locks(self) -> bool {
        matches!(self, Self::Leased | Self::Breaking)
    }
}

/// A lease on a blob.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) id: String,
    /// None: until it is released.
    pub(crate) duration: Option<Duration>,
    ends: Option<Instant>,
    broken: bool,
}

impl Lease {
    /// A lease that begins now.
    pub(crate) fn begin(id: String, duration: Option<Duration>) -> Self {
        Self {
            id,
            duration,
            ends: duration.map(|duration| Instant::now() + duration),
            broken: false,
        }
    }

    /// Whether it ends by itself.
    pub(crate) fn duration_kind(&self) -> &'static str {
        if self.duration.is_some() {
            "fixed"
        } else {
            "infinite"
        }
    }

    /// Ends it after `period`, or earlier where it would end anyway; tells how long that is.
    pub(crate) fn break_after(&mut self, period: Option<Duration>) -> Duration {
        let now = Instant::now();
        let left = self.ends.map(|ends| ends.saturating_duration_since(now));
        let wait = match (period, left) {
            (Some(period), Some(left)) => period.min(left),
            (Some(wait), None) | (None, Some(wait)) => wait,
            (None, None) => Duration::ZERO,
        };
        self.broken = true;
        self.ends = Some(now + wait);
        wait
    }

    pub(crate) fn state(&self) -> LeaseState {
        let over = self.ends.is_some_and(|ends| ends <= Instant::now());
        match (self.broken, over) {
            (false, false) => LeaseState::Leased,
            (false, true) => LeaseState::Expired,
            (true, false) => LeaseState::Breaking,
            (true, true) => LeaseState::Broken,
        }
    }
}
