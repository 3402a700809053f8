//! Reading from pipes and devices, which may have nothing to say for long.

use std::{fs::File, io, path::Path};

use crate::{cancel::SignalPoll, os};

/// Opens a pipe or a device, without waiting for somebody at its other end.
///
/// # Errors
/// As for any file.
pub fn open(path: &Path) -> io::Result<File> {
    os::open_nonblocking(path)
}

/// Waits until there is something to read, or nothing will come any more.
///
/// # Errors
/// [`Interrupted`](io::ErrorKind::Interrupted) where the caller gives up.
pub fn wait_readable(file: &File, signals: SignalPoll<'_>) -> io::Result<()> {
    loop {
        if os::is_readable(file, crate::limits::TICK)? {
            return Ok(());
        }
        if signals.poll() {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
}
