//! `fastblob.BlobPath`, and blob arguments in general.

use fastblob_engine as engine;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyString,
};

use crate::results::{BlobItem, BlobProperties};

/// The path of one blob, `<container>/<name>`; or of a container, or of a prefix in it.
#[pyclass(module = "fastblob", frozen, eq, hash)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BlobPath(engine::BlobRef);

#[pymethods]
impl BlobPath {
    #[new]
    #[pyo3(signature = (path_or_container, name = None, /))]
    fn new(path_or_container: &str, name: Option<&str>) -> PyResult<Self> {
        match name {
            None => parse(path_or_container).map(Self),
            Some(name) => engine::BlobRef::verbatim(path_or_container, name)
                .map(Self)
                .map_err(|error| PyValueError::new_err(error.to_string())),
        }
    }

    /// The container's name.
    #[getter]
    fn container(&self) -> &str {
        self.0.container()
    }

    /// The name in the container; empty where the path names the container alone.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let quoted = |text: &str| Ok::<_, PyErr>(PyString::new(py, text).repr()?.to_string());
        let path = self.0.to_string();
        if engine::BlobRef::parse(&path).as_ref() == Ok(&self.0) {
            return Ok(format!("BlobPath({})", quoted(&path)?));
        }
        Ok(format!(
            "BlobPath({}, {})",
            quoted(self.0.container())?,
            quoted(self.0.name())?
        ))
    }

    fn __getnewargs__(&self) -> (&str, &str) {
        (self.0.container(), self.0.name())
    }
}

/// The blob that an argument names.
pub(crate) fn extract(argument: &Bound<'_, PyAny>) -> PyResult<engine::BlobRef> {
    if let Ok(text) = argument.cast::<PyString>() {
        return parse(text.to_str()?);
    }
    if let Ok(path) = argument.cast::<BlobPath>() {
        return Ok(path.get().0.clone());
    }
    // An item of a listing, or properties.
    if let Ok(item) = argument.cast::<BlobItem>() {
        return item.get().blob();
    }
    if let Ok(properties) = argument.cast::<BlobProperties>() {
        return properties.get().blob();
    }
    Err(PyTypeError::new_err(format!(
        "a blob is named by a str '<container>/<name>', a fastblob.BlobPath or an item of a listing, not {}",
        argument.get_type().name()?
    )))
}

/// A blob by the name that the service gave it.
pub(crate) fn found(container: &str, name: &str) -> PyResult<engine::BlobRef> {
    engine::BlobRef::verbatim(container, name)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}

fn parse(path: &str) -> PyResult<engine::BlobRef> {
    engine::BlobRef::parse(path).map_err(|error| PyValueError::new_err(error.to_string()))
}
