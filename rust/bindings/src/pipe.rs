//! Pipes and devices as the source of an upload.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use fastblob_engine::pipe;
use pyo3::{exceptions::PyOSError, prelude::*};

use crate::runtime::enter;

/// What comes out of a pipe or a device, read without holding up signal handlers.
pub(crate) struct Pipe {
    path: PathBuf,
    file: Option<File>,
}

impl Pipe {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    pub(crate) fn read(&mut self, py: Python<'_>, buffer: &mut [u8]) -> PyResult<usize> {
        let read = enter(py, |signals| {
            let file = match &mut self.file {
                Some(file) => file,
                empty => empty.insert(pipe::open(&self.path)?),
            };
            loop {
                pipe::wait_readable(file, signals)?;
                match file.read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
            }
        })?;
        read.map_err(|error: io::Error| {
            let number = error.raw_os_error();
            PyOSError::new_err((number, error.to_string(), self.path.clone()))
        })
    }
}
