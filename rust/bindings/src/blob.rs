//! Blob arguments.

use fastblob_engine::{BlobRef, BlobUrl};
use pyo3::{exceptions::PyTypeError, intern, prelude::*, types::PyString};

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

/// Refuses what cannot be the name of a blob at all, or of a container.
#[pyfunction]
#[pyo3(signature = (container, name, /))]
pub(crate) fn check_path(container: &str, name: &str) -> PyResult<()> {
    BlobRef::verbatim(container, name)
        .map(|_| ())
        .map_err(invalid_input)
}

/// The blob that an argument names: a str is checked strictly, anything that has a container and a name,
/// such as an item of a listing, is taken as it is.
pub(crate) fn blob_of(argument: &Bound<'_, PyAny>) -> PyResult<BlobRef> {
    if let Ok(path) = argument.cast::<PyString>() {
        return BlobRef::parse(path.to_str()?).map_err(invalid_input);
    }
    let py = argument.py();
    let container = text(argument, intern!(py, "container"))?;
    let name = text(argument, intern!(py, "name"))?;
    match (container, name) {
        (Some(container), Some(name)) => {
            BlobRef::verbatim(container.to_str()?, name.to_str()?).map_err(invalid_input)
        }
        _ => Err(PyTypeError::new_err(format!(
            "a blob is named by a str '<container>/<name>', a fastblob.BlobPath or an item of a listing, \
             not {}",
            argument.get_type().name()?
        ))),
    }
}

fn text<'py>(
    object: &Bound<'py, PyAny>,
    attribute: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyString>>> {
    let value = object.getattr_opt(attribute)?;
    Ok(value.and_then(|value| value.cast_into().ok()))
}
