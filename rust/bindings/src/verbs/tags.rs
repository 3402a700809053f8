//! `set_tags`, `set_tags_many`, `get_tags`.

use fastblob_engine::{self as engine, GetTags, Job, SetTags};
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
    #[pyo3(signature = (blob, tags, conditions, watched = false))]
    fn set_tags<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        tags: &Bound<'py, PyAny>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = replacement(blob, tags, own_conditions(conditions))?;
        self.one(blob.py(), job.into(), watched, results::nothing)
    }

    /// Items: `(blob, tags)`.
    fn set_tags_many(&self, py: Python<'_>, on_error: OnErrorArgument) -> PyResult<Call> {
        let parser = |item: &Bound<'_, PyAny>| {
            let item = elements(item, &[2], "(blob, tags)")?;
            let none = engine::Conditions::default();
            Ok(replacement(&item.get_item(0)?, &item.get_item(1)?, none)?.into())
        };
        self.many(py, on_error, Box::new(parser))
    }

    #[pyo3(signature = (blob, conditions, watched = false))]
    fn get_tags<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = GetTags {
            conditions: own_conditions(conditions),
        };
        let job = Job::get_tags(blob_of(blob)?, operation);
        self.one(blob.py(), job.into(), watched, results::tags)
    }
}

fn replacement(
    blob: &Bound<'_, PyAny>,
    tags: &Bound<'_, PyAny>,
    conditions: engine::Conditions,
) -> PyResult<Job> {
    let tags = string_pairs("tags", Some(tags))?;
    let operation = SetTags::new(&tags, conditions).map_err(invalid_input)?;
    Ok(Job::set_tags(blob_of(blob)?, operation))
}
