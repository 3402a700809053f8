//! The end of the interpreter, which ends threads that want the GIL then.
//!
//! Before Python 3.14 it ends them by `pthread_exit`, which unwinds their stacks through frames of Rust:
//! the process aborts. So a thread of ours that comes back when the interpreter is about to end waits
//! for ever instead, as it would in 3.14: <https://docs.python.org/3.14/c-api/init.html#cautions-regarding-runtime-finalization>

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// Set once no thread may begin to attach any more; the rest of the number counts those that have begun.
const ENDING: usize = 1 << (usize::BITS - 1);

static ATTACHING: AtomicUsize = AtomicUsize::new(0);

/// The thread that ends the interpreter, and may go on calling.
static ENDS_HERE: OnceLock<ThreadId> = OnceLock::new();

/// Those that have begun need this at the most: nobody holds the GIL for longer without giving way.
const GRACE: Duration = Duration::from_millis(500);

/// A thread is about to attach, or has attached just now.
#[derive(Debug)]
pub(crate) struct Attaching(());

impl Attaching {
    /// None where the interpreter is about to end.
    pub(crate) fn begin() -> Option<Self> {
        let attaching = Self(());
        let before = ATTACHING.fetch_add(1, Ordering::SeqCst);
        let may = before & ENDING == 0 || ENDS_HERE.get() == Some(&thread::current().id());
        may.then_some(attaching)
    }

    /// As [`begin`](Self::begin); waits for ever where the interpreter is about to end.
    pub(crate) fn begin_or_park() -> Self {
        loop {
            match Self::begin() {
                Some(attaching) => return attaching,
                None => thread::park(),
            }
        }
    }
}

impl Drop for Attaching {
    fn drop(&mut self) {
        ATTACHING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Called by `atexit`.
#[pyfunction]
pub(crate) fn interpreter_ends(py: Python<'_>) {
    let _ = ENDS_HERE.set(thread::current().id());
    ATTACHING.fetch_or(ENDING, Ordering::SeqCst);
    py.detach(|| {
        let end = Instant::now() + GRACE;
        while ATTACHING.load(Ordering::SeqCst) != ENDING && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// Called once, when the module is imported.
pub(crate) fn set_up(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let callback = wrap_pyfunction!(interpreter_ends, module)?;
    py.import("atexit")?.call_method1("register", (callback,))?;
    Ok(())
}
