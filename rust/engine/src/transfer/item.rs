//! One item of a call on its way, until its outcome is known.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{call_state::CallState, job::Outcome, job::Output, scheduler::Worker};
use crate::{
    azure::{Address, BlobRef, Session, Statistics},
    cancel::Cancellation,
    error::{Error, Result},
};

/// An item that has its place among the results. It reports exactly once, at the latest when it is
/// dropped: a task that is thrown away, or panics, leaves no gap.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) call: Arc<CallState>,
    pub(crate) index: usize,
    pub(crate) blob: BlobRef,
    /// Where requests about it go.
    pub(crate) address: Address,
    pub(crate) path: Option<PathBuf>,
    statistics: Statistics,
    /// Bytes of the caller's memory that wait with it.
    memory: u64,
    finished: AtomicBool,
}

impl Item {
    pub(super) fn new(
        call: Arc<CallState>,
        index: usize,
        blob: BlobRef,
        path: Option<PathBuf>,
        memory: u64,
    ) -> Self {
        let address = call.account.endpoint.address_of(&blob);
        Self {
            call,
            index,
            blob,
            address,
            path,
            statistics: Statistics::default(),
            memory,
            finished: AtomicBool::new(false),
        }
    }

    /// Requests of this item from one thread.
    pub(crate) fn session<'a>(&'a self, worker: &'a mut Worker<'_>) -> Session<'a> {
        Session {
            account: &self.call.account,
            head: &mut worker.head,
            cancellation: Cancellation::new(&self.call.cancel, worker.signals),
            statistics: &self.statistics,
            progress: &self.call.progress,
            token_fetches: self.call.token_fetches,
            gives_way: false,
        }
    }

    /// Bytes have moved.
    pub(crate) fn moved(&self, bytes: u64) {
        self.call.progress.moved(bytes);
        let account = &self.call.account;
        if account.admission.moved(bytes) {
            account.scheduler.spawn_workers();
        }
    }

    pub(crate) fn finish(&self, result: Result<Output>) {
        if self.finished.swap(true, Ordering::AcqRel) {
            return;
        }
        let elapsed = self
            .statistics
            .started
            .get()
            .map(std::time::Instant::elapsed);
        self.call.finish(
            self.index,
            self.memory,
            Outcome {
                blob: self.blob.clone(),
                path: self.path.clone(),
                result: result.map_err(|error| error.with_blob(&self.blob)),
                requests: self.statistics.requests.load(Ordering::Relaxed),
                retries: self.statistics.retries.load(Ordering::Relaxed),
                elapsed: elapsed.unwrap_or_default(),
            },
        );
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        if !*self.finished.get_mut() {
            let error = if self.call.cancel.is_set() {
                Error::cancelled()
            } else {
                Error::internal()
            };
            self.finish(Err(error));
        }
    }
}
