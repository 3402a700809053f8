//! What the items of a call share: its progress, its end, and which files and blobs are taken.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use super::{
    copy_from::CopyRequest,
    delete::{self, Deletion},
    file::FileTarget,
    job::{Job, Kind, Outcome, Target},
    scheduler::QueueId,
    stream::StreamUpload,
};
use crate::{
    account::Account,
    azure::{BlobRef, shown_path},
    cancel::CancelFlag,
    error::{Error, ErrorKind, InvalidInput},
    limits::MAX_BATCH_DELETES,
    progress::Progress,
    sync::{Condvar, Mutex},
};

/// What the failure of an item means for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Nothing further begins, what runs is ended.
    Raise,
    /// Nothing.
    Collect,
    /// Nothing where the error is one of these; any other ends the call.
    CollectOnly(Vec<ErrorKind>),
}

impl OnError {
    pub(super) fn ends_the_call(&self, error: ErrorKind) -> bool {
        match self {
            Self::Raise => true,
            Self::Collect => false,
            Self::CollectOnly(kinds) => !kinds.contains(&error),
        }
    }
}

#[derive(Debug)]
pub(crate) struct CallState {
    pub(crate) account: Arc<Account>,
    pub(crate) queue: QueueId,
    pub(crate) cancel: CancelFlag,
    pub(crate) progress: Progress,
    /// How many tokens had been fetched when the call began.
    pub(crate) token_fetches: u64,
    pub(super) on_error: OnError,
    /// Why no item can begin: the client was closed before.
    pub(super) refused: Option<InvalidInput>,
    pub(super) items: Mutex<Items>,
    pub(super) changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) outcomes: Vec<Option<Outcome>>,
    pub(super) done: usize,
    /// Bytes of the caller's memory that items under way hold.
    pub(super) memory: u64,
    pub(super) ended: bool,
    /// Threads that wait for something to happen: to wake nobody costs a system call, too.
    pub(super) waiting: usize,
    /// The item whose failure ended the call.
    pub(super) fatal: Option<usize>,
    /// Deletes that wait for others to go into one request with them.
    pub(super) deletes: Vec<Deletion>,
    deletes_pushed: bool,
    pub(super) streams: Vec<Arc<StreamUpload>>,
    files: HashSet<PathBuf>,
    blobs: HashSet<BlobRef>,
}

impl Items {
    pub(super) fn is_finished(&self) -> bool {
        self.ended && self.outcomes.len() == self.done
    }

    pub(super) fn under_way(&self) -> usize {
        self.outcomes.len() - self.done
    }
}

impl CallState {
    /// Items that may wait to begin.
    pub(super) fn queue_length(&self, items: &Items) -> usize {
        let connections = 2 * self.account.max_connections;
        if items.deletes_pushed {
            connections.max(4 * MAX_BATCH_DELETES)
        } else {
            connections
        }
    }

    /// Whether the caller should bring more items.
    pub(super) fn wants_items(&self, items: &Items) -> bool {
        !items.ended
            && items.under_way() <= self.queue_length(items) / 2
            && items.memory <= self.account.memory_limit / 2
    }

    pub(super) fn finish(&self, index: usize, memory: u64, outcome: Outcome) {
        let fatal = outcome
            .result
            .as_ref()
            .is_err_and(|error| self.on_error.ends_the_call(error.kind()));
        let mut items = self.items.lock();
        items.outcomes[index] = Some(outcome);
        items.done += 1;
        items.memory -= memory;
        if fatal && items.fatal.is_none() {
            items.fatal = Some(index);
        }
        let wake = items.waiting > 0 && (items.is_finished() || self.wants_items(&items));
        // One that failed before its end is read no further, and would keep the call alive from within.
        let stream = items.take_stream(index);
        drop(items);
        drop(stream);
        if wake {
            self.changed.notify_all();
        }
        if fatal {
            self.cancel();
        }
    }

    pub(super) fn cancel(&self) {
        self.cancel.set();
        // Dropping what has not begun makes it report that it was cancelled.
        drop(self.account.scheduler.close_queue(self.queue));
        let mut items = self.items.lock();
        let deletes = std::mem::take(&mut items.deletes);
        let streams = std::mem::take(&mut items.streams);
        drop(items);
        drop(deletes);
        for stream in streams {
            stream.cancel();
        }
    }

    /// Sends the deletes that wait for others, where a batch is full or `all` are to go.
    pub(super) fn flush_deletes(&self, all: bool) {
        let mut items = self.items.lock();
        let count = items.deletes.len();
        let kept = if all { 0 } else { count % MAX_BATCH_DELETES };
        let deletes: Vec<_> = items.deletes.drain(..count - kept).collect();
        drop(items);
        if !deletes.is_empty() {
            let tasks = delete::tasks(deletes);
            self.account.scheduler.push(self.queue, tasks);
        }
    }
}

impl Items {
    pub(super) fn add_delete(&mut self, deletion: Deletion) {
        self.deletes_pushed = true;
        self.deletes.push(deletion);
    }

    /// The stream of an item, of which no further block is to be read.
    pub(super) fn take_stream(&mut self, index: usize) -> Option<Arc<StreamUpload>> {
        let mut streams = self.streams.iter();
        let position = streams.position(|stream| stream.index() == index)?;
        Some(self.streams.swap_remove(position))
    }

    /// Whether there is memory for a block that is to be read.
    pub(super) fn has_room_for_block(&self) -> bool {
        self.streams.iter().any(|stream| stream.is_ready())
    }

    /// Refuses what cannot be right, before anything is sent.
    pub(super) fn check(&mut self, job: Job) -> Job {
        if matches!(job.kind, Kind::Settled(..)) {
            return job;
        }
        match self.reason_against(&job) {
            Some(reason) => {
                let path = job.path();
                Job::failed(job.blob, path, reason)
            }
            None => job,
        }
    }

    fn reason_against(&mut self, job: &Job) -> Option<Error> {
        let blob = &job.blob;
        let refused = match &job.kind {
            Kind::Small(operation) if operation.takes_revisions() => blob.require_not_deleted(),
            Kind::Download { .. } => blob.require_not_deleted(),
            Kind::Delete(delete) => delete.validate(blob),
            // A SAS that lets the service read it would have to be of the version or snapshot.
            Kind::CopyFrom(request) if request.blob.revision().is_some() => {
                Err(InvalidInput::new(format!(
                    "{:?} is a version or a snapshot, which is not copied to another account; promote or copy \
                     it first, and copy that blob",
                    shown_path(&request.blob.to_string())
                )))
            }
            Kind::Small(_) | Kind::Upload { .. } | Kind::CopyFrom(_) | Kind::Settled(..) => {
                blob.require_current()
            }
        };
        if let Err(refused) = refused {
            return Some(refused.into());
        }
        match &job.kind {
            Kind::Small(operation) => {
                let unnamed = if operation.needs_a_name() {
                    blob.require_name().err()
                } else {
                    None
                };
                return unnamed
                    .or_else(|| operation.changes().then(|| self.take_blob(blob)).flatten())
                    .map(Error::from);
            }
            Kind::Download { offset, length, .. }
                if offset.saturating_add(length.unwrap_or(0)) >= i64::MAX as u64 =>
            {
                return Some(
                    InvalidInput::new("offset and length are beyond the end of any blob").into(),
                );
            }
            _ => {}
        }
        if let Err(unnamed) = blob.require_name() {
            return Some(unnamed.into());
        }
        if let Kind::CopyFrom(request) = &job.kind
            && let Err(unnamed) = request.blob.require_name()
        {
            return Some(unnamed.into());
        }
        let refused = match &job.kind {
            Kind::Download {
                target: Target::File(target),
                ..
            } => return self.take_file(target),
            Kind::Download { .. } => None,
            Kind::Upload { options, .. } | Kind::CopyFrom(CopyRequest { options, .. }) => {
                options.validate().err().or_else(|| self.take_blob(blob))
            }
            _ => self.take_blob(blob),
        };
        refused.map(Error::from)
    }

    fn take_file(&mut self, target: &FileTarget) -> Option<Error> {
        if let Err(refused) = target.check_name() {
            return Some(refused);
        }
        (!self.files.insert(target.one_spelling())).then(|| {
            let twice = format!(
                "{} is the target of two items; give each a file of its own",
                target.path().display()
            );
            InvalidInput::new(twice).into()
        })
    }

    fn take_blob(&mut self, blob: &BlobRef) -> Option<InvalidInput> {
        (!self.blobs.insert(blob.clone())).then(|| {
            InvalidInput::new(format!(
                "{:?} is named by two items; name each blob once",
                shown_path(&blob.to_string())
            ))
        })
    }
}
