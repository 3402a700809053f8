//! The file that a download goes to: under a temporary name until it is complete.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::left_overs::LeftOvers;
use crate::{
    error::{Error, InvalidInput, Result},
    os::{self, Folder, Found, Kind},
    random,
};

/// Longest file name that file systems take, in bytes.
const MAX_FILE_NAME: usize = 255;
/// Links that lead to links, as many as Linux follows.
const MAX_LINKS: u32 = 40;

/// What the names of incomplete files end with.
const PARTIAL_SUFFIX: &str = ".fastblob-part";

/// Where a download puts its file.
#[derive(Clone, Debug)]
pub(crate) enum FileTarget {
    /// Where the path leads, through links too.
    Path(PathBuf),
    /// In a folder, and nowhere else: no link inside of it is followed.
    Below {
        folder: Arc<Path>,
        /// Names and nothing else.
        relative: PathBuf,
    },
}

impl FileTarget {
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Below { folder, relative } => folder.join(relative),
        }
    }

    /// Refuses what cannot be the name of a complete file.
    pub(super) fn check_name(&self) -> Result<()> {
        let path = self.path();
        let bytes = path.as_os_str().as_encoded_bytes();
        if [&b"/"[..], b"/.", b"/.."]
            .iter()
            .any(|end| bytes.ends_with(end))
        {
            return Err(Error::is_a_folder(&path));
        }
        if path.file_name().is_some_and(is_temporary) {
            return Err(InvalidInput::new(format!(
                "{} is a name that the files of downloads have while they run, and are removed by when \
                 one is killed; choose another",
                path.display()
            ))
            .into());
        }
        Ok(())
    }

    /// The same for all paths that lead to the same file, as far as its folder is there.
    pub(crate) fn one_spelling(&self) -> PathBuf {
        match self {
            Self::Path(path) => one_spelling(path),
            // Names in one folder are different files where they are different names.
            Self::Below { .. } => self.path(),
        }
    }

    /// The folder and the name in it, and what has that name already. Missing folders are made.
    fn place(&self) -> Result<(Folder, OsString, Option<Found>)> {
        let target = self.path();
        let at_target = |error| Error::local(&target, error);
        let (folder, place) = match self {
            Self::Path(path) => {
                let place = follow_links(path).map_err(at_target)?;
                let folder = place.parent().unwrap_or(Path::new(""));
                (open_or_create(folder, &target)?, place)
            }
            Self::Below { folder, relative } => {
                let mut open = open_or_create(folder, &target)?;
                let mut path = folder.to_path_buf();
                for name in relative.parent().into_iter().flatten() {
                    path.push(name);
                    open = open_or_create_below(&open, name, &path)?;
                }
                (open, relative.clone())
            }
        };
        let Some(name) = place.file_name() else {
            return Err(Error::is_a_folder(&target));
        };
        let found = folder.find(name).map_err(at_target)?;
        match found.as_ref().map(Found::kind) {
            Some(Kind::Folder) => return Err(Error::is_a_folder(&target)),
            // Renaming would replace the device by a file.
            Some(Kind::Special(kind)) => {
                return Err(Error::local_because(
                    &target,
                    os::code::INVALID,
                    format!("is {kind}; read the blob into memory instead"),
                ));
            }
            Some(Kind::File | Kind::Link) | None => {}
        }
        Ok((folder, name.to_owned(), found))
    }
}

fn open_or_create(folder: &Path, target: &Path) -> Result<Folder> {
    match Folder::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(folder)
            .and_then(|()| Folder::open(folder))
            .map_err(|error| Error::local(folder, error)),
        opened => opened.map_err(|error| Error::local(target, error)),
    }
}

fn open_or_create_below(folder: &Folder, name: &OsStr, path: &Path) -> Result<Folder> {
    let opened = match folder.open_below(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => folder
            .create_below(name)
            .and_then(|()| folder.open_below(name)),
        opened => opened,
    };
    opened.map_err(|error| match folder.find(name) {
        Ok(Some(found)) if found.kind() == Kind::Link => Error::local_because(
            path,
            os::code::LOOP,
            "is a symbolic link, and may lead out of the folder that is downloaded to; remove it, or \
             download to where it leads",
        ),
        _ => Error::local(path, error),
    })
}

/// The path that links at its end lead to; there need not be anything.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                let target = fs::read_link(&path)?;
                path.pop();
                path.push(target);
            }
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(os::code::LOOP))
}

/// The path without `..`, and without links where its folder is there already.
fn one_spelling(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let absolute = follow_links(&absolute).unwrap_or(absolute);
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return absolute;
    };
    let folder = folder.canonicalize().unwrap_or_else(|_| {
        let mut plain = PathBuf::new();
        for component in folder.components() {
            match component {
                std::path::Component::ParentDir => {
                    plain.pop();
                }
                other => plain.push(other),
            }
        }
        plain
    });
    folder.join(name)
}

/// A file beside the target, which it replaces when it is complete, or which vanishes when dropped.
#[derive(Debug)]
pub(crate) struct PartialFile {
    file: File,
    folder: Folder,
    temporary: OsString,
    name: OsString,
    /// What the caller calls it.
    target: PathBuf,
    replaces: bool,
    /// It has its name, or is gone.
    settled: AtomicBool,
}

impl PartialFile {
    /// Creates the file, and the folders above it where they are missing.
    pub(crate) fn create(target: &FileTarget, left_overs: &LeftOvers) -> Result<Self> {
        let (folder, name, found) = target.place()?;
        let target = target.path();
        let replaces = found.filter(|found| found.kind() == Kind::File);
        left_overs.remove_from(&folder);
        let (temporary, file) = create_locked(&folder, &name, replaces.as_ref())
            .map_err(|error| Error::local(&target, error))?;
        Ok(Self {
            file,
            folder,
            temporary,
            name,
            target,
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
            .and_then(|()| self.folder.rename(&self.temporary, &self.name))
            .map_err(|error| Error::local(&self.target, error))?;
        self.settled.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Removes the file, unless it has its name already: before a failure is reported.
    pub(crate) fn discard(&self) {
        if !self.settled.swap(true, Ordering::Relaxed) {
            // Nobody could do anything about a failure, and the name says what the file is.
            let _ = self.folder.remove(&self.temporary);
        }
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        self.discard();
    }
}

/// A new file, locked so that nobody takes it for a left-over.
fn create_locked(
    folder: &Folder,
    name: &OsStr,
    replaces: Option<&Found>,
) -> io::Result<(OsString, File)> {
    loop {
        let temporary = temporary_name(name);
        let file = folder.create_new(&temporary, replaces.map(|found| (name, found)))?;
        // Not every file system has locks.
        let ours = os::try_lock(&file).unwrap_or(true);
        // Somebody may have looked at the file in between, and removed it.
        if ours && !os::is_removed(&file)? {
            return Ok((temporary, file));
        }
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

/// Whether a file has a name of incomplete ones.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let Some((_, random)) = name
        .strip_prefix('.')
        .and_then(|name| name.strip_suffix(PARTIAL_SUFFIX))
        .and_then(|name| name.rsplit_once('.'))
    else {
        return false;
    };
    random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn names_stay_legal() {
        for name in ["a", &"x".repeat(255), &"ü".repeat(127)] {
            let temporary = temporary_name(OsStr::new(name));
            assert!(temporary.len() <= MAX_FILE_NAME);
            assert!(is_temporary(&temporary));
        }
        for name in [
            "a",
            ".a.fastblob-part",
            "a.0123456789abcdef.fastblob-part",
            ".a.0123456789abcdeg.fastblob-part",
        ] {
            assert!(!is_temporary(OsStr::new(name)), "{name}");
        }
    }

    fn write(target: &FileTarget) -> Result<()> {
        let file = PartialFile::create(target, &LeftOvers::default())?;
        file.write_at(b"new", 0)?;
        file.commit()
    }

    #[cfg(unix)]
    #[test]
    fn a_link_as_target_is_written_through() {
        use std::os::unix::fs::symlink;
        let scratch = Scratch::new();
        let path = |name: &str| scratch.path().join(name);
        fs::write(path("file"), "old").unwrap();
        symlink("file", path("link")).unwrap();
        symlink("link", path("link to the link")).unwrap();
        symlink("not/yet", path("dangling")).unwrap();
        symlink("loop", path("loop")).unwrap();

        for (target, written) in [("link to the link", "file"), ("dangling", "not/yet")] {
            write(&FileTarget::Path(path(target))).unwrap();
            assert!(path(target).is_symlink());
            assert_eq!(fs::read(path(written)).unwrap(), b"new");
            let spellings = [target, written].map(|name| FileTarget::Path(path(name)));
            assert_eq!(spellings[0].one_spelling(), spellings[1].one_spelling());
        }
        let error = write(&FileTarget::Path(path("loop"))).unwrap_err();
        assert_eq!(error.os_error(), Some(os::code::LOOP));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_below_a_folder_goes_through_a_link() {
        use std::os::unix::fs::symlink;
        let scratch = Scratch::new();
        let outside = scratch.path().join("outside");
        let folder = scratch.path().join("folder");
        fs::create_dir_all(&outside).unwrap();
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::write(outside.join("file"), "precious").unwrap();
        symlink(&outside, folder.join("link")).unwrap();
        symlink("../..", folder.join("sub/up")).unwrap();
        symlink(outside.join("file"), folder.join("file")).unwrap();
        let below = |relative: &str| FileTarget::Below {
            folder: folder.as_path().into(),
            relative: relative.into(),
        };
        for relative in ["link/file", "link/new", "sub/up/new"] {
            let error = write(&below(relative)).unwrap_err();
            assert_eq!(error.os_error(), Some(os::code::LOOP), "{relative}");
            assert!(error.reason().is_some_and(|reason| reason.contains("link")));
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);

        // What is itself a link is replaced.
        write(&below("file")).unwrap();
        assert!(!folder.join("file").is_symlink());
        write(&below("a/b/c")).unwrap();
        assert_eq!(fs::read(folder.join("a/b/c")).unwrap(), b"new");
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"precious");

        let error = write(&below("file/below")).unwrap_err();
        assert_eq!(error.path(), Some(folder.join("file").as_path()));
        let error = write(&below("sub")).unwrap_err();
        assert_eq!(error.os_error(), Some(os::code::IS_A_FOLDER));
    }
}
