//! Bytes to and from the endpoint: plain or TLS, blocking, with short time-outs so that it can look up
//! from waiting a few times a second.

use std::{
    io::{self, IoSlice, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use super::{connect::connect, transport_error::TransportError};
use crate::{cancel::Cancellation, limits::TICK};

pub(super) const ANSWERED_EARLY: &str = "the service answered before it had read the request";

#[derive(Debug)]
pub(super) struct Transport {
    stream: Stream,
    idle_timeout: Duration,
    /// When the caller was last asked whether to go on.
    checked: Instant,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &stream.sock,
        }
    }
}

impl Transport {
    pub(super) fn connect(
        host: &str,
        port: u16,
        idle_timeout: Duration,
        cancellation: &Cancellation,
    ) -> Result<Self, TransportError> {
        let socket = connect(host, port, cancellation)?;
        socket.set_nodelay(true).map_err(TransportError::Io)?;
        socket
            .set_read_timeout(Some(TICK))
            .map_err(TransportError::Io)?;
        socket
            .set_write_timeout(Some(TICK))
            .map_err(TransportError::Io)?;
        Ok(Self {
            stream: Stream::Plain(socket),
            idle_timeout,
            checked: Instant::now(),
        })
    }

    pub(super) fn start_tls(
        self,
        host: String,
        config: &Arc<ClientConfig>,
        cancellation: &Cancellation,
    ) -> Result<Self, TransportError> {
        let Stream::Plain(mut socket) = self.stream else {
            unreachable!("TLS is started once, on the plain connection");
        };
        let handshake = |error: io::Error| TransportError::Handshake(error);
        let name =
            ServerName::try_from(host).map_err(|error| handshake(io::Error::other(error)))?;
        let mut session = ClientConnection::new(Arc::clone(config), name)
            .map_err(|error| handshake(io::Error::other(error)))?;
        let mut idle = IdleTimer::new(self.idle_timeout);
        while session.is_handshaking() {
            match session.complete_io(&mut socket) {
                Ok(_) => idle.reset(),
                Err(error) if is_tick(&error) => idle.wait(cancellation)?,
                // rustls reports what it does not accept as InvalidData; all else is the network.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(handshake(error));
                }
                Err(error) => return Err(TransportError::Io(error)),
            }
        }
        Ok(Self {
            stream: Stream::Tls(Box::new(StreamOwned::new(session, socket))),
            ..self
        })
    }

    /// Whether the socket stands, and nobody has said anything unasked.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [0u8];
        match recv(
            self.stream.socket(),
            &mut byte,
            RecvFlags::PEEK | RecvFlags::DONTWAIT,
        ) {
            Err(error) => error == Errno::WOULDBLOCK,
            Ok((0, _)) => false,
            // TLS 1.3 sends session tickets whenever it likes; plain HTTP has nothing to say unasked.
            Ok(_) => matches!(self.stream, Stream::Tls(_)),
        }
    }

    /// Writes two pieces as one, so that a small request is one segment.
    pub(super) fn write_both(
        &mut self,
        first: &[u8],
        second: &[u8],
        cancellation: &Cancellation,
    ) -> Result<(), TransportError> {
        match &mut self.stream {
            Stream::Tls(stream) => {
                // Goes into the session's buffer only; the next write takes it along.
                let mut written = 0;
                while written < first.len() {
                    match stream.conn.writer().write(&first[written..]) {
                        Ok(0) => break,
                        Ok(count) => written += count,
                        Err(error) => return Err(TransportError::Io(error)),
                    }
                }
                self.write_all(&first[written..], cancellation)?;
                self.write_all(second, cancellation)
            }
            Stream::Plain(socket) => {
                let mut idle = IdleTimer::new(self.idle_timeout);
                let count = loop {
                    let pieces = [IoSlice::new(first), IoSlice::new(second)];
                    match socket.write_vectored(&pieces) {
                        Ok(count) => break count,
                        Err(error) if is_tick(&error) => idle.wait(cancellation)?,
                        Err(error) => return Err(TransportError::Io(error)),
                    }
                };
                match first.get(count..) {
                    Some(rest) => {
                        self.write_all(rest, cancellation)?;
                        self.write_all(second, cancellation)
                    }
                    None => self.write_all(&second[count - first.len()..], cancellation),
                }
            }
        }
    }

    /// Writes all of it, or fails with [`ANSWERED_EARLY`] where the service has answered meanwhile.
    pub(super) fn write_all(
        &mut self,
        mut bytes: &[u8],
        cancellation: &Cancellation,
    ) -> Result<(), TransportError> {
        let mut idle = IdleTimer::new(self.idle_timeout);
        while !bytes.is_empty() {
            let result = match &mut self.stream {
                Stream::Plain(socket) => socket.write(bytes),
                Stream::Tls(stream) => stream.write(bytes),
            };
            match result {
                Ok(count @ 1..) => {
                    bytes = &bytes[count..];
                    idle.reset();
                    self.check_now_and_then(cancellation)?;
                }
                // TLS takes nothing while its buffer is full.
                Ok(0) if matches!(self.stream, Stream::Tls(_)) => idle.wait(cancellation)?,
                Ok(_) => return Err(TransportError::Io(io::ErrorKind::WriteZero.into())),
                Err(error) if is_tick(&error) => {
                    idle.wait(cancellation)?;
                    if self.has_answer() {
                        return Err(TransportError::Protocol(ANSWERED_EARLY));
                    }
                }
                Err(error) => return Err(TransportError::Io(error)),
            }
        }
        Ok(())
    }

    /// Has TLS send what it still holds.
    pub(super) fn flush(&mut self, cancellation: &Cancellation) -> Result<(), TransportError> {
        let Stream::Tls(stream) = &mut self.stream else {
            return Ok(());
        };
        let mut idle = IdleTimer::new(self.idle_timeout);
        loop {
            match stream.flush() {
                Ok(()) => return Ok(()),
                Err(error) if is_tick(&error) => idle.wait(cancellation)?,
                Err(error) => return Err(TransportError::Io(error)),
            }
        }
    }

    /// Reads what is there, and waits for the first of it. 0 at the end of the connection.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        cancellation: &Cancellation,
    ) -> Result<usize, TransportError> {
        let mut idle = IdleTimer::new(self.idle_timeout);
        loop {
            let result = match &mut self.stream {
                Stream::Plain(socket) => socket.read(buffer),
                Stream::Tls(stream) => stream.read(buffer),
            };
            match result {
                Ok(count) => {
                    self.check_now_and_then(cancellation)?;
                    return Ok(count);
                }
                Err(error) if is_tick(&error) => idle.wait(cancellation)?,
                Err(error) => return Err(TransportError::Io(error)),
            }
        }
    }

    /// Whether part of an answer has arrived that nobody has read.
    pub(super) fn has_answer(&mut self) -> bool {
        match &mut self.stream {
            Stream::Plain(socket) => {
                let mut byte = [0u8];
                matches!(
                    recv(&*socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT),
                    Ok((1.., _))
                )
            }
            // What the socket holds may be a session ticket; rustls has read it while it could not write.
            Stream::Tls(stream) => stream
                .conn
                .process_new_packets()
                .is_ok_and(|state| state.plaintext_bytes_to_read() > 0),
        }
    }

    /// Asks once a tick whether to go on, also while bytes flow.
    fn check_now_and_then(&mut self, cancellation: &Cancellation) -> Result<(), TransportError> {
        if self.checked.elapsed() >= TICK {
            self.checked = Instant::now();
            cancellation.check()?;
        }
        Ok(())
    }
}

/// How long nothing has moved.
struct IdleTimer {
    since: Option<Instant>,
    most: Duration,
}

impl IdleTimer {
    fn new(most: Duration) -> Self {
        Self { since: None, most }
    }

    fn reset(&mut self) {
        self.since = None;
    }

    /// One more tick without a byte.
    fn wait(&mut self, cancellation: &Cancellation) -> Result<(), TransportError> {
        cancellation.check()?;
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.most {
            return Err(TransportError::Idle(self.most));
        }
        Ok(())
    }
}

/// A socket's time-out ran out, or a signal arrived.
fn is_tick(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
