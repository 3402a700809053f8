//! Connections to one endpoint, kept between requests and between calls.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::ClientConfig;

use super::{connection::Connection, proxy::Proxy, tls, transport_error::TransportError};
use crate::{
    cancel::Cancellation, endpoint::Endpoint, error::InvalidInput, limits::MAX_IDLE, sync::lock,
};

/// The last connection used is the first to be used again: it is the least likely to have been closed.
#[derive(Debug)]
pub(crate) struct Pool {
    endpoint: Endpoint,
    proxy: Option<Proxy>,
    tls: Option<Arc<ClientConfig>>,
    idle_timeout: Duration,
    idle: Mutex<VecDeque<Connection>>,
}

impl Pool {
    pub(crate) fn new(endpoint: Endpoint, idle_timeout: Duration) -> Result<Self, InvalidInput> {
        let tls = if endpoint.is_tls() {
            Some(tls::client_config()?)
        } else {
            None
        };
        Ok(Self {
            proxy: Proxy::from_environment(&endpoint)?,
            endpoint,
            tls,
            idle_timeout,
            idle: Mutex::default(),
        })
    }

    /// A connection that was used before, or a new one.
    pub(crate) fn take(&self, cancellation: &Cancellation) -> Result<Connection, TransportError> {
        loop {
            let kept = lock(&self.idle).pop_back();
            match kept {
                Some(connection) if connection.is_usable() => return Ok(connection),
                Some(_) => {}
                None => return self.open(cancellation),
            }
        }
    }

    pub(crate) fn open(&self, cancellation: &Cancellation) -> Result<Connection, TransportError> {
        Connection::open(
            &self.endpoint,
            self.proxy.as_ref(),
            self.tls.as_ref(),
            self.idle_timeout,
            cancellation,
        )
    }

    /// Takes a connection back whose last answer was read to its end.
    pub(crate) fn put(&self, mut connection: Connection) {
        connection.rest();
        let mut idle = lock(&self.idle);
        // Sockets that the service has closed are not kept open on this side.
        while idle.front().is_some_and(|oldest| oldest.idle() > MAX_IDLE) {
            idle.pop_front();
        }
        idle.push_back(connection);
    }

    /// The proxy on the way, if there is one.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The proxy that plain requests are to be forwarded by.
    pub(crate) fn forwarder(&self) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| self.tls.is_none())
    }
}
