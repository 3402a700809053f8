//! `undelete`, `undelete_many`.

use fastblob_engine::{Job, UndeleteBlob};
use pyo3::prelude::*;

use crate::{
    arguments::OnErrorArgument, blob::deleted_blob_of, call::Call, engine::Engine, results,
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, watched = false))]
    fn undelete<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = Job::undelete(deleted_blob_of(blob)?, UndeleteBlob);
        self.one(blob.py(), job.into(), watched, results::nothing)
    }

    /// Items: blobs.
    fn undelete_many(&self, py: Python<'_>, on_error: OnErrorArgument) -> PyResult<Call> {
        let parser = |blob: &Bound<'_, PyAny>| {
            Ok(Job::undelete(deleted_blob_of(blob)?, UndeleteBlob).into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}
