//! Why a connection cannot be used on.

use std::{io, time::Duration};

use super::connect::is_shortage;
use crate::cancel::Cancelled;

/// Why a connection cannot be used on.
#[derive(Debug)]
pub(crate) enum TransportError {
    Cancelled,
    /// No byte moved for that long.
    Idle(Duration),
    /// The host's name is not known.
    Lookup(io::Error),
    /// The other side's certificate is not acceptable, or it does not speak TLS.
    Handshake(io::Error),
    Io(io::Error),
    /// A piece of the file to be sent could not be read.
    Source(io::Error),
    Protocol(&'static str),
    /// The proxy answered a CONNECT with that status.
    Proxy(u16),
    /// This machine lacks descriptors, buffers, ports or threads.
    LocalShortage(io::Error),
}

impl TransportError {
    /// A success before the service can have had all of the request is none.
    pub(crate) fn answered_early() -> Self {
        Self::Protocol("the service reported success before it had read the request")
    }

    /// Why no connection could be opened.
    pub(super) fn opening(error: io::Error) -> Self {
        if is_shortage(&error) {
            Self::LocalShortage(error)
        } else {
            Self::Io(error)
        }
    }

    /// An error of the resolver, which several threads get.
    pub(super) fn lookup(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) if is_shortage(error) => {
                Self::LocalShortage(io::Error::from_raw_os_error(code))
            }
            _ => Self::Lookup(io::Error::new(error.kind(), error.to_string())),
        }
    }

    pub(crate) fn ended_early() -> Self {
        Self::Io(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the connection was closed before the end of the answer",
        ))
    }
}

impl From<Cancelled> for TransportError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
