//! Windows: a folder, and what is done with names in it. Links are looked for before a name is used; whoever
//! can put one there in between can do so.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::{ABANDONED, FolderIdentity, Kind, kind};

#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Opens a folder by its path, through links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        if fs::metadata(path)?.is_dir() {
            Ok(Self(path.to_owned()))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Opens a folder in this one; a link is an error.
    pub(crate) fn open_below(&self, name: &OsStr) -> io::Result<Self> {
        let path = self.0.join(name);
        if fs::symlink_metadata(&path)?.is_dir() {
            Ok(Self(path))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Makes a folder in this one; that it is there already is fine.
    pub(crate) fn create_below(&self, name: &OsStr) -> io::Result<()> {
        match fs::create_dir(self.0.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            created => created,
        }
    }

    /// What has this name, if anything has; of a link, the link.
    pub(crate) fn find(&self, name: &OsStr) -> io::Result<Option<Found>> {
        match fs::symlink_metadata(self.0.join(name)) {
            Ok(found) => Ok(Some(Found(found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A new file; it has the rights that its folder hands down.
    pub(crate) fn create_new(
        &self,
        name: &OsStr,
        _replaces: Option<(&OsStr, &Found)>,
    ) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.0.join(name))
    }

    /// Gives a file another name, which it takes from whatever file or link has it.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    /// The names of all that is in the folder.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.0)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    pub(crate) fn identity(&self) -> io::Result<FolderIdentity> {
        fs::canonicalize(&self.0)
    }

    /// Removes a file that a process was writing when it was killed: one that was not written for a day.
    pub(crate) fn remove_abandoned(&self, name: &OsStr) -> io::Result<bool> {
        let found = fs::symlink_metadata(self.0.join(name))?;
        let age = found.modified()?.elapsed().unwrap_or_default();
        let abandoned = found.is_file() && age > ABANDONED;
        if abandoned {
            self.remove(name)?;
        }
        Ok(abandoned)
    }
}

/// What was found under a name.
pub(crate) struct Found(Metadata);

impl Found {
    pub(crate) fn kind(&self) -> Kind {
        kind(self.0.file_type())
    }
}
