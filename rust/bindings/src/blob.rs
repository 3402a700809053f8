//! Blob arguments.

use fastblob_engine::{BlobRef, BlobUrl, Revision};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    intern,
    prelude::*,
    types::PyString,
};

use crate::exceptions::invalid_input;

/// Container and name of a path that somebody wrote.
#[pyfunction]
#[pyo3(signature = (path, /))]
pub(crate) fn parse_path(path: &str) -> PyResult<(String, String)> {
    let blob = BlobRef::parse(path).map_err(invalid_input)?;
    Ok((blob.container().to_owned(), blob.name().to_owned()))
}

/// Account URL with its SAS, container and name of a blob's URL, or of a container's.
#[pyfunction]
#[pyo3(signature = (url, is_container, /))]
pub(crate) fn parse_blob_url(url: &str, is_container: bool) -> PyResult<(String, String, String)> {
    let parsed = if is_container {
        BlobUrl::of_container(url)
    } else {
        BlobUrl::of_blob(url)
    };
    let BlobUrl { account_url, blob } = parsed.map_err(invalid_input)?;
    let (container, name) = (blob.container().to_owned(), blob.name().to_owned());
    Ok((account_url, container, name))
}

/// Refuses what cannot be the name of a blob at all, or of a container; or of a version or a snapshot.
#[pyfunction]
#[pyo3(signature = (container, name, version_id, snapshot, /))]
pub(crate) fn check_path(
    container: &str,
    name: &str,
    version_id: Option<String>,
    snapshot: Option<String>,
) -> PyResult<()> {
    let blob = BlobRef::verbatim(container, name).map_err(invalid_input)?;
    let revision = match (version_id, snapshot) {
        (None, None) => return Ok(()),
        (Some(id), None) => Revision::Version(id),
        (None, Some(time)) => Revision::Snapshot(time),
        (Some(_), Some(_)) => {
            return Err(PyValueError::new_err(
                "version_id and snapshot are given both: a blob's state is the one or the other",
            ));
        }
    };
    blob.at(revision).map(|_| ()).map_err(invalid_input)
}

/// The blob that an argument names: a str is checked strictly, anything that has a container and a name,
/// such as an item of a listing, is taken as it is, with the version or the snapshot that it is.
pub(crate) fn blob_of(argument: &Bound<'_, PyAny>) -> PyResult<BlobRef> {
    if let Ok(path) = argument.cast::<PyString>() {
        return BlobRef::parse(path.to_str()?).map_err(invalid_input);
    }
    let py = argument.py();
    let container = text(argument, intern!(py, "container"))?;
    let name = text(argument, intern!(py, "name"))?;
    match (container, name) {
        (Some(container), Some(name)) => {
            let blob = BlobRef::verbatim(container.to_str()?, name.to_str()?);
            match revision_of(argument)? {
                Some(revision) => blob.and_then(|blob| blob.at(revision)),
                None => blob,
            }
            .map_err(invalid_input)
        }
        _ => Err(PyTypeError::new_err(format!(
            "a blob is named by a str '<container>/<name>', a fastblob.BlobPath or an item of a listing, \
             not {}",
            argument.get_type().name()?
        ))),
    }
}

/// The current version is the blob itself, and what is listed as that is written and deleted by its name;
/// properties that were asked for by a version's id are that version's for good.
fn revision_of(argument: &Bound<'_, PyAny>) -> PyResult<Option<Revision>> {
    let py = argument.py();
    if let Some(time) = text(argument, intern!(py, "snapshot"))? {
        return Ok(Some(Revision::Snapshot(time.to_str()?.to_owned())));
    }
    if let Some(id) = text(argument, intern!(py, "version_id"))?
        && (!is_so(argument, intern!(py, "is_current_version"))?
            || is_so(argument, intern!(py, "_by_version"))?)
    {
        return Ok(Some(Revision::Version(id.to_str()?.to_owned())));
    }
    let is_deleted = is_so(argument, intern!(py, "is_deleted"))?;
    Ok(is_deleted.then_some(Revision::Deleted))
}

/// The blob that is to be undeleted: all of it, whichever deleted state of it is listed.
pub(crate) fn deleted_blob_of(argument: &Bound<'_, PyAny>) -> PyResult<BlobRef> {
    let blob = blob_of(argument)?;
    if !is_so(argument, intern!(argument.py(), "is_deleted"))? {
        blob.require_current().map_err(invalid_input)?;
    }
    BlobRef::verbatim(blob.container(), blob.name()).map_err(invalid_input)
}

/// The prefix or the container that an argument names.
pub(crate) fn prefix_of(argument: &Bound<'_, PyAny>) -> PyResult<BlobRef> {
    let prefix = blob_of(argument)?;
    prefix.require_current().map_err(invalid_input)?;
    Ok(prefix)
}

/// Whether it has the attribute, and that is true.
fn is_so(object: &Bound<'_, PyAny>, attribute: &Bound<'_, PyString>) -> PyResult<bool> {
    let value = object.getattr_opt(attribute)?;
    value.map_or(Ok(false), |value| value.is_truthy())
}

fn text<'py>(
    object: &Bound<'py, PyAny>,
    attribute: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyString>>> {
    let value = object.getattr_opt(attribute)?;
    Ok(value.and_then(|value| value.cast_into().ok()))
}
