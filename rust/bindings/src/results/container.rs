//! `ContainerProperties` and `AccountInformation`.

use std::{collections::HashMap, time::SystemTime};

use fastblob_engine as engine;
use pyo3::prelude::*;

use super::string_map;

/// Properties of a container, asked for or listed.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct ContainerProperties(engine::ContainerProperties);

impl ContainerProperties {
    pub(crate) fn new(properties: engine::ContainerProperties) -> Self {
        Self(properties)
    }
}

#[pymethods]
impl ContainerProperties {
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    #[getter]
    fn etag(&self) -> Option<&str> {
        self.0.etag.as_deref()
    }

    #[getter]
    fn last_modified(&self) -> Option<SystemTime> {
        self.0.last_modified
    }

    #[getter]
    fn metadata(&self) -> Option<HashMap<&str, &str>> {
        self.0.metadata.as_deref().map(string_map)
    }

    #[getter]
    fn public_access(&self) -> Option<&str> {
        self.0.public_access.as_deref()
    }

    #[getter]
    fn lease_state(&self) -> Option<&str> {
        self.0.lease_state.as_deref()
    }

    #[getter]
    fn has_immutability_policy(&self) -> bool {
        self.0.has_immutability_policy
    }

    #[getter]
    fn has_legal_hold(&self) -> bool {
        self.0.has_legal_hold
    }

    #[getter]
    fn is_deleted(&self) -> bool {
        self.0.is_deleted
    }

    #[getter]
    fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    #[getter]
    fn deleted_time(&self) -> Option<SystemTime> {
        self.0.deleted_time
    }

    #[getter]
    fn remaining_retention_days(&self) -> Option<u64> {
        self.0.remaining_retention_days
    }
}

/// What kind of account it is.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct AccountInformation(engine::AccountInformation);

impl AccountInformation {
    pub(crate) fn new(information: engine::AccountInformation) -> Self {
        Self(information)
    }
}

#[pymethods]
impl AccountInformation {
    #[getter]
    fn sku(&self) -> Option<&str> {
        self.0.sku.as_deref()
    }

    #[getter]
    fn kind(&self) -> Option<&str> {
        self.0.kind.as_deref()
    }

    #[getter]
    fn has_hierarchical_namespace(&self) -> bool {
        self.0.has_hierarchical_namespace
    }
}
