//! What the items of a call share: its progress, its end, and which files and blobs are taken.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
};

use super::job::{Job, Kind, Outcome};
use crate::{
    account::Account,
    cancel::CancelFlag,
    error::{ErrorKind, InvalidInput},
    path::BlobPath,
    progress::Progress,
    scheduler::LaneId,
    sync::lock,
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
pub(crate) struct Shared {
    pub(crate) account: Arc<Account>,
    pub(crate) lane: LaneId,
    pub(crate) cancel: CancelFlag,
    pub(crate) progress: Progress,
    pub(super) on_error: OnError,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) outcomes: Vec<Option<Outcome>>,
    pub(super) done: usize,
    /// Bytes of the caller's memory that items under way hold.
    pub(super) memory: u64,
    pub(super) ended: bool,
    /// The item whose failure ended the call.
    pub(super) fatal: Option<usize>,
    files: HashSet<PathBuf>,
    blobs: HashSet<BlobPath>,
}

impl Shared {
    /// Items that may wait to begin.
    pub(super) fn queue_length(&self) -> usize {
        2 * self.account.max_connections
    }

    /// Whether the caller should bring more items.
    pub(super) fn wants_items(&self, state: &State) -> bool {
        let under_way = state.outcomes.len() - state.done;
        !state.ended
            && under_way <= self.queue_length() / 2
            && state.memory <= self.account.memory_limit / 2
    }

    pub(crate) fn finish(&self, index: usize, memory: u64, outcome: Outcome) {
        let fatal = outcome
            .error
            .as_ref()
            .is_some_and(|error| self.on_error.ends_the_call(error.kind()));
        let mut state = lock(&self.state);
        state.outcomes[index] = Some(outcome);
        state.done += 1;
        state.memory -= memory;
        if fatal && state.fatal.is_none() {
            state.fatal = Some(index);
        }
        let finished = state.ended && state.outcomes.len() == state.done;
        let wake = finished || self.wants_items(&state);
        drop(state);
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
        drop(self.account.scheduler.close_lane(self.lane));
    }
}

impl State {
    /// Refuses what cannot be right, before anything is sent.
    pub(super) fn check(&mut self, job: Job) -> Kind {
        let (blob, path, refusal) = match &job.0 {
            Kind::Invalid { .. } | Kind::List { .. } => return job.0,
            Kind::Download { blob, target, .. } => {
                let path = target.path();
                let refusal = path.as_deref().and_then(|path| self.take_file(path));
                (blob, path, refusal)
            }
            Kind::Upload {
                blob,
                source,
                options,
            } => {
                let refusal = options.validate().err().or_else(|| self.take_blob(blob));
                (blob, source.path(), refusal)
            }
            Kind::Delete { blob } => (blob, None, self.take_blob(blob)),
            Kind::Properties { blob } => (blob, None, None),
        };
        let refusal = refusal.or_else(|| job.check_range().err());
        match blob.require_name().err().or(refusal) {
            Some(reason) => Kind::Invalid {
                blob: blob.clone(),
                path,
                reason,
            },
            None => job.0,
        }
    }

    fn take_file(&mut self, path: &Path) -> Option<InvalidInput> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        (!self.files.insert(absolute)).then(|| {
            InvalidInput::new(format!(
                "{} is the target of two items; give each a file of its own",
                path.display()
            ))
        })
    }

    fn take_blob(&mut self, blob: &BlobPath) -> Option<InvalidInput> {
        (!self.blobs.insert(blob.clone())).then(|| {
            InvalidInput::new(format!("{blob} is named by two items; name each blob once"))
        })
    }
}
