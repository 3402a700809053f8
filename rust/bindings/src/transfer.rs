//! One blob: `download`, `upload`, `read`, `read_into`, `write`.

use std::{path::PathBuf, sync::Arc};

use fastblob_engine::{Conditions, Job, OnError, Outcome, Output};
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    arguments::{non_negative, upload_options},
    blob_path,
    buffers::{BufferTarget, BytesTarget},
    client::BaseClient,
    drive::{Jobs, Prepared},
    exceptions, file_object,
    progress::Reporter,
    results::TransferResult,
};

#[pymethods]
impl BaseClient {
    /// Downloads a blob into a file, atomically.
    #[pyo3(signature = (blob, path, *, progress = None))]
    fn download(
        &self,
        blob: &Bound<'_, PyAny>,
        path: PathBuf,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<TransferResult> {
        let job = Job::download(
            blob_path::extract(blob)?,
            path,
            Arc::new(Conditions::default()),
        );
        let outcome = self.transfer(blob.py(), job.into(), progress)?;
        Ok(TransferResult::new(blob.py(), outcome))
    }

    /// Uploads a file as a blob, atomically.
    #[pyo3(signature = (
        path, blob, *, overwrite = false, metadata = None, content_type = None, tier = None,
        tags = None, progress = None
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn upload(
        &self,
        path: PathBuf,
        blob: &Bound<'_, PyAny>,
        overwrite: bool,
        metadata: Option<&Bound<'_, PyAny>>,
        content_type: Option<String>,
        tier: Option<String>,
        tags: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<TransferResult> {
        let options = upload_options(overwrite, metadata, content_type, tier, tags)?;
        let job = file_object::upload(path, blob_path::extract(blob)?, options);
        let outcome = self.transfer(blob.py(), job, progress)?;
        Ok(TransferResult::new(blob.py(), outcome))
    }

    /// Uploads bytes, or what a binary file object gives, as a blob, atomically.
    #[pyo3(signature = (
        blob, data, *, overwrite = false, metadata = None, content_type = None, tier = None,
        tags = None, progress = None
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "they are keyword arguments in Python"
    )]
    fn write(
        &self,
        blob: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        overwrite: bool,
        metadata: Option<&Bound<'_, PyAny>>,
        content_type: Option<String>,
        tier: Option<String>,
        tags: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<TransferResult> {
        let path = blob_path::extract(blob)?;
        let options = upload_options(overwrite, metadata, content_type, tier, tags)?;
        let job = file_object::write(data, path, options)?;
        let outcome = self.transfer(blob.py(), job, progress)?;
        Ok(TransferResult::new(blob.py(), outcome))
    }

    /// Reads a blob, or a part of it, into memory.
    #[pyo3(signature = (blob, offset = 0, length = None))]
    fn read<'py>(
        &self,
        blob: &Bound<'py, PyAny>,
        offset: i64,
        length: Option<i64>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let offset = non_negative("offset", offset)?;
        let length = length
            .map(|length| non_negative("length", length))
            .transpose()?;
        let target = BytesTarget::default();
        let result = target.result();
        let job = Job::read(
            blob_path::extract(blob)?,
            Box::new(target),
            offset,
            length,
            Arc::new(Conditions::default()),
        );
        self.transfer(blob.py(), job.into(), None)?;
        Ok(result.get(blob.py()))
    }

    /// Reads a blob into a buffer of the caller and returns the number of bytes.
    #[pyo3(signature = (blob, buffer, offset = 0))]
    fn read_into(
        &self,
        blob: &Bound<'_, PyAny>,
        buffer: &Bound<'_, PyAny>,
        offset: i64,
    ) -> PyResult<u64> {
        let offset = non_negative("offset", offset)?;
        let path = blob_path::extract(blob)?;
        let target = BufferTarget::new(buffer)?;
        let length = target.len();
        let job = Job::read(
            path,
            Box::new(target),
            offset,
            Some(length),
            Arc::new(Conditions::default()),
        );
        match self.transfer(blob.py(), job.into(), None)?.result {
            Ok(Output::Downloaded(downloaded)) => Ok(downloaded.size),
            other => unreachable!("a read succeeded: {other:?}"),
        }
    }
}

impl BaseClient {
    /// Does one job on the calling thread, or, where somebody wants to watch, as a call of one.
    fn transfer(
        &self,
        py: Python<'_>,
        job: Prepared,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Outcome> {
        let engine = self.engine(py)?;
        let outcome = match Reporter::new(progress)? {
            None => engine.one(py, job)?,
            reporter => {
                let mut input = Jobs(vec![job]);
                let mut finished = engine.many(py, &mut input, OnError::Raise, reporter)?;
                finished.outcomes.remove(0)
            }
        };
        match &outcome.result {
            Err(error) => Err(exceptions::from_error(py, error)),
            Ok(_) => Ok(outcome),
        }
    }
}
