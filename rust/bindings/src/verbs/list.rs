//! `list`, page by page, and `list_many`.

use std::sync::{Arc, Mutex};

use fastblob_engine::{BlobRef, Client, Include, Job, ListOptions, Listing, Page};
use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
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
        Ok(Pages {
            container: prefix.container().into(),
            listing: Native::new(listing),
        })
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

#[pymethods]
impl Pages {
    /// What is needed, or FINISHED where there are no more pages; and the next page, if both are not so.
    fn next(&self, py: Python<'_>) -> PyResult<(u8, Vec<ListEntry>)> {
        let page = self.listing.enter(py, |(client, listing), signals| {
            client.check_open()?;
            // Never waited for: whoever has it waits for the service.
            let listing = listing.try_lock().ok();
            Ok(listing.map(|mut listing| listing.next_page(signals)))
        })?;
        let page = page.map_err(invalid_input)?.ok_or_else(|| {
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
