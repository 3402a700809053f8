//! `create_snapshot`, `create_snapshot_many`.

use fastblob_engine::{Job, SnapshotBlob};
use pyo3::prelude::*;

use crate::{
    arguments::OnErrorArgument,
    blob::blob_of,
    call::Call,
    engine::Engine,
    exceptions::invalid_input,
    results,
    values::{Conditions, own_conditions, string_pairs},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, metadata, conditions, watched = false))]
    fn create_snapshot<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        metadata: Option<&Bound<'py, PyAny>>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = snapshot(metadata, conditions)?;
        let job = Job::snapshot(blob_of(blob)?, operation);
        self.one(blob.py(), job.into(), watched, results::snapshot)
    }

    /// Items: blobs.
    fn create_snapshot_many(
        &self,
        py: Python<'_>,
        metadata: Option<&Bound<'_, PyAny>>,
        on_error: OnErrorArgument,
    ) -> PyResult<Call> {
        let operation = snapshot(metadata, None)?;
        let parser = move |blob: &Bound<'_, PyAny>| {
            Ok(Job::snapshot(blob_of(blob)?, operation.clone()).into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}

fn snapshot(
    metadata: Option<&Bound<'_, PyAny>>,
    conditions: Option<&Bound<'_, Conditions>>,
) -> PyResult<SnapshotBlob> {
    let metadata = string_pairs("metadata", metadata)?;
    SnapshotBlob::new(metadata, own_conditions(conditions)).map_err(invalid_input)
}
