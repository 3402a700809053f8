//! HTTP/1.1 as far as a storage service needs it, on plain and TLS connections.

mod answer;
mod body;
mod connection;
mod request;
mod transport;

pub(crate) use answer::{Answer, Framing, Payload};
pub(crate) use body::RequestBody;
pub(crate) use connection::{Handler, serve};
pub(crate) use request::{Request, parse_query};
pub(crate) use transport::Transport;
