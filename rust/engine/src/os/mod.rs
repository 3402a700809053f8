//! What differs between operating systems.

use std::time::Duration;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unix_folder;
#[cfg(unix)]
mod unix_socket;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
mod windows_folder;
#[cfg(windows)]
mod windows_socket;

#[cfg(unix)]
pub(crate) use {unix::*, unix_folder::*, unix_socket::*};
#[cfg(windows)]
pub(crate) use {windows::*, windows_folder::*, windows_socket::*};

/// No file that is being written goes without a byte for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What there is under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// Neither: "a pipe", for instance.
    Special(&'static str),
}
