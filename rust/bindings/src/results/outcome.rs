//! `Outcome`.

use std::{
    collections::HashMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use fastblob_engine::{self as engine, Answer, BlobRef, ContentHeaders, Output};
use pyo3::{IntoPyObjectExt, PyTraverseError, PyVisit, prelude::*, types::PyList};

use super::{ListEntry, Properties, snapshot_parts, string_map};
use crate::{buffers::BytesResult, exceptions::from_error};

/// What became of one item of a call.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct Outcome {
    blob: BlobRef,
    path: Option<PathBuf>,
    requests: u32,
    retries: u32,
    elapsed: Duration,
    version: Version,
    size: u64,
    crc64: Option<u64>,
    skipped: Option<String>,
    error: Option<Py<PyAny>>,
    value: Option<Py<PyAny>>,
}

/// What is known of the version that was read or written.
#[derive(Debug, Default)]
struct Version {
    etag: Option<String>,
    last_modified: Option<SystemTime>,
    id: Option<String>,
    content: ContentHeaders,
    content_md5: Option<Vec<u8>>,
    metadata: Vec<(String, String)>,
}

impl Outcome {
    /// `content` is what was read, where that is in memory.
    pub(crate) fn new(
        py: Python<'_>,
        outcome: engine::Outcome,
        content: Option<&BytesResult>,
    ) -> Self {
        let mut this = Self {
            blob: outcome.blob,
            path: outcome.path,
            requests: outcome.requests,
            retries: outcome.retries,
            elapsed: outcome.elapsed,
            version: Version::default(),
            size: 0,
            crc64: None,
            skipped: None,
            error: None,
            value: None,
        };
        match outcome.result {
            Ok(output) => {
                if let Err(error) = this.succeed(py, output, content) {
                    this.error = Some(error.into_value(py).into_any());
                }
            }
            Err(error) => this.error = Some(from_error(py, &error).into_value(py).into_any()),
        }
        this
    }

    fn succeed(
        &mut self,
        py: Python<'_>,
        output: Output,
        content: Option<&BytesResult>,
    ) -> PyResult<()> {
        match output {
            Output::Downloaded(downloaded) => {
                self.size = downloaded.size;
                self.crc64 = Some(downloaded.crc64);
                self.version = Version {
                    etag: downloaded.etag().map(str::to_owned),
                    last_modified: downloaded.last_modified(),
                    id: downloaded.version_id().map(str::to_owned),
                    content: downloaded.content(),
                    content_md5: downloaded.content_md5(),
                    metadata: downloaded.metadata(),
                };
                let content = content.map(|content| content.get(py)).transpose()?;
                self.value = content.map(|content| content.into_any().unbind());
            }
            Output::Uploaded(uploaded) => {
                self.size = uploaded.size;
                self.crc64 = Some(uploaded.crc64);
                self.version.etag = uploaded.etag;
                self.version.last_modified = uploaded.last_modified;
                self.version.id = uploaded.version_id;
            }
            Output::Answer(Answer::Updated(updated)) => {
                self.version.etag = updated.etag;
                self.version.last_modified = updated.last_modified;
                self.version.id = updated.version_id;
            }
            Output::Answer(Answer::Properties(properties)) => {
                let properties = Properties::new(&self.blob, *properties);
                self.value = Some(properties.into_py_any(py)?);
            }
            Output::Answer(Answer::Snapshot(snapshot)) => {
                self.value = Some(snapshot_parts(&snapshot).into_py_any(py)?);
            }
            Output::Answer(Answer::Tags(tags)) => {
                self.value = Some(string_map(&tags).into_py_any(py)?);
            }
            Output::Answer(Answer::Entries(entries)) => {
                let container: Arc<str> = self.blob.container().into();
                let entries = entries.into_iter();
                let made = entries.map(|entry| ListEntry::new(Arc::clone(&container), entry));
                let entries = PyList::new(py, made.collect::<Vec<_>>())?;
                self.value = Some(entries.into_any().unbind());
            }
            // What leases, containers and accounts answer has conversions of its own.
            Output::Answer(
                Answer::Done
                | Answer::Leased(_)
                | Answer::LeaseEndsIn(_)
                | Answer::Container(_)
                | Answer::Account(_),
            ) => {}
            Output::Answer(Answer::Missing) => {
                self.skipped = Some("there was no such blob".to_owned());
            }
            Output::Skipped(reason) => self.skipped = Some(reason),
        }
        Ok(())
    }
}

#[pymethods]
impl Outcome {
    #[getter]
    fn blob(&self) -> String {
        self.blob.to_string()
    }

    #[getter]
    fn path(&self) -> Option<&OsStr> {
        self.path.as_deref().map(Path::as_os_str)
    }

    #[getter]
    fn size(&self) -> u64 {
        self.size
    }

    #[getter]
    fn etag(&self) -> Option<&str> {
        self.version.etag.as_deref()
    }

    #[getter]
    fn last_modified(&self) -> Option<SystemTime> {
        self.version.last_modified
    }

    #[getter]
    fn version_id(&self) -> Option<&str> {
        self.version.id.as_deref()
    }

    #[getter]
    fn crc64(&self) -> Option<u64> {
        self.crc64
    }

    #[getter]
    fn content_type(&self) -> Option<&str> {
        self.version.content.content_type.as_deref()
    }

    #[getter]
    fn content_encoding(&self) -> Option<&str> {
        self.version.content.content_encoding.as_deref()
    }

    #[getter]
    fn content_language(&self) -> Option<&str> {
        self.version.content.content_language.as_deref()
    }

    #[getter]
    fn content_disposition(&self) -> Option<&str> {
        self.version.content.content_disposition.as_deref()
    }

    #[getter]
    fn cache_control(&self) -> Option<&str> {
        self.version.content.cache_control.as_deref()
    }

    #[getter]
    fn content_md5(&self) -> Option<&[u8]> {
        self.version.content_md5.as_deref()
    }

    #[getter]
    fn metadata(&self) -> HashMap<&str, &str> {
        string_map(&self.version.metadata)
    }

    #[getter]
    fn requests(&self) -> u32 {
        self.requests
    }

    #[getter]
    fn retries(&self) -> u32 {
        self.retries
    }

    #[getter]
    fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }

    #[getter]
    fn skipped(&self) -> Option<&str> {
        self.skipped.as_deref()
    }

    #[getter]
    fn error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.error.as_ref().map(|error| error.clone_ref(py))
    }

    #[getter]
    fn value(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.value.as_ref().map(|value| value.clone_ref(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.error
            .iter()
            .chain(&self.value)
            .try_for_each(|object| visit.call(object))
    }
}
