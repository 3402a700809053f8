//! `upload`, `upload_many`.

use std::{fs, path::PathBuf, sync::Arc};

use fastblob_engine::{self as engine, BlobRef, Job, Source};
use pyo3::prelude::*;

use crate::{
    arguments::{LocalPath, OnErrorArgument, elements},
    blob::blob_of,
    call::Call,
    driving::{Prepared, Stream},
    engine::Engine,
    native::enter,
    pipe::Pipe,
    results,
    values::{WriteOptions, options_of},
};

#[pymethods]
impl Engine {
    #[pyo3(signature = (path, blob, options, watched = false))]
    fn upload<'py>(
        &self,
        path: LocalPath,
        blob: &Bound<'py, PyAny>,
        options: &Bound<'py, WriteOptions>,
        watched: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = Arc::clone(&options.get().0);
        let prepared = file_or_pipe(blob.py(), path.0, blob_of(blob)?, options)?;
        self.one(blob.py(), prepared, watched, results::outcome)
    }

    /// Items: `(path, blob)` or `(path, blob, options)`.
    fn upload_many(
        &self,
        py: Python<'_>,
        options: &Bound<'_, WriteOptions>,
        on_error: OnErrorArgument,
    ) -> PyResult<Call> {
        let common = Arc::clone(&options.get().0);
        let parser = move |item: &Bound<'_, PyAny>| {
            let item = elements(item, &[2, 3], "(path, blob) or (path, blob, options)")?;
            let options = options_of(&item, &common)?;
            let path: LocalPath = item.get_item(0)?.extract()?;
            file_or_pipe(item.py(), path.0, blob_of(&item.get_item(1)?)?, options)
        };
        self.many(py, on_error, Box::new(parser))
    }
}

fn file_or_pipe(
    py: Python<'_>,
    path: PathBuf,
    blob: BlobRef,
    options: Arc<engine::WriteOptions>,
) -> PyResult<Prepared> {
    // The file system may be one that answers late.
    let found = enter(py, |_| fs::metadata(&path))?;
    if !found.is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Ok(Job::upload(Source::File(path), blob, options).into());
    }
    Ok(Prepared {
        job: Job::upload(Source::Blocks, blob, options),
        stream: Some(Stream::Pipe(Pipe::new(path))),
        content: None,
    })
}
