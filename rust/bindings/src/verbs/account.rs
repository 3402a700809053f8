//! `account_information`.

use fastblob_engine::Job;
use pyo3::prelude::*;

use crate::{engine::Engine, results};

#[pymethods]
impl Engine {
    #[pyo3(signature = (watched = false))]
    fn account_information<'py>(
        &self,
        py: Python<'py>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let job = Job::account_information();
        self.one(py, job.into(), watched, results::account)
    }
}
