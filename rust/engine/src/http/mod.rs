//! HTTP/1.1 as the service and the proxies before it speak it, on blocking sockets.
//!
//! One exchange of our own instead of a general client, because it is the hot path: measured against
//! hyper on the same server it takes half of the CPU for a small blob, and needs no runtime that a fork
//! could break. Every request goes through it.

mod body;
mod connect;
mod connection;
mod idle;
mod message;
mod number;
mod pace;
mod pool;
mod proxy;
mod resolve;
mod send;
mod socket;
mod tls;
mod tls_stream;
mod transport;
mod transport_error;

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;

pub(crate) use body::BodyReader;
pub(crate) use connection::Connection;
pub(crate) use message::{Body, Produced, Request, ResponseHead, is_header_value};
pub(crate) use number::number;
pub(crate) use pool::Pool;
pub(crate) use proxy::Proxy;
pub(crate) use transport_error::TransportError;
