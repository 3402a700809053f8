//! Counting the parts of an item that several threads work on.

use crate::{
    checksum::combine,
    error::{Error, Result},
    sync::Mutex,
};

/// Hands out parts by number and knows when the last of them has ended.
///
/// After a failure no further part is handed out; the item ends when those under way have.
#[derive(Debug)]
pub(crate) struct PartTracker(Mutex<State>);

#[derive(Debug)]
struct State {
    next: u64,
    /// Unknown while a stream has not ended.
    total: Option<u64>,
    under_way: u64,
    /// CRC64 and length of each part.
    moved: Vec<(u64, u64)>,
    error: Option<Error>,
}

/// A part that arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) index: u64,
    pub(crate) crc64: u64,
    pub(crate) length: u64,
}

/// What all parts together moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) parts: u64,
    pub(crate) size: u64,
    pub(crate) crc64: u64,
}

impl PartTracker {
    /// `begun` parts, the first ones, are under way already.
    pub(crate) fn new(total: Option<u64>, begun: u64) -> Self {
        Self(Mutex::new(State {
            next: begun,
            total,
            under_way: begun,
            moved: Vec::new(),
            error: None,
        }))
    }

    /// The number of the next part.
    pub(crate) fn claim(&self) -> Option<u64> {
        let mut state = self.0.lock();
        if state.error.is_some() || state.total.is_some_and(|total| state.next >= total) {
            return None;
        }
        state.next += 1;
        state.under_way += 1;
        Some(state.next - 1)
    }

    /// Ends a part whose thread panics.
    pub(crate) fn guard(&self) -> Guard<'_> {
        Guard(self)
    }

    /// A stream has ended after so many parts.
    pub(crate) fn ends_after(&self, total: u64) {
        self.0.lock().total = Some(total);
    }

    /// A part has ended; None stands for one that came too late, after a stream's end. Returns what
    /// became of all parts when this was the last one under way and no more will come.
    pub(crate) fn done(&self, result: Result<Option<Part>>) -> Option<Result<Total>> {
        let mut state = self.0.lock();
        state.under_way -= 1;
        match result {
            Ok(Some(part)) => {
                let index = part.index as usize;
                if state.moved.len() <= index {
                    state.moved.resize(index + 1, (0, 0));
                }
                state.moved[index] = (part.crc64, part.length);
            }
            Ok(None) => {}
            Err(error) => {
                // A part that was cancelled because another failed is not the reason.
                if state.error.as_ref().is_none_or(Error::is_cancelled) {
                    state.error = Some(error);
                }
            }
        }
        if state.under_way > 0 {
            return None;
        }
        if let Some(error) = state.error.take() {
            state.total = Some(0); // nothing further is handed out
            return Some(Err(error));
        }
        let total = state.total?;
        if state.next < total {
            return None;
        }
        let mut whole = Total {
            parts: total,
            size: 0,
            crc64: 0,
        };
        for (crc64, length) in &state.moved {
            whole.crc64 = combine(whole.crc64, *crc64, *length);
            whole.size += length;
        }
        Some(Ok(whole))
    }
}

/// Fails a part unless it is released: nothing further begins then, and the item is reported when the
/// last of its work is dropped.
#[derive(Debug)]
pub(crate) struct Guard<'a>(&'a PartTracker);

impl Guard<'_> {
    pub(crate) fn release(self) {
        std::mem::forget(self);
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let error = Error::internal();
        let _ = self.0.done(Err(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checksum::crc64, error::ErrorKind};

    fn part(index: u64, bytes: &[u8]) -> Part {
        Part {
            index,
            crc64: crc64(0, bytes),
            length: bytes.len() as u64,
        }
    }

    #[test]
    fn the_last_part_gets_the_whole() {
        let tracker = PartTracker::new(Some(3), 1);
        assert_eq!(tracker.claim(), Some(1));
        assert_eq!(tracker.claim(), Some(2));
        assert_eq!(tracker.claim(), None);
        assert!(tracker.done(Ok(Some(part(2, b"c")))).is_none());
        assert!(tracker.done(Ok(Some(part(0, b"a")))).is_none());
        let total = tracker.done(Ok(Some(part(1, b"b")))).unwrap().unwrap();
        assert_eq!((total.size, total.crc64), (3, crc64(0, b"abc")));
    }

    #[test]
    fn after_a_failure_nothing_begins() {
        let tracker = PartTracker::new(Some(9), 0);
        tracker.claim();
        tracker.claim();
        assert!(
            tracker
                .done(Err(Error::new(ErrorKind::Network, "x")))
                .is_none()
        );
        assert_eq!(tracker.claim(), None);
        let error = tracker.done(Err(Error::cancelled())).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network);
        assert_eq!(tracker.claim(), None);
    }

    #[test]
    fn the_end_of_a_stream_is_found_while_reading() {
        let tracker = PartTracker::new(None, 1);
        assert_eq!(tracker.claim(), Some(1));
        tracker.ends_after(1);
        assert!(tracker.done(Ok(None)).is_none());
        assert_eq!(
            tracker
                .done(Ok(Some(part(0, b"a"))))
                .unwrap()
                .unwrap()
                .parts,
            1
        );
    }
}
