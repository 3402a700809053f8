//! Pipes and devices as the source of an upload.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    time::Instant,
};

use fastblob_engine::{MemorySource, pipe};
use pyo3::{exceptions::PyOSError, prelude::*};

use crate::exceptions::numbered_os_error;

/// What comes out of a pipe or a device, block by block; nobody waits for it longer than they want.
#[derive(Debug)]
pub(crate) struct Pipe {
    path: PathBuf,
    file: Option<File>,
    block: Option<Vec<u8>>,
    filled: usize,
}

impl Pipe {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            block: None,
            filled: 0,
        }
    }

    /// A block of at most so many bytes is to be read.
    pub(crate) fn want(&mut self, size: u64) {
        self.block = Some(vec![0; size as usize]);
        self.filled = 0;
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.block.is_some()
    }

    /// The block, once it is full or the pipe has ended, and whether it is the last; None where that was
    /// not so by `end`.
    pub(crate) fn read(&mut self, end: Instant) -> io::Result<Option<(MemorySource, bool)>> {
        let Some(block) = &mut self.block else {
            return Ok(None);
        };
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(pipe::open(&self.path)?),
        };
        let mut ended = false;
        while self.filled < block.len() && !ended {
            let time = end.saturating_duration_since(Instant::now());
            if !pipe::wait_readable(file, time)? {
                return Ok(None);
            }
            match file.read(&mut block[self.filled..]) {
                Ok(count) => {
                    self.filled += count;
                    ended = count == 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut block = self.block.take().unwrap_or_default();
        block.truncate(self.filled);
        Ok(Some((MemorySource::owned(block), ended)))
    }

    /// The exception for a failure to read.
    pub(crate) fn failure(&self, py: Python<'_>, error: &io::Error) -> PyErr {
        match error.raw_os_error() {
            Some(number) => numbered_os_error(py, number, None, Some(&self.path))
                .unwrap_or_else(|failure| failure),
            None => PyOSError::new_err(error.to_string()),
        }
    }
}
