//! The file that a download goes to: under a temporary name until it is complete.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    error::{Error, Result},
    os, random,
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
    /// Where it will be.
    place: PathBuf,
    /// What the caller calls that.
    target: PathBuf,
    replaces: bool,
    /// It has its name, or is gone.
    settled: AtomicBool,
}

impl PartialFile {
    /// Creates the file, and the folders above it where they are missing. A link is followed: the file
    /// that it leads to is what is replaced.
    pub(crate) fn create(target: &Path) -> Result<Self> {
        if target.file_name().is_none() {
            return Err(os::is_a_directory(target));
        }
        let real = fs::canonicalize(target);
        let (place, replaces) = match &real {
            Ok(real) => (real.as_path(), fs::metadata(real).ok()),
            Err(_) => (target, None),
        };
        if let Some(found) = &replaces {
            if found.is_dir() {
                return Err(os::is_a_directory(target));
            }
            // Renaming would replace the device by a file.
            if let Some(kind) = os::special_kind(found) {
                return Err(Error::local(
                    target,
                    io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("is {kind}; read the blob into memory instead"),
                    ),
                ));
            }
        }
        let at_target = |error| Error::local(target, error);
        let name = place.file_name().unwrap_or_default();
        let temporary = place.with_file_name(temporary_name(name));
        let open = || os::create_new(&temporary, replaces.as_ref());
        let file = match (open(), place.parent()) {
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
            place: place.to_owned(),
            target: target.to_owned(),
            replaces: replaces.is_some(),
            settled: AtomicBool::new(false),
        })
    }

    /// Takes room for the whole file: that there is not enough is noticed before anything is moved.
    pub(crate) fn reserve(&self, size: u64) -> Result<()> {
        os::reserve(&self.file, size).map_err(|error| Error::local(&self.target, error))
    }

    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        os::write_all_at(&self.file, bytes, offset)
            .map_err(|error| Error::local(&self.target, error))
    }

    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<()> {
        os::read_exact_at(&self.file, bytes, offset)
            .map_err(|error| Error::local(&self.target, error))
    }

    /// Gives the file its name. Where another one is replaced, this one is on the disk first: whatever
    /// happens to the machine, one of them is there whole.
    pub(crate) fn commit(&self) -> Result<()> {
        let synced = if self.replaces {
            os::sync(&self.file)
        } else {
            Ok(())
        };
        synced
            .and_then(|()| fs::rename(&self.temporary, &self.place))
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
