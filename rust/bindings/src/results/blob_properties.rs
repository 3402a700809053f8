//! `BlobProperties`.

use std::{collections::HashMap, time::SystemTime};

use fastblob_engine as engine;
use pyo3::{
    prelude::*,
    types::{PyTuple, PyType},
};

use super::{repr, string_map};
use crate::blob_path;

/// Properties of a blob.
#[pyclass(module = "fastblob", frozen, eq)]
#[derive(Debug, PartialEq)]
pub(crate) struct BlobProperties {
    container: String,
    name: String,
    properties: engine::BlobProperties,
}

/// The values that [`BlobProperties`] are pickled by.
type PropertiesState = (
    String,
    String,
    u64,
    Option<String>,
    Option<SystemTime>,
    Option<SystemTime>,
    Option<String>,
    Option<Vec<u8>>,
    Vec<(String, String)>,
    Option<String>,
    u64,
);

impl BlobProperties {
    pub(crate) fn new(blob: &engine::BlobRef, properties: engine::BlobProperties) -> Self {
        Self {
            container: blob.container().to_owned(),
            name: blob.name().to_owned(),
            properties,
        }
    }
}

impl BlobProperties {
    pub(crate) fn blob(&self) -> PyResult<engine::BlobRef> {
        blob_path::found(&self.container, &self.name)
    }
}

#[pymethods]
impl BlobProperties {
    /// The container's name.
    #[getter]
    fn container(&self) -> &str {
        &self.container
    }

    /// The blob's name in its container.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.properties.size
    }

    /// The ETag in double quotes.
    #[getter]
    fn etag(&self) -> Option<&str> {
        self.properties.etag.as_deref()
    }

    /// When the blob was last written, in UTC.
    #[getter]
    fn last_modified(&self) -> Option<SystemTime> {
        self.properties.last_modified
    }

    /// When the blob was first written, in UTC.
    #[getter]
    fn creation_time(&self) -> Option<SystemTime> {
        self.properties.creation_time
    }

    /// The content type that the blob was given.
    #[getter]
    fn content_type(&self) -> Option<&str> {
        self.properties.content.content_type.as_deref()
    }

    /// MD5 of the content, where the uploader stored one.
    #[getter]
    fn content_md5(&self) -> Option<&[u8]> {
        self.properties.content_md5.as_deref()
    }

    /// The blob's metadata.
    #[getter]
    fn metadata(&self) -> HashMap<&str, &str> {
        string_map(&self.properties.metadata)
    }

    /// Access tier.
    #[getter]
    fn tier(&self) -> Option<&str> {
        self.properties.tier.as_deref()
    }

    /// Number of index tags.
    #[getter]
    fn tag_count(&self) -> u64 {
        self.properties.tag_count
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        repr(
            slf,
            &[
                "container",
                "name",
                "size",
                "etag",
                "last_modified",
                "creation_time",
                "content_type",
                "content_md5",
                "metadata",
                "tier",
                "tag_count",
            ],
        )
    }

    #[classmethod]
    fn _restore(_class: &Bound<'_, PyType>, state: PropertiesState) -> Self {
        let (
            container,
            name,
            size,
            etag,
            last_modified,
            creation_time,
            content_type,
            content_md5,
            metadata,
            tier,
            tag_count,
        ) = state;
        let properties = engine::BlobProperties {
            size,
            etag,
            last_modified,
            creation_time,
            content: engine::ContentHeaders {
                content_type,
                ..engine::ContentHeaders::default()
            },
            content_md5,
            metadata,
            tier,
            tag_count,
            ..engine::BlobProperties::default()
        };
        Self {
            container,
            name,
            properties,
        }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let Self {
            container,
            name,
            properties,
        } = slf.get();
        let properties = properties.clone();
        let state: PropertiesState = (
            container.clone(),
            name.clone(),
            properties.size,
            properties.etag,
            properties.last_modified,
            properties.creation_time,
            properties.content.content_type,
            properties.content_md5,
            properties.metadata,
            properties.tier,
            properties.tag_count,
        );
        (slf.get_type().getattr("_restore")?, (state,)).into_pyobject(slf.py())
    }
}
