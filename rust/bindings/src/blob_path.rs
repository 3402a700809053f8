//! `fastblob.BlobPath`, and blob arguments in general.

use fastblob_engine as engine;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyString,
};

/// The path of one blob, `<container>/<name>`; or of a container, or of a prefix in it.
#[pyclass(module = "fastblob", frozen, eq, hash)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BlobPath(engine::BlobPath);

#[pymethods]
impl BlobPath {
    #[new]
    #[pyo3(signature = (path_or_container, name = None, /))]
    fn new(path_or_container: &str, name: Option<&str>) -> PyResult<Self> {
        match name {
            None => parse(path_or_container).map(Self),
            Some(name) => engine::BlobPath::verbatim(path_or_container, name)
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
        if engine::BlobPath::parse(&path).as_ref() == Ok(&self.0) {
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
pub(crate) fn extract(argument: &Bound<'_, PyAny>) -> PyResult<engine::BlobPath> {
    if let Ok(text) = argument.cast::<PyString>() {
        return parse(text.to_str()?);
    }
    match argument.cast::<BlobPath>() {
        Ok(path) => Ok(path.get().0.clone()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "a blob is named by a str '<container>/<name>' or a fastblob.BlobPath, not {}",
            argument.get_type().name()?
        ))),
    }
}

fn parse(path: &str) -> PyResult<engine::BlobPath> {
    engine::BlobPath::parse(path).map_err(|error| PyValueError::new_err(error.to_string()))
}
