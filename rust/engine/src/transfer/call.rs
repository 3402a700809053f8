//! A call: any number of items, their results in the order of their input.
//!
//! Whoever began the call drives it: it waits, and supplies what only it can supply: items, tokens, and
//! the blocks of streams.

use std::{
    error::Error as StdError,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    call_state::{CallState, OnError},
    copy_from, download,
    item::Item,
    job::{Job, Kind, Outcome, Settled, Source},
    memory::MemorySource,
    scheduler::{Task, Worker},
    small, stream, upload,
};
use crate::{
    account::Account,
    auth::TokenCache,
    cancel::{CancelFlag, Cancellation, SignalPoll},
    error::{Error, ErrorKind},
    limits::TICK,
    progress::{Progress, ProgressSnapshot},
    sync::{Condvar, Mutex},
};

/// What a call needs from the thread that drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing for now; the time is up.
    Time,
    /// There is room for more items.
    Items,
    /// It is this thread's turn to fetch a token.
    Token,
    /// A block of a stream is to be read.
    Block,
    /// Nothing any more: all items have ended, and no more will come.
    Nothing,
}

/// A block of a stream that is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedBlock {
    /// The item's number.
    pub item: usize,
    /// Bytes; fewer mean the end of the stream.
    pub size: u64,
}

/// A call under way. Dropping it cancels what has not ended.
#[derive(Debug)]
pub struct Call {
    state: Arc<CallState>,
    /// Whether the driver runs tasks itself while it waits: a small one never leaves it then.
    runs_here: bool,
}

impl Call {
    pub(crate) fn new(account: Arc<Account>, on_error: OnError, runs_here: bool) -> Self {
        let queue = account.scheduler.open_queue();
        let refused = account.check_open().err();
        let token_fetches = account.with_tokens(TokenCache::fetches).unwrap_or_default();
        Self {
            state: Arc::new(CallState {
                account,
                queue,
                cancel: CancelFlag::default(),
                progress: Progress::default(),
                token_fetches,
                on_error,
                refused,
                items: Mutex::default(),
                changed: Condvar::new(),
            }),
            runs_here,
        }
    }

    /// Adds items; the results keep their order. An item whose target another one has already is
    /// refused; where that ends the call nothing of `jobs` begins then.
    pub fn push(&self, jobs: Vec<Job>) {
        let tasks = self.prepare(jobs);
        if self.state.cancel.is_set() {
            return; // the items, dropped here, say so
        }
        let scheduler = &self.state.account.scheduler;
        if self.runs_here {
            scheduler.push_for_driver(self.state.queue, tasks);
        } else if !tasks.is_empty() {
            scheduler.push(self.state.queue, tasks);
        }
        self.state.flush_deletes(false);
        // Cancelled meanwhile: the queue was gone, and the tasks with it.
        if self.state.cancel.is_set() {
            self.state.cancel();
        }
    }

    /// How many items, and how many bytes of memory in them ([`Job::memory`]), would be taken up soon:
    /// what a generator should be asked for, if not less.
    pub fn room(&self) -> (usize, u64) {
        let items = self.state.items.lock();
        (
            self.state
                .queue_length(&items)
                .saturating_sub(items.under_way()),
            self.state.account.memory_limit.saturating_sub(items.memory),
        )
    }

    /// Says that no more items will come.
    pub fn end_of_input(&self) {
        let mut items = self.state.items.lock();
        items.ended = true;
        let waited_for = items.waiting > 0;
        let deletes = !items.deletes.is_empty();
        drop(items);
        if deletes {
            self.state.flush_deletes(true);
        }
        if waited_for {
            self.state.changed.notify_all();
        }
    }

    /// Waits until the driver is needed, at most so long.
    pub fn wait(&self, signals: SignalPoll<'_>, time: Duration) -> Need {
        let end = Instant::now() + time;
        let cancellation = Cancellation::new(&self.state.cancel, signals);
        let mut worker = Worker::new(signals);
        loop {
            if let Some(need) = self.need() {
                return need;
            }
            if self.run_own(&mut worker) {
                continue;
            }
            let mut items = self.state.items.lock();
            let idle = items.deletes.len() == items.under_way();
            if items.is_finished() || self.state.wants_items(&items) || items.has_room_for_block() {
                continue;
            }
            if idle && !items.deletes.is_empty() {
                drop(items);
                self.state.flush_deletes(true);
                continue;
            }
            let remaining = end.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Need::Time;
            }
            let tick = remaining.min(TICK);
            if self.state.account.scheduler.awaits_token() {
                drop(items);
                // Another thread fetches one.
                self.state.account.with_tokens(|tokens| tokens.wait(tick));
            } else {
                items.waiting += 1;
                let (mut items, _) = self.state.changed.wait_for(items, tick);
                items.waiting -= 1;
                drop(items);
            }
            if cancellation.check().is_err() {
                self.cancel();
            }
        }
    }

    fn need(&self) -> Option<Need> {
        let items = self.state.items.lock();
        if items.is_finished() {
            return Some(Need::Nothing);
        }
        let ready = items.has_room_for_block();
        let wants_items = self.state.wants_items(&items);
        let waits = items.under_way() > 0;
        drop(items);
        if waits && !self.state.cancel.is_set() && self.needs_token() {
            Some(Need::Token)
        } else if ready {
            Some(Need::Block)
        } else if wants_items {
            Some(Need::Items)
        } else {
            None
        }
    }

    fn needs_token(&self) -> bool {
        let account = &self.state.account;
        account
            .with_tokens(|tokens| {
                if tokens.begin_fetch(self.state.token_fetches) {
                    return true;
                }
                if account.scheduler.awaits_token() && !tokens.is_fetching() {
                    account.scheduler.token_answered();
                }
                false
            })
            .unwrap_or(false)
    }

    /// Runs a task of this call on the calling thread, where it is to do that.
    fn run_own(&self, worker: &mut Worker<'_>) -> bool {
        let scheduler = &self.state.account.scheduler;
        if scheduler.awaits_token() || !(self.runs_here || scheduler.is_without_threads()) {
            return false;
        }
        let Some(task) = scheduler.claim_own(self.state.queue) else {
            return false;
        };
        scheduler.run(self.state.queue, task, worker);
        true
    }

    /// Ends the call: what has not begun does not begin, what runs ends within some 100 ms.
    pub fn cancel(&self) {
        self.state.cancel();
        self.end_of_input();
    }

    /// How far the call has come.
    pub fn progress(&self) -> ProgressSnapshot {
        let items = self.state.items.lock();
        let total = items.ended.then_some(items.outcomes.len() as u64);
        self.state.progress.snapshot(items.done as u64, total)
    }

    /// The item whose failure ended the call; see [`OnError`].
    pub fn fatal_index(&self) -> Option<usize> {
        self.state.items.lock().fatal
    }

    /// The outcomes in the order of the input, once the call has ended.
    pub fn take_outcomes(&self) -> Vec<Outcome> {
        let outcomes = std::mem::take(&mut self.state.items.lock().outcomes);
        outcomes.into_iter().flatten().collect()
    }

    /// The block that is to be read next, for which there is memory.
    pub fn next_block(&self) -> Option<WantedBlock> {
        let items = self.state.items.lock();
        let ready = items.streams.iter().find(|stream| stream.is_ready())?;
        let stream = Arc::clone(ready);
        drop(items);
        stream.begin_block()
    }

    /// Supplies the block that an item wants. `last`: the stream has ended with it; it may be empty then.
    pub fn put_block(&self, item: usize, block: MemorySource, last: bool) {
        if let Some(stream) = self.stream(item, last) {
            stream.put_block(block, last);
        }
    }

    /// The stream of an item could not be read.
    pub fn block_failed(&self, item: usize, source: Box<dyn StdError + Send + Sync>) {
        if let Some(stream) = self.stream(item, true) {
            stream.failed(
                Error::new(
                    ErrorKind::Local,
                    format!("the stream could not be read: {source}"),
                )
                .with_source(source.into()),
            );
        }
    }

    fn stream(&self, item: usize, last: bool) -> Option<Arc<stream::StreamUpload>> {
        let mut items = self.state.items.lock();
        if last {
            return items.take_stream(item);
        }
        let mut streams = items.streams.iter();
        streams.find(|stream| stream.index() == item).cloned()
    }

    fn prepare(&self, jobs: Vec<Job>) -> Vec<Box<dyn Task>> {
        let state = &self.state;
        let mut items = state.items.lock();
        let first = items.outcomes.len();
        items.outcomes.resize_with(first + jobs.len(), || None);
        items.memory += jobs.iter().map(Job::memory).sum::<u64>();
        let jobs: Vec<_> = jobs
            .into_iter()
            .map(|job| match &state.refused {
                None => (job.memory(), items.check(job)),
                Some(reason) => {
                    let (memory, path) = (job.memory(), job.path());
                    (memory, Job::failed(job.blob, path, reason.clone().into()))
                }
            })
            .collect();
        drop(items);
        let begins = !jobs.iter().any(|(_, job)| match &job.kind {
            Kind::Settled(_, Settled::Failed(error)) => state.on_error.ends_the_call(error.kind()),
            _ => false,
        });

        let mut tasks: Vec<Box<dyn Task>> = Vec::with_capacity(jobs.len());
        let mut settled = Vec::new();
        let mut idle = Vec::new();
        for (index, (memory, job)) in jobs.into_iter().enumerate() {
            let path = job.path();
            let item = Item::new(Arc::clone(state), first + index, job.blob, path, memory);
            match job.kind {
                Kind::Settled(_, outcome) => settled.push((item, outcome)),
                _ if !begins => idle.push(item),
                Kind::Delete(delete) => {
                    if self.runs_here {
                        tasks.push(small::task(item, Box::new(delete)));
                    } else {
                        state.items.lock().add_delete((item, delete));
                    }
                }
                Kind::CopyFrom(request) => tasks.push(copy_from::task(item, request)),
                Kind::Small(operation) => tasks.push(small::task(item, operation)),
                Kind::Download {
                    target,
                    offset,
                    length,
                    conditions,
                } => tasks.push(download::task(item, target, offset, length, conditions)),
                Kind::Upload {
                    source: Source::Blocks,
                    options,
                } => {
                    let stream = stream::StreamUpload::new(item, options);
                    state.items.lock().streams.push(stream);
                }
                Kind::Upload { source, options } => {
                    tasks.push(upload::task(item, source, options));
                }
            }
        }
        for (item, outcome) in settled {
            item.finish(outcome.into());
        }
        drop(idle); // cancelled by the failure just before
        tasks
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let open = !self.state.items.lock().is_finished();
        if open {
            self.state.cancel();
        } else {
            drop(self.state.account.scheduler.close_queue(self.state.queue));
        }
    }
}
