//! What belongs to one process and must not be touched by its children.

use std::{mem, process};

/// A value with threads or sockets behind it, stamped with the process that made it.
///
/// In a child of `os.fork()` those threads do not exist and the sockets are shared with the parent,
/// so that dropping the value there could hang or disturb the parent's connections: it is leaked
/// instead.
#[derive(Debug)]
pub(crate) struct ProcessBound<T> {
    process: u32,
    /// Taken out only to be leaked.
    value: Option<T>,
}

impl<T> ProcessBound<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            process: process::id(),
            value: Some(value),
        }
    }

    /// The value, unless it belongs to another process.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.is_ours())
    }

    fn is_ours(&self) -> bool {
        self.process == process::id()
    }
}

impl<T> Drop for ProcessBound<T> {
    fn drop(&mut self) {
        if !self.is_ours() {
            mem::forget(self.value.take());
        }
    }
}
