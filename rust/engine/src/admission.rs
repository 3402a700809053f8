//! Who may send a request now, and how much memory it may take.
//!
//! Connections and memory are counted here and nowhere else. Whoever sends a request holds a [`Permit`]
//! for it, on whatever thread; a block of a stream that user code fills holds a [`Reservation`] of memory.
//! First come, first served, so that nobody is overtaken for ever: a later one goes before an earlier one
//! only where it does not need what the earlier one lacks.
//!
//! Nobody waits with the lock held, and nothing outside of this module is called with it.

use std::{
    collections::VecDeque,
    fmt, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    cancel::{Cancellation, Cancelled},
    concurrency::Concurrency,
    limits::TICK,
    sync::{
        Mutex, Parked,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        has_passed,
    },
};

/// A permit counts as free once its thread has been in a signal handler for so long: the handler may wait
/// for a request of its own, on this thread or on another.
const SUSPENSION_GRACE: Duration = Duration::from_millis(50);

/// What has moved is counted up to this size before the lock is taken for it.
const MOVED_STEP: u64 = 1 << 20;

pub(crate) struct Admission {
    state: Mutex<State>,
    memory_limit: u64,
    /// Bytes that have moved since the state was last told.
    moved: AtomicU64,
    /// Whether tasks wait for a thread, besides those who wait here.
    more_work: AtomicBool,
    /// The limit of the state, to be read without its lock.
    limit: AtomicUsize,
}

struct State {
    concurrency: Concurrency,
    /// Permits in use, without suspended ones.
    connections: usize,
    suspended: usize,
    suspended_since: Instant,
    /// Memory of requests, which end by themselves.
    request_memory: u64,
    /// Memory of blocks, which user code fills: it may wait for a request.
    block_memory: u64,
    queue: VecDeque<Arc<Waiter>>,
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// A connection, and memory for the time of a request.
    Request(u64),
    /// Memory alone.
    Block(u64),
}

struct Waiter {
    wanted: Wanted,
    /// Set with the lock held: what was wanted has been taken for this waiter.
    granted: AtomicBool,
    /// Set with the lock held: its thread may run a signal handler, and nothing is given to it meanwhile.
    away: AtomicBool,
    wake: Wake,
}

enum Wake {
    Thread(Parked),
    Call(Arc<dyn Fn() + Send + Sync>),
}

impl Waiter {
    fn is_granted(&self) -> bool {
        self.granted.load(Ordering::Acquire)
    }

    fn wake(&self) {
        match &self.wake {
            Wake::Thread(thread) => thread.wake(),
            Wake::Call(wake) => wake(),
        }
    }
}

impl State {
    fn connections_free(&self) -> bool {
        let suspended = match self.suspended {
            0 => 0,
            _ if has_passed(self.suspended_since, SUSPENSION_GRACE) => 0,
            count => count,
        };
        self.connections + suspended < self.concurrency.limit()
    }

    fn memory_fits(&self, bytes: u64, limit: u64) -> bool {
        bytes == 0 || self.request_memory + self.block_memory + bytes <= limit
    }

    fn take(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Request(bytes) => {
                self.connections += 1;
                self.request_memory += bytes;
            }
            Wanted::Block(bytes) => self.block_memory += bytes,
        }
    }

    fn give_back(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Request(bytes) => {
                self.connections -= 1;
                self.request_memory -= bytes;
            }
            Wanted::Block(bytes) => self.block_memory -= bytes,
        }
    }

    /// Gives to those who wait what there is, in their order; they are to be woken without the lock.
    fn grant(&mut self, limit: u64) -> Vec<Arc<Waiter>> {
        let mut granted = Vec::new();
        let mut connections = true;
        let mut memory = true;
        let mut index = 0;
        while index < self.queue.len() && (connections || memory) {
            if self.queue[index].away.load(Ordering::Relaxed) {
                index += 1;
                continue;
            }
            let wanted = self.queue[index].wanted;
            let goes = match wanted {
                Wanted::Request(bytes) => {
                    connections = connections && self.connections_free();
                    let fits = bytes == 0
                        || (memory && self.memory_fits(bytes, limit))
                        // While no request has memory, the only ones that do are blocks, and whoever
                        // fills one may wait for just this request.
                        || self.request_memory == 0;
                    memory &= fits;
                    connections && fits
                }
                Wanted::Block(bytes) => {
                    // One that is larger than the whole limit goes alone.
                    let alone = self.request_memory + self.block_memory == 0;
                    let fits = memory && (alone || self.memory_fits(bytes, limit));
                    memory &= fits;
                    fits
                }
            };
            if goes {
                self.take(wanted);
                if let Some(waiter) = self.queue.remove(index) {
                    waiter.granted.store(true, Ordering::Release);
                    granted.push(waiter);
                }
            } else {
                index += 1;
            }
        }
        granted
    }
}

impl Admission {
    pub(crate) fn new(concurrency: Concurrency, memory_limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit: AtomicUsize::new(concurrency.limit()),
            state: Mutex::new(State {
                concurrency,
                connections: 0,
                suspended: 0,
                suspended_since: Instant::now(),
                request_memory: 0,
                block_memory: 0,
                queue: VecDeque::new(),
            }),
            memory_limit,
            moved: AtomicU64::new(0),
            more_work: AtomicBool::new(false),
        })
    }

    /// Waits until a request may be sent that needs so many bytes of buffers.
    pub(crate) fn acquire(
        &self,
        bytes: u64,
        cancellation: &Cancellation,
    ) -> Result<Permit<'_>, Cancelled> {
        let wanted = Wanted::Request(bytes);
        let permit = || Permit {
            admission: self,
            bytes,
        };
        let mut state = self.state.lock();
        if state.queue.is_empty() {
            // The usual case.
            let fits = state.request_memory == 0 || state.memory_fits(bytes, self.memory_limit);
            if fits && state.connections_free() {
                state.take(wanted);
                return Ok(permit());
            }
        }
        let waiter = Arc::new(Waiter {
            wanted,
            granted: AtomicBool::new(false),
            away: AtomicBool::new(false),
            wake: Wake::Thread(Parked::current()),
        });
        state.queue.push_back(Arc::clone(&waiter));
        let granted = state.grant(self.memory_limit);
        drop(state);
        wake(granted);
        while !waiter.is_granted() {
            if let Err(cancelled) = self.check(&waiter, cancellation) {
                self.give_up(&waiter);
                return Err(cancelled);
            }
            if waiter.is_granted() {
                break;
            }
            Parked::wait(TICK);
            self.look_again();
        }
        Ok(permit())
    }

    /// Asks for memory without waiting; `wake` is called, on any thread, when it is there.
    pub(crate) fn request_block(
        self: &Arc<Self>,
        bytes: u64,
        wake_up: Arc<dyn Fn() + Send + Sync>,
    ) -> Ticket {
        let waiter = Arc::new(Waiter {
            wanted: Wanted::Block(bytes),
            granted: AtomicBool::new(false),
            away: AtomicBool::new(false),
            wake: Wake::Call(wake_up),
        });
        let mut state = self.state.lock();
        state.queue.push_back(Arc::clone(&waiter));
        let granted = state.grant(self.memory_limit);
        drop(state);
        wake(granted);
        Ticket {
            admission: Arc::clone(self),
            waiter: Some(waiter),
            bytes,
        }
    }

    /// Asks whether the caller gave up. That may run a signal handler, which may send a request of its own
    /// or wait for that of another thread: what this thread was given meanwhile they would wait for in vain.
    fn check(&self, waiter: &Waiter, cancellation: &Cancellation) -> Result<(), Cancelled> {
        if !cancellation.asks_the_caller() {
            return cancellation.check();
        }
        self.change(|_| waiter.away.store(true, Ordering::Relaxed));
        if waiter.is_granted() {
            return Ok(());
        }
        let looked = cancellation.check();
        self.change(|_| waiter.away.store(false, Ordering::Relaxed));
        looked
    }

    /// Suspensions end by time alone, so whoever waits looks after them.
    fn look_again(&self) {
        let mut state = self.state.lock();
        if state.suspended == 0 {
            return;
        }
        let granted = state.grant(self.memory_limit);
        drop(state);
        wake(granted);
    }

    fn give_up(&self, waiter: &Arc<Waiter>) {
        self.change(|state| {
            if waiter.is_granted() {
                state.give_back(waiter.wanted);
            } else {
                state.queue.retain(|other| !Arc::ptr_eq(other, waiter));
            }
        });
    }

    /// Changes the state, and gives to those who wait what that has freed.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        change(&mut state);
        let granted = if state.queue.is_empty() {
            Vec::new()
        } else {
            state.grant(self.memory_limit)
        };
        drop(state);
        wake(granted);
    }

    /// Bytes have moved; true where more requests may be in flight from now on.
    pub(crate) fn moved(&self, bytes: u64) -> bool {
        let moved = self.moved.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if moved < MOVED_STEP {
            return false;
        }
        let mut grew = false;
        self.change(|state| grew = self.count(state, 0));
        grew
    }

    fn count(&self, state: &mut State, requests: usize) -> bool {
        let before = state.concurrency.limit();
        let saturated = self.more_work.load(Ordering::Relaxed) || !state.queue.is_empty();
        let bytes = self.moved.swap(0, Ordering::Relaxed);
        let now = Instant::now();
        state.concurrency.moved(requests, bytes, saturated, now);
        let limit = state.concurrency.limit();
        self.limit.store(limit, Ordering::Relaxed);
        limit > before
    }

    /// The service is busy, or this machine is short of descriptors: fewer requests at a time.
    pub(crate) fn throttled(&self) {
        let mut state = self.state.lock();
        let news = state.concurrency.throttled(Instant::now());
        let limit = state.concurrency.limit();
        self.limit.store(limit, Ordering::Relaxed);
        drop(state);
        if news {
            log::debug!("throttled: at most {limit} requests at a time from now on");
        }
    }

    /// Whether requests are in flight.
    pub(crate) fn is_in_use(&self) -> bool {
        self.state.lock().connections > 0
    }

    /// Whether tasks wait for a thread.
    pub(crate) fn set_more_work(&self, more_work: bool) {
        self.more_work.store(more_work, Ordering::Relaxed);
    }

    /// How many requests may be in flight.
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }
}

fn wake(granted: Vec<Arc<Waiter>>) {
    for waiter in granted {
        waiter.wake();
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Admission")
            .field("connections", &state.connections)
            .field("limit", &state.concurrency.limit())
            .field("waiting", &state.queue.len())
            .finish_non_exhaustive()
    }
}

/// One request may be in flight, until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    admission: &'a Admission,
    bytes: u64,
}

impl Permit<'_> {
    /// Runs a signal handler, which may send requests of its own or wait for those of other threads.
    pub(crate) fn suspended<T>(&self, user_code: impl FnOnce() -> T) -> T {
        let (request, block) = (Wanted::Request(self.bytes), Wanted::Block(self.bytes));
        self.admission.change(|state| {
            state.give_back(request);
            state.take(block);
            state.suspended += 1;
            state.suspended_since = Instant::now();
        });
        let resumes = Resumes(self);
        let result = user_code();
        drop(resumes);
        result
    }

    /// The request has ended; true where more may be in flight from now on.
    pub(crate) fn finish(self) -> bool {
        let mut grew = false;
        self.admission.change(|state| {
            grew = self.admission.count(state, 1);
            state.give_back(Wanted::Request(self.bytes));
        });
        mem::forget(self);
        grew
    }
}

/// Ends a suspension, also where the signal handler panics: the permit is given back after it.
struct Resumes<'a>(&'a Permit<'a>);

impl Drop for Resumes<'_> {
    fn drop(&mut self) {
        let bytes = self.0.bytes;
        self.0.admission.change(|state| {
            state.suspended -= 1;
            state.give_back(Wanted::Block(bytes));
            state.take(Wanted::Request(bytes));
        });
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let wanted = Wanted::Request(self.bytes);
        self.admission.change(|state| state.give_back(wanted));
    }
}

/// A place in the queue for memory.
pub(crate) struct Ticket {
    admission: Arc<Admission>,
    waiter: Option<Arc<Waiter>>,
    bytes: u64,
}

impl Ticket {
    /// Whether the memory is there.
    pub(crate) fn is_granted(&self) -> bool {
        self.waiter
            .as_ref()
            .is_some_and(|waiter| waiter.is_granted())
    }

    /// The memory, once it is there.
    pub(crate) fn take(&mut self) -> Option<Reservation> {
        let waiter = mem::take(&mut self.waiter)?;
        if !waiter.is_granted() {
            self.waiter = Some(waiter);
            return None;
        }
        Some(Reservation {
            admission: Arc::clone(&self.admission),
            bytes: self.bytes,
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(waiter) = &self.waiter {
            self.admission.give_up(waiter);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({} bytes)", self.bytes)
    }
}

/// Memory for a block of a stream, until this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    admission: Arc<Admission>,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let wanted = Wanted::Block(self.bytes);
        self.admission.change(|state| state.give_back(wanted));
    }
}
