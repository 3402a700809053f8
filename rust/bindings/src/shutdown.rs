//! The end of the interpreter, which ends threads that want the GIL then.
//!
//! Before Python 3.14 it ends them by `pthread_exit`, which unwinds their stacks through frames of Rust:
//! the process aborts. So a thread of ours that comes back when the interpreter is about to end waits
//! for ever instead, as it would in 3.14: <https://docs.python.org/3.14/c-api/init.html#cautions-regarding-runtime-finalization>

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use pyo3::{exceptions::PyImportError, prelude::*, types::PyDict};

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
        // In a child of `os.fork()` the count has begun anew, maybe while this was counted.
        let _ = ATTACHING.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| {
            (count & !ENDING != 0).then(|| count - 1)
        });
    }
}

/// Registered with `atexit`. Its handlers that were registered before this module was imported are called
/// later, and may use the client, or wait for a thread that does: nobody may be stopped before the last of
/// them has returned. It is then that `atexit` drops what it has called.
#[pyclass(frozen)]
#[derive(Debug, Default)]
struct AtExit {
    /// Not so where `atexit` forgets its handlers instead, as in a child of multiprocessing.
    called: AtomicBool,
}

#[pymethods]
impl AtExit {
    fn __call__(&self) {
        self.called.store(true, Ordering::SeqCst);
    }
}

impl Drop for AtExit {
    fn drop(&mut self) {
        if *self.called.get_mut() {
            Python::try_attach(interpreter_ends);
        }
    }
}

fn interpreter_ends(py: Python<'_>) {
    let _ = ENDS_HERE.set(thread::current().id());
    ATTACHING.fetch_or(ENDING, Ordering::SeqCst);
    py.detach(|| {
        let end = Instant::now() + GRACE;
        while ATTACHING.load(Ordering::SeqCst) != ENDING && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// The end of a sub-interpreter must not be taken for that of the main one. From 3.12 on Python itself does
/// not import this module there.
fn refuse_subinterpreters(py: Python<'_>) -> PyResult<()> {
    if py.version_info() >= (3, 12) {
        return Ok(());
    }
    let Ok(interpreters) = py.import("_xxsubinterpreters") else {
        return Ok(());
    };
    let current = interpreters.call_method0("get_current")?;
    if current.eq(interpreters.call_method0("get_main")?)? {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "module fastblob._fastblob does not support loading in subinterpreters",
    ))
}

/// The threads that were about to attach are not there in a child of `os.fork()`.
#[pyfunction]
fn forked() {
    ATTACHING.fetch_and(ENDING, Ordering::SeqCst);
}

/// Called once, when the module is imported.
pub(crate) fn set_up(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    refuse_subinterpreters(py)?;
    let at_exit = Bound::new(py, AtExit::default())?;
    py.import("atexit")?.call_method1("register", (at_exit,))?;
    if let Some(register) = py.import("os")?.getattr_opt("register_at_fork")? {
        let after = PyDict::new(py);
        after.set_item("after_in_child", wrap_pyfunction!(forked, module)?)?;
        register.call((), Some(&after))?;
    }
    Ok(())
}
