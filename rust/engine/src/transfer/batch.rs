//! A call: any number of items, their results in the order of their input.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    delete, download,
    item::Item,
    job::{Job, Kind, Outcome},
    list, properties,
    shared::{OnError, Shared},
    upload,
};
use crate::{
    account::Account,
    cancel::{CancelFlag, Cancellation, SignalPoll},
    error::ErrorKind,
    limits::TICK,
    progress::{Progress, ProgressSnapshot},
    scheduler::{Work, Worker},
    sync::lock,
};

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

impl Batch {
    pub(crate) fn new(account: Arc<Account>, on_error: OnError) -> Self {
        let lane = account.scheduler.open_lane();
        Self {
            shared: Arc::new(Shared {
                account,
                lane,
                cancel: CancelFlag::default(),
                progress: Progress::default(),
                on_error,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Adds items; the results keep their order. An item whose target another one has already is
    /// refused; where that ends the call nothing of `jobs` begins then.
    pub fn push(&self, jobs: Vec<Job>) {
        let work = self.prepare(jobs);
        if self.shared.cancel.is_set() {
            return; // the items, dropped here, say so
        }
        self.shared
            .account
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
            self.shared
                .account
                .memory_limit
                .saturating_sub(state.memory),
        )
    }

    /// Says that no more items will come.
    pub fn end_of_input(&self) {
        lock(&self.shared.state).ended = true;
        self.shared.changed.notify_all();
    }

    /// Waits until something is to be done by the caller.
    pub fn wait(&self, timeout: Duration) -> BatchState {
        let scheduler = &self.shared.account.scheduler;
        if scheduler.is_deserted() {
            let mut worker = Worker {
                buffers: self.shared.account.take_buffers(),
                signals: SignalPoll::never(),
            };
            let cancellation = Cancellation::new(&self.shared.cancel, SignalPoll::never());
            scheduler.run_here(self.shared.lane, None, &mut worker, &cancellation);
            self.shared.account.put_buffers(worker.buffers);
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

    /// The item whose failure ended the call; see [`OnError`].
    pub fn fatal_index(&self) -> Option<usize> {
        lock(&self.shared.state).fatal
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
    pub(crate) fn run_here(self, job: Job, signals: SignalPoll<'_>) -> Outcome {
        let mut work = self.prepare(vec![job]);
        self.end_of_input();
        let account = &self.shared.account;
        let mut worker = Worker {
            buffers: account.take_buffers(),
            signals,
        };
        let cancellation = Cancellation::new(&self.shared.cancel, signals);
        account
            .scheduler
            .run_here(self.shared.lane, work.pop(), &mut worker, &cancellation);
        account.put_buffers(worker.buffers);
        while self.wait(TICK) != BatchState::Finished {
            if cancellation.check().is_err() {
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
        let begins = !(refused && shared.on_error.ends_the_call(ErrorKind::InvalidInput));

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
            drop(self.shared.account.scheduler.close_lane(self.shared.lane));
        }
    }
}
