//! `Progress`.

use fastblob_engine::ProgressSnapshot;
use pyo3::prelude::*;

/// How far a call has come.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct Progress(ProgressSnapshot);

impl Progress {
    pub(crate) fn new(snapshot: ProgressSnapshot) -> Self {
        Self(snapshot)
    }
}

#[pymethods]
impl Progress {
    #[getter]
    fn items_done(&self) -> u64 {
        self.0.items_done
    }

    #[getter]
    fn items_total(&self) -> Option<u64> {
        self.0.items_total
    }

    #[getter]
    fn bytes_done(&self) -> u64 {
        self.0.bytes_done
    }

    #[getter]
    fn requests(&self) -> u64 {
        self.0.requests
    }

    #[getter]
    fn retries(&self) -> u32 {
        self.0.retries
    }
}
