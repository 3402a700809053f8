//! Reading from pipes and devices, which may have nothing to say for long.

use std::{fs::File, io, path::Path, time::Duration};

use crate::os;

/// Opens a pipe or a device, without waiting for somebody at its other end.
///
/// # Errors
/// As for any file.
pub fn open(path: &Path) -> io::Result<File> {
    os::open_nonblocking(path)
}

/// Waits until there is something to read, or nothing will come any more; false where the time was up
/// before.
///
/// # Errors
/// As of `poll`.
pub fn wait_readable(file: &File, time: Duration) -> io::Result<bool> {
    os::is_readable(file, time)
}
