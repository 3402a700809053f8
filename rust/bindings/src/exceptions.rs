//! From the engine's errors to the exceptions of `fastblob._exceptions`, `OSError` and
//! `ValueError`.

use std::{error::Error as StdError, io, path::Path};

use fastblob_engine::{Error, ErrorKind, InvalidInput};
use pyo3::{
    exceptions::{PyException, PyOSError, PyRuntimeError, PyValueError},
    intern,
    prelude::*,
    types::{PyDict, PyString, PyType},
};

/// Those that become classes of `fastblob._exceptions`.
const KINDS: [ErrorKind; 9] = [
    ErrorKind::NotFound,
    ErrorKind::AlreadyExists,
    ErrorKind::Modified,
    ErrorKind::Conflict,
    ErrorKind::Authentication,
    ErrorKind::Network,
    ErrorKind::Integrity,
    ErrorKind::Cancelled,
    ErrorKind::Service,
];

/// The exception for an error.
///
/// What a file object, an iterable or memory allocation raised comes out as it was; so does what is
/// not an `Exception`, like a `KeyboardInterrupt` in the credential. Anything else that a
/// credential raises is the cause of an `AuthenticationError`.
pub(crate) fn from_error(py: Python<'_>, error: &Error) -> PyErr {
    let raised = raised_by_python(error).map(|raised| raised.clone_ref(py));
    if let Some(raised) = &raised
        && (error.kind() != ErrorKind::Authentication || !raised.is_instance_of::<PyException>(py))
    {
        return raised.clone_ref(py);
    }
    let exception = match error.kind() {
        ErrorKind::Local => os_error(py, error),
        ErrorKind::InvalidInput => Ok(PyValueError::new_err(error.to_string())),
        ErrorKind::Internal => Ok(PyRuntimeError::new_err(error.to_string())),
        kind => transfer_error(py, class_name(kind), error),
    };
    match exception {
        Ok(exception) => {
            if raised.is_some() {
                exception.set_cause(py, raised);
            }
            exception
        }
        Err(failure) => failure,
    }
}

/// An argument that the engine refused.
#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
pub(crate) fn invalid_input(error: InvalidInput) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// The kind of errors that become instances of this class of `fastblob._exceptions`.
pub(crate) fn kind_of(class: &str) -> Option<ErrorKind> {
    KINDS.into_iter().find(|kind| class_name(*kind) == class)
}

fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    let module = py.import(intern!(py, "fastblob._exceptions"))?;
    Ok(module.getattr(name)?.cast_into()?)
}

fn class_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "BlobNotFoundError",
        ErrorKind::AlreadyExists => "BlobExistsError",
        ErrorKind::Modified => "BlobModifiedError",
        ErrorKind::Conflict => "BlobConflictError",
        ErrorKind::Authentication => "AuthenticationError",
        ErrorKind::Network => "NetworkError",
        ErrorKind::Integrity => "IntegrityError",
        ErrorKind::Cancelled => "TransferCancelledError",
        _ => "ServiceError",
    }
}

fn transfer_error(py: Python<'_>, class_name: &str, error: &Error) -> PyResult<PyErr> {
    let attributes = PyDict::new(py);
    attributes.set_item(intern!(py, "blob"), error.blob())?;
    attributes.set_item(intern!(py, "status_code"), error.status())?;
    attributes.set_item(intern!(py, "error_code"), error.code())?;
    attributes.set_item(intern!(py, "request_id"), error.request_id())?;
    attributes.set_item(intern!(py, "attempts"), error.attempts())?;
    let class = class(py, class_name)?;
    let message = match raised_by_python(error) {
        Some(_) => format!(
            "{error}; sign in, for instance with `az login`, or give the client another credential"
        ),
        None => error.to_string(),
    };
    let exception = class.call((message,), Some(&attributes))?;
    Ok(PyErr::from_value(exception))
}

/// `OSError` chooses the subclass (`FileNotFoundError`, ...) by the number.
fn os_error(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    match error.os_error() {
        Some(number) => numbered_os_error(py, number, error.reason(), error.path()),
        // Of no file: what is about one has a number. Without `filename`, as an OSError that has one, None
        // included, shows nothing but that and the text for its number.
        None => Ok(PyOSError::new_err(error.to_string())),
    }
}

/// As the operating system's own functions raise it; `reason` where its text for the number says too little.
pub(crate) fn numbered_os_error(
    py: Python<'_>,
    number: i32,
    reason: Option<&str>,
    path: Option<&Path>,
) -> PyResult<PyErr> {
    let text = match reason {
        Some(reason) => PyString::new(py, reason).into_any(),
        None => py
            .import(intern!(py, "os"))?
            .call_method1(intern!(py, "strerror"), (number,))?,
    };
    let path = path.map(|path| path.as_os_str().to_owned());
    Ok(PyOSError::new_err((number, text.unbind(), path)))
}

/// The Python exception at the bottom of an error, if there is one.
fn raised_by_python(error: &Error) -> Option<&PyErr> {
    let mut source = error.source();
    while let Some(cause) = source {
        // `io::Error::source` steps over the error that it wraps.
        let wrapped = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let inner = wrapped.map_or(cause, |inner| inner as &(dyn StdError + 'static));
        if let Some(raised) = inner.downcast_ref::<PyErr>() {
            return Some(raised);
        }
        source = inner.source();
    }
    None
}
