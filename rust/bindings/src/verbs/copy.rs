//! `copy`, `promote`.

use fastblob_engine::{BlobRef, Conditions as EngineConditions, CopyBlob, Job};
use pyo3::{exceptions::PyValueError, prelude::*};

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

    /// Copies a version or a snapshot onto the blob itself.
    #[pyo3(signature = (blob, options, waits, watched = false))]
    fn promote<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        options: &Bound<'py, WriteOptions>,
        waits: bool,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let source = blob_of(blob)?;
        if source.revision().is_none() {
            return Err(PyValueError::new_err(format!(
                "{:?} is the blob itself; promote a version or a snapshot of it",
                source.to_string()
            )));
        }
        let target = BlobRef::verbatim(source.container(), source.name());
        let options = (*options.get().0).clone();
        let copy = CopyBlob::new(source, EngineConditions::default(), options, waits);
        let job = Job::copy(target.map_err(invalid_input)?, copy.map_err(invalid_input)?);
        self.one(blob.py(), job.into(), watched, results::properties)
    }
}
