//! `copy`.

use fastblob_engine::{CopyBlob, Job};
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
    #[pyo3(signature = (source, target, options, source_conditions, waits, watched = false))]
    fn copy<'py>(
        &self,
        source: &Bound<'py, PyAny>,
        target: &Bound<'py, PyAny>,
        options: &Bound<'py, WriteOptions>,
        source_conditions: Option<&Bound<'py, Conditions>>,
        waits: bool,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (from, to) = (blob_of(source)?, blob_of(target)?);
        let conditions = own_conditions(source_conditions);
        let copy = CopyBlob::new(from, conditions, (*options.get().0).clone(), waits);
        let job = Job::copy(to, copy.map_err(invalid_input)?);
        self.one(source.py(), job.into(), watched, results::properties)
    }
}
