//! `copy_from`, `copy_from_many`: copies from another account.

use std::sync::Arc;

use fastblob_engine::{self as engine, Job};
use pyo3::prelude::*;

use crate::{
    arguments::{OnErrorArgument, elements},
    blob::blob_of,
    call::Call,
    engine::Engine,
    native::Native,
    results,
    values::{Conditions, WriteOptions, conditions_of},
};

/// The account that an engine of another one copies from.
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
    /// This account, to be copied from.
    fn copy_source(&self, py: Python<'_>) -> PyResult<CopySource> {
        let source = self.with(py, |client, _| client.copy_source())?;
        Ok(CopySource(Native::new(source)))
    }

    /// Is always to be driven: whoever does that sees to the source's tokens too.
    fn copy_from<'py>(
        &self,
        source: &Bound<'py, CopySource>,
        blob: &Bound<'py, PyAny>,
        conditions: Option<&Bound<'py, Conditions>>,
        target: &Bound<'py, PyAny>,
        options: &Bound<'py, WriteOptions>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = source.py();
        let from = source.get().0.enter(py, |source, _| source.clone())?;
        let job = Job::copy_from(
            from,
            blob_of(blob)?,
            conditions_of(conditions),
            blob_of(target)?,
            Arc::clone(&options.get().0),
        );
        self.one(py, job.into(), true, results::outcome)
    }

    /// Items: `(source, target)`.
    fn copy_from_many(
        &self,
        source: &Bound<'_, CopySource>,
        options: &Bound<'_, WriteOptions>,
        on_error: OnErrorArgument,
    ) -> PyResult<Call> {
        let py = source.py();
        let (source, options) = (source.clone().unbind(), Arc::clone(&options.get().0));
        let parser = move |item: &Bound<'_, PyAny>| {
            let item = elements(item, &[2], "(source, target)")?;
            let (blob, target) = (blob_of(&item.get_item(0)?)?, blob_of(&item.get_item(1)?)?);
            let source = source
                .get()
                .0
                .enter(item.py(), |source, _| source.clone())?;
            let (none, options) = (Arc::default(), Arc::clone(&options));
            Ok(Job::copy_from(source, blob, none, target, options).into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}
