//! `list`, `properties`, `exists`, `delete`, `copy`.

use std::vec;

use fastblob_engine::{self as engine, BlobPath, ErrorKind, ListEntry, Listing};
use pyo3::{exceptions::PyRuntimeError, prelude::*};

use crate::{
    arguments::one_level,
    blob_path,
    client::BaseClient,
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
        let prefix = blob_path::extract(prefix)?;
        Ok(BlobIterator {
            container: prefix.container().to_owned(),
            listing: ProcessBound::new(self.engine()?.list(&prefix, one_level)),
            page: Vec::new().into_iter(),
        })
    }

    /// The properties of a blob.
    fn properties(&self, blob: &Bound<'_, PyAny>) -> PyResult<BlobProperties> {
        let path = blob_path::extract(blob)?;
        match self.ask(blob.py(), &path)? {
            Ok(properties) => Ok(BlobProperties::new(&path, properties)),
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
        let (client, path) = (self.engine()?, blob_path::extract(blob)?);
        enter(blob.py(), |signals| client.delete(&path, signals))?
            .map_err(|error| exceptions::from_error(blob.py(), &error))
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
        let client = self.engine()?;
        let (source, target) = (blob_path::extract(source)?, blob_path::extract(target)?);
        match enter(py, |signals| {
            client.copy(&source, &target, overwrite, signals)
        })? {
            Ok(properties) => Ok(BlobProperties::new(&target, properties)),
            Err(error) => Err(exceptions::from_error(py, &error)),
        }
    }
}

impl BaseClient {
    fn ask(
        &self,
        py: Python<'_>,
        blob: &BlobPath,
    ) -> PyResult<engine::Result<engine::BlobProperties>> {
        let client = self.engine()?;
        enter(py, |signals| client.properties(blob, signals))
    }
}

/// What `list()` returns: asks for one page at a time, when the page before has been used up.
#[pyclass(module = "fastblob._fastblob")]
#[derive(Debug)]
pub(crate) struct BlobIterator {
    container: String,
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
                Some(page) => self.page = page.into_iter(),
                None => return Ok(None),
            }
        }
    }
}
