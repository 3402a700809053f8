//! Connections to one endpoint, kept between requests and between calls.

use std::{sync::Arc, time::Duration};

use rustls::ClientConfig;

use super::{
    connection::Connection, idle::IdleConnections, proxy::Proxy, resolve::Resolver, tls,
    transport_error::TransportError,
};
use crate::{cancel::Cancellation, config::Trust, endpoint::Endpoint, error::InvalidInput};

/// Opens connections to one endpoint, straight or through a proxy, and keeps them.
#[derive(Debug)]
pub(crate) struct Pool {
    endpoint: Endpoint,
    proxy: Option<Proxy>,
    resolver: Resolver,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
    idle: IdleConnections,
}

impl Pool {
    pub(crate) fn new(
        endpoint: Endpoint,
        trust: &Trust,
        timeout: Duration,
    ) -> Result<Self, InvalidInput> {
        let tls = match &trust.ca_file {
            Some(file) => Some(tls::trusting_only(file)?),
            None if endpoint.is_tls() => Some(tls::client_config()?),
            None => None,
        }
        // A file of certificates is read in any case, so that a wrong one is found out.
        .filter(|_| endpoint.is_tls());
        let proxy = match &trust.proxy {
            Some(url) => Proxy::explicit(url)?,
            None => Proxy::from_environment(&endpoint)?,
        };
        let resolver = match &proxy {
            Some(proxy) => Resolver::new(proxy.host.clone(), proxy.port),
            None => Resolver::new(endpoint.host(), endpoint.port()),
        };
        Ok(Self {
            proxy,
            resolver,
            endpoint,
            tls,
            timeout,
            idle: IdleConnections::new(),
        })
    }

    /// A connection that was used before, or a new one.
    pub(crate) fn take(&self, cancellation: &Cancellation) -> Result<Connection, TransportError> {
        loop {
            let Some(mut connection) = self.idle.pop() else {
                return self.open(cancellation);
            };
            if connection.is_usable() {
                return Ok(connection);
            }
        }
    }

    /// A new connection. Where this machine has no room for one, those that are not in use make it.
    pub(crate) fn open(&self, cancellation: &Cancellation) -> Result<Connection, TransportError> {
        match self.try_open(cancellation) {
            Err(TransportError::LocalShortage(_)) if self.close_idle() => {
                self.try_open(cancellation)
            }
            result => result,
        }
    }

    /// Closes the connections that are not in use: whether there were any.
    pub(crate) fn close_idle(&self) -> bool {
        self.idle.clear()
    }

    fn try_open(&self, cancellation: &Cancellation) -> Result<Connection, TransportError> {
        match &self.proxy {
            None => log::debug!("connecting to {}", self.endpoint.origin()),
            Some(proxy) => log::debug!(
                "connecting to {} through the proxy {}:{}",
                self.endpoint.origin(),
                proxy.host,
                proxy.port
            ),
        }
        Connection::open(
            &self.endpoint,
            self.proxy.as_ref(),
            &self.resolver,
            self.tls.as_ref(),
            self.timeout,
            cancellation,
        )
    }

    /// Takes a connection back whose last answer was read to its end.
    pub(crate) fn put(&self, mut connection: Connection) {
        // Bytes behind an answer would be taken for the next one.
        if connection.has_unread() {
            return;
        }
        connection.rest();
        self.idle.push(connection);
    }

    /// Closes what is not in use, and keeps nothing any more.
    pub(crate) fn close(&self) {
        self.idle.close();
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
