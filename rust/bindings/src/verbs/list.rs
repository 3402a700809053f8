//! `list`, page by page, and `list_many`.

use fastblob_engine::{Include, Job, ListOptions, Listing, Page};
use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
};
use std::sync::{Arc, Mutex};

use crate::{
    arguments::OnErrorArgument,
    blob::blob_of,
    call::{Call, FINISHED, TOKEN},
    engine::Engine,
    exceptions::from_error,
    native::Native,
    results::ListEntry,
};

/// The pages of a list, one after another.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct Pages {
    container: Arc<str>,
    listing: Native<Mutex<Listing>>,
}

#[pymethods]
impl Engine {
    #[pyo3(signature = (prefix, *, name_prefix, one_level, include))]
    fn list_pages(
        &self,
        prefix: &Bound<'_, PyAny>,
        name_prefix: Option<String>,
        one_level: bool,
        include: Vec<String>,
    ) -> PyResult<Pages> {
        let prefix_ref = blob_of(prefix)?;
        let options = options(name_prefix, one_level, &include)?;
        let listing = self.with(prefix.py(), |client| client.list(&prefix_ref, options))?;
        Ok(Pages {
            container: prefix_ref.container().into(),
            listing: Native::new(Mutex::new(listing)),
        })
    }

    /// Items: prefixes.
    fn list_many(
        &self,
        py: Python<'_>,
        one_level: bool,
        include: Vec<String>,
        on_error: OnErrorArgument,
    ) -> PyResult<Call> {
        let options = options(None, one_level, &include)?;
        let parser = move |prefix: &Bound<'_, PyAny>| {
            Ok(Job::list(blob_of(prefix)?, options.clone()).into())
        };
        self.many(py, on_error, Box::new(parser))
    }
}

#[pymethods]
impl Pages {
    /// What is needed, or FINISHED where there are no more pages; and the next page, if both are not so.
    fn next(&self, py: Python<'_>) -> PyResult<(u8, Vec<ListEntry>)> {
        let page = self.listing.enter(py, |listing, signals| {
            // Never waited for: whoever has it waits for the service.
            let mut listing = listing.try_lock().ok()?;
            Some(listing.next_page(signals))
        })?;
        let page = page.ok_or_else(|| {
            PyRuntimeError::new_err("another thread asks for a page of this list: let it finish")
        })?;
        match page.map_err(|error| from_error(py, &error))? {
            Page::Entries(entries) => {
                let entries = entries.into_iter();
                let made = entries.map(|entry| ListEntry::new(Arc::clone(&self.container), entry));
                Ok((0, made.collect()))
            }
            Page::NeedsToken => Ok((TOKEN, Vec::new())),
            Page::End => Ok((FINISHED, Vec::new())),
        }
    }
}

fn options(
    name_prefix: Option<String>,
    one_level: bool,
    include: &[String],
) -> PyResult<ListOptions> {
    let include = include.iter().map(|word| match &**word {
        "metadata" => Ok(Include::Metadata),
        "tags" => Ok(Include::Tags),
        other => Err(PyValueError::new_err(format!(
            "include has {other:?}; choose 'metadata', 'tags'"
        ))),
    });
    Ok(ListOptions {
        one_level,
        name_prefix: name_prefix.unwrap_or_default(),
        include: include.collect::<PyResult<_>>()?,
    })
}
