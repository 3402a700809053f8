//! `write`, `write_many`: of memory, and of file objects.

use std::sync::Arc;

use fastblob_engine::{self as engine, BlobRef, Job, Source};
use pyo3::{exceptions::PyTypeError, intern, prelude::*, types::PyString};

use crate::{
    arguments::{OnErrorArgument, elements},
    blob::blob_of,
    buffers,
    call::Call,
    driving::{Prepared, Stream},
    engine::Engine,
    results,
    values::{WriteOptions, options_of},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, data, options, watched = false))]
    fn write<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        data: &Bound<'py, PyAny>,
        options: &Bound<'py, WriteOptions>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = Arc::clone(&options.get().0);
        let prepared = content(data, blob_of(blob)?, options)?;
        self.one(blob.py(), prepared, watched, results::outcome)
    }

    /// Items: `(blob, data)` or `(blob, data, options)`.
    fn write_many(
        &self,
        py: Python<'_>,
        options: &Bound<'_, WriteOptions>,
        on_error: OnErrorArgument,
    ) -> PyResult<Call> {
        let common = Arc::clone(&options.get().0);
        let parser = move |item: &Bound<'_, PyAny>| {
            let item = elements(item, &[2, 3], "(blob, data) or (blob, data, options)")?;
            let options = options_of(&item, &common)?;
            content(&item.get_item(1)?, blob_of(&item.get_item(0)?)?, options)
        };
        self.many(py, on_error, Box::new(parser))
    }
}

/// Anything with the buffer protocol, or a binary file object.
fn content(
    data: &Bound<'_, PyAny>,
    blob: BlobRef,
    options: Arc<engine::WriteOptions>,
) -> PyResult<Prepared> {
    if let Some(memory) = buffers::source(data)? {
        return Ok(Job::upload(Source::Memory(memory), blob, options).into());
    }
    let py = data.py();
    if !data.hasattr(intern!(py, "readinto"))? && !data.hasattr(intern!(py, "read"))? {
        let hint = if data.is_instance_of::<PyString>() {
            "encode the text first, or use upload() for a file's path"
        } else {
            "give an object with the buffer protocol (bytes, bytearray, memoryview, a numpy array, \
             ...) or a binary file object"
        };
        return Err(PyTypeError::new_err(format!(
            "data is a {}: {hint}",
            data.get_type().name()?
        )));
    }
    Ok(Prepared {
        job: Job::upload(Source::Blocks, blob, options),
        stream: Some(Stream::FileObject(data.clone().unbind())),
        content: None,
    })
}
