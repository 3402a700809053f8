//! `Properties`.

use std::{collections::HashMap, time::SystemTime};

use fastblob_engine::{BlobProperties, BlobRef, Revision};
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
    fn version_id(&self) -> Option<&str> {
        match self.blob.revision() {
            Some(Revision::Version(id)) => Some(id),
            _ => self.properties.version_id.as_deref(),
        }
    }

    #[getter]
    fn is_current_version(&self) -> Option<bool> {
        self.properties.is_current_version
    }

    #[getter]
    fn snapshot(&self) -> Option<&str> {
        match self.blob.revision() {
            Some(Revision::Snapshot(time)) => Some(time),
            _ => None,
        }
    }

    /// Whether they were asked for by the version's id.
    #[getter]
    fn by_version(&self) -> bool {
        matches!(self.blob.revision(), Some(Revision::Version(_)))
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
    fn blob_type(&self) -> Option<&str> {
        self.properties.blob_type.as_deref()
    }

    #[getter]
    fn tier(&self) -> Option<&str> {
        self.properties.tier.as_deref()
    }

    #[getter]
    fn tier_inferred(&self) -> bool {
        self.properties.tier_inferred
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
    fn rehydrate_priority(&self) -> Option<&str> {
        self.properties.rehydrate_priority.as_deref()
    }

    #[getter]
    fn immutability_policy_until(&self) -> Option<SystemTime> {
        self.properties.immutability_policy_until
    }

    #[getter]
    fn immutability_policy_mode(&self) -> Option<&str> {
        self.properties.immutability_policy_mode.as_deref()
    }

    #[getter]
    fn legal_hold(&self) -> bool {
        self.properties.legal_hold
    }

    #[getter]
    fn encryption_scope(&self) -> Option<&str> {
        self.properties.encryption_scope.as_deref()
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
