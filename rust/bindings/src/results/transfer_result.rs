//! `TransferResult`.

use std::{
    collections::HashMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use fastblob_engine::{Answer, Outcome, Output};
use pyo3::{
    PyTraverseError, PyVisit,
    prelude::*,
    types::{PyTuple, PyType},
};

use super::{repr, string_map};
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
    pub(crate) fn new(py: Python<'_>, outcome: Outcome) -> Self {
        let mut this = Self {
            blob: outcome.blob.to_string(),
            path: outcome.path,
            size: 0,
            etag: None,
            crc64: None,
            metadata: Vec::new(),
            requests: outcome.requests,
            retries: outcome.retries,
            seconds: outcome.elapsed.as_secs_f64(),
            error: OnceLock::new(),
        };
        match outcome.result {
            Ok(Output::Downloaded(downloaded)) => {
                this.size = downloaded.size;
                this.crc64 = Some(downloaded.crc64);
                this.etag = downloaded.etag().map(str::to_owned);
                this.metadata = downloaded.metadata();
            }
            Ok(Output::Uploaded(uploaded)) => {
                this.size = uploaded.size;
                this.crc64 = Some(uploaded.crc64);
                this.etag = uploaded.etag;
            }
            Ok(Output::Answer(Answer::Properties(properties))) => {
                this.size = properties.size;
                this.etag = properties.etag;
            }
            Ok(Output::Answer(_)) => {}
            Err(error) => {
                let error = exceptions::from_error(py, &error).into_value(py);
                this.error = OnceLock::from(error.into_any());
            }
        }
        this
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
