//! `delete`, `delete_many`.

use fastblob_engine::{DeleteBlob, DeleteSnapshots, Job};
use pyo3::prelude::*;

use crate::{
    arguments::OnErrorArgument,
    blob::blob_of,
    call::Call,
    engine::Engine,
    exceptions::invalid_input,
    results,
    values::{Conditions, own_conditions},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, missing_ok, snapshots, conditions, watched = false))]
    fn delete<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        missing_ok: bool,
        snapshots: Option<&str>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let delete = deletion(missing_ok, snapshots, conditions)?;
        let job = Job::delete(blob_of(blob)?, delete);
        self.one(blob.py(), job.into(), watched, results::nothing)
    }

    /// Items: blobs.
    fn delete_many(
        &self,
        py: Python<'_>,
        missing_ok: bool,
        snapshots: Option<&str>,
        on_error: OnErrorArgument,
        conditions: Option<&Bound<'_, Conditions>>,
    ) -> PyResult<Call> {
        let delete = deletion(missing_ok, snapshots, conditions)?;
        let parser =
            move |blob: &Bound<'_, PyAny>| Ok(Job::delete(blob_of(blob)?, delete.clone()).into());
        self.many(py, on_error, Box::new(parser))
    }
}

fn deletion(
    missing_ok: bool,
    snapshots: Option<&str>,
    conditions: Option<&Bound<'_, Conditions>>,
) -> PyResult<DeleteBlob> {
    let snapshots = snapshots.map(str::parse::<DeleteSnapshots>).transpose();
    Ok(DeleteBlob {
        missing_ok,
        snapshots: snapshots.map_err(invalid_input)?,
        conditions: own_conditions(conditions),
    })
}
