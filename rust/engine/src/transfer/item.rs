//! One item on its way, until its outcome is known.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{job::Outcome, shared::Shared};
use crate::{
    blob::BlobProperties,
    cancel::Cancellation,
    error::{Error, ErrorKind, Result},
    listing::ListEntry,
    path::BlobPath,
    scheduler::{Buffers, Worker},
    session::{Cost, Session},
};

/// What a transfer that succeeded has to say.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) size: u64,
    pub(crate) etag: Option<String>,
    pub(crate) crc64: Option<u64>,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) properties: Option<Box<BlobProperties>>,
    pub(crate) entries: Vec<ListEntry>,
}

/// An item that has its place among the results. It reports exactly once, at the latest when it is
/// dropped: work that is thrown away, or panics, leaves no gap.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) batch: Arc<Shared>,
    pub(crate) index: usize,
    pub(crate) blob: BlobPath,
    pub(crate) path: Option<PathBuf>,
    pub(crate) cost: Cost,
    /// Bytes of the caller's memory that wait with it.
    memory: u64,
    started: Instant,
    finished: AtomicBool,
}

impl Item {
    pub(crate) fn new(
        batch: Arc<Shared>,
        index: usize,
        blob: BlobPath,
        path: Option<PathBuf>,
        memory: u64,
    ) -> Self {
        Self {
            batch,
            index,
            blob,
            path,
            cost: Cost::default(),
            memory,
            started: Instant::now(),
            finished: AtomicBool::new(false),
        }
    }

    /// Requests of this item from one thread. The second value is room for the content of a file.
    pub(crate) fn session<'a>(&'a self, worker: &'a mut Worker<'_>) -> (Session<'a>, &'a mut [u8]) {
        let Buffers {
            body,
            content,
            head,
        } = &mut worker.buffers;
        let session = Session {
            account: &self.batch.account,
            body,
            head,
            cancellation: Cancellation::new(&self.batch.cancel, worker.signals),
            cost: &self.cost,
            progress: &self.batch.progress,
            maybe_done: false,
        };
        (session, content)
    }

    /// The path of the blob in a request.
    pub(crate) fn url_path(&self) -> String {
        self.batch.account.endpoint.path_of(&self.blob)
    }

    pub(crate) fn finish(&self, result: Result<Moved>) {
        if self.finished.swap(true, Ordering::AcqRel) {
            return;
        }
        let (moved, error) = match result {
            Ok(moved) => (moved, None),
            Err(error) => (Moved::default(), Some(error.with_blob(&self.blob))),
        };
        self.batch.finish(
            self.index,
            self.memory,
            Outcome {
                blob: self.blob.clone(),
                path: self.path.clone(),
                size: moved.size,
                etag: moved.etag,
                crc64: moved.crc64,
                metadata: moved.metadata,
                properties: moved.properties,
                entries: moved.entries,
                requests: self.cost.requests.load(Ordering::Relaxed),
                retries: self.cost.retries.load(Ordering::Relaxed),
                elapsed: self.started.elapsed(),
                error,
            },
        );
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        if !*self.finished.get_mut() {
            let error = if self.batch.cancel.is_set() {
                Error::cancelled()
            } else {
                Error::new(
                    ErrorKind::Service,
                    "an internal error of fastblob ended the transfer; please report it",
                )
            };
            self.finish(Err(error));
        }
    }
}
