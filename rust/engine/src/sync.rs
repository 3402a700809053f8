//! Locks, and waiting without one.
//!
//! Those of the standard library: `parking_lot` keeps all waiting threads in one table of the process, and
//! in a child of `fork()` that table names threads that are not there, or is locked for ever.

use std::{
    sync::{self, PoisonError},
    thread::{self, Thread},
    time::{Duration, Instant},
};

pub(crate) use std::sync::{MutexGuard, atomic};

/// A lock that a panic of another thread does not poison: none is held across code that panics in the
/// middle of a change.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What threads wait for that have a lock.
#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Waits without the lock; the second value tells whether the time ran out.
    pub(crate) fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let (guard, timeout) = self
            .0
            .wait_timeout(guard, time)
            .unwrap_or_else(PoisonError::into_inner);
        (guard, timeout.timed_out())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A thread that waits, to be woken by whoever has something for it.
#[derive(Clone, Debug)]
pub(crate) struct Parked(Thread);

impl Parked {
    pub(crate) fn current() -> Self {
        Self(thread::current())
    }

    pub(crate) fn wake(&self) {
        self.0.unpark();
    }

    /// Waits until this thread is woken or the time is up; may return early for no reason.
    pub(crate) fn wait(time: Duration) {
        thread::park_timeout(time);
    }
}

/// Whether so much time has passed.
pub(crate) fn has_passed(since: Instant, time: Duration) -> bool {
    since.elapsed() >= time
}
