//! Linux and macOS.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::io::{Errno, retry_on_intr};

use crate::error::Error;

pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

pub(crate) fn is_a_directory(path: &Path) -> Error {
    Error::local(path, Errno::ISDIR.into())
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

/// A new file that nobody else may read before it has the rights of the one that it replaces.
pub(crate) fn create_new(path: &Path, replaces: Option<&Metadata>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    let Some(old) = replaces else {
        return options.open(path);
    };
    let file = options.mode(0o600).open(path)?;
    // Of a file of somebody else's that is allowed only to the superuser.
    let _ = std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()));
    let mode = old.permissions().mode() & 0o7777;
    file.set_permissions(PermissionsExt::from_mode(mode))?;
    Ok(file)
}

/// Puts a file on the disk, as far as the operating system can tell.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// What kind of thing this is, where it is neither a file nor a directory.
pub(crate) fn special_kind(found: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    if kind.is_file() || kind.is_dir() {
        None
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

/// Opens a file whose reads do not wait.
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
