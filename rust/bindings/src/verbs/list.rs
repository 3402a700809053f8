//! `list`, page by page, and `list_many`.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use fastblob_engine::{self as engine, BlobRef, Client, Include, Job, ListOptions, Listing, Page};
use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    types::PyList,
};

use crate::{
    arguments::OnErrorArgument,
    blob::blob_of,
    call::{Call, FINISHED, TOKEN},
    engine::Engine,
    exceptions::{from_error, invalid_input},
    native::Native,
    results::ListEntry,
};

/// The pages of a list, one after another.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct Pages {
    container: Arc<str>,
    listing: Native<(Client, Mutex<Listing>)>,
    /// A page that has arrived and is not handed over yet.
    arrived: parking_lot::Mutex<Vec<engine::ListEntry>>,
}

#[pymethods]
impl Engine {
    #[pyo3(signature = (prefix, *, name_prefix, one_level, include))]
    fn list_pages(
        &self,
        prefix: &Bound<'_, PyAny>,
        name_prefix: Option<String>,
        one_level: bool,
        include: Included,
    ) -> PyResult<Pages> {
        let py = prefix.py();
        let options = ListOptions {
            one_level,
            name_prefix: name_prefix.unwrap_or_default(),
            include: include.0,
        };
        let (prefix, options) = below(prefix, options)?;
        let listing = self.with(py, |client, _| {
            (client.clone(), Mutex::new(client.list(&prefix, options)))
        })?;
        Ok(Pages::new(prefix.container(), listing))
    }

    /// Items: prefixes.
    fn list_many(
        &self,
        py: Python<'_>,
        one_level: bool,
        include: Included,
        on_error: OnErrorArgument,
    ) -> PyResult<Call> {
        let options = ListOptions {
            one_level,
            include: include.0,
            ..ListOptions::default()
        };
        let parser = move |prefix: &Bound<'_, PyAny>| {
            let (prefix, options) = below(prefix, options.clone())?;
            Ok(Job::list(prefix, options).into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}

impl Pages {
    /// `container` is that of the entries that do not name their own.
    pub(super) fn new(container: &str, listing: (Client, Mutex<Listing>)) -> Self {
        Self {
            container: container.into(),
            listing: Native::new(listing),
            arrived: parking_lot::Mutex::default(),
        }
    }
}

#[pymethods]
impl Pages {
    /// What is needed, or FINISHED where there are no more pages; if both are not so, the next page is put
    /// into `entries`, last one first. No signal comes in between, so that none costs a page.
    #[pyo3(signature = (entries, /))]
    fn next(&self, entries: &Bound<'_, PyList>) -> PyResult<u8> {
        let py = entries.py();
        let asked = self.listing.enter(py, |(client, listing), signals| {
            client.check_open()?;
            // Never waited for: whoever has it waits for the service.
            let Ok(mut listing) = listing.try_lock() else {
                return Ok(None);
            };
            if !self.arrived.lock().is_empty() {
                return Ok(Some(Ok(0)));
            }
            Ok(Some(listing.next_page(signals).map(|page| match page {
                Page::Entries(page) => {
                    *self.arrived.lock() = page;
                    0
                }
                Page::NeedsToken => TOKEN,
                Page::End => FINISHED,
            })))
        })?;
        let asked = asked.map_err(invalid_input)?.ok_or_else(|| {
            PyRuntimeError::new_err("another thread asks for a page of this list: let it finish")
        })?;
        let needs = asked.map_err(|error| from_error(py, &error))?;
        for entry in mem::take(&mut *self.arrived.lock()).into_iter().rev() {
            entries.append(ListEntry::new(Arc::clone(&self.container), entry))?;
        }
        Ok(needs)
    }
}

/// What is given of each blob besides its properties.
struct Included(Vec<Include>);

impl<'py> FromPyObject<'_, 'py> for Included {
    type Error = PyErr;

    fn extract(argument: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let words: Vec<String> = argument.extract()?;
        let included = words.iter().map(|word| match &**word {
            "metadata" => Ok(Include::Metadata),
            "tags" => Ok(Include::Tags),
            other => Err(PyValueError::new_err(format!(
                "include has {other:?}; choose 'metadata', 'tags'"
            ))),
        });
        included.collect::<PyResult<_>>().map(Self)
    }
}

/// Where a list begins. Of names that begin with a slash the prefix that a list gives has no name.
fn below(prefix: &Bound<'_, PyAny>, options: ListOptions) -> PyResult<(BlobRef, ListOptions)> {
    let blob = blob_of(prefix)?;
    if !blob.name().is_empty() {
        return Ok((blob, options));
    }
    let is_prefix = match prefix.getattr_opt("is_prefix")? {
        Some(value) => value.is_truthy()?,
        None => false,
    };
    let name_prefix = if is_prefix {
        format!("/{}", options.name_prefix)
    } else {
        options.name_prefix
    };
    Ok((
        blob,
        ListOptions {
            name_prefix,
            ..options
        },
    ))
}
