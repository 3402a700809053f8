//! `download`, `download_many`.

use std::sync::Arc;

use fastblob_engine::Job;
use pyo3::prelude::*;

use crate::{
    arguments::{LocalPath, OnErrorArgument, elements},
    blob::blob_of,
    call::Call,
    engine::Engine,
    results,
    values::{Conditions, conditions_of},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, path, conditions, watched = false))]
    fn download<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        path: LocalPath,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = Job::download(blob_of(blob)?, path.0, conditions_of(conditions));
        self.one(blob.py(), job.into(), watched, results::outcome)
    }

    /// Items: `(blob, path)`.
    fn download_many(
        &self,
        py: Python<'_>,
        on_error: OnErrorArgument,
        conditions: Option<&Bound<'_, Conditions>>,
    ) -> PyResult<Call> {
        let conditions = conditions_of(conditions);
        let parser = move |item: &Bound<'_, PyAny>| {
            let item = elements(item, &[2], "(blob, path)")?;
            let blob = blob_of(&item.get_item(0)?)?;
            let path: LocalPath = item.get_item(1)?.extract()?;
            Ok(Job::download(blob, path.0, Arc::clone(&conditions)).into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}
