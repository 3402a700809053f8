//! Windows.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::windows::fs::FileExt,
    path::Path,
    time::Duration,
};

use crate::error::Error;

/// `ERROR_DIRECTORY`
const IS_A_DIRECTORY: i32 = 267;

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

pub(crate) fn is_a_directory(path: &Path) -> Error {
    Error::local(path, io::Error::from_raw_os_error(IS_A_DIRECTORY))
}

pub(crate) fn reserve(_file: &File, _size: u64) -> io::Result<()> {
    Ok(())
}

pub(crate) fn create_new(path: &Path, _replaces: Option<&Metadata>) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
}

pub(crate) fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

pub(crate) fn special_kind(found: &Metadata) -> Option<&'static str> {
    (!found.is_file() && !found.is_dir()).then_some("a device")
}

pub(crate) fn open_nonblocking(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(crate) fn is_readable(_file: &File, _time: Duration) -> io::Result<bool> {
    Ok(true)
}
