//! Values that calls take: made and checked once, then used for any number of items.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use fastblob_engine::{self as engine, ContentHeaders, Tier};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyDateTime, PyTuple},
};

use crate::exceptions::invalid_input;

/// Whom to trust, and through whom to go.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Clone, Debug)]
pub(crate) struct Trust(pub(crate) engine::Trust);

#[pymethods]
impl Trust {
    #[new]
    #[pyo3(signature = (ca_file = None, proxy = None))]
    fn new(ca_file: Option<PathBuf>, proxy: Option<String>) -> Self {
        Self(engine::Trust { ca_file, proxy })
    }
}

/// What must hold of a blob for a call to be carried out.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct Conditions(Arc<engine::Conditions>);

#[pymethods]
impl Conditions {
    #[new]
    #[pyo3(signature = (
        *, if_match = None, if_none_match = None, if_modified_since = None,
        if_unmodified_since = None, if_tags = None, lease = None
    ))]
    fn new(
        if_match: Option<String>,
        if_none_match: Option<String>,
        if_modified_since: Option<&Bound<'_, PyAny>>,
        if_unmodified_since: Option<&Bound<'_, PyAny>>,
        if_tags: Option<String>,
        lease: Option<String>,
    ) -> PyResult<Self> {
        let conditions = engine::Conditions {
            if_match,
            if_none_match,
            if_modified_since: if_modified_since
                .map(|time| moment("if_modified_since", time))
                .transpose()?,
            if_unmodified_since: if_unmodified_since
                .map(|time| moment("if_unmodified_since", time))
                .transpose()?,
            if_tags,
            lease,
        };
        conditions.validate().map_err(invalid_input)?;
        Ok(Self(Arc::new(conditions)))
    }
}

/// The moment that a datetime means.
fn moment(name: &str, time: &Bound<'_, PyAny>) -> PyResult<SystemTime> {
    if let Some(zone) = time.getattr_opt("tzinfo")?
        && zone.is_none()
    {
        return Err(PyValueError::new_err(format!(
            "{name} has no time zone, without which it is no moment: datetime(..., tzinfo=UTC)"
        )));
    }
    time.extract().map_err(|_| {
        if time.is_instance_of::<PyDateTime>() {
            let before = format!("{name} must not be before 1970, got {}", shown(time));
            PyValueError::new_err(before)
        } else {
            PyTypeError::new_err(format!("{name} must be a datetime, got {}", shown(time)))
        }
    })
}

/// The conditions of a call; none where there is no argument.
pub(crate) fn conditions_of(argument: Option<&Bound<'_, Conditions>>) -> Arc<engine::Conditions> {
    argument
        .map(|conditions| Arc::clone(&conditions.get().0))
        .unwrap_or_default()
}

/// The same for an operation that has them to itself.
pub(crate) fn own_conditions(argument: Option<&Bound<'_, Conditions>>) -> engine::Conditions {
    argument.map_or_else(engine::Conditions::default, |conditions| {
        (*conditions.get().0).clone()
    })
}

/// How a blob is written.
#[pyclass(module = "fastblob._fastblob", frozen)]
#[derive(Debug)]
pub(crate) struct WriteOptions(pub(crate) Arc<engine::WriteOptions>);

#[pymethods]
impl WriteOptions {
    #[new]
    #[pyo3(signature = (
        *, overwrite = false, metadata = None, content_type = None, content_encoding = None,
        content_language = None, content_disposition = None, cache_control = None, tier = None,
        tags = None, content_md5 = false, conditions = None
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn new(
        overwrite: bool,
        metadata: Option<&Bound<'_, PyAny>>,
        content_type: Option<String>,
        content_encoding: Option<String>,
        content_language: Option<String>,
        content_disposition: Option<String>,
        cache_control: Option<String>,
        tier: Option<&str>,
        tags: Option<&Bound<'_, PyAny>>,
        content_md5: bool,
        conditions: Option<&Bound<'_, Conditions>>,
    ) -> PyResult<Self> {
        let tier = tier.map(str::parse::<Tier>).transpose();
        let options = engine::WriteOptions {
            overwrite,
            metadata: string_pairs("metadata", metadata)?,
            content: ContentHeaders {
                content_type,
                content_encoding,
                content_language,
                content_disposition,
                cache_control,
            },
            tier: tier.map_err(invalid_input)?,
            tags: string_pairs("tags", tags)?,
            content_md5,
            conditions: own_conditions(conditions),
        };
        options.validate().map_err(invalid_input)?;
        Ok(Self(Arc::new(options)))
    }
}

/// The pairs of a mapping from str to str.
pub(crate) fn string_pairs(
    name: &str,
    mapping: Option<&Bound<'_, PyAny>>,
) -> PyResult<Vec<(String, String)>> {
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

pub(crate) fn shown(object: &Bound<'_, PyAny>) -> String {
    object
        .repr()
        .map_or_else(|error| error.to_string(), |text| text.to_string())
}

/// The options of an item, which may bring its own as the third element.
pub(crate) fn options_of(
    item: &Bound<'_, PyTuple>,
    common: &Arc<engine::WriteOptions>,
) -> PyResult<Arc<engine::WriteOptions>> {
    match item.get_item(2) {
        Ok(own) if !own.is_none() => Ok(Arc::clone(&own.cast::<WriteOptions>()?.get().0)),
        _ => Ok(Arc::clone(common)),
    }
}
