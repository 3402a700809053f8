//! Binary file objects as the source of an upload.

use std::io::{self, Read};

use fastblob_engine::Source;
use pyo3::{
    exceptions::{PyOSError, PyTypeError},
    intern,
    prelude::*,
    types::{PyByteArray, PyMemoryView, PySlice, PyString},
};

use crate::buffers::{self, Content, Lent};

/// How much is asked of a file object at a time: enough to make the call's cost small, and it stays
/// in the cache for the copy that follows.
const PIECE: usize = 1 << 20;

/// What `data` is: anything with the buffer protocol, or a binary file object.
pub(crate) fn source(data: &Bound<'_, PyAny>) -> PyResult<Source> {
    if let Some(memory) = buffers::source(data)? {
        return Ok(Source::Memory(memory));
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
    Ok(Source::Stream(Box::new(FileObject {
        file: Lent::new(data),
        piece: has_readinto.then(|| Lent::new(PyByteArray::new(py, &[]).as_any())),
    })))
}

/// Reads from a Python file object. Its exceptions travel as the inner error of an [`io::Error`].
struct FileObject {
    file: Lent,
    /// For `readinto`, and never memory of ours: the file object might keep a view of it.
    piece: Option<Lent>,
}

impl Read for FileObject {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(PIECE);
        let buffer = &mut buffer[..length];
        Python::try_attach(|py| match &self.piece {
            Some(piece) => self.read_into(piece.bind(py).cast()?, buffer),
            None => self.read_bytes(py, buffer),
        })
        .ok_or_else(|| io::Error::other("Python is shutting down"))?
        .map_err(io::Error::other)
    }
}

impl FileObject {
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
