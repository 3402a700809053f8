//! The one way from Python into the engine.

use std::{
    any::Any,
    cell::OnceCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use fastblob_engine::SignalPoll;
use pyo3::{exceptions::PyRuntimeError, prelude::*};

use crate::{buffers, fork::ProcessBound, log, shutdown::Attaching};

/// A value of the engine, which can be reached by [`enter`](Self::enter) alone, without the GIL: no
/// lock of the engine is ever waited for by a thread that others wait for.
#[derive(Debug)]
pub(crate) struct Native<T>(ProcessBound<T>);

impl<T: Sync> Native<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(ProcessBound::new(value))
    }

    /// Whether it was made in this process; its parent's cannot be reached.
    pub(crate) fn is_ours(&self) -> bool {
        self.0.get().is_some()
    }

    /// Does something with the value, as [`enter`] does.
    pub(crate) fn enter<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&T, SignalPoll<'_>) -> R + Send,
    ) -> PyResult<R> {
        let Some(value) = self.0.get() else {
            return Err(PyRuntimeError::new_err(
                "this was begun before os.fork(): begin it again in the child",
            ));
        };
        enter(py, |signals| work(value, signals))
    }
}

/// Runs `work` without the GIL, so that other Python threads go on.
///
/// The work is handed a [`SignalPoll`] that runs Python's signal handlers: what one of them raises
/// (Ctrl-C: a `KeyboardInterrupt`) comes out of here once the work has ended. A panic comes out as
/// `RuntimeError`.
pub(crate) fn enter<R: Send>(
    py: Python<'_>,
    work: impl FnOnce(SignalPoll<'_>) -> R + Send,
) -> PyResult<R> {
    log::set_level(py)?;
    let (result, raised, attaching) = py.detach(|| {
        let raised = OnceCell::new();
        let poll = || {
            let Some(attaching) = Attaching::begin() else {
                return false;
            };
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "it is not general enough"
            )]
            let signals = Python::try_attach(|py| py.check_signals());
            drop(attaching);
            // None in finalizers at the very end of the interpreter, which has no handlers any more.
            signals.is_some_and(|signals| signals.is_err_and(|error| raised.set(error).is_ok()))
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(SignalPoll::new(&poll))));
        (result, raised.into_inner(), Attaching::begin_or_park())
    });
    drop(attaching);
    buffers::release_dropped(py);
    log::hand_over(py)?;
    match (raised, result) {
        (Some(error), _) => Err(error),
        (None, Ok(value)) => Ok(value),
        (None, Err(panic)) => Err(PyRuntimeError::new_err(format!(
            "internal error in fastblob, please report it with what led here: {}",
            panic_message(&*panic)
        ))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown")
}
