//! The one way from Python into the engine.

use std::{
    any::Any,
    cell::OnceCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use fastblob_engine::SignalPoll;
use pyo3::{exceptions::PyRuntimeError, prelude::*};

use crate::{buffers, log};

/// Runs `work` without the GIL, so that other Python threads go on.
///
/// The work is handed an [`SignalPoll`] that runs Python's signal handlers: what one of them raises
/// (Ctrl-C: a `KeyboardInterrupt`) comes out of here once the work has ended. A panic comes out as
/// `RuntimeError`.
pub(crate) fn enter<T, W>(py: Python<'_>, work: W) -> PyResult<T>
where
    T: Send,
    W: FnOnce(SignalPoll<'_>) -> T + Send,
{
    log::set_level(py)?;
    let (result, raised) = py.detach(|| {
        let raised = OnceCell::new();
        let poll = || {
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "it is not general enough"
            )]
            let signals = Python::attach(|py| py.check_signals());
            signals.is_err_and(|error| raised.set(error).is_ok())
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(SignalPoll::new(&poll))));
        (result, raised.into_inner())
    });
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
