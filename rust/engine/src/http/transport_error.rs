//! Why a connection cannot be used on.

use std::{io, time::Duration};

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
}

impl TransportError {
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
