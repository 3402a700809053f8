//! What calls return.

mod blob_item;
mod blob_properties;
mod transfer_result;

use std::collections::HashMap;

use pyo3::prelude::*;

pub(crate) use self::{
    blob_item::BlobItem, blob_properties::BlobProperties, transfer_result::TransferResult,
};

fn string_map(pairs: &[(String, String)]) -> HashMap<&str, &str> {
    pairs
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect()
}

/// `TransferResult(blob='c/b', path=None, ...)`.
fn repr(object: &Bound<'_, PyAny>, attributes: &[&str]) -> PyResult<String> {
    let attributes = attributes
        .iter()
        .map(|name| Ok(format!("{name}={}", object.getattr(*name)?.repr()?)))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(format!(
        "{}({})",
        object.get_type().name()?,
        attributes.join(", ")
    ))
}
