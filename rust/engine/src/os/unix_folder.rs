//! Linux and macOS: an open folder, and what is done with names in it. Whatever becomes of the path that it
//! was opened by, it stays the same folder.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStringExt, fs::fchown},
    },
    path::Path,
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, RawMode, Stat, fchmod, fstat, mkdirat, openat,
        renameat, statat, unlinkat,
    },
    io::{Errno, retry_on_intr},
};

#[cfg(target_os = "linux")]
use {
    rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr, lgetxattr},
    std::os::fd::AsRawFd,
};

use super::{ABANDONED, FolderIdentity, Kind, try_lock};

/// On Linux one may work in a folder that one may not read.
#[cfg(target_os = "linux")]
const OPEN_FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const OPEN_FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// The rights of a new folder and of a new file, less what the process's mask takes away.
const NEW_FOLDER: Mode = Mode::from_raw_mode(0o777);
const NEW_FILE: Mode = Mode::from_raw_mode(0o666);
const OWNERS_FILE: Mode = Mode::from_raw_mode(0o600);

#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// Opens a folder by its path, through links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let folder = retry_on_intr(|| openat(CWD, path, OPEN_FOLDER, Mode::empty()))?;
        Ok(Self(folder))
    }

    /// Opens a folder in this one; a link is an error.
    pub(crate) fn open_below(&self, name: &OsStr) -> io::Result<Self> {
        let flags = OPEN_FOLDER.union(OFlags::NOFOLLOW);
        let folder = retry_on_intr(|| openat(&self.0, name, flags, Mode::empty()))?;
        Ok(Self(folder))
    }

    /// Makes a folder in this one; that it is there already is fine.
    pub(crate) fn create_below(&self, name: &OsStr) -> io::Result<()> {
        match retry_on_intr(|| mkdirat(&self.0, name, NEW_FOLDER)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What has this name, if anything has; of a link, the link.
    pub(crate) fn find(&self, name: &OsStr) -> io::Result<Option<Found>> {
        match retry_on_intr(|| statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(found) => Ok(Some(Found(found))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A new file, that nobody else may read before it has the rights of the one that it is to replace, whose
    /// name is given too.
    pub(crate) fn create_new(
        &self,
        name: &OsStr,
        replaces: Option<(&OsStr, &Found)>,
    ) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = if replaces.is_some() {
            OWNERS_FILE
        } else {
            NEW_FILE
        };
        let file = retry_on_intr(|| openat(&self.0, name, flags, mode))?;
        let file = File::from(file);
        if let Some((old_name, Found(old))) = replaces
            && let Err(error) = protect(&file, old, access_list(&self.0, old_name))
        {
            let _ = self.remove(name);
            return Err(error);
        }
        Ok(file)
    }

    /// Gives a file another name, which it takes from whatever file or link has it.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(retry_on_intr(|| renameat(&self.0, from, &self.0, to))?)
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(retry_on_intr(|| unlinkat(&self.0, name, AtFlags::empty()))?)
    }

    /// The names of all that is in the folder.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = retry_on_intr(|| openat(&self.0, ".", flags, Mode::empty()))?;
        let mut names = Vec::new();
        for entry in Dir::new(folder)? {
            names.push(OsString::from_vec(entry?.file_name().to_bytes().to_owned()));
        }
        Ok(names)
    }

    pub(crate) fn identity(&self) -> io::Result<FolderIdentity> {
        let found = fstat(&self.0)?;
        // Their widths differ between operating systems.
        #[allow(clippy::unnecessary_cast, clippy::cast_lossless, trivial_numeric_casts)]
        Ok((found.st_dev as u64, found.st_ino as u64))
    }

    /// Removes a file that a process was writing when it was killed: one whose lock nobody has. On a file
    /// system of a network that is no proof, as not all of them share locks; what was not written for a
    /// day is abandoned there, too.
    pub(crate) fn remove_abandoned(&self, name: &OsStr) -> io::Result<bool> {
        // Some file systems lock only what was opened for writing.
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = retry_on_intr(|| openat(&self.0, name, flags, Mode::empty()))?;
        let file = File::from(file);
        let found = file.metadata()?;
        if !found.is_file() {
            return Ok(false);
        }
        let age = found.modified()?.elapsed().unwrap_or_default();
        let abandoned = match try_lock(&file) {
            Ok(true) => is_local(&file) || age > ABANDONED,
            Ok(false) => false,
            Err(_) => age > ABANDONED,
        };
        if abandoned {
            self.remove(name)?;
        }
        Ok(abandoned)
    }
}

/// What was found under a name.
pub(crate) struct Found(Stat);

impl Found {
    pub(crate) fn kind(&self) -> Kind {
        match FileType::from_raw_mode(self.0.st_mode as RawMode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            FileType::Fifo => Kind::Special("a pipe"),
            FileType::Socket => Kind::Special("a socket"),
            _ => Kind::Special("a device"),
        }
    }
}

/// Whether a file is on a file system of this machine's own.
#[cfg(target_os = "linux")]
fn is_local(file: &File) -> bool {
    // linux/magic.h; ZFS and bcachefs have theirs in their own sources.
    const LOCAL: [u64; 9] = [
        0xef53,      // ext2, ext3, ext4
        0x5846_5342, // XFS
        0x9123_683e, // Btrfs
        0x0102_1994, // tmpfs
        0x794c_7630, // overlayfs
        0x8584_58f6, // ramfs
        0xf2f5_2010, // F2FS
        0x2fc1_2fc1, // ZFS
        0xca45_1a4e, // bcachefs
    ];
    rustix::fs::fstatfs(file).is_ok_and(|found| LOCAL.contains(&(found.f_type as u64)))
}

/// Whether a file is on a file system of this machine's own.
#[cfg(target_os = "macos")]
fn is_local(file: &File) -> bool {
    /// `MNT_LOCAL` of sys/mount.h.
    const LOCAL: u32 = 0x1000;
    rustix::fs::fstatfs(file).is_ok_and(|found| found.f_flags & LOCAL != 0)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn is_local(_file: &File) -> bool {
    false
}

/// The name of the attribute that Linux keeps a POSIX access control list in.
#[cfg(target_os = "linux")]
const ACCESS_LIST: &str = "system.posix_acl_access";
/// `XATTR_SIZE_MAX` of linux/limits.h.
#[cfg(target_os = "linux")]
const LONGEST_ATTRIBUTE: usize = 64 << 10;

/// The access control list of a file in a folder, where it has one beyond its mode.
#[cfg(target_os = "linux")]
fn access_list(folder: &OwnedFd, name: &OsStr) -> io::Result<Option<Vec<u8>>> {
    let mut list = vec![0; LONGEST_ATTRIBUTE];
    // There is no such call that takes a folder, and the file itself may not be ours to open.
    let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
    let length = match lgetxattr(path.join(name), ACCESS_LIST, &mut list[..]) {
        Ok(length) => length,
        Err(error) if is_none(error) => return Ok(None),
        // Not every process sees /proc.
        Err(_) => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = retry_on_intr(|| openat(folder, name, flags, Mode::empty()))?;
            match fgetxattr(file, ACCESS_LIST, &mut list[..]) {
                Ok(length) => length,
                Err(error) if is_none(error) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    };
    list.truncate(length);
    Ok((!list.is_empty()).then_some(list))
}

/// Whether that means that there is no such attribute.
#[cfg(target_os = "linux")]
fn is_none(error: Errno) -> bool {
    matches!(error, Errno::NODATA | Errno::OPNOTSUPP)
}

#[cfg(target_os = "linux")]
fn set_access_list(file: &File, list: &[u8]) -> io::Result<()> {
    Ok(fsetxattr(file, ACCESS_LIST, list, XattrFlags::empty())?)
}

/// Takes the list from a new file that it has from its folder.
#[cfg(target_os = "linux")]
fn remove_access_list(file: &File) -> io::Result<()> {
    match fremovexattr(file, ACCESS_LIST) {
        Err(error) if !is_none(error) => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn access_list(_folder: &OwnedFd, _name: &OsStr) -> io::Result<Option<Vec<u8>>> {
    Ok(None)
}

#[cfg(not(target_os = "linux"))]
fn set_access_list(_file: &File, _list: &[u8]) -> io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn remove_access_list(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Gives a new file the owner, the group and the rights of an old one, and nobody more than those had.
fn protect(file: &File, old: &Stat, access_list: io::Result<Option<Vec<u8>>>) -> io::Result<()> {
    // To keep the owner of somebody else's file is allowed only to the superuser.
    let has_group = fchown(file, Some(old.st_uid), Some(old.st_gid))
        .or_else(|_| fchown(file, None, Some(old.st_gid)))
        .is_ok();
    // What came over the network runs with nobody else's rights.
    let mode = old.st_mode as RawMode & 0o777;
    let kept = match access_list {
        Ok(Some(list)) if has_group && set_access_list(file, &list).is_ok() => return Ok(()),
        Ok(None) if remove_access_list(file).is_ok() => {
            if has_group {
                mode
            } else {
                // Members of the old group are among the others now.
                mode & (0o700 | (mode >> 3 & 0o007))
            }
        }
        // With a list, what the mode says of the group is said of everybody in the list.
        _ => mode & 0o700,
    };
    Ok(fchmod(file, Mode::from_raw_mode(kept))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_link_is_no_folder() {
        let scratch = Scratch::new();
        std::os::unix::fs::symlink("..", scratch.path().join("link")).unwrap();
        std::fs::create_dir(scratch.path().join("folder")).unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        assert!(folder.open_below(OsStr::new("folder")).is_ok());
        assert!(folder.open_below(OsStr::new("link")).is_err());
        let found = folder.find(OsStr::new("link")).unwrap().unwrap();
        assert_eq!(found.kind(), Kind::Link);
        assert!(folder.find(OsStr::new("none")).unwrap().is_none());
    }

    #[test]
    fn what_is_locked_is_not_abandoned() {
        let scratch = Scratch::new();
        let folder = Folder::open(scratch.path()).unwrap();
        let name = OsStr::new("part");
        let file = folder.create_new(name, None).unwrap();
        assert!(try_lock(&file).unwrap());
        assert!(!folder.remove_abandoned(name).unwrap());
        drop(file);
        assert!(folder.remove_abandoned(name).unwrap());
        assert_eq!(folder.names().unwrap().len(), 2, "`.` and `..`");
    }
}
