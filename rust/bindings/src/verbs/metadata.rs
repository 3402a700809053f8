//! `set_metadata`, `set_metadata_many`.

use fastblob_engine::{self as engine, Job, SetMetadata};
use pyo3::prelude::*;

use crate::{
    arguments::{OnErrorArgument, elements},
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
    fn set_metadata<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        metadata: &Bound<'py, PyAny>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = replacement(blob, metadata, own_conditions(conditions))?;
        self.one(blob.py(), job.into(), watched, results::outcome)
    }

    /// Items: `(blob, metadata)`.
    fn set_metadata_many(&self, py: Python<'_>, on_error: OnErrorArgument) -> PyResult<Call> {
        let parser = |item: &Bound<'_, PyAny>| {
            let item = elements(item, &[2], "(blob, metadata)")?;
            let none = engine::Conditions::default();
            Ok(replacement(&item.get_item(0)?, &item.get_item(1)?, none)?.into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}

fn replacement(
    blob: &Bound<'_, PyAny>,
    metadata: &Bound<'_, PyAny>,
    conditions: engine::Conditions,
) -> PyResult<Job> {
    let metadata = string_pairs("metadata", Some(metadata))?;
    let operation = SetMetadata::new(metadata, conditions).map_err(invalid_input)?;
    Ok(Job::set_metadata(blob_of(blob)?, operation))
}
