//! What calls give, as raw attributes; `fastblob._results` and `fastblob._blob_results` are their public
//! face.

mod container;
mod list_entry;
mod outcome;
mod progress;
mod properties;

use std::collections::HashMap;

use fastblob_engine::{self as engine, Answer, Output};
use pyo3::{IntoPyObjectExt, prelude::*};

pub(crate) use self::{
    container::{AccountInformation, ContainerProperties},
    list_entry::ListEntry,
    outcome::Outcome,
    progress::Progress,
    properties::Properties,
};
use crate::{buffers::BytesResult, exceptions::from_error};

type Object<'py> = PyResult<Bound<'py, PyAny>>;

/// Of a read: the bytes.
pub(crate) fn bytes<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    content: Option<&BytesResult>,
) -> Object<'py> {
    succeeded(py, outcome)?;
    match content {
        Some(content) => Ok(content.get(py)?.into_any()),
        None => unreachable!("a read has bytes"),
    }
}

/// Of a read into a buffer: how many.
pub(crate) fn byte_count<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    _content: Option<&BytesResult>,
) -> Object<'py> {
    match succeeded(py, outcome)?.1 {
        Output::Downloaded(downloaded) => downloaded.size.into_bound_py_any(py),
        other => unreachable!("a read gives {other:?}"),
    }
}

/// Nothing but success.
pub(crate) fn nothing<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    _content: Option<&BytesResult>,
) -> Object<'py> {
    succeeded(py, outcome)?;
    Ok(py.None().into_bound(py))
}

/// All that is known.
pub(crate) fn outcome<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    content: Option<&BytesResult>,
) -> Object<'py> {
    match &outcome.result {
        Err(error) => Err(from_error(py, error)),
        Ok(_) => Outcome::new(py, outcome, content).into_bound_py_any(py),
    }
}

/// Of what is done with a lease: its id, or the seconds until it ends.
pub(crate) fn lease<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    _content: Option<&BytesResult>,
) -> Object<'py> {
    match succeeded(py, outcome)?.1 {
        Output::Answer(Answer::Leased(id)) => id.into_bound_py_any(py),
        Output::Answer(Answer::LeaseEndsIn(seconds)) => seconds.into_bound_py_any(py),
        _ => Ok(py.None().into_bound(py)),
    }
}

/// Of `properties` and `copy`.
pub(crate) fn properties<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    _content: Option<&BytesResult>,
) -> Object<'py> {
    match succeeded(py, outcome)? {
        (blob, Output::Answer(Answer::Properties(properties))) => {
            Properties::new(&blob, *properties).into_bound_py_any(py)
        }
        (_, other) => unreachable!("properties were asked for: {other:?}"),
    }
}

/// Of `create_snapshot`: container, name and time.
pub(crate) fn snapshot<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    _content: Option<&BytesResult>,
) -> Object<'py> {
    match succeeded(py, outcome)?.1 {
        Output::Answer(Answer::Snapshot(snapshot)) => {
            snapshot_parts(&snapshot).into_bound_py_any(py)
        }
        other => unreachable!("a snapshot was asked for: {other:?}"),
    }
}

/// Of `container_properties`.
pub(crate) fn container<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    _content: Option<&BytesResult>,
) -> Object<'py> {
    match succeeded(py, outcome)?.1 {
        Output::Answer(Answer::Container(properties)) => {
            ContainerProperties::new(*properties).into_bound_py_any(py)
        }
        other => unreachable!("a container was asked for: {other:?}"),
    }
}

/// Of `account_information`.
pub(crate) fn account<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    _content: Option<&BytesResult>,
) -> Object<'py> {
    match succeeded(py, outcome)?.1 {
        Output::Answer(Answer::Account(information)) => {
            AccountInformation::new(information).into_bound_py_any(py)
        }
        other => unreachable!("the account was asked for: {other:?}"),
    }
}

/// Of `get_tags`.
pub(crate) fn tags<'py>(
    py: Python<'py>,
    outcome: engine::Outcome,
    _content: Option<&BytesResult>,
) -> Object<'py> {
    match succeeded(py, outcome)?.1 {
        Output::Answer(Answer::Tags(tags)) => string_map(&tags).into_bound_py_any(py),
        other => unreachable!("tags were asked for: {other:?}"),
    }
}

fn succeeded(py: Python<'_>, outcome: engine::Outcome) -> PyResult<(engine::BlobRef, Output)> {
    match outcome.result {
        Ok(output) => Ok((outcome.blob, output)),
        Err(error) => Err(from_error(py, &error)),
    }
}

fn snapshot_parts(snapshot: &engine::BlobRef) -> (&str, &str, &str) {
    match snapshot.revision() {
        Some(engine::Revision::Snapshot(time)) => (snapshot.container(), snapshot.name(), time),
        other => unreachable!("a snapshot is named: {other:?}"),
    }
}

fn string_map(pairs: &[(String, String)]) -> HashMap<&str, &str> {
    pairs
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect()
}
