//! Arguments that several calls take, checked before anything is sent.

use std::{path::PathBuf, time::Duration};

use fastblob_engine::OnError;
use pyo3::{
    exceptions::{PyOverflowError, PyTypeError, PyValueError},
    prelude::*,
    types::{PyList, PyString, PyTuple},
};

use crate::{exceptions::kind_of, values::shown};

type Object<'py> = Bound<'py, PyAny>;

/// What a call on many blobs does when one of them fails: `"raise"`, `"collect"`, or the names of the
/// exception classes that are collected.
pub(crate) struct OnErrorArgument(pub(crate) OnError);

impl<'py> FromPyObject<'_, 'py> for OnErrorArgument {
    type Error = PyErr;

    fn extract(argument: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(word) = argument.cast::<PyString>() {
            return match word.to_str()? {
                "raise" => Ok(Self(OnError::Raise)),
                "collect" => Ok(Self(OnError::Collect)),
                _ => Err(PyValueError::new_err(
                    "on_error is neither 'raise' nor 'collect'",
                )),
            };
        }
        let names: Vec<String> = argument.extract()?;
        let kinds: Option<Vec<_>> = names.iter().map(|name| kind_of(name)).collect();
        let kinds =
            kinds.ok_or_else(|| PyValueError::new_err("on_error names an unknown class"))?;
        Ok(Self(OnError::CollectOnly(kinds)))
    }
}

/// An int, or the nearest one that 64 bits hold: it is refused as such a one is.
#[derive(Clone, Copy)]
pub(crate) struct Nearest(pub(crate) i64);

impl<'py> FromPyObject<'_, 'py> for Nearest {
    type Error = PyErr;

    fn extract(argument: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let extracted: PyResult<i64> = argument.extract();
        match extracted {
            Err(error) if error.is_instance_of::<PyOverflowError>(argument.py()) => {
                let is_negative = argument.lt(0)?;
                Ok(Self(if is_negative { i64::MIN } else { i64::MAX }))
            }
            extracted => extracted.map(Self),
        }
    }
}

/// The path of a local file or folder.
pub(crate) struct LocalPath(pub(crate) PathBuf);

impl<'py> FromPyObject<'_, 'py> for LocalPath {
    type Error = PyErr;

    fn extract(argument: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let extracted: PyResult<PathBuf> = argument.extract();
        extracted.map(Self).map_err(|error| {
            if !error.is_instance_of::<PyTypeError>(argument.py()) {
                return error;
            }
            PyTypeError::new_err(format!(
                "a local path is a str or an os.PathLike of one, got {}",
                shown(&argument)
            ))
        })
    }
}

/// A time.
pub(crate) fn seconds(name: &str, value: &Object<'_>) -> PyResult<Duration> {
    let extracted: PyResult<f64> = value.extract();
    let refused = || format!("{name} must be a number of seconds, got {}", shown(value));
    match extracted {
        Ok(seconds) => {
            Duration::try_from_secs_f64(seconds).map_err(|_| PyValueError::new_err(refused()))
        }
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
            Err(PyValueError::new_err(format!(
                "{name} must be a number of seconds, not one as large as that"
            )))
        }
        Err(_) => Err(PyTypeError::new_err(refused())),
    }
}

/// A count of bytes or an offset.
pub(crate) fn non_negative(name: &str, value: i64) -> PyResult<u64> {
    u64::try_from(value)
        .map_err(|_| PyValueError::new_err(format!("{name} must not be negative, got {value}")))
}

/// The elements of an item that is a tuple or a list, where it has one of these numbers of them.
pub(crate) fn elements<'py>(
    item: &Object<'py>,
    lengths: &[usize],
    form: &str,
) -> PyResult<Bound<'py, PyTuple>> {
    let elements = match item.cast::<PyTuple>() {
        Ok(tuple) => Some(tuple.clone()),
        Err(_) => item.cast::<PyList>().ok().map(PyListMethods::to_tuple),
    };
    elements
        .filter(|elements| lengths.contains(&elements.len()))
        .ok_or_else(|| PyTypeError::new_err(format!("expected {form}, got {}", shown(item))))
}

/// Puts `item 3: ` in front of an argument error, whose class stays; others are left alone.
pub(crate) fn in_item(py: Python<'_>, index: usize, error: PyErr) -> PyErr {
    let message = format!("item {index}: {}", error.value(py));
    let renamed = if error.get_type(py).is(py.get_type::<PyValueError>()) {
        PyValueError::new_err(message)
    } else if error.get_type(py).is(py.get_type::<PyTypeError>()) {
        PyTypeError::new_err(message)
    } else {
        return error;
    };
    renamed.set_cause(py, Some(error));
    renamed
}
