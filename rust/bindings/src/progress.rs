//! `progress=`: a bar, a callable, or nothing.

use std::time::{Duration, Instant};

use fastblob_engine::ProgressSnapshot;
use pyo3::{exceptions::PyTypeError, intern, prelude::*, types::PyBool};

/// How often a progress callable is called while a call goes on.
const PERIOD: Duration = Duration::from_millis(100);

/// How far a call has come.
#[pyclass(module = "fastblob", frozen, get_all)]
#[derive(Debug)]
pub(crate) struct Progress {
    /// Items that have ended, failed ones included.
    items_done: u64,
    /// All items; None while the input has not ended.
    items_total: Option<u64>,
    /// Bytes of content moved so far.
    bytes_done: u64,
    /// Requests sent so far.
    requests: u64,
    /// Requests among them that repeated one that had failed.
    retries: u32,
}

#[pymethods]
impl Progress {
    fn __repr__(&self) -> String {
        let total = self
            .items_total
            .map_or("None".to_owned(), |total| total.to_string());
        format!(
            "Progress(items_done={}, items_total={total}, bytes_done={}, requests={}, retries={})",
            self.items_done, self.bytes_done, self.requests, self.retries
        )
    }
}

/// Calls the progress callable, on the calling thread, about every 100 ms and once at the end.
#[derive(Debug)]
pub(crate) struct Reporter<'py> {
    callable: Bound<'py, PyAny>,
    is_bar: bool,
    reported: Instant,
}

impl<'py> Reporter<'py> {
    /// The reporter for a `progress` argument; None where nobody wants to know.
    pub(crate) fn new(progress: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Self>> {
        let Some(progress) = progress else {
            return Ok(None);
        };
        let (callable, is_bar) = if let Ok(wanted) = progress.cast::<PyBool>() {
            if !wanted.is_true() {
                return Ok(None);
            }
            let module = progress
                .py()
                .import(intern!(progress.py(), "fastblob._progress"))?;
            (
                module.call_method0(intern!(progress.py(), "make_bar"))?,
                true,
            )
        } else if progress.is_callable() {
            (progress.clone(), false)
        } else {
            return Err(PyTypeError::new_err(format!(
                "progress must be True, False, None or a callable, not {}",
                progress.repr()?
            )));
        };
        Ok((!callable.is_none()).then(|| Self {
            callable,
            is_bar,
            reported: Instant::now(),
        }))
    }

    /// Reports, if it is time to.
    pub(crate) fn tick(&mut self, snapshot: impl FnOnce() -> ProgressSnapshot) -> PyResult<()> {
        if self.reported.elapsed() < PERIOD {
            return Ok(());
        }
        self.report(&snapshot())?;
        self.reported = Instant::now();
        Ok(())
    }

    /// Reports how the call ended.
    pub(crate) fn finish(&self, snapshot: &ProgressSnapshot) -> PyResult<()> {
        self.report(snapshot)
    }

    fn report(&self, snapshot: &ProgressSnapshot) -> PyResult<()> {
        let progress = Progress {
            items_done: snapshot.items_done,
            items_total: snapshot.items_total,
            bytes_done: snapshot.bytes_done,
            requests: snapshot.requests,
            retries: snapshot.retries,
        };
        self.callable.call1((progress,)).map(|_| ())
    }
}

impl Drop for Reporter<'_> {
    fn drop(&mut self) {
        if self.is_bar {
            let py = self.callable.py();
            if let Err(error) = self.callable.call_method0(intern!(py, "close")) {
                error.write_unraisable(py, Some(&self.callable));
            }
        }
    }
}
