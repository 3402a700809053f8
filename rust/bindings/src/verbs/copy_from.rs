//! `copy_from`: a copy from another account.

use std::sync::Arc;

use fastblob_engine::{self as engine, Job};
use pyo3::prelude::*;

use crate::{
    blob::blob_of,
    engine::Engine,
    exceptions::invalid_input,
    native::Native,
    results::{self, Properties},
    values::WriteOptions,
};

/// The version of a blob that another account's engine copies.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct CopySource(Native<engine::CopySource>);

#[pymethods]
impl CopySource {
    /// Whether it is this thread's turn to fetch a token of the source's account.
    fn needs_token(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.enter(py, |source, _| source.needs_token())
    }
}

#[pymethods]
impl Engine {
    /// A blob of this account, of which these are the properties.
    fn copy_source(&self, properties: &Bound<'_, Properties>) -> PyResult<CopySource> {
        let (blob, found) = properties.get().parts();
        let made = self.with(properties.py(), |client, _| client.copy_source(blob, found))?;
        made.map(|source| CopySource(Native::new(source)))
            .map_err(invalid_input)
    }

    /// Is always to be driven: whoever does that sees to the source's tokens too.
    fn copy_from<'py>(
        &self,
        source: &Bound<'py, CopySource>,
        target: &Bound<'py, PyAny>,
        options: &Bound<'py, WriteOptions>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = source.py();
        let from = source.get().0.enter(py, |source, _| source.clone())?;
        let options = Arc::clone(&options.get().0);
        let job = Job::copy_from(from, blob_of(target)?, options);
        self.one(py, job.into(), true, results::outcome)
    }
}
