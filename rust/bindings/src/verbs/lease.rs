//! `acquire_lease`, `renew_lease`, `change_lease`, `release_lease`, `break_lease`.

use fastblob_engine::{self as engine, InvalidInput, Job};
use pyo3::prelude::*;

use crate::{
    arguments::Nearest, blob::blob_of, engine::Engine, exceptions::invalid_input, results,
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, seconds, id, watched = false))]
    fn acquire_lease<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        seconds: Option<Nearest>,
        id: Option<String>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let lease = engine::Lease::acquire(id, seconds.map(|seconds| seconds.0));
        self.lease(blob, lease, watched)
    }

    #[pyo3(signature = (blob, id, watched = false))]
    fn renew_lease<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        id: String,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.lease(blob, engine::Lease::renew(id), watched)
    }

    #[pyo3(signature = (blob, id, new_id, watched = false))]
    fn change_lease<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        id: String,
        new_id: String,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.lease(blob, engine::Lease::change(id, new_id), watched)
    }

    #[pyo3(signature = (blob, id, watched = false))]
    fn release_lease<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        id: String,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.lease(blob, engine::Lease::release(id), watched)
    }

    #[pyo3(signature = (blob, seconds, watched = false))]
    fn break_lease<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        seconds: Option<Nearest>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let lease = engine::Lease::break_within(seconds.map(|seconds| seconds.0));
        self.lease(blob, lease, watched)
    }
}

impl Engine {
    fn lease<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        lease: Result<engine::Lease, InvalidInput>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = Job::lease(blob_of(blob)?, lease.map_err(invalid_input)?);
        self.one(blob.py(), job.into(), watched, results::lease)
    }
}
