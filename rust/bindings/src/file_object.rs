//! Binary file objects as the source of an upload.

use std::{fs, path::PathBuf, sync::Arc};

use fastblob_engine::{BlobRef, Job, MemorySource, Source, WriteOptions};
use pyo3::{
    exceptions::{PyOSError, PyTypeError},
    intern,
    prelude::*,
    types::{PyByteArray, PyMemoryView, PySlice, PyString},
};

use crate::{
    buffers::{self, Content},
    drive::Prepared,
    pipe::Pipe,
};

/// How much is asked of a file object at a time: enough to make the call's cost small, and it stays
/// in the cache for the copy that follows.
const PIECE: usize = 1 << 20;

/// The job of writing `data`: anything with the buffer protocol, or a binary file object.
pub(crate) fn write(
    data: &Bound<'_, PyAny>,
    blob: BlobRef,
    options: Arc<WriteOptions>,
) -> PyResult<Prepared> {
    if let Some(memory) = buffers::source(data)? {
        return Ok(Job::upload(Source::Memory(memory), blob, options).into());
    }
    let py = data.py();
    let has_readinto = data.hasattr(intern!(py, "readinto"))?;
    if !has_readinto && !data.hasattr(intern!(py, "read"))? {
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
        blocks: Some(BlockSource::FileObject(FileObject {
            file: data.clone().unbind(),
            piece: has_readinto.then(|| PyByteArray::new(py, &[]).unbind()),
        })),
    })
}

/// The job of uploading a file, or what comes out of a pipe.
pub(crate) fn upload(path: PathBuf, blob: BlobRef, options: Arc<WriteOptions>) -> Prepared {
    let special = fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if !special {
        return Job::upload(Source::File(path), blob, options).into();
    }
    Prepared {
        job: Job::upload(Source::Blocks, blob, options),
        blocks: Some(BlockSource::Pipe(Pipe::new(path))),
    }
}

/// Where the blocks of a stream come from.
pub(crate) enum BlockSource {
    FileObject(FileObject),
    Pipe(Pipe),
}

impl BlockSource {
    /// Reads a block; whether it is the last.
    pub(crate) fn read_block(
        &mut self,
        py: Python<'_>,
        size: u64,
    ) -> PyResult<(MemorySource, bool)> {
        let size = usize::try_from(size)?;
        let mut block = vec![0; size];
        let mut filled = 0;
        while filled < size {
            let room = &mut block[filled..];
            let count = match self {
                Self::FileObject(file) => file.read(py, room)?,
                Self::Pipe(pipe) => pipe.read(py, room)?,
            };
            if count == 0 {
                break;
            }
            filled += count;
        }
        block.truncate(filled);
        Ok((MemorySource::owned(block), filled < size))
    }
}

/// Reads from a Python file object; its exceptions come out as they are.
pub(crate) struct FileObject {
    file: Py<PyAny>,
    /// For `readinto`, and never memory of ours: the file object might keep a view of it.
    piece: Option<Py<PyByteArray>>,
}

impl FileObject {
    fn read(&self, py: Python<'_>, buffer: &mut [u8]) -> PyResult<usize> {
        let length = buffer.len().min(PIECE);
        let buffer = &mut buffer[..length];
        match &self.piece {
            Some(piece) => self.read_into(piece.bind(py), buffer),
            None => self.read_bytes(py, buffer),
        }
    }

    fn read_into(&self, piece: &Bound<'_, PyByteArray>, buffer: &mut [u8]) -> PyResult<usize> {
        let py = piece.py();
        if piece.len() < buffer.len() {
            piece.resize(PIECE)?;
        }
        let view = PyMemoryView::from(piece)?;
        let view = view.get_item(PySlice::new(py, 0, buffer.len().cast_signed(), 1))?;
        let count = self
            .file
            .bind(py)
            .call_method1(intern!(py, "readinto"), (view,))?;
        if count.is_none() {
            return Err(would_block());
        }
        let count: usize = count.extract()?;
        if count > buffer.len() {
            return Err(PyOSError::new_err(format!(
                "readinto() returned {count}, more than the {} bytes asked for",
                buffer.len()
            )));
        }
        Content::new(piece)?.copy_to(&mut buffer[..count]);
        buffers::release_dropped(py);
        Ok(count)
    }

    fn read_bytes(&self, py: Python<'_>, buffer: &mut [u8]) -> PyResult<usize> {
        let content = self
            .file
            .bind(py)
            .call_method1(intern!(py, "read"), (buffer.len(),))?;
        if content.is_none() {
            return Err(would_block());
        }
        if content.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(
                "the file object gives str: open the file in binary mode",
            ));
        }
        let content = Content::new(&content)?;
        if content.len() > buffer.len() {
            return Err(PyOSError::new_err(format!(
                "read({}) returned {} bytes",
                buffer.len(),
                content.len()
            )));
        }
        let count = content.len();
        content.copy_to(&mut buffer[..count]);
        drop(content);
        buffers::release_dropped(py);
        Ok(count)
    }
}

fn would_block() -> PyErr {
    PyOSError::new_err(
        "the file object has no data at the moment (it is non-blocking): make it blocking",
    )
}
