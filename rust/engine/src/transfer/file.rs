//! The file that a download goes to: under a temporary name until it is complete.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, FileTypeExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::{Errno, retry_on_intr},
};

use crate::{
    error::{Error, Result},
    random,
};

/// Longest file name that file systems take, in bytes.
const MAX_FILE_NAME: usize = 255;

/// What the names of incomplete files end with.
pub(crate) const PARTIAL_SUFFIX: &str = ".fastblob-part";

/// A file beside the target, which it replaces when it is complete, or which vanishes when dropped.
#[derive(Debug)]
pub(crate) struct PartialFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    /// It has its name, or is gone.
    settled: AtomicBool,
}

impl PartialFile {
    /// Creates the file, and the folders above it where they are missing.
    pub(crate) fn create(target: &Path) -> Result<Self> {
        let at_target = |error| Error::local(target, error);
        let Some(name) = target.file_name() else {
            return Err(Error::local_code(target, Errno::ISDIR));
        };
        match fs::metadata(target) {
            Ok(found) if found.is_dir() => return Err(Error::local_code(target, Errno::ISDIR)),
            // Renaming would replace the device by a file.
            Ok(found) if !found.is_file() => {
                let kind = found.file_type();
                let what = if kind.is_fifo() { "a pipe" } else { "a device" };
                return Err(at_target(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("is {what}; read the blob into memory instead"),
                )));
            }
            _ => {}
        }
        let temporary = target.with_file_name(temporary_name(name));
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&temporary)
        };
        let file = match (open(), target.parent()) {
            (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder).map_err(|error| Error::local(folder, error))?;
                open()
            }
            (opened, _) => opened,
        }
        .map_err(at_target)?;
        Ok(Self {
            file,
            temporary,
            target: target.to_owned(),
            settled: AtomicBool::new(false),
        })
    }

    /// Reserves the space, so that a full disk is noticed before anything is moved.
    pub(crate) fn reserve(&self, size: u64) -> Result<()> {
        match retry_on_intr(|| fallocate(&self.file, FallocateFlags::empty(), 0, size)) {
            // Not every file system can; the file grows as it is written then.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(Error::local_code(&self.target, error)),
        }
    }

    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file
            .write_all_at(bytes, offset)
            .map_err(|error| Error::local(&self.target, error))
    }

    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
        self.file
            .read_exact_at(bytes, offset)
            .map_err(|error| Error::local(&self.target, error))
    }

    /// Gives the file its name.
    pub(crate) fn commit(&self) -> Result<()> {
        fs::rename(&self.temporary, &self.target)
            .map_err(|error| Error::local(&self.target, error))?;
        self.settled.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Removes the file, unless it has its name already: before a failure is reported.
    pub(crate) fn discard(&self) {
        if !self.settled.swap(true, Ordering::Relaxed) {
            // Nobody could do anything about a failure, and the name says what the file is.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        self.discard();
    }
}

/// `.<name>.<random>.fastblob-part`, shortened so that a long name stays a legal one.
fn temporary_name(name: &OsStr) -> OsString {
    let suffix = format!(".{:016x}{PARTIAL_SUFFIX}", random::unique());
    let mut text = name.to_string_lossy().into_owned();
    while text.len() + suffix.len() + 1 > MAX_FILE_NAME {
        text.pop();
    }
    format!(".{text}{suffix}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_legal() {
        for name in ["a", &"x".repeat(255), &"ü".repeat(127)] {
            let temporary = temporary_name(OsStr::new(name));
            assert!(temporary.len() <= MAX_FILE_NAME);
            assert!(temporary.to_string_lossy().starts_with('.'));
        }
    }
}
