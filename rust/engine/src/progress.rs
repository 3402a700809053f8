//! Counters of a call, cheap enough to be kept always.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgressSnapshot {
    /// Items that have ended, failed ones included.
    pub items_done: u64,
    /// All items; None while more may come.
    pub items_total: Option<u64>,
    /// Bytes of content that have moved.
    pub bytes_done: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests among them that were repeated.
    pub retries: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU32,
}

impl Progress {
    pub(crate) fn moved(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes have to be moved again.
    pub(crate) fn lost(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn requested(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, items_done: u64, items_total: Option<u64>) -> ProgressSnapshot {
        ProgressSnapshot {
            items_done,
            items_total,
            bytes_done: self.bytes.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }
}
