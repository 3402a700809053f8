//! `ListEntry`.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use fastblob_engine as engine;
use pyo3::prelude::*;

use super::string_map;

/// An entry of a list.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct ListEntry {
    container: Arc<str>,
    entry: engine::ListEntry,
}

impl ListEntry {
    pub(crate) fn new(container: Arc<str>, entry: engine::ListEntry) -> Self {
        Self { container, entry }
    }

    fn details(&self) -> Option<&engine::Details> {
        self.entry.details.as_deref()
    }
}

#[pymethods]
impl ListEntry {
    #[getter]
    fn container(&self) -> &str {
        self.entry.container.as_deref().unwrap_or(&self.container)
    }

    #[getter]
    fn name(&self) -> &str {
        &self.entry.name
    }

    #[getter]
    fn path(&self) -> String {
        format!("{}/{}", self.container(), self.entry.name)
    }

    #[getter]
    fn is_prefix(&self) -> bool {
        self.entry.is_prefix
    }

    #[getter]
    fn size(&self) -> Option<u64> {
        self.entry.size
    }

    #[getter]
    fn etag(&self) -> Option<&str> {
        self.entry.etag.as_deref()
    }

    #[getter]
    fn last_modified(&self) -> Option<SystemTime> {
        self.entry.last_modified
    }

    #[getter]
    fn creation_time(&self) -> Option<SystemTime> {
        self.entry.creation_time
    }

    #[getter]
    fn content_type(&self) -> Option<&str> {
        self.entry.content.content_type.as_deref()
    }

    #[getter]
    fn content_encoding(&self) -> Option<&str> {
        self.entry.content.content_encoding.as_deref()
    }

    #[getter]
    fn content_language(&self) -> Option<&str> {
        self.entry.content.content_language.as_deref()
    }

    #[getter]
    fn content_disposition(&self) -> Option<&str> {
        self.entry.content.content_disposition.as_deref()
    }

    #[getter]
    fn cache_control(&self) -> Option<&str> {
        self.entry.content.cache_control.as_deref()
    }

    #[getter]
    fn content_md5(&self) -> Option<&[u8]> {
        self.entry.content_md5.as_deref()
    }

    #[getter]
    fn tier(&self) -> Option<&str> {
        self.entry.tier.as_deref()
    }

    #[getter]
    fn tier_inferred(&self) -> bool {
        self.entry.tier_inferred
    }

    #[getter]
    fn metadata(&self) -> Option<HashMap<&str, &str>> {
        self.entry.metadata.as_deref().map(string_map)
    }

    #[getter]
    fn tags(&self) -> Option<HashMap<&str, &str>> {
        self.entry.tags.as_deref().map(string_map)
    }

    #[getter]
    fn version_id(&self) -> Option<&str> {
        self.entry.version_id.as_deref()
    }

    #[getter]
    fn is_current_version(&self) -> Option<bool> {
        self.entry.is_current_version
    }

    #[getter]
    fn snapshot(&self) -> Option<&str> {
        self.entry.snapshot.as_deref()
    }

    #[getter]
    fn is_deleted(&self) -> bool {
        self.entry.is_deleted
    }

    #[getter]
    fn deleted_time(&self) -> Option<SystemTime> {
        self.details()?.deleted_time
    }

    #[getter]
    fn remaining_retention_days(&self) -> Option<u64> {
        self.details()?.remaining_retention_days
    }

    #[getter]
    fn blob_type(&self) -> Option<&str> {
        self.entry.blob_type.as_deref()
    }

    #[getter]
    fn lease_state(&self) -> Option<&str> {
        self.entry.lease_state.as_deref()
    }

    #[getter]
    fn lease_status(&self) -> Option<&str> {
        self.entry.lease_status.as_deref()
    }

    #[getter]
    fn server_encrypted(&self) -> Option<bool> {
        self.entry.server_encrypted
    }

    #[getter]
    fn archive_status(&self) -> Option<&str> {
        self.details()?.archive_status.as_deref()
    }

    #[getter]
    fn rehydrate_priority(&self) -> Option<&str> {
        self.details()?.rehydrate_priority.as_deref()
    }

    #[getter]
    fn copy_id(&self) -> Option<&str> {
        self.details()?.copy_id.as_deref()
    }

    #[getter]
    fn copy_status(&self) -> Option<&str> {
        self.details()?.copy_status.as_deref()
    }

    #[getter]
    fn copy_status_description(&self) -> Option<&str> {
        self.details()?.copy_status_description.as_deref()
    }

    #[getter]
    fn copy_source(&self) -> Option<&str> {
        self.details()?.copy_source.as_deref()
    }

    #[getter]
    fn copy_progress(&self) -> Option<&str> {
        self.details()?.copy_progress.as_deref()
    }

    #[getter]
    fn copy_completion_time(&self) -> Option<SystemTime> {
        self.details()?.copy_completion_time
    }
}
