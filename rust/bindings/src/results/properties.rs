//! `Properties`.

use std::{collections::HashMap, time::SystemTime};

use fastblob_engine::{BlobProperties, BlobRef};
use pyo3::prelude::*;

use super::string_map;

/// Properties of a blob.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct Properties {
    blob: BlobRef,
    properties: BlobProperties,
}

impl Properties {
    pub(crate) fn new(blob: &BlobRef, properties: BlobProperties) -> Self {
        Self {
            blob: blob.clone(),
            properties,
        }
    }
}

#[pymethods]
impl Properties {
    #[getter]
    fn container(&self) -> &str {
        self.blob.container()
    }

    #[getter]
    fn name(&self) -> &str {
        self.blob.name()
    }

    #[getter]
    fn size(&self) -> u64 {
        self.properties.size
    }

    #[getter]
    fn etag(&self) -> Option<&str> {
        self.properties.etag.as_deref()
    }

    #[getter]
    fn last_modified(&self) -> Option<SystemTime> {
        self.properties.last_modified
    }

    #[getter]
    fn creation_time(&self) -> Option<SystemTime> {
        self.properties.creation_time
    }

    #[getter]
    fn content_type(&self) -> Option<&str> {
        self.properties.content.content_type.as_deref()
    }

    #[getter]
    fn content_encoding(&self) -> Option<&str> {
        self.properties.content.content_encoding.as_deref()
    }

    #[getter]
    fn content_language(&self) -> Option<&str> {
        self.properties.content.content_language.as_deref()
    }

    #[getter]
    fn content_disposition(&self) -> Option<&str> {
        self.properties.content.content_disposition.as_deref()
    }

    #[getter]
    fn cache_control(&self) -> Option<&str> {
        self.properties.content.cache_control.as_deref()
    }

    #[getter]
    fn content_md5(&self) -> Option<&[u8]> {
        self.properties.content_md5.as_deref()
    }

    #[getter]
    fn metadata(&self) -> HashMap<&str, &str> {
        string_map(&self.properties.metadata)
    }

    #[getter]
    fn tier(&self) -> Option<&str> {
        self.properties.tier.as_deref()
    }

    #[getter]
    fn tag_count(&self) -> u64 {
        self.properties.tag_count
    }

    #[getter]
    fn archive_status(&self) -> Option<&str> {
        self.properties.archive_status.as_deref()
    }

    #[getter]
    fn lease_state(&self) -> Option<&str> {
        self.properties.lease_state.as_deref()
    }

    #[getter]
    fn copy_id(&self) -> Option<&str> {
        self.properties.copy_id.as_deref()
    }

    #[getter]
    fn copy_status(&self) -> Option<&str> {
        self.properties.copy_status.as_deref()
    }

    #[getter]
    fn copy_status_description(&self) -> Option<&str> {
        self.properties.copy_status_description.as_deref()
    }
}
