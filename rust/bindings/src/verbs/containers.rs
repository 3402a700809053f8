//! `create_container`, `delete_container`, `list_containers`, `container_properties`,
//! `set_container_metadata`.

use fastblob_engine::{
    BlobRef, ContainerListOptions, CreateContainer, DeleteContainer, GetContainerProperties, Job,
    PublicAccess, SetContainerMetadata,
};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    engine::Engine,
    exceptions::invalid_input,
    pages::Pages,
    results::{self, ContainerProperties},
    values::{Conditions, own_conditions, string_pairs},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (container, metadata, public_access, watched = false))]
    fn create_container<'py>(
        &self,
        py: Python<'py>,
        container: &str,
        metadata: Option<&Bound<'py, PyAny>>,
        public_access: Option<&str>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let access = public_access.map(str::parse::<PublicAccess>).transpose();
        let operation = CreateContainer::new(
            string_pairs("metadata", metadata)?,
            access.map_err(invalid_input)?,
        );
        let job = Job::create_container(named(container)?, operation.map_err(invalid_input)?);
        self.one(py, job.into(), watched, results::nothing)
    }

    #[pyo3(signature = (container, missing_ok, conditions, watched = false))]
    fn delete_container<'py>(
        &self,
        py: Python<'py>,
        container: &str,
        missing_ok: bool,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = DeleteContainer {
            missing_ok,
            conditions: own_conditions(conditions),
        };
        let job = Job::delete_container(named(container)?, operation);
        self.one(py, job.into(), watched, results::nothing)
    }

    #[pyo3(signature = (container, conditions, watched = false))]
    fn container_properties<'py>(
        &self,
        py: Python<'py>,
        container: &str,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = GetContainerProperties {
            conditions: own_conditions(conditions),
        };
        let job = Job::container_properties(named(container)?, operation);
        self.one(py, job.into(), watched, results::container)
    }

    #[pyo3(signature = (container, metadata, conditions, watched = false))]
    fn set_container_metadata<'py>(
        &self,
        py: Python<'py>,
        container: &str,
        metadata: &Bound<'py, PyAny>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let metadata = string_pairs("metadata", Some(metadata))?;
        let operation = SetContainerMetadata::new(metadata, own_conditions(conditions))
            .map_err(invalid_input)?;
        let job = Job::set_container_metadata(named(container)?, operation);
        self.one(py, job.into(), watched, results::nothing)
    }

    #[pyo3(signature = (*, prefix, include))]
    fn container_pages(
        &self,
        py: Python<'_>,
        prefix: Option<String>,
        include: Vec<String>,
    ) -> PyResult<Pages> {
        let mut options = ContainerListOptions {
            prefix: prefix.unwrap_or_default(),
            ..ContainerListOptions::default()
        };
        for word in include {
            match &*word {
                "metadata" => options.with_metadata = true,
                "deleted" => options.with_deleted = true,
                other => {
                    return Err(PyValueError::new_err(format!(
                        "include has {other:?}; choose 'metadata', 'deleted'"
                    )));
                }
            }
        }
        let (client, listing) = self.with(py, |client, _| {
            (client.clone(), client.list_containers(options))
        })?;
        Ok(Pages::new(client, listing, ContainerProperties::new))
    }
}

fn named(container: &str) -> PyResult<BlobRef> {
    BlobRef::of_container(container).map_err(invalid_input)
}
