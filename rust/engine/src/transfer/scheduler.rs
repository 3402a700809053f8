//! Which task runs next: the queues of calls, and the threads that take from them.
//!
//! One scheduler serves all calls of a client. How many requests are in flight, and how much memory they
//! take, is not its business: each request asks the [`Admission`] for that. Parts of what has begun go
//! before new items, which bounds what is half done; calls take turns.

use std::{
    collections::VecDeque,
    fmt, mem,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    admission::Admission,
    cancel::SignalPoll,
    sync::{Condvar, Mutex, MutexGuard},
};

/// A thread with nothing to do ends after this time.
const IDLE_THREAD: Duration = Duration::from_secs(10);

/// The unit of work: the first requests of an item, or one part.
pub(crate) trait Task: Send {
    /// Runs to its end. A task that needs a token first is handed back, to be run again from its
    /// beginning: what must not be lost is in its fields.
    fn run(self: Box<Self>, worker: &mut Worker<'_>) -> Option<Box<dyn Task>>;
}

/// The parts of an item, made as they are needed.
pub(crate) trait PartSource: Send + Sync {
    /// The next part, or None when all have been taken.
    fn claim(self: Arc<Self>) -> Option<Box<dyn Task>>;
}

/// What a thread brings along.
#[derive(Debug)]
pub(crate) struct Worker<'a> {
    /// Room for the text of a request's head.
    pub(crate) head: String,
    /// Asks the caller, on the calling thread.
    pub(crate) signals: SignalPoll<'a>,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(signals: SignalPoll<'a>) -> Self {
        Self {
            head: String::new(),
            signals,
        }
    }
}

/// Names the queue of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueId(u64);

/// The tasks of one call that have not begun.
pub(crate) struct CallQueue {
    id: QueueId,
    tasks: VecDeque<Box<dyn Task>>,
    parts: VecDeque<Arc<dyn PartSource>>,
}

impl CallQueue {
    fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.parts.is_empty()
    }
}

struct State {
    queues: VecDeque<CallQueue>,
    /// Part sources that have nothing left; dropped without the lock, as that may report an item or close
    /// a file.
    spent: Vec<Arc<dyn PartSource>>,
    /// Threads at work.
    working: usize,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl State {
    fn has_work(&self) -> bool {
        self.queues.iter().any(|queue| !queue.is_empty())
    }

    fn queue(&mut self, id: QueueId) -> Option<&mut CallQueue> {
        self.queues.iter_mut().find(|queue| queue.id == id)
    }

    fn claim_from(&mut self, position: usize) -> Option<Box<dyn Task>> {
        let queue = &mut self.queues[position];
        while let Some(parts) = queue.parts.front() {
            if let Some(task) = Arc::clone(parts).claim() {
                return Some(task);
            }
            self.spent.extend(queue.parts.pop_front());
        }
        queue.tasks.pop_front()
    }
}

pub(crate) struct Scheduler {
    state: Mutex<State>,
    wake: Condvar,
    admission: Arc<Admission>,
    max_threads: usize,
    next_queue: AtomicU64,
    /// Nothing can be sent before a token has been fetched; no task is taken up meanwhile.
    awaits_token: AtomicBool,
}

impl Scheduler {
    pub(crate) fn new(admission: Arc<Admission>, max_connections: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                queues: VecDeque::new(),
                spent: Vec::new(),
                working: 0,
                threads: 0,
                idle: 0,
                closed: false,
            }),
            wake: Condvar::new(),
            admission,
            max_threads: max_connections,
            next_queue: AtomicU64::new(0),
            awaits_token: AtomicBool::new(false),
        })
    }

    /// Begins a call.
    pub(crate) fn open_queue(&self) -> QueueId {
        let id = QueueId(self.next_queue.fetch_add(1, Ordering::Relaxed));
        self.state.lock().queues.push_back(CallQueue {
            id,
            tasks: VecDeque::new(),
            parts: VecDeque::new(),
        });
        id
    }

    /// Ends a call. What has not begun is returned, to be dropped without the lock: items report then.
    #[must_use]
    pub(crate) fn close_queue(&self, id: QueueId) -> Option<CallQueue> {
        let mut state = self.state.lock();
        let position = state.queues.iter().position(|queue| queue.id == id)?;
        state.queues.remove(position)
    }

    /// Adds tasks to a call; those of a call that has ended are dropped, and so report.
    pub(crate) fn push(self: &Arc<Self>, id: QueueId, tasks: Vec<Box<dyn Task>>) {
        self.with_queue(id, tasks, |queue, tasks| queue.tasks.extend(tasks));
    }

    /// Adds the task of a call whose driver runs it: to wake another thread for it would cost more than
    /// the task.
    pub(crate) fn push_for_driver(&self, id: QueueId, tasks: Vec<Box<dyn Task>>) {
        let mut state = self.state.lock();
        if let Some(queue) = state.queue(id) {
            queue.tasks.extend(tasks);
            return;
        }
        drop(state);
        drop(tasks);
    }

    /// Adds a task that has to go on, before all others of its call.
    pub(crate) fn push_front(self: &Arc<Self>, id: QueueId, task: Box<dyn Task>) {
        self.with_queue(id, task, |queue, task| queue.tasks.push_front(task));
    }

    pub(crate) fn push_parts(self: &Arc<Self>, id: QueueId, parts: Arc<dyn PartSource>) {
        self.with_queue(id, parts, |queue, parts| queue.parts.push_back(parts));
    }

    fn with_queue<T>(self: &Arc<Self>, id: QueueId, added: T, add: impl FnOnce(&mut CallQueue, T)) {
        let mut state = self.state.lock();
        let Some(queue) = state.queue(id) else {
            drop(state);
            drop(added);
            return;
        };
        add(queue, added);
        self.spawn_worker(&mut state);
    }

    /// Takes a task of a call for the calling thread, which needs no pool thread for it: a small operation
    /// is over before another thread would have woken up.
    pub(crate) fn claim_own(&self, id: QueueId) -> Option<Box<dyn Task>> {
        let mut state = self.state.lock();
        let position = state.queues.iter().position(|queue| queue.id == id)?;
        let task = state.claim_from(position);
        drop_spent(state);
        task
    }

    /// Runs a task without any lock.
    pub(crate) fn run(self: &Arc<Self>, id: QueueId, task: Box<dyn Task>, worker: &mut Worker<'_>) {
        // A panic ends the item, which notices by itself, and not the thread.
        let handed_back = panic::catch_unwind(AssertUnwindSafe(|| task.run(worker)));
        if let Ok(Some(task)) = handed_back {
            self.awaits_token.store(true, Ordering::Release);
            self.push_front(id, task);
        }
    }

    /// Whether tasks wait for a token.
    pub(crate) fn awaits_token(&self) -> bool {
        self.awaits_token.load(Ordering::Acquire)
    }

    /// There is a token, or it is clear that there is none.
    pub(crate) fn token_answered(self: &Arc<Self>) {
        self.awaits_token.store(false, Ordering::Release);
        self.spawn_workers();
    }

    /// Whether work waits and there is no thread to do it.
    pub(crate) fn is_without_threads(&self) -> bool {
        let state = self.state.lock();
        state.threads == 0 && state.has_work()
    }

    /// More requests may be in flight than before.
    pub(crate) fn spawn_workers(self: &Arc<Self>) {
        let mut state = self.state.lock();
        self.spawn_worker(&mut state);
    }

    /// Pool threads end as soon as they have nothing to do.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.wake.notify_all();
    }

    fn may_begin(&self, state: &State) -> bool {
        state.working < self.admission.limit() && !self.awaits_token()
    }

    /// Takes the next task that may run now.
    fn claim(&self, state: &mut State) -> Option<(QueueId, Box<dyn Task>)> {
        if !self.may_begin(state) {
            return None;
        }
        for _ in 0..state.queues.len() {
            // The calls take turns.
            state.queues.rotate_left(1);
            if let Some(task) = state.claim_from(0) {
                return Some((state.queues[0].id, task));
            }
        }
        None
    }

    /// Wakes a thread, or starts one, if there is work for it. Each thread that takes a task calls this
    /// in turn, so a large call has its threads quickly and a small one starts few.
    fn spawn_worker(self: &Arc<Self>, state: &mut State) {
        let has_work = state.has_work();
        self.admission.set_more_work(has_work);
        if !has_work || !self.may_begin(state) {
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
        let mut worker = Worker::new(SignalPoll::never());
        let mut state = self.state.lock();
        loop {
            if let Some((id, task)) = self.claim(&mut state) {
                state.working += 1;
                self.spawn_worker(&mut state);
                drop_spent(state);
                self.run(id, task, &mut worker);
                state = self.state.lock();
                state.working -= 1;
                continue;
            }
            if !state.spent.is_empty() {
                drop_spent(state);
                state = self.state.lock();
                continue;
            }
            if state.closed {
                break;
            }
            self.admission.set_more_work(state.has_work());
            state.idle += 1;
            let timed_out;
            (state, timed_out) = self.wake.wait_for(state, IDLE_THREAD);
            state.idle -= 1;
            if timed_out && !state.has_work() {
                break;
            }
        }
        state.threads -= 1;
    }
}

fn drop_spent(mut state: MutexGuard<'_, State>) {
    let spent = mem::take(&mut state.spent);
    drop(state);
    drop(spent);
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Scheduler")
            .field("working", &state.working)
            .field("threads", &state.threads)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use super::*;
    use crate::concurrency::Concurrency;

    /// Says that it ran.
    struct Says(mpsc::Sender<()>);

    impl Task for Says {
        fn run(self: Box<Self>, _: &mut Worker<'_>) -> Option<Box<dyn Task>> {
            self.0.send(()).unwrap();
            None
        }
    }

    #[test]
    fn after_the_end_what_has_begun_is_done_and_threads_go() {
        let hangs = Duration::from_secs(30);
        let scheduler = Scheduler::new(Admission::new(Concurrency::new(2, 2), 1 << 20), 2);
        let queue = scheduler.open_queue();
        let (says, said) = mpsc::channel();
        for closes in [false, true] {
            if closes {
                scheduler.close();
            }
            let tasks: Vec<Box<dyn Task>> = vec![Box::new(Says(says.clone()))];
            scheduler.push(queue, tasks);
            said.recv_timeout(hangs).unwrap();
        }
        let threads = Arc::downgrade(&scheduler);
        drop(scheduler);
        let start = Instant::now();
        while threads.strong_count() > 0 {
            // Much less than the time after which an idle thread ends by itself.
            assert!(start.elapsed() < IDLE_THREAD / 2, "threads stay");
            thread::yield_now();
        }
    }
}
