//! `properties`, `properties_many`.

use fastblob_engine::Job;
use pyo3::prelude::*;

use crate::{
    arguments::OnErrorArgument,
    blob::blob_of,
    call::Call,
    engine::Engine,
    results,
    values::{Conditions, conditions_of, own_conditions},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, conditions, watched = false))]
    fn properties<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = Job::properties(blob_of(blob)?, own_conditions(conditions));
        self.one(blob.py(), job.into(), watched, results::properties)
    }

    /// Items: blobs.
    fn properties_many(
        &self,
        py: Python<'_>,
        on_error: OnErrorArgument,
        conditions: Option<&Bound<'_, Conditions>>,
    ) -> PyResult<Call> {
        let conditions = conditions_of(conditions);
        let parser = move |blob: &Bound<'_, PyAny>| {
            Ok(Job::properties(blob_of(blob)?, (*conditions).clone()).into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}
