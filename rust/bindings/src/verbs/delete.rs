//! `delete`, `delete_many`.

use fastblob_engine::{DeleteBlob, Job};
use pyo3::prelude::*;

use crate::{
    arguments::OnErrorArgument,
    blob::blob_of,
    call::Call,
    engine::Engine,
    results,
    values::{Conditions, own_conditions},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, missing_ok, conditions, watched = false))]
    fn delete<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        missing_ok: bool,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let delete = DeleteBlob {
            missing_ok,
            conditions: own_conditions(conditions),
        };
        let job = Job::delete(blob_of(blob)?, delete);
        self.one(blob.py(), job.into(), watched, results::nothing)
    }

    /// Items: blobs.
    fn delete_many(
        &self,
        py: Python<'_>,
        missing_ok: bool,
        on_error: OnErrorArgument,
        conditions: Option<&Bound<'_, Conditions>>,
    ) -> PyResult<Call> {
        let delete = DeleteBlob {
            missing_ok,
            conditions: own_conditions(conditions),
        };
        let parser =
            move |blob: &Bound<'_, PyAny>| Ok(Job::delete(blob_of(blob)?, delete.clone()).into());
        self.many(py, on_error, Box::new(parser))
    }
}
