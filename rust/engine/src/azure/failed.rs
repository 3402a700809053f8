//! How an attempt ended that did not succeed, and whether another one is worth it.

use std::{io, sync::Arc, time::Duration};

use crate::{
    account::Account,
    error::{Error, ErrorKind},
    http::TransportError,
};

/// How an attempt ended that did not succeed.
pub(super) enum Failed {
    /// Try again, after a while that the service may have asked for.
    Again(Error, Option<Duration>),
    /// Try again at once: with another connection or another token.
    AtOnce(Error),
    /// This machine has no room for another connection.
    Shortage(Error),
    Final(Error),
}

/// What a failure of the connection means, and in which words it is told.
pub(super) fn transport_failure(account: &Account, error: TransportError) -> Failed {
    let mut endpoint = account.endpoint.url();
    if let Some(proxy) = account.pool.proxy() {
        endpoint = format!("{endpoint} through the proxy {}:{}", proxy.host, proxy.port);
    }
    let network = |what: String, source: io::Error| {
        Error::new(ErrorKind::Network, what).with_source(Arc::new(source))
    };
    let error = match error {
        TransportError::Cancelled => return Failed::Final(Error::cancelled()),
        TransportError::Source(error) => {
            let message = if error.kind() == io::ErrorKind::UnexpectedEof {
                "the file became shorter while it was sent".to_owned()
            } else {
                format!("the file could not be read: {error}")
            };
            return Failed::Final(
                Error::new(ErrorKind::Local, message).with_source(Arc::new(error)),
            );
        }
        TransportError::Handshake(error) => {
            return Failed::Final(network(
                format!(
                    "{endpoint}: no trusted TLS connection: {error}; where a private certificate \
                     authority is used, give ca_file= or set SSL_CERT_FILE"
                ),
                error,
            ));
        }
        TransportError::Proxy(407) => {
            return Failed::Final(
                Error::new(
                    ErrorKind::Authentication,
                    format!(
                        "{endpoint}: the proxy wants credentials; put them into the proxy's URL, as in \
                         http://user:password@host:port"
                    ),
                )
                .with_answer(407, None, None),
            );
        }
        TransportError::Proxy(status) => Error::new(
            ErrorKind::Network,
            format!(
                "{endpoint}: the proxy refused the connection with status {status}; check the proxy \
                 settings and what the proxy allows"
            ),
        ),
        TransportError::LocalShortage(error) => {
            let message = format!(
                "this machine has no room for another connection: {error}; raise the limit of open \
                 files (ulimit -n) or lower max_connections"
            );
            return Failed::Shortage(
                Error::new(ErrorKind::Local, message)
                    .with_os_error(&error)
                    .with_source(Arc::new(error)),
            );
        }
        TransportError::Lookup(error) => network(
            format!("{endpoint}: the host is not known ({error}); check the account URL and DNS"),
            error,
        ),
        TransportError::Idle(time) => Error::new(
            ErrorKind::Network,
            format!("{endpoint}: no byte moved for {} s", time.as_secs_f64()),
        ),
        TransportError::Protocol(reason) => Error::new(
            ErrorKind::Network,
            format!("{endpoint}: {reason}; check the account URL and the proxy settings"),
        ),
        TransportError::Io(error) => network(
            format!(
                "{endpoint}: the connection failed: {error}; check the account URL and the network"
            ),
            error,
        ),
    };
    Failed::Again(error, None)
}

/// A 500 without a code does not come from the service itself. Azurite's, to a batch with a SAS, comes
/// again however often one asks.
pub(super) fn is_unlike_the_service(error: &Error) -> bool {
    error.status() == Some(500) && error.code().is_none()
}
