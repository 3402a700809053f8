//! `list`, `properties`, `exists`, `delete`, `copy`.

use std::vec;

use fastblob_engine::{
    Answer, BlobRef, Conditions, CopyBlob, DeleteBlob, Error, ErrorKind, Job, ListEntry,
    ListOptions, Listing, Output, Page, WriteOptions,
};
use pyo3::{exceptions::PyRuntimeError, prelude::*};

use crate::{
    arguments::one_level,
    blob_path,
    client::BaseClient,
    drive::Engine,
    exceptions,
    fork::ProcessBound,
    results::{BlobItem, BlobProperties},
    runtime::enter,
};

#[pymethods]
impl BaseClient {
    /// Lists the blobs below a prefix.
    #[pyo3(signature = (prefix, *, delimiter = None))]
    fn list(&self, prefix: &Bound<'_, PyAny>, delimiter: Option<&str>) -> PyResult<BlobIterator> {
        let one_level = one_level(delimiter)?;
        let prefix_argument = prefix;
        let prefix = blob_path::extract(prefix)?;
        let engine = self.engine(prefix_argument.py())?;
        let options = ListOptions {
            one_level,
            ..ListOptions::default()
        };
        Ok(BlobIterator {
            container: prefix.container().to_owned(),
            listing: ProcessBound::new(engine.client.list(&prefix, options)),
            engine,
            page: Vec::new().into_iter(),
        })
    }

    /// The properties of a blob.
    fn properties(&self, blob: &Bound<'_, PyAny>) -> PyResult<BlobProperties> {
        let path = blob_path::extract(blob)?;
        match self.ask(blob.py(), &path)? {
            Ok(properties) => Ok(properties),
            Err(error) => Err(exceptions::from_error(blob.py(), &error)),
        }
    }

    /// Whether a blob exists.
    fn exists(&self, blob: &Bound<'_, PyAny>) -> PyResult<bool> {
        match self.ask(blob.py(), &blob_path::extract(blob)?)? {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(exceptions::from_error(blob.py(), &error)),
        }
    }

    /// Deletes a blob.
    fn delete(&self, blob: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = blob.py();
        let job = Job::delete(blob_path::extract(blob)?, DeleteBlob::default());
        let outcome = self.engine(py)?.one(py, job.into())?;
        match outcome.result {
            Ok(_) => Ok(()),
            Err(error) => Err(exceptions::from_error(py, &error)),
        }
    }

    /// Copies a blob inside the service.
    #[pyo3(signature = (source, target, *, overwrite = false))]
    fn copy(
        &self,
        source: &Bound<'_, PyAny>,
        target: &Bound<'_, PyAny>,
        overwrite: bool,
    ) -> PyResult<BlobProperties> {
        let py = source.py();
        let (source, target) = (blob_path::extract(source)?, blob_path::extract(target)?);
        let options = WriteOptions {
            overwrite,
            ..WriteOptions::default()
        };
        let copy = CopyBlob::new(source, Conditions::default(), options)
            .map_err(|error| exceptions::from_invalid_input(&error))?;
        let outcome = self.engine(py)?.one(py, Job::copy(target, copy).into())?;
        properties(&outcome.blob, outcome.result)
            .map_err(|error| exceptions::from_error(py, &error))
    }
}

impl BaseClient {
    fn ask(&self, py: Python<'_>, blob: &BlobRef) -> PyResult<Result<BlobProperties, Error>> {
        let job = Job::properties(blob.clone(), Conditions::default());
        let outcome = self.engine(py)?.one(py, job.into())?;
        Ok(properties(&outcome.blob, outcome.result))
    }
}

pub(crate) fn properties(
    blob: &BlobRef,
    result: Result<Output, Error>,
) -> Result<BlobProperties, Error> {
    match result? {
        Output::Answer(Answer::Properties(properties)) => {
            Ok(BlobProperties::new(blob, *properties))
        }
        other => unreachable!("properties were asked for: {other:?}"),
    }
}

/// What `list()` returns: asks for one page at a time, when the page before has been used up.
#[pyclass(module = "fastblob._fastblob")]
pub(crate) struct BlobIterator {
    container: String,
    engine: Engine,
    listing: ProcessBound<Listing>,
    page: vec::IntoIter<ListEntry>,
}

#[pymethods]
impl BlobIterator {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<BlobItem>> {
        loop {
            if let Some(entry) = self.page.next() {
                return Ok(Some(BlobItem::new(&self.container, entry)));
            }
            let Some(listing) = self.listing.get_mut() else {
                return Err(PyRuntimeError::new_err(
                    "this listing was begun before os.fork(): call list() again in the child",
                ));
            };
            let page = enter(py, |signals| listing.next_page(signals))?;
            match page.map_err(|error| exceptions::from_error(py, &error))? {
                Page::Entries(page) => self.page = page.into_iter(),
                Page::NeedsToken => self.engine.supply_token(py)?,
                Page::End => return Ok(None),
            }
        }
    }
}
