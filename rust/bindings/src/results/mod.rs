//! What calls return: `TransferResult`, `BlobProperties`, `BlobItem`.

use std::{
    collections::HashMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::SystemTime,
};

use fastblob_engine as engine;
use pyo3::{
    PyTraverseError, PyVisit,
    prelude::*,
    types::{PyTuple, PyType},
};

use crate::exceptions;

/// What became of one item of a transfer.
#[pyclass(module = "fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct TransferResult {
    blob: String,
    path: Option<PathBuf>,
    size: u64,
    etag: Option<String>,
    crc64: Option<u64>,
    metadata: Vec<(String, String)>,
    requests: u32,
    retries: u32,
    seconds: f64,
    /// Set once, when made or unpickled: an exception refers to results, which refer to it.
    error: OnceLock<Py<PyAny>>,
}

/// The values that a [`TransferResult`] is pickled by, besides its error.
type TransferState = (
    String,
    Option<PathBuf>,
    u64,
    Option<String>,
    Option<u64>,
    Vec<(String, String)>,
    u32,
    u32,
    f64,
);

impl TransferResult {
    pub(crate) fn new(py: Python<'_>, outcome: engine::Outcome) -> Self {
        let error = outcome
            .error
            .map(|error| exceptions::from_error(py, &error).into_value(py).into_any());
        Self {
            blob: outcome.blob.to_string(),
            path: outcome.path,
            size: outcome.size,
            etag: outcome.etag,
            crc64: outcome.crc64,
            metadata: outcome.metadata,
            requests: outcome.requests,
            retries: outcome.retries,
            seconds: outcome.elapsed.as_secs_f64(),
            error: error.map_or_else(OnceLock::new, OnceLock::from),
        }
    }
}

#[pymethods]
impl TransferResult {
    /// `<container>/<name>`.
    #[getter]
    fn blob(&self) -> &str {
        &self.blob
    }

    /// The local file, where one took part.
    #[getter]
    fn path(&self) -> Option<&OsStr> {
        self.path.as_deref().map(Path::as_os_str)
    }

    /// Bytes that arrived, or that the blob now has.
    #[getter]
    fn size(&self) -> u64 {
        self.size
    }

    /// The ETag in double quotes.
    #[getter]
    fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// CRC-64/NVME of the bytes that were moved.
    #[getter]
    fn crc64(&self) -> Option<u64> {
        self.crc64
    }

    /// The metadata that a download brought along.
    #[getter]
    fn metadata(&self) -> HashMap<&str, &str> {
        string_map(&self.metadata)
    }

    /// Requests sent for this item, repeated ones included.
    #[getter]
    fn requests(&self) -> u32 {
        self.requests
    }

    /// Requests among them that repeated one that had failed.
    #[getter]
    fn retries(&self) -> u32 {
        self.retries
    }

    /// Wall time from the item's beginning to its end.
    #[getter]
    fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Why the item failed, or None.
    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.error.get().map(|error| error.clone_ref(py))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        repr(
            slf,
            &[
                "blob", "path", "size", "etag", "crc64", "metadata", "requests", "retries",
                "seconds", "error",
            ],
        )
    }

    #[classmethod]
    fn _restore(_class: &Bound<'_, PyType>, state: TransferState) -> Self {
        let (blob, path, size, etag, crc64, metadata, requests, retries, seconds) = state;
        Self {
            blob,
            path,
            size,
            etag,
            crc64,
            metadata,
            requests,
            retries,
            seconds,
            error: OnceLock::new(),
        }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let this = slf.get();
        let state: TransferState = (
            this.blob.clone(),
            this.path.clone(),
            this.size,
            this.etag.clone(),
            this.crc64,
            this.metadata.clone(),
            this.requests,
            this.retries,
            this.seconds,
        );
        (
            slf.get_type().getattr("_restore")?,
            (state,),
            this.error(slf.py()),
        )
            .into_pyobject(slf.py())
    }

    fn __setstate__(&self, error: Py<PyAny>) {
        // A second call would be an attempt to change what is frozen.
        let _ = self.error.set(error);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.error.get().map_or(Ok(()), |error| visit.call(error))
    }
}

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
    pub(crate) fn new(blob: &engine::BlobPath, properties: engine::BlobProperties) -> Self {
        Self {
            container: blob.container().to_owned(),
            name: blob.name().to_owned(),
            properties,
        }
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
        self.properties.content_type.as_deref()
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
            content_type,
            content_md5,
            metadata,
            tier,
            tag_count,
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
            properties.content_type,
            properties.content_md5,
            properties.metadata,
            properties.tier,
            properties.tag_count,
        );
        (slf.get_type().getattr("_restore")?, (state,)).into_pyobject(slf.py())
    }
}

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
        self.entry.content_type.as_deref()
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
        entry.content_type = state.7;
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
            entry.content_type,
            entry.content_md5,
            entry.tier,
        );
        (slf.get_type().getattr("_restore")?, (state,)).into_pyobject(slf.py())
    }
}

fn string_map(pairs: &[(String, String)]) -> HashMap<&str, &str> {
    pairs
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect()
}

/// `TransferResult(blob='c/b', path=None, ...)`.
fn repr(object: &Bound<'_, PyAny>, attributes: &[&str]) -> PyResult<String> {
    let attributes = attributes
        .iter()
        .map(|name| Ok(format!("{name}={}", object.getattr(*name)?.repr()?)))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(format!(
        "{}({})",
        object.get_type().name()?,
        attributes.join(", ")
    ))
}
