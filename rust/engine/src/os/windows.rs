//! Windows: open files, and what is said of files.

use std::{
    fs::{self, File, FileType},
    io,
    os::windows::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::Kind;

/// Numbers of errors that are found here rather than by the operating system.
pub(crate) mod code {
    /// `ERROR_BUSY`
    pub(crate) const BUSY: i32 = 170;
    /// `ERROR_INVALID_PARAMETER`
    pub(crate) const INVALID: i32 = 87;
    /// `ERROR_IO_DEVICE`
    pub(crate) const IO: i32 = 1117;
    /// `ERROR_DIRECTORY`
    pub(crate) const IS_A_FOLDER: i32 = 267;
    /// `ERROR_CANT_RESOLVE_FILENAME`
    pub(crate) const LOOP: i32 = 1921;
}

/// `ERROR_TOO_MANY_OPEN_FILES`
const TOO_MANY_OPEN_FILES: i32 = 4;

/// Whether no further file can be opened: closing some may help.
pub(crate) fn is_descriptor_shortage(code: i32) -> bool {
    code == TOO_MANY_OPEN_FILES
}

pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(crate) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(crate) fn reserve(_file: &File, _size: u64) -> io::Result<()> {
    Ok(())
}

pub(crate) fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// The standard library of the oldest compiler that this is built with has no locks of files.
pub(crate) fn try_lock(_file: &File) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

/// An open file keeps its name.
pub(crate) fn is_removed(_file: &File) -> io::Result<bool> {
    Ok(false)
}

/// What kind of thing this is.
pub(crate) fn kind(found: FileType) -> Kind {
    if found.is_symlink() {
        Kind::Link
    } else if found.is_dir() {
        Kind::Folder
    } else if found.is_file() {
        Kind::File
    } else {
        Kind::Special("a device")
    }
}

/// What tells a folder from all others of this machine.
pub(crate) type FolderIdentity = PathBuf;

pub(crate) fn folder_identity(path: &Path) -> io::Result<FolderIdentity> {
    fs::canonicalize(path)
}

/// Whether a link leads to itself.
pub(crate) fn is_link_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(code::LOOP)
}

/// Why a file cannot have this name
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file>).
pub(crate) fn reason_against_name(name: &str) -> Option<&'static str> {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let numbered = |prefix: &str| {
        stem.get(..3)
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
            && matches!(
                &stem[3..],
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
    };
    let is_device = ["CON", "PRN", "AUX", "NUL"]
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device));
    if is_device || numbered("COM") || numbered("LPT") {
        Some("has the name of a device")
    } else if name.contains(|c: char| c < ' ' || "<>:\"|?*\\".contains(c)) {
        Some("has a character that Windows does not allow in names")
    } else if name.ends_with(['.', ' ']) {
        Some("ends in a dot or a space, which Windows does not allow")
    } else {
        None
    }
}

pub(crate) fn open_nonblocking(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(crate) fn is_readable(_file: &File, _time: Duration) -> io::Result<bool> {
    Ok(true)
}
