//! `set_http_headers`.

use fastblob_engine::{Job, SetHttpHeaders};
use pyo3::prelude::*;

use crate::{
    blob::blob_of,
    engine::Engine,
    exceptions::invalid_input,
    results,
    values::{Conditions, WriteOptions, own_conditions},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, options, conditions, watched = false))]
    fn set_http_headers<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        options: &Bound<'py, WriteOptions>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let conditions = own_conditions(conditions);
        let operation = SetHttpHeaders::new(options.get().0.content.clone(), conditions);
        let job = Job::set_http_headers(blob_of(blob)?, operation.map_err(invalid_input)?);
        self.one(blob.py(), job.into(), watched, results::outcome)
    }
}
