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
    fn new(path: &str) -> PyResult<Self> {
        parse(path).map(Self)
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
        Ok(format!(
            "BlobPath({})",
            PyString::new(py, &self.__str__()).repr()?
        ))
    }

    fn __getnewargs__(&self) -> (String,) {
        (self.__str__(),)
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
