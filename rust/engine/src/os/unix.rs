//! Linux and macOS: open files, and what is said of files.

use std::{
    fs::{self, File, FileType, OpenOptions},
    io,
    os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::io::{Errno, retry_on_intr};

use super::Kind;

/// Numbers of errors that are found here rather than by the operating system.
pub(crate) mod code {
    use rustix::io::Errno;

    pub(crate) const BUSY: i32 = Errno::BUSY.raw_os_error();
    pub(crate) const INVALID: i32 = Errno::INVAL.raw_os_error();
    pub(crate) const IO: i32 = Errno::IO.raw_os_error();
    pub(crate) const IS_A_FOLDER: i32 = Errno::ISDIR.raw_os_error();
    pub(crate) const LOOP: i32 = Errno::LOOP.raw_os_error();
}

/// Whether no further file can be opened, in this process or on this machine: closing some may help.
pub(crate) fn is_descriptor_shortage(code: i32) -> bool {
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|shortage| code == shortage.raw_os_error())
}

pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Takes room for a file, as far as its file system can: that there is not enough is noticed before
/// anything is moved.
#[cfg(target_os = "linux")]
pub(crate) fn reserve(file: &File, size: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, size)) {
        // Not every file system can; the file grows as it is written then.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn reserve(_file: &File, _size: u64) -> io::Result<()> {
    Ok(())
}

/// Puts a file on the disk, as far as the operating system can tell.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// Takes the lock of a file, which lasts until it is closed, by this process and by all that it forked:
/// whether nobody else has it.
///
/// An error means that the file system has no locks.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    match retry_on_intr(|| flock(file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether a file has lost its name.
pub(crate) fn is_removed(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() == 0)
}

/// What kind of thing this is.
pub(crate) fn kind(found: FileType) -> Kind {
    if found.is_file() {
        Kind::File
    } else if found.is_dir() {
        Kind::Folder
    } else if found.is_symlink() {
        Kind::Link
    } else if found.is_fifo() {
        Kind::Special("a pipe")
    } else if found.is_socket() {
        Kind::Special("a socket")
    } else {
        Kind::Special("a device")
    }
}

/// What tells a folder from all others of this machine.
pub(crate) type FolderIdentity = (u64, u64);

pub(crate) fn folder_identity(path: &Path) -> io::Result<FolderIdentity> {
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Whether a link leads to itself.
pub(crate) fn is_link_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(code::LOOP)
}

/// Why a file cannot have this name, whatever the file system.
pub(crate) fn reason_against_name(name: &str) -> Option<&'static str> {
    name.contains('\0').then_some("has a NUL in its name")
}

/// Opens a file without waiting for somebody at the other end, should it be a pipe; its reads do not wait
/// then.
pub(crate) fn open_nonblocking(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Whether there is something to read, or the end; waits so long for it.
pub(crate) fn is_readable(file: &File, time: std::time::Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut ready = [PollFd::new(file, PollFlags::IN)];
    let time = Timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    match poll(&mut ready, Some(&time)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
