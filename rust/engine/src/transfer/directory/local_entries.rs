//! What is below a folder that is uploaded: the files, and what is left out and why.

use std::{
    ffi::OsStr,
    fs::{self, DirEntry},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    azure::BlobRef,
    cancel::SignalPoll,
    error::{Error, InvalidInput, Result},
    limits::TICK,
    os::{self, FolderIdentity, Kind},
    transfer::{file::is_temporary, job::Job},
};

/// Something below a folder.
#[derive(Debug)]
pub struct LocalEntry {
    /// Where it is.
    pub path: PathBuf,
    /// The blob that it becomes; the nearest name that a blob can have, where it can become none.
    pub blob: BlobRef,
    /// What becomes of it.
    pub kind: LocalEntryKind,
}

/// What becomes of something below a folder.
#[derive(Debug)]
pub enum LocalEntryKind {
    /// It is uploaded.
    File,
    /// It is left out, for a reason.
    Skipped(String),
    /// It cannot be uploaded.
    Failed(Error),
}

impl LocalEntry {
    /// The job of the entry, which `upload` makes of a file.
    pub fn into_job(self, upload: impl FnOnce(PathBuf, BlobRef) -> Job) -> Job {
        match self.kind {
            LocalEntryKind::File => upload(self.path, self.blob),
            LocalEntryKind::Skipped(reason) => Job::skipped(self.blob, Some(self.path), reason),
            LocalEntryKind::Failed(error) => Job::failed(self.blob, Some(self.path), error),
        }
    }
}

/// All below a folder but the folders, sorted in each folder by name, with the blobs that they become below
/// `prefix`. Links are followed, or left out where `follow_symlinks` is false; a link to a folder that it
/// is in is always left out.
///
/// # Errors
/// Where the folder itself cannot be read, or the caller gives up.
pub fn entries_below(
    folder: &Path,
    prefix: &BlobRef,
    follow_symlinks: bool,
    signals: SignalPoll<'_>,
) -> Result<Vec<LocalEntry>> {
    let mut walk = Walk {
        follow_symlinks,
        signals,
        polled: Instant::now(),
        open: Vec::new(),
        found: Vec::new(),
    };
    walk.folder(folder, prefix)?;
    Ok(walk.found)
}

struct Walk<'a> {
    follow_symlinks: bool,
    signals: SignalPoll<'a>,
    polled: Instant,
    /// The folders that lead to where the walk is.
    open: Vec<FolderIdentity>,
    found: Vec<LocalEntry>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, blob: &BlobRef) -> Result<()> {
        let at_folder = |error| Error::local(folder, error);
        let identity = os::folder_identity(folder).map_err(at_folder)?;
        if self.open.contains(&identity) {
            let reason = "is a link to a folder that it is in";
            self.add(folder, blob, LocalEntryKind::Skipped(reason.to_owned()));
            return Ok(());
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(at_folder)? {
            entries.push(entry.map_err(at_folder)?);
            self.poll()?;
        }
        entries.sort_by_key(DirEntry::file_name);
        self.open.push(identity);
        for entry in entries {
            self.poll()?;
            self.entry(&entry, blob)?;
        }
        self.open.pop();
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, prefix: &BlobRef) -> Result<()> {
        let path = entry.path();
        let blob = match blob_below(prefix, &entry.file_name()) {
            Ok(blob) => blob,
            Err((blob, reason)) => {
                self.add(&path, &blob, LocalEntryKind::Failed(reason.into()));
                return Ok(());
            }
        };
        let skipped = |reason: &str| LocalEntryKind::Skipped(reason.to_owned());
        if is_temporary(&entry.file_name()) {
            let reason = "is the file of a download that runs or was killed";
            self.add(&path, &blob, skipped(reason));
            return Ok(());
        }
        let kind = match self.kind_of(entry) {
            Ok(Kind::Folder) => match self.folder(&path, &blob) {
                Err(error) if !error.is_cancelled() => LocalEntryKind::Failed(error),
                walked => return walked,
            },
            Ok(Kind::File) => LocalEntryKind::File,
            Ok(Kind::Special(kind)) => skipped(&format!("is {kind}")),
            Ok(Kind::Link) if self.follow_symlinks => skipped("is a link that leads nowhere"),
            Ok(Kind::Link) => skipped("is a link, and links are not followed"),
            Err(error) => LocalEntryKind::Failed(Error::local(&path, error)),
        };
        self.add(&path, &blob, kind);
        Ok(())
    }

    /// A link is what it leads to, where links are followed and it leads to something.
    fn kind_of(&self, entry: &DirEntry) -> io::Result<Kind> {
        let kind = os::kind(entry.file_type()?);
        if kind != Kind::Link || !self.follow_symlinks {
            return Ok(kind);
        }
        match fs::metadata(entry.path()) {
            Ok(found) => Ok(os::kind(found.file_type())),
            Err(error) if error.kind() == io::ErrorKind::NotFound || os::is_link_loop(&error) => {
                Ok(Kind::Link)
            }
            Err(error) => Err(error),
        }
    }

    fn add(&mut self, path: &Path, blob: &BlobRef, kind: LocalEntryKind) {
        self.found.push(LocalEntry {
            path: path.to_owned(),
            blob: blob.clone(),
            kind,
        });
    }

    fn poll(&mut self) -> Result<()> {
        if self.polled.elapsed() < TICK {
            return Ok(());
        }
        let gives_up = self.signals.poll();
        self.polled = Instant::now();
        if gives_up {
            return Err(Error::cancelled());
        }
        Ok(())
    }
}

/// The blob for a file of this name, or the nearest to it and why it cannot be.
fn blob_below(prefix: &BlobRef, name: &OsStr) -> Result<BlobRef, (BlobRef, InvalidInput)> {
    let lossy = name.to_string_lossy();
    let reason = match name.to_str().map(|name| prefix.join(name)) {
        Some(Ok(blob)) => return Ok(blob),
        Some(Err(reason)) => reason,
        None => InvalidInput::new(format!(
            "{lossy:?} is not a UTF-8 name, which a blob needs; rename the file"
        )),
    };
    let nearest = match prefix.name() {
        "" => lossy.into_owned(),
        folder => format!("{folder}/{lossy}"),
    };
    let nearest = BlobRef::verbatim(prefix.container(), &nearest);
    Err((nearest.unwrap_or_else(|_| prefix.clone()), reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn walk(folder: &Path, follow_symlinks: bool) -> Vec<String> {
        let prefix = BlobRef::parse("data/p").unwrap();
        let found = entries_below(folder, &prefix, follow_symlinks, SignalPoll::never()).unwrap();
        let described = found.into_iter().map(|entry| match entry.kind {
            LocalEntryKind::File => entry.blob.to_string(),
            LocalEntryKind::Skipped(reason) => format!("{}: {reason}", entry.blob),
            LocalEntryKind::Failed(error) => format!("{} failed: {error}", entry.blob),
        });
        described.collect()
    }

    #[test]
    fn files_are_found_in_the_order_of_their_names() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path().join("b/c")).unwrap();
        for name in [
            "z",
            "a",
            "b/c/d",
            "b/a",
            ".h.0123456789abcdef.fastblob-part",
        ] {
            fs::write(scratch.path().join(name), name).unwrap();
        }
        assert_eq!(
            walk(scratch.path(), true),
            [
                "data/p/.h.0123456789abcdef.fastblob-part: is the file of a download that runs or was killed",
                "data/p/a",
                "data/p/b/a",
                "data/p/b/c/d",
                "data/p/z",
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_and_what_they_lead_to() {
        use std::os::unix::fs::symlink;
        let scratch = Scratch::new();
        let folder = scratch.path().join("folder");
        let outside = scratch.path().join("outside");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("file"), "content").unwrap();
        symlink(&outside, folder.join("a")).unwrap();
        symlink("../outside/file", folder.join("b")).unwrap();
        symlink("..", folder.join("sub/up")).unwrap();
        symlink("none", folder.join("c")).unwrap();
        symlink("d", folder.join("d")).unwrap();
        // Through the folder outside back into this one, from where it would go on.
        symlink(&folder, outside.join("back")).unwrap();
        assert_eq!(
            walk(&folder, true),
            [
                "data/p/a/back: is a link to a folder that it is in",
                "data/p/a/file",
                "data/p/b",
                "data/p/c: is a link that leads nowhere",
                "data/p/d: is a link that leads nowhere",
                "data/p/sub/up: is a link to a folder that it is in",
            ]
        );
        let not_followed = "is a link, and links are not followed";
        assert_eq!(
            walk(&folder, false),
            ["a", "b", "c", "d", "sub/up"].map(|name| format!("data/p/{name}: {not_followed}"))
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_no_blob_can_have() {
        use std::os::unix::ffi::OsStrExt;
        let scratch = Scratch::new();
        for name in [&b"caf\xe9"[..], b"a\\b", b"fine"] {
            fs::write(scratch.path().join(OsStr::from_bytes(name)), "content").unwrap();
        }
        let found = walk(scratch.path(), true);
        assert!(found[0].starts_with("data/p/a\\b failed: "), "{found:?}");
        assert!(found[1].starts_with("data/p/caf\u{fffd} failed: "));
        assert!(found[1].contains("UTF-8"));
        assert_eq!(found[2], "data/p/fine");
    }

    #[test]
    fn a_folder_that_is_none_and_a_caller_that_gives_up() {
        let scratch = Scratch::new();
        let prefix = BlobRef::parse("data/p").unwrap();
        let none = scratch.path().join("none");
        let error = entries_below(&none, &prefix, true, SignalPoll::never()).unwrap_err();
        assert_eq!(error.path(), Some(none.as_path()));

        fs::write(scratch.path().join("a"), "").unwrap();
        let gives_up = || true;
        let mut walk = Walk {
            follow_symlinks: true,
            signals: SignalPoll::new(&gives_up),
            polled: Instant::now().checked_sub(TICK).unwrap(),
            open: Vec::new(),
            found: Vec::new(),
        };
        assert!(
            walk.folder(scratch.path(), &prefix)
                .unwrap_err()
                .is_cancelled()
        );
    }
}
