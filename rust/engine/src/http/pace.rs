//! How slow the other side may be.

use std::time::Duration;

use super::transport_error::TransportError;

/// Bytes of content that have to move within each time-out.
const LEAST_CONTENT: usize = 1 << 10;

/// Counts the time that passes in waiting, not what the caller does in between.
#[derive(Debug)]
pub(super) struct Pace {
    timeout: Duration,
    waited: Duration,
    moved: usize,
    /// Bytes with which the time begins anew.
    enough: usize,
}

impl Pace {
    /// All of it within the time-out: heads, handshakes, explanations of errors. Otherwise a byte a
    /// minute would keep a connection, and whoever waits for it, for ever.
    pub(super) fn whole(timeout: Duration) -> Self {
        Self {
            timeout,
            waited: Duration::ZERO,
            moved: 0,
            enough: usize::MAX,
        }
    }

    /// At least 1 KiB within each time-out: content, which may be large.
    pub(super) fn flowing(timeout: Duration) -> Self {
        Self {
            enough: LEAST_CONTENT,
            ..Self::whole(timeout)
        }
    }

    /// Takes note of content that was moved.
    pub(super) fn moved(&mut self, count: usize) {
        self.moved = self.moved.saturating_add(count);
        if self.moved >= self.enough {
            self.moved = 0;
            self.waited = Duration::ZERO;
        }
    }

    /// Takes note of time that was spent waiting.
    pub(super) fn waited(&mut self, time: Duration) {
        self.waited += time;
    }

    /// Whether to wait on.
    pub(super) fn check(&self) -> Result<(), TransportError> {
        if self.waited >= self.timeout {
            return Err(TransportError::Idle(self.timeout));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[test]
    fn content_begins_the_time_anew() {
        let mut pace = Pace::flowing(TIMEOUT);
        for _ in 0..100 {
            pace.waited(TIMEOUT / 2);
            pace.moved(LEAST_CONTENT);
        }
        assert!(pace.check().is_ok());
    }

    #[test]
    fn a_trickle_does_not() {
        let mut pace = Pace::flowing(TIMEOUT);
        for _ in 0..10 {
            pace.check().unwrap();
            pace.waited(TIMEOUT / 10);
            pace.moved(1);
        }
        assert!(matches!(pace.check(), Err(TransportError::Idle(TIMEOUT))));
    }

    #[test]
    fn what_must_come_whole_does_not_begin_anew() {
        let mut pace = Pace::whole(TIMEOUT);
        pace.moved(1 << 30);
        pace.waited(TIMEOUT);
        pace.moved(1 << 30);
        assert!(pace.check().is_err());
    }
}
