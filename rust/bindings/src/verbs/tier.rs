//! `set_tier`, `set_tier_many`.

use fastblob_engine::{self as engine, InvalidInput, Job, RehydratePriority, SetTier};
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
    #[pyo3(signature = (blob, tier, priority, conditions, watched = false))]
    fn set_tier<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        tier: &str,
        priority: Option<&str>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = SetTier {
            tier: tier.parse().map_err(invalid_input)?,
            priority: priority_of(priority).map_err(invalid_input)?,
            conditions: own_conditions(conditions),
        };
        let job = Job::set_tier(blob_of(blob)?, operation);
        self.one(blob.py(), job.into(), watched, results::nothing)
    }

    /// Items: blobs.
    fn set_tier_many(
        &self,
        py: Python<'_>,
        tier: &str,
        priority: Option<&str>,
        on_error: OnErrorArgument,
    ) -> PyResult<Call> {
        let operation = SetTier {
            tier: tier.parse().map_err(invalid_input)?,
            priority: priority_of(priority).map_err(invalid_input)?,
            conditions: engine::Conditions::default(),
        };
        let parser = move |blob: &Bound<'_, PyAny>| {
            Ok(Job::set_tier(blob_of(blob)?, operation.clone()).into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}

fn priority_of(argument: Option<&str>) -> Result<Option<RehydratePriority>, InvalidInput> {
    argument.map(str::parse).transpose()
}
