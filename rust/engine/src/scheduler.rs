//! Which work runs next, and how much at a time.
//!
//! One scheduler serves all calls of a client. Running work holds a permit: one request slot and a
//! reservation of buffer memory. So a file of a thousand ranges and a thousand files of one range share
//! the same limits. Parts of what has begun go before new items, which bounds what is half done.

use std::{
    collections::VecDeque,
    fmt, mem,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    cancel::{Cancellation, SignalPoll},
    concurrency::Concurrency,
    limits::{BUFFER_SIZE, TICK, WORK_MEMORY},
    sync::lock,
};

/// A thread with nothing to do ends after this time.
const IDLE_THREAD: Duration = Duration::from_secs(10);

/// A piece of work: the first request of an item, or one part.
pub(crate) trait Work: Send {
    /// Returns the number of bytes that were moved.
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> u64;

    /// Bytes of memory that it needs.
    fn reservation(&self) -> u64 {
        WORK_MEMORY
    }
}

/// The parts of an item, made as they are needed.
pub(crate) trait PartSource: Send + Sync {
    /// The next part, or None when all have been taken.
    fn claim(self: Arc<Self>) -> Option<Box<dyn Work>>;

    /// Bytes of memory that a part needs.
    fn reservation(&self) -> u64;
}

/// What a thread brings along.
#[derive(Debug)]
pub(crate) struct Worker<'a> {
    pub(crate) buffers: Buffers,
    /// Asks the caller, on the calling thread.
    pub(crate) signals: SignalPoll<'a>,
}

/// Memory that is used again for each piece of work.
#[derive(Debug)]
pub(crate) struct Buffers {
    /// Pieces of bodies on their way from or to a file.
    pub(crate) body: Vec<u8>,
    /// The content of a small file.
    pub(crate) content: Vec<u8>,
    /// The text of a request's head.
    pub(crate) head: String,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        // Zeroed pages are mapped when they are first written: small blobs touch few of them.
        Self {
            body: vec![0; BUFFER_SIZE],
            content: vec![0; BUFFER_SIZE],
            head: String::new(),
        }
    }
}

/// Names the work of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LaneId(u64);

/// The work of one call.
pub(crate) struct Lane {
    id: LaneId,
    items: VecDeque<Box<dyn Work>>,
    parts: VecDeque<Arc<dyn PartSource>>,
}

struct State {
    lanes: VecDeque<Lane>,
    /// Part sources that have nothing left; dropped without the lock, as that may report an item or close
    /// a file.
    spent: Vec<Arc<dyn PartSource>>,
    /// Pool threads at work.
    running: usize,
    /// Calling threads at work.
    callers: usize,
    reserved: u64,
    threads: usize,
    idle: usize,
    closed: bool,
    concurrency: Concurrency,
}

impl State {
    /// Whether a pool thread may take up work.
    fn may_begin(&self) -> bool {
        let limit = self.concurrency.limit();
        self.running + self.callers.min(most_callers(limit)) < limit
    }

    fn has_work(&self) -> bool {
        self.lanes
            .iter()
            .any(|lane| !lane.items.is_empty() || !lane.parts.is_empty())
    }
}

pub(crate) struct Scheduler {
    state: Mutex<State>,
    wake: Condvar,
    caller_left: Condvar,
    memory_limit: u64,
    max_threads: usize,
    next_lane: AtomicU64,
}

impl Scheduler {
    pub(crate) fn new(max_connections: usize, memory_limit: u64) -> Arc<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            state: Mutex::new(State {
                lanes: VecDeque::new(),
                spent: Vec::new(),
                running: 0,
                callers: 0,
                reserved: 0,
                threads: 0,
                idle: 0,
                closed: false,
                concurrency: Concurrency::new((4 * cores).max(8), max_connections),
            }),
            wake: Condvar::new(),
            caller_left: Condvar::new(),
            memory_limit,
            max_threads: max_connections,
            next_lane: AtomicU64::new(0),
        })
    }

    /// Begins a call.
    pub(crate) fn open_lane(&self) -> LaneId {
        let id = LaneId(self.next_lane.fetch_add(1, Ordering::Relaxed));
        lock(&self.state).lanes.push_back(Lane {
            id,
            items: VecDeque::new(),
            parts: VecDeque::new(),
        });
        id
    }

    /// Ends a call. What has not begun is returned, to be dropped without the lock: items report then.
    #[must_use]
    pub(crate) fn close_lane(&self, id: LaneId) -> Option<Lane> {
        let mut state = lock(&self.state);
        let position = state.lanes.iter().position(|lane| lane.id == id)?;
        state.lanes.remove(position)
    }

    /// Adds items to a call; those of a call that has ended are dropped, and so report.
    pub(crate) fn push_items(self: &Arc<Self>, id: LaneId, work: Vec<Box<dyn Work>>) {
        let mut state = lock(&self.state);
        let Some(lane) = state.lanes.iter_mut().find(|lane| lane.id == id) else {
            drop(state);
            drop(work);
            return;
        };
        lane.items.extend(work);
        self.recruit(&mut state);
    }

    pub(crate) fn push_parts(self: &Arc<Self>, id: LaneId, parts: Arc<dyn PartSource>) {
        let mut state = lock(&self.state);
        let Some(lane) = state.lanes.iter_mut().find(|lane| lane.id == id) else {
            drop(state);
            drop(parts);
            return;
        };
        lane.parts.push_back(parts);
        self.recruit(&mut state);
    }

    /// Runs a piece of work on the calling thread at once, as a small operation is over before another
    /// thread would have woken up; then what it led to, together with the pool.
    ///
    /// Calling threads wait for one another where there are more of them than may be at work.
    pub(crate) fn run_here(
        self: &Arc<Self>,
        id: LaneId,
        work: Option<Box<dyn Work>>,
        worker: &mut Worker,
        cancellation: &Cancellation,
    ) {
        let mut state = lock(&self.state);
        while state.callers >= most_callers(self.max_threads) && cancellation.check().is_ok() {
            state = self
                .caller_left
                .wait_timeout(state, TICK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.callers += 1;
        if let Some(work) = work {
            let reservation = work.reservation();
            state.reserved += reservation;
            state = self.run(state, (work, reservation), worker);
        }
        loop {
            let position = state.lanes.iter().position(|lane| lane.id == id);
            let claimed = position.and_then(|position| self.claim_from(&mut state, position));
            self.recruit(&mut state);
            let Some(claimed) = claimed else {
                break;
            };
            state = self.run(state, claimed, worker);
        }
        state.callers -= 1;
        self.caller_left.notify_one();
        self.recruit(&mut state);
        drop_spent(state);
    }

    /// Whether work waits and there is no thread to do it.
    pub(crate) fn is_deserted(&self) -> bool {
        let state = lock(&self.state);
        state.threads == 0 && state.has_work()
    }

    /// The service is busy.
    pub(crate) fn throttled(&self) {
        lock(&self.state).concurrency.throttled(Instant::now());
    }

    /// Pool threads end as soon as they have nothing to do.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.notify_all();
    }

    /// Takes the next piece of work that may run now.
    fn claim(&self, state: &mut State) -> Option<(Box<dyn Work>, u64)> {
        if !state.may_begin() {
            return None;
        }
        for _ in 0..state.lanes.len() {
            // The calls take turns.
            state.lanes.rotate_left(1);
            if let Some(claimed) = self.claim_from(state, 0) {
                return Some(claimed);
            }
        }
        None
    }

    fn claim_from(&self, state: &mut State, lane: usize) -> Option<(Box<dyn Work>, u64)> {
        let reserved = state.reserved;
        // A part that is larger than the whole budget runs alone.
        let fits = |bytes| reserved == 0 || reserved + bytes <= self.memory_limit;
        let lane = &mut state.lanes[lane];
        while let Some(parts) = lane.parts.front() {
            let reservation = parts.reservation();
            if !fits(reservation) {
                return None;
            }
            if let Some(work) = Arc::clone(parts).claim() {
                state.reserved += reservation;
                return Some((work, reservation));
            }
            state.spent.extend(lane.parts.pop_front());
        }
        let reservation = lane.items.front()?.reservation();
        if !fits(reservation) {
            return None;
        }
        let work = lane.items.pop_front()?;
        state.reserved += reservation;
        Some((work, reservation))
    }

    /// Wakes a thread, or starts one, if there is work for it. Each thread that takes work calls this
    /// in turn, so a large call has its threads quickly and a small one starts few.
    fn recruit(self: &Arc<Self>, state: &mut State) {
        if !state.has_work() || !state.may_begin() {
            return;
        }
        if state.idle > 0 {
            self.wake.notify_one();
        } else if state.threads < self.max_threads {
            let this = Arc::clone(self);
            let started = thread::Builder::new()
                .name("fastblob".to_owned())
                .spawn(move || this.work());
            match started {
                Ok(_) => state.threads += 1,
                // With one thread at least, all gets done; without any, whoever waits does it.
                Err(error) => log::warn!("no further thread could be started: {error}"),
            }
        }
    }

    fn work(self: Arc<Self>) {
        let mut worker = Worker {
            buffers: Buffers::new(),
            signals: SignalPoll::never(),
        };
        let mut state = lock(&self.state);
        loop {
            if let Some(claimed) = self.claim(&mut state) {
                state.running += 1;
                self.recruit(&mut state);
                state = self.run(state, claimed, &mut worker);
                state.running -= 1;
                continue;
            }
            if !state.spent.is_empty() {
                drop_spent(state);
                state = lock(&self.state);
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let (again, timeout) = self
                .wake
                .wait_timeout(state, IDLE_THREAD)
                .unwrap_or_else(PoisonError::into_inner);
            state = again;
            state.idle -= 1;
            if timeout.timed_out() && !state.has_work() {
                break;
            }
        }
        state.threads -= 1;
    }

    /// Runs a piece of work without the lock, and takes the lock again.
    fn run<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        (work, reservation): (Box<dyn Work>, u64),
        worker: &mut Worker,
    ) -> MutexGuard<'a, State> {
        drop_spent(state);
        // A panic ends the item, which notices by itself, and not the thread.
        let moved = panic::catch_unwind(AssertUnwindSafe(|| work.run(worker)));
        let mut state = lock(&self.state);
        let saturated = !state.may_begin() && state.has_work();
        state.reserved -= reservation;
        if let Ok(bytes) = moved {
            state
                .concurrency
                .completed(bytes, saturated, Instant::now());
        }
        state
    }
}

/// Calling threads that may be at work: one permit is left for the pool, where there are several.
fn most_callers(limit: usize) -> usize {
    (limit - 1).max(1)
}

fn drop_spent(mut state: MutexGuard<'_, State>) {
    let spent = mem::take(&mut state.spent);
    drop(state);
    drop(spent);
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.state);
        f.debug_struct("Scheduler")
            .field("running", &state.running)
            .field("threads", &state.threads)
            .finish_non_exhaustive()
    }
}
