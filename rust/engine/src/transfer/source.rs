//! Content that can be sent in pieces, in any order, again and again: a file, or the caller's memory.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
};

use super::memory::MemorySource;
use crate::{
    azure::Content,
    error::{Error, ErrorKind, Result},
    os,
};

/// A file, or the caller's memory.
pub(super) enum OpenSource {
    File(OpenFile),
    Memory(MemorySource),
}

#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    file: File,
    found: Metadata,
}

impl OpenFile {
    pub(super) fn new(path: PathBuf, file: File, found: Metadata) -> Self {
        Self { path, file, found }
    }

    /// Closes the file; its path, by which it can be opened again.
    pub(super) fn close(self) -> PathBuf {
        self.path
    }

    /// An error if the file is not what it was when it was opened.
    fn check_unchanged(&self) -> Result<()> {
        let now = self
            .file
            .metadata()
            .map_err(|error| Error::local(&self.path, error))?;
        let modified = |metadata: &Metadata| metadata.modified().ok();
        if now.len() == self.found.len() && modified(&now) == modified(&self.found) {
            return Ok(());
        }
        Err(changed(&self.path, "changed"))
    }
}

fn changed(path: &Path, how: &str) -> Error {
    Error::local_because(
        path,
        os::code::BUSY,
        format!("{how} while it was uploaded; nothing was stored"),
    )
}

impl OpenSource {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::File(open) => open.found.len(),
            Self::Memory(memory) => memory.bytes().len() as u64,
        }
    }

    pub(super) fn piece(&self, offset: u64, length: u64) -> Content<'_> {
        match self {
            Self::File(open) => Content::File {
                file: &open.file,
                offset,
                length,
                failed: unreadable,
            },
            Self::Memory(memory) => {
                Content::Memory(&memory.bytes()[offset as usize..(offset + length) as usize])
            }
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
        let Self::File(open) = self else {
            return error;
        };
        let reason = error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>());
        match (error.kind(), reason) {
            (ErrorKind::Local, Some(reason)) if error.path().is_none() => match reason.kind() {
                io::ErrorKind::UnexpectedEof => changed(&open.path, "became shorter"),
                kind => Error::local(
                    &open.path,
                    match reason.raw_os_error() {
                        Some(code) => io::Error::from_raw_os_error(code),
                        None => kind.into(),
                    },
                ),
            },
            // The service found other bytes than were read a moment before.
            (ErrorKind::Integrity, _) => match open.check_unchanged() {
                Err(changed) => changed,
                Ok(()) => error,
            },
            _ => error,
        }
    }
}

/// A piece could not be read; `locate` says of which file.
fn unreadable(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Local,
        format!("the file could not be read: {error}"),
    )
    .with_source(std::sync::Arc::new(error))
}
