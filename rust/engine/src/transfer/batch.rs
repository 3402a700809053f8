//! A call: any number of items, their results in the order of their input.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Job, Kind, Outcome, Target, delete, download, item::Item, list, properties, upload};
use crate::{
    cancel::{Cancel, Interrupt, Watch},
    client::Inner,
    error::{Error, InvalidInput},
    limits::TICK,
    path::BlobPath,
    progress::{Progress, ProgressSnapshot},
    scheduler::{LaneId, Work, Worker},
    sync::lock,
};

/// What the failure of an item means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Nothing further begins, what runs is ended.
    Raise,
    /// Nothing.
    Collect,
}

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// All items have ended, and no more will come.
    Finished,
    /// There is room for more items.
    WantsItems,
    /// Neither, and the time is up.
    Running,
}

/// A call under way. Dropping it cancels what has not ended.
#[derive(Debug)]
pub struct Batch {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: Arc<Inner>,
    pub(crate) lane: LaneId,
    pub(crate) cancel: Cancel,
    pub(crate) progress: Progress,
    on_error: OnError,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    outcomes: Vec<Option<Outcome>>,
    done: usize,
    /// Bytes of the caller's memory that items under way hold.
    memory: u64,
    ended: bool,
    first_error: Option<usize>,
    files: HashSet<PathBuf>,
    blobs: HashSet<BlobPath>,
}

impl Shared {
    /// Items that may wait to begin.
    fn queue_length(&self) -> usize {
        2 * self.client.max_connections
    }

    /// Whether the caller should bring more items.
    fn wants_items(&self, state: &State) -> bool {
        let under_way = state.outcomes.len() - state.done;
        !state.ended
            && under_way <= self.queue_length() / 2
            && state.memory <= self.client.memory_limit / 2
    }

    pub(crate) fn finish(&self, index: usize, memory: u64, outcome: Outcome) {
        let failed = outcome.error.is_some();
        let mut state = lock(&self.state);
        state.outcomes[index] = Some(outcome);
        state.done += 1;
        state.memory -= memory;
        if failed && state.first_error.is_none() {
            state.first_error = Some(index);
        }
        let finished = state.ended && state.outcomes.len() == state.done;
        let wake = finished || self.wants_items(&state);
        drop(state);
        if wake {
            self.changed.notify_all();
        }
        if failed && self.on_error == OnError::Raise {
            self.cancel();
        }
    }

    fn cancel(&self) {
        self.cancel.set();
        // Dropping what has not begun makes it report that it was cancelled.
        drop(self.client.scheduler.close_lane(self.lane));
    }
}

impl Batch {
    pub(crate) fn new(client: Arc<Inner>, on_error: OnError) -> Self {
        let lane = client.scheduler.open_lane();
        Self {
            shared: Arc::new(Shared {
                client,
                lane,
                cancel: Cancel::default(),
                progress: Progress::default(),
                on_error,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Adds items; the results keep their order. An item whose target another one has already is
    /// refused; with [`OnError::Raise`] nothing of `jobs` begins then.
    pub fn push(&self, jobs: Vec<Job>) {
        let work = self.prepare(jobs);
        if self.shared.cancel.is_set() {
            return; // the items, dropped here, say so
        }
        self.shared
            .client
            .scheduler
            .push_items(self.shared.lane, work);
        // Cancelled between the two: the lane was gone, and the work with it.
    }

    /// How many items, and how many bytes of memory in them ([`Job::memory`]), would be taken up soon:
    /// what a generator should be asked for, if not less.
    pub fn room(&self) -> (usize, u64) {
        let state = lock(&self.shared.state);
        let under_way = state.outcomes.len() - state.done;
        (
            self.shared.queue_length().saturating_sub(under_way),
            self.shared.client.memory_limit.saturating_sub(state.memory),
        )
    }

    /// Says that no more items will come.
    pub fn end_of_input(&self) {
        lock(&self.shared.state).ended = true;
        self.shared.changed.notify_all();
    }

    /// Waits until something is to be done by the caller.
    pub fn wait(&self, timeout: Duration) -> BatchState {
        let scheduler = &self.shared.client.scheduler;
        if scheduler.is_deserted() {
            let mut worker = Worker {
                buffers: self.shared.client.take_buffers(),
                interrupt: Interrupt::never(),
            };
            let watch = Watch::new(&self.shared.cancel, Interrupt::never());
            scheduler.run_here(self.shared.lane, None, &mut worker, &watch);
            self.shared.client.put_buffers(worker.buffers);
        }
        let end = Instant::now() + timeout;
        let mut state = lock(&self.shared.state);
        loop {
            if state.ended && state.outcomes.len() == state.done {
                return BatchState::Finished;
            }
            if self.shared.wants_items(&state) {
                return BatchState::WantsItems;
            }
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return BatchState::Running;
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, rest)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Ends the call: what has not begun does not begin, what runs ends within some 100 ms.
    pub fn cancel(&self) {
        self.shared.cancel();
        self.end_of_input();
    }

    /// How far the call has come.
    pub fn progress(&self) -> ProgressSnapshot {
        let state = lock(&self.shared.state);
        let total = state.ended.then_some(state.outcomes.len() as u64);
        self.shared.progress.snapshot(state.done as u64, total)
    }

    /// The item that failed first in time.
    pub fn first_error_index(&self) -> Option<usize> {
        lock(&self.shared.state).first_error
    }

    /// The outcomes in the order of the input. Where the call has not finished, it is cancelled first.
    pub fn into_outcomes(self) -> Vec<Outcome> {
        if self.wait(Duration::ZERO) != BatchState::Finished {
            self.cancel();
            while self.wait(TICK) != BatchState::Finished {}
        }
        let outcomes = std::mem::take(&mut lock(&self.shared.state).outcomes);
        outcomes.into_iter().flatten().collect()
    }

    /// Runs a single item, beginning on the calling thread.
    pub(crate) fn run_here(self, job: Job, interrupt: Interrupt<'_>) -> Outcome {
        let mut work = self.prepare(vec![job]);
        self.end_of_input();
        let client = &self.shared.client;
        let mut worker = Worker {
            buffers: client.take_buffers(),
            interrupt,
        };
        let watch = Watch::new(&self.shared.cancel, interrupt);
        client
            .scheduler
            .run_here(self.shared.lane, work.pop(), &mut worker, &watch);
        client.put_buffers(worker.buffers);
        while self.wait(TICK) != BatchState::Finished {
            if watch.check().is_err() {
                self.shared.cancel();
            }
        }
        let Some(outcome) = self.into_outcomes().pop() else {
            unreachable!("the item has ended");
        };
        outcome
    }

    fn prepare(&self, jobs: Vec<Job>) -> Vec<Box<dyn Work>> {
        let shared = &self.shared;
        let mut state = lock(&shared.state);
        let first = state.outcomes.len();
        state.outcomes.resize_with(first + jobs.len(), || None);
        state.memory += jobs.iter().map(Job::memory).sum::<u64>();
        let jobs: Vec<_> = jobs
            .into_iter()
            .map(|job| (job.memory(), state.check(job)))
            .collect();
        drop(state);
        let refused = jobs
            .iter()
            .any(|(_, kind)| matches!(kind, Kind::Invalid { .. }));
        let begins = !(refused && shared.on_error == OnError::Raise);

        let mut work: Vec<Box<dyn Work>> = Vec::with_capacity(jobs.len());
        let mut deletes = Vec::new();
        let mut invalid = Vec::new();
        let mut idle = Vec::new();
        for (index, (memory, job)) in jobs.into_iter().enumerate() {
            let item =
                |blob, path| Item::new(Arc::clone(shared), first + index, blob, path, memory);
            match job {
                Kind::Invalid { blob, path, reason } => {
                    invalid.push((item(blob, path), reason));
                }
                Kind::Delete { blob } if begins => deletes.push(item(blob, None)),
                Kind::Download {
                    blob,
                    target,
                    offset,
                    length,
                } if begins => {
                    let path = target.path();
                    let item = item(blob, path);
                    work.push(download::work(item, target, offset, length));
                }
                Kind::Upload {
                    source,
                    blob,
                    options,
                } if begins => {
                    let path = source.path();
                    let item = item(blob, path);
                    work.push(upload::work(item, source, options));
                }
                Kind::Download { blob, target, .. } => {
                    idle.push(item(blob, target.path()));
                }
                Kind::Upload { blob, source, .. } => {
                    idle.push(item(blob, source.path()));
                }
                Kind::Properties { blob } if begins => {
                    work.push(properties::work(item(blob, None)));
                }
                Kind::List { prefix, one_level } if begins => {
                    work.push(list::work(item(prefix, None), one_level));
                }
                Kind::Delete { blob }
                | Kind::Properties { blob }
                | Kind::List { prefix: blob, .. } => {
                    idle.push(item(blob, None));
                }
            }
        }
        for (item, reason) in invalid {
            item.finish(Err(reason.into()));
        }
        drop(idle); // cancelled by the failure just before
        work.extend(delete::works(deletes));
        work
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let state = lock(&self.shared.state);
        let open = state.outcomes.len() > state.done;
        drop(state);
        if open {
            self.shared.cancel();
        } else {
            drop(self.shared.client.scheduler.close_lane(self.shared.lane));
        }
    }
}

impl State {
    /// Refuses what cannot be right, before anything is sent.
    fn check(&mut self, job: Job) -> Kind {
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

impl Target {
    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Memory(_) => None,
        }
    }
}

impl super::Source {
    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Memory(_) | Self::Stream(_) => None,
        }
    }
}

impl Job {
    fn check_range(&self) -> Result<(), InvalidInput> {
        match &self.0 {
            Kind::Download { offset, length, .. }
                if offset.saturating_add(length.unwrap_or(0)) > i64::MAX as u64 =>
            {
                Err(InvalidInput::new(
                    "offset and length are beyond the end of any blob",
                ))
            }
            _ => Ok(()),
        }
    }

    /// An item whose arguments the caller found unacceptable; it fails in its place.
    pub fn invalid(blob: BlobPath, path: Option<PathBuf>, reason: InvalidInput) -> Self {
        Self(Kind::Invalid { blob, path, reason })
    }
}

impl Error {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.kind() == crate::ErrorKind::Cancelled
    }
}
