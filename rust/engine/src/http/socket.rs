//! A TCP socket whose reads and writes come back now and then.

use std::io;

pub(super) use crate::os::Socket;

/// A socket's time-out ran out, there is nothing without waiting, or a signal arrived.
pub(super) fn is_tick(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
