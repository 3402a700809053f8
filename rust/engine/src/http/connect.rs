//! Opening a socket.

use std::{
    io,
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::Instant,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::transport_error::TransportError;
use crate::{
    cancel::Cancellation,
    limits::{CONNECT_TIMEOUT, TICK},
};

/// Connects to the first address of the host that takes the connection.
pub(super) fn connect(
    host: &str,
    port: u16,
    cancellation: &Cancellation,
) -> Result<TcpStream, TransportError> {
    let addresses = (host, port)
        .to_socket_addrs()
        .map_err(TransportError::Lookup)?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match connect_to(address, cancellation) {
            Ok(socket) => return Ok(socket),
            Err(TransportError::Io(error)) => last = error,
            Err(other) => return Err(other),
        }
    }
    Err(TransportError::Io(last))
}

/// Connects without blocking for longer than a tick at a time, as `TcpStream::connect_timeout` would.
fn connect_to(
    address: SocketAddr,
    cancellation: &Cancellation,
) -> Result<TcpStream, TransportError> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )
    .map_err(TransportError::Io)?;
    socket.set_nonblocking(true).map_err(TransportError::Io)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            let start = Instant::now();
            let tick = Timespec {
                tv_sec: 0,
                tv_nsec: i64::from(TICK.subsec_nanos()),
            };
            loop {
                let mut ready = [PollFd::new(&socket, PollFlags::OUT)];
                match poll(&mut ready, Some(&tick)) {
                    Ok(1..) => break,
                    Ok(_) | Err(rustix::io::Errno::INTR) => cancellation.check()?,
                    Err(error) => return Err(TransportError::Io(error.into())),
                }
                if start.elapsed() > CONNECT_TIMEOUT {
                    return Err(TransportError::Io(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
                    )));
                }
            }
            if let Some(error) = socket.take_error().map_err(TransportError::Io)? {
                return Err(TransportError::Io(error));
            }
        }
        Err(error) => return Err(TransportError::Io(error)),
    }
    socket.set_nonblocking(false).map_err(TransportError::Io)?;
    Ok(socket.into())
}
