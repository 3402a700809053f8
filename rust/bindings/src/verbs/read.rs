//! `read`, `read_into`, `read_many`.

use std::sync::Arc;

use fastblob_engine::{self as engine, Job};
use pyo3::{
    prelude::*,
    types::{PyList, PyTuple},
};

use crate::{
    arguments::{Nearest, OnErrorArgument, elements, non_negative},
    blob::blob_of,
    buffers::{BufferTarget, BytesTarget, Gathered},
    call::Call,
    driving::Prepared,
    engine::Engine,
    results,
    values::{Conditions, conditions_of},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (blob, offset, length, conditions, watched = false))]
    fn read<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        offset: Nearest,
        length: Option<Nearest>,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let target = BytesTarget::default();
        let prepared = part(blob, offset, length, conditions_of(conditions), target)?;
        self.one(blob.py(), prepared, watched, results::bytes)
    }

    #[pyo3(signature = (blob, buffer, offset, conditions, watched = false))]
    fn read_into<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        buffer: &Bound<'py, PyAny>,
        offset: Nearest,
        conditions: Option<&Bound<'py, Conditions>>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let offset = non_negative("offset", offset.0)?;
        let target = BufferTarget::new(buffer)?;
        let length = target.len();
        let job = Job::read(
            blob_of(blob)?,
            Box::new(target),
            offset,
            Some(length),
            conditions_of(conditions),
        );
        self.one(blob.py(), job.into(), watched, results::byte_count)
    }

    /// Items: blobs, or `(blob, offset, length)`.
    fn read_many(
        &self,
        py: Python<'_>,
        on_error: OnErrorArgument,
        conditions: Option<&Bound<'_, Conditions>>,
    ) -> PyResult<Call> {
        let conditions = conditions_of(conditions);
        let gathered = Arc::new(Gathered::default());
        let parser = move |item: &Bound<'_, PyAny>| {
            let conditions = Arc::clone(&conditions);
            let target = BytesTarget::gathered(&gathered);
            if !(item.is_instance_of::<PyTuple>() || item.is_instance_of::<PyList>()) {
                return part(item, Nearest(0), None, conditions, target);
            }
            let item = elements(item, &[3], "a blob or (blob, offset, length)")?;
            let (offset, length) = (item.get_item(1)?.extract()?, item.get_item(2)?.extract()?);
            part(&item.get_item(0)?, offset, length, conditions, target)
        };
        self.many(py, on_error, Box::new(parser))
    }
}

fn part(
    blob: &Bound<'_, PyAny>,
    offset: Nearest,
    length: Option<Nearest>,
    conditions: Arc<engine::Conditions>,
    target: BytesTarget,
) -> PyResult<Prepared> {
    let offset = non_negative("offset", offset.0)?;
    let length = length.map(|length| non_negative("length", length.0));
    let content = Some(target.result());
    let target = Box::new(target);
    let job = Job::read(
        blob_of(blob)?,
        target,
        offset,
        length.transpose()?,
        conditions,
    );
    Ok(Prepared {
        job,
        stream: None,
        content,
    })
}
