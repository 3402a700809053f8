//! Opening a socket.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use super::{resolve::Resolver, transport_error::TransportError};
use crate::{
    cancel::Cancellation,
    limits::{CONNECT_TIMEOUT, TICK},
    os,
};

/// Connects to the first address of the host that takes the connection.
///
/// Looking up the name and trying all of its addresses takes no longer than `timeout`.
pub(super) fn connect(
    resolver: &Resolver,
    timeout: Duration,
    cancellation: &Cancellation,
) -> Result<TcpStream, TransportError> {
    let timeout = timeout.min(CONNECT_TIMEOUT);
    let deadline = Instant::now() + timeout;
    let addresses = resolver.addresses(deadline, cancellation)?;
    first_of(&addresses, deadline, timeout, cancellation)
}

fn first_of(
    addresses: &[SocketAddr],
    deadline: Instant,
    timeout: Duration,
    cancellation: &Cancellation,
) -> Result<TcpStream, TransportError> {
    let mut failure: Option<io::Error> = None;
    for (index, address) in addresses.iter().enumerate() {
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            break;
        }
        // An address that is silent leaves time for the others.
        let share = rest / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        match connect_to(*address, share, cancellation) {
            Ok(socket) => return Ok(socket),
            Err(TransportError::Io(error)) => {
                // Where IPv6 is switched off, its addresses fail like a lack of ports.
                if !is_shortage(&error) || failure.as_ref().is_none_or(is_shortage) {
                    failure = Some(error);
                }
            }
            Err(other) => return Err(other),
        }
    }
    Err(match failure {
        Some(error) if error.kind() != io::ErrorKind::TimedOut => TransportError::opening(error),
        _ => TransportError::Io(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no connection within {} s", timeout.as_secs_f64()),
        )),
    })
}

/// Connects without blocking for longer than a tick at a time, as `TcpStream::connect_timeout` would.
fn connect_to(
    address: SocketAddr,
    timeout: Duration,
    cancellation: &Cancellation,
) -> Result<TcpStream, TransportError> {
    let deadline = Instant::now() + timeout;
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )
    .map_err(TransportError::Io)?;
    socket.set_nonblocking(true).map_err(TransportError::Io)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if os::is_connecting(&error) => {
            loop {
                let rest = deadline.saturating_duration_since(Instant::now());
                if rest.is_zero() {
                    return Err(TransportError::Io(io::ErrorKind::TimedOut.into()));
                }
                if os::is_connect_over(&socket, rest.min(TICK)).map_err(TransportError::Io)? {
                    break;
                }
                cancellation.check()?;
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

/// Whether this machine lacks descriptors, buffers or ports: closing some, or waiting, may help.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(os::is_socket_shortage)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use rustix::io::Errno;

    use super::*;
    use crate::http::scripted::patient;

    const TIMEOUT: Duration = Duration::from_millis(400);

    /// Takes no connection once its queue is full.
    fn silent() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        socket.listen(0).unwrap();
        let listener = TcpListener::from(socket);
        let address = listener.local_addr().unwrap();
        let mut taken = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, TIMEOUT / 4) {
            taken.push(stream);
        }
        (listener, taken, address)
    }

    fn connect_first(addresses: &[SocketAddr]) -> Result<TcpStream, TransportError> {
        let deadline = Instant::now() + TIMEOUT;
        patient(|cancellation| first_of(addresses, deadline, TIMEOUT, cancellation))
    }

    #[test]
    fn all_addresses_share_one_deadline() {
        let (_listener, _taken, silent) = silent();
        let start = Instant::now();
        let broken = connect_first(&[silent; 100]).unwrap_err();
        assert!(
            matches!(&broken, TransportError::Io(error) if error.kind() == io::ErrorKind::TimedOut),
            "{broken:?}"
        );
        // A hundred time-outs would be 40 s.
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_silent_address_leaves_time_for_the_next() {
        let (_listener, _taken, silent) = silent();
        let good = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(connect_first(&[silent, good.local_addr().unwrap()]).is_ok());
    }

    #[test]
    fn a_refusal_is_the_network_and_no_shortage() {
        let closed = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            listener.local_addr().unwrap()
        };
        let broken = connect_first(&[closed]).unwrap_err();
        assert!(
            matches!(&broken, TransportError::Io(error)
                if error.kind() == io::ErrorKind::ConnectionRefused),
            "{broken:?}"
        );
    }

    #[test]
    fn shortages() {
        for code in [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOBUFS,
            Errno::ADDRNOTAVAIL,
        ] {
            assert!(matches!(
                TransportError::opening(code.into()),
                TransportError::LocalShortage(_)
            ));
        }
        assert!(matches!(
            TransportError::opening(Errno::CONNREFUSED.into()),
            TransportError::Io(_)
        ));
    }
}
