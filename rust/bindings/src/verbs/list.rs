//! `list`, page by page, and `list_many`.

use std::sync::Arc;

use fastblob_engine::{BlobRef, Include, Job, ListOptions};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    arguments::OnErrorArgument, blob::prefix_of, call::Call, engine::Engine, pages::Pages,
    results::ListEntry,
};

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
        let (client, listing) = self.with(py, |client, _| {
            (client.clone(), client.list(&prefix, options))
        })?;
        let container: Arc<str> = prefix.container().into();
        let made = move |entry| ListEntry::new(Arc::clone(&container), entry);
        Ok(Pages::new(client, listing, made))
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

/// What is given besides blobs and their properties.
struct Included(Vec<Include>);

impl<'py> FromPyObject<'_, 'py> for Included {
    type Error = PyErr;

    fn extract(argument: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let words: Vec<String> = argument.extract()?;
        let included = words.iter().map(|word| match &**word {
            "metadata" => Ok(Include::Metadata),
            "tags" => Ok(Include::Tags),
            "copy" => Ok(Include::Copy),
            "snapshots" => Ok(Include::Snapshots),
            "versions" => Ok(Include::Versions),
            "deleted" => Ok(Include::Deleted),
            "uncommitted" => Ok(Include::Uncommitted),
            other => Err(PyValueError::new_err(format!(
                "include has {other:?}; choose 'metadata', 'tags', 'copy', 'snapshots', 'versions', \
                 'deleted', 'uncommitted'"
            ))),
        });
        included.collect::<PyResult<_>>().map(Self)
    }
}

/// Where a list begins. Of names that begin with a slash the prefix that a list gives has no name.
fn below(prefix: &Bound<'_, PyAny>, options: ListOptions) -> PyResult<(BlobRef, ListOptions)> {
    let blob = prefix_of(prefix)?;
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
