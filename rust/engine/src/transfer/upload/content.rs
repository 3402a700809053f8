//! Content that can be sent in pieces, in any order, again and again.

use std::{
    fs::{File, Metadata},
    io,
    path::PathBuf,
};

use crate::{
    error::{Error, ErrorKind, Result},
    http::Body,
    memory::MemorySource,
    transfer::put::crc64_of,
};

/// A file, or the caller's memory.
pub(super) enum Content {
    File(OpenFile),
    Memory(MemorySource),
}

#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    pub(super) file: File,
    found: Metadata,
}

impl OpenFile {
    pub(super) fn new(path: PathBuf, file: File, found: Metadata) -> Self {
        Self { path, file, found }
    }

    /// An error if the file is not what it was when it was opened.
    fn check_unchanged(&self) -> Result<()> {
        let now = self
            .file
            .metadata()
            .map_err(|error| Error::local(&self.path, error))?;
        let same = now.len() == self.found.len() && modified(&now) == modified(&self.found);
        if same {
            return Ok(());
        }
        Err(Error::local(
            &self.path,
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the file changed while it was uploaded; nothing was stored",
            ),
        ))
    }

    pub(super) fn read_error(&self, error: io::Error) -> Error {
        let error = match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(
                io::ErrorKind::InvalidData,
                "the file became shorter while it was uploaded; nothing was stored",
            ),
            _ => error,
        };
        Error::local(&self.path, error)
    }
}

fn modified(metadata: &Metadata) -> Option<std::time::SystemTime> {
    metadata.modified().ok()
}

impl Content {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::File(file) => file.found.len(),
            Self::Memory(memory) => memory.bytes().len() as u64,
        }
    }

    pub(super) fn piece(&self, offset: u64, length: u64) -> Body<'_> {
        match self {
            Self::File(open) => Body::File {
                file: &open.file,
                offset,
                length,
            },
            Self::Memory(memory) => {
                Body::Bytes(&memory.bytes()[offset as usize..(offset + length) as usize])
            }
        }
    }

    pub(super) fn crc64(&self, offset: u64, length: u64, buffer: &mut [u8]) -> Result<u64> {
        crc64_of(self.piece(offset, length), buffer).map_err(|error| self.explain(error))
    }

    pub(super) fn explain(&self, error: io::Error) -> Error {
        match self {
            Self::File(file) => file.read_error(error),
            Self::Memory(_) => Error::new(ErrorKind::Local, error.to_string()),
        }
    }

    pub(super) fn check_unchanged(&self) -> Result<()> {
        match self {
            Self::File(file) => file.check_unchanged(),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Names the file in errors that came up while it was sent.
    pub(super) fn locate(&self, error: Error) -> Error {
        use std::error::Error as _;
        let Self::File(file) = self else {
            return error;
        };
        let reason = error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>());
        match (error.kind(), reason) {
            (ErrorKind::Local, Some(reason)) if error.path().is_none() => {
                file.read_error(match reason.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => reason.kind().into(),
                })
            }
            // The service found other bytes than were read a moment before.
            (ErrorKind::Integrity, _) => match file.check_unchanged() {
                Err(changed) => changed,
                Ok(()) => error,
            },
            _ => error,
        }
    }
}
