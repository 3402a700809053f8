//! Locking.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic of another thread: no lock of this crate is held across code that panics in
/// the middle of a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
