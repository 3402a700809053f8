//! Arguments that several methods take, checked before anything is sent.

use std::sync::Arc;

use fastblob_engine::{ContentHeaders, OnError, Tier, WriteOptions};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyList, PyString, PyTuple},
};

use crate::exceptions::{from_invalid_input, kinds_of};

type Object<'py> = Bound<'py, PyAny>;

/// What a call on many blobs does when one of them fails: `"raise"`, `"collect"`, or the exception
/// classes that are collected.
pub(crate) struct OnErrorArgument(OnError);

pub(crate) const RAISE: OnErrorArgument = OnErrorArgument(OnError::Raise);

impl From<OnErrorArgument> for OnError {
    fn from(argument: OnErrorArgument) -> Self {
        argument.0
    }
}

impl<'py> FromPyObject<'_, 'py> for OnErrorArgument {
    type Error = PyErr;

    fn extract(argument: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let on_error = match argument.cast::<PyString>() {
            Ok(word) if word == "raise" => Some(OnError::Raise),
            Ok(word) if word == "collect" => Some(OnError::Collect),
            Ok(_) => None,
            Err(_) => kinds_of(&argument)?.map(OnError::CollectOnly),
        };
        on_error.map(Self).ok_or_else(|| {
            PyValueError::new_err(format!(
                "on_error must be 'raise', 'collect' or classes of fastblob's errors, not {}",
                shown(&argument)
            ))
        })
    }
}

/// The options of an upload.
pub(crate) fn upload_options(
    overwrite: bool,
    metadata: Option<&Bound<'_, PyAny>>,
    content_type: Option<String>,
    tier: Option<String>,
    tags: Option<&Bound<'_, PyAny>>,
) -> PyResult<Arc<WriteOptions>> {
    let tier = tier.map(|tier| tier.parse::<Tier>()).transpose();
    checked(WriteOptions {
        overwrite,
        metadata: string_pairs("metadata", metadata)?,
        content: ContentHeaders {
            content_type,
            ..ContentHeaders::default()
        },
        tier: tier.map_err(|error| from_invalid_input(&error))?,
        tags: string_pairs("tags", tags)?,
        ..WriteOptions::default()
    })
}

/// The options of an item that has metadata of its own.
pub(crate) fn with_metadata(
    options: &WriteOptions,
    metadata: &Bound<'_, PyAny>,
) -> PyResult<Arc<WriteOptions>> {
    checked(WriteOptions {
        metadata: string_pairs("metadata", Some(metadata))?,
        ..options.clone()
    })
}

fn checked(options: WriteOptions) -> PyResult<Arc<WriteOptions>> {
    options
        .validate()
        .map_err(|error| from_invalid_input(&error))?;
    Ok(Arc::new(options))
}

fn string_pairs(name: &str, mapping: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<(String, String)>> {
    let Some(mapping) = mapping else {
        return Ok(Vec::new());
    };
    let wrong = |found: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!("{name} must map str to str, got {}", shown(found)))
    };
    let items = mapping.call_method0("items").map_err(|_| wrong(mapping))?;
    items
        .try_iter()?
        .map(|item| {
            let item = item?;
            item.extract().map_err(|_| wrong(&item))
        })
        .collect()
}

/// A count of bytes or an offset.
pub(crate) fn non_negative(name: &str, value: i64) -> PyResult<u64> {
    u64::try_from(value)
        .map_err(|_| PyValueError::new_err(format!("{name} must not be negative, got {value}")))
}

/// Whether a list is to have one level only.
pub(crate) fn one_level(delimiter: Option<&str>) -> PyResult<bool> {
    match delimiter {
        None => Ok(false),
        Some("/") => Ok(true),
        Some(_) => Err(PyValueError::new_err("delimiter must be '/' or None")),
    }
}

/// The two halves of an item such as `(blob, path)`.
pub(crate) fn pair<'py>(
    item: &Bound<'py, PyAny>,
    form: &str,
) -> PyResult<(Object<'py>, Object<'py>)> {
    match elements(item) {
        Some(pair) if pair.len() == 2 => Ok((pair.get_item(0)?, pair.get_item(1)?)),
        _ => Err(malformed(item, form)),
    }
}

/// The parts of an item such as `(blob, data)` or `(blob, data, metadata)`.
pub(crate) fn pair_or_triple<'py>(
    item: &Bound<'py, PyAny>,
    form: &str,
) -> PyResult<(Object<'py>, Object<'py>, Option<Object<'py>>)> {
    match elements(item) {
        Some(triple) if triple.len() == 3 => Ok((
            triple.get_item(0)?,
            triple.get_item(1)?,
            Some(triple.get_item(2)?),
        )),
        _ => pair(item, form).map(|(first, second)| (first, second, None)),
    }
}

fn elements<'py>(item: &Bound<'py, PyAny>) -> Option<Bound<'py, PyTuple>> {
    match item.cast::<PyTuple>() {
        Ok(tuple) => Some(tuple.clone()),
        Err(_) => item.cast::<PyList>().ok().map(PyListMethods::to_tuple),
    }
}

fn malformed(item: &Bound<'_, PyAny>, form: &str) -> PyErr {
    PyTypeError::new_err(format!("expected {form}, got {}", shown(item)))
}

fn shown(object: &Bound<'_, PyAny>) -> String {
    object
        .repr()
        .map_or_else(|error| error.to_string(), |text| text.to_string())
}

/// Refuses a single str where an iterable of items is wanted: iterating it would give its
/// characters.
pub(crate) fn not_a_string(items: &Bound<'_, PyAny>, form: &str) -> PyResult<()> {
    if items.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(format!(
            "expected an iterable of {form}, got the str {}",
            items.repr()?
        )));
    }
    Ok(())
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
