//! `BlobItem`.

use std::time::SystemTime;

use fastblob_engine as engine;
use pyo3::{
    prelude::*,
    types::{PyTuple, PyType},
};

use super::repr;
use crate::blob_path;

/// An entry of a listing.
#[pyclass(module = "fastblob", frozen, eq)]
#[derive(Debug, PartialEq)]
pub(crate) struct BlobItem {
    container: String,
    entry: engine::ListEntry,
}

/// The values that a [`BlobItem`] is pickled by.
type ItemState = (
    String,
    String,
    bool,
    Option<u64>,
    Option<String>,
    Option<SystemTime>,
    Option<SystemTime>,
    Option<String>,
    Option<Vec<u8>>,
    Option<String>,
);

impl BlobItem {
    pub(crate) fn new(container: &str, entry: engine::ListEntry) -> Self {
        Self {
            container: container.to_owned(),
            entry,
        }
    }
}

impl BlobItem {
    /// The blob, or what the prefix stands for.
    pub(crate) fn blob(&self) -> PyResult<engine::BlobRef> {
        blob_path::found(&self.container, &self.entry.name)
    }
}

#[pymethods]
impl BlobItem {
    /// The container's name.
    #[getter]
    fn container(&self) -> &str {
        &self.container
    }

    /// The blob's name in its container, or the prefix without its trailing delimiter.
    #[getter]
    fn name(&self) -> &str {
        &self.entry.name
    }

    /// `<container>/<name>`, as every call of fastblob takes it.
    #[getter]
    fn path(&self) -> String {
        format!("{}/{}", self.container, self.entry.name)
    }

    /// Whether this is a prefix and not a blob.
    #[getter]
    fn is_prefix(&self) -> bool {
        self.entry.is_prefix
    }

    /// Bytes; None for a prefix, and so are all the following.
    #[getter]
    fn size(&self) -> Option<u64> {
        self.entry.size
    }

    /// The ETag in double quotes.
    #[getter]
    fn etag(&self) -> Option<&str> {
        self.entry.etag.as_deref()
    }

    /// When the blob was last written, in UTC.
    #[getter]
    fn last_modified(&self) -> Option<SystemTime> {
        self.entry.last_modified
    }

    /// When the blob was first written, in UTC.
    #[getter]
    fn creation_time(&self) -> Option<SystemTime> {
        self.entry.creation_time
    }

    /// The content type that the blob was given.
    #[getter]
    fn content_type(&self) -> Option<&str> {
        self.entry.content.content_type.as_deref()
    }

    /// MD5 of the content, where the uploader stored one.
    #[getter]
    fn content_md5(&self) -> Option<&[u8]> {
        self.entry.content_md5.as_deref()
    }

    /// Access tier.
    #[getter]
    fn tier(&self) -> Option<&str> {
        self.entry.tier.as_deref()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        if slf.get().entry.is_prefix {
            return repr(slf, &["path", "is_prefix"]);
        }
        repr(
            slf,
            &[
                "path",
                "size",
                "etag",
                "last_modified",
                "creation_time",
                "content_type",
                "content_md5",
                "tier",
            ],
        )
    }

    #[classmethod]
    fn _restore(_class: &Bound<'_, PyType>, state: ItemState) -> Self {
        let mut item = Self {
            container: state.0,
            entry: engine::ListEntry::default(),
        };
        let entry = &mut item.entry;
        entry.name = state.1;
        entry.is_prefix = state.2;
        entry.size = state.3;
        entry.etag = state.4;
        entry.last_modified = state.5;
        entry.creation_time = state.6;
        entry.content.content_type = state.7;
        entry.content_md5 = state.8;
        entry.tier = state.9;
        item
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let Self { container, entry } = slf.get();
        let entry = entry.clone();
        let state: ItemState = (
            container.clone(),
            entry.name,
            entry.is_prefix,
            entry.size,
            entry.etag,
            entry.last_modified,
            entry.creation_time,
            entry.content.content_type,
            entry.content_md5,
            entry.tier,
        );
        (slf.get_type().getattr("_restore")?, (state,)).into_pyobject(slf.py())
    }
}
