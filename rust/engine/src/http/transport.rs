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

use super::{broken::Broken, connect::connect};
use crate::{cancel::Watch, limits::TICK};

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
        watch: &Watch,
    ) -> Result<Self, Broken> {
        let socket = connect(host, port, watch)?;
        socket.set_nodelay(true).map_err(Broken::Io)?;
        socket.set_read_timeout(Some(TICK)).map_err(Broken::Io)?;
        socket.set_write_timeout(Some(TICK)).map_err(Broken::Io)?;
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
        watch: &Watch,
    ) -> Result<Self, Broken> {
        let Stream::Plain(mut socket) = self.stream else {
            unreachable!("TLS is started once, on the plain connection");
        };
        let handshake = |error: io::Error| Broken::Handshake(error);
        let name =
            ServerName::try_from(host).map_err(|error| handshake(io::Error::other(error)))?;
        let mut session = ClientConnection::new(Arc::clone(config), name)
            .map_err(|error| handshake(io::Error::other(error)))?;
        let mut patience = Patience::new(self.idle_timeout);
        while session.is_handshaking() {
            match session.complete_io(&mut socket) {
                Ok(_) => patience.reset(),
                Err(error) if is_tick(&error) => patience.wait(watch)?,
                // rustls reports what it does not accept as InvalidData; all else is the network.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(handshake(error));
                }
                Err(error) => return Err(Broken::Io(error)),
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
        watch: &Watch,
    ) -> Result<(), Broken> {
        match &mut self.stream {
            Stream::Tls(stream) => {
                // Goes into the session's buffer only; the next write takes it along.
                let mut written = 0;
                while written < first.len() {
                    match stream.conn.writer().write(&first[written..]) {
                        Ok(0) => break,
                        Ok(count) => written += count,
                        Err(error) => return Err(Broken::Io(error)),
                    }
                }
                self.write_all(&first[written..], watch)?;
                self.write_all(second, watch)
            }
            Stream::Plain(socket) => {
                let mut patience = Patience::new(self.idle_timeout);
                let count = loop {
                    let pieces = [IoSlice::new(first), IoSlice::new(second)];
                    match socket.write_vectored(&pieces) {
                        Ok(count) => break count,
                        Err(error) if is_tick(&error) => patience.wait(watch)?,
                        Err(error) => return Err(Broken::Io(error)),
                    }
                };
                match first.get(count..) {
                    Some(rest) => {
                        self.write_all(rest, watch)?;
                        self.write_all(second, watch)
                    }
                    None => self.write_all(&second[count - first.len()..], watch),
                }
            }
        }
    }

    /// Writes all of it, or fails with [`ANSWERED_EARLY`] where the service has answered meanwhile.
    pub(super) fn write_all(&mut self, mut bytes: &[u8], watch: &Watch) -> Result<(), Broken> {
        let mut patience = Patience::new(self.idle_timeout);
        while !bytes.is_empty() {
            let result = match &mut self.stream {
                Stream::Plain(socket) => socket.write(bytes),
                Stream::Tls(stream) => stream.write(bytes),
            };
            match result {
                Ok(count @ 1..) => {
                    bytes = &bytes[count..];
                    patience.reset();
                    self.check_now_and_then(watch)?;
                }
                // TLS takes nothing while its buffer is full.
                Ok(0) if matches!(self.stream, Stream::Tls(_)) => patience.wait(watch)?,
                Ok(_) => return Err(Broken::Io(io::ErrorKind::WriteZero.into())),
                Err(error) if is_tick(&error) => {
                    patience.wait(watch)?;
                    if self.has_answer() {
                        return Err(Broken::Protocol(ANSWERED_EARLY));
                    }
                }
                Err(error) => return Err(Broken::Io(error)),
            }
        }
        Ok(())
    }

    /// Has TLS send what it still holds.
    pub(super) fn flush(&mut self, watch: &Watch) -> Result<(), Broken> {
        let Stream::Tls(stream) = &mut self.stream else {
            return Ok(());
        };
        let mut patience = Patience::new(self.idle_timeout);
        loop {
            match stream.flush() {
                Ok(()) => return Ok(()),
                Err(error) if is_tick(&error) => patience.wait(watch)?,
                Err(error) => return Err(Broken::Io(error)),
            }
        }
    }

    /// Reads what is there, and waits for the first of it. 0 at the end of the connection.
    pub(super) fn read(&mut self, buffer: &mut [u8], watch: &Watch) -> Result<usize, Broken> {
        let mut patience = Patience::new(self.idle_timeout);
        loop {
            let result = match &mut self.stream {
                Stream::Plain(socket) => socket.read(buffer),
                Stream::Tls(stream) => stream.read(buffer),
            };
            match result {
                Ok(count) => {
                    self.check_now_and_then(watch)?;
                    return Ok(count);
                }
                Err(error) if is_tick(&error) => patience.wait(watch)?,
                Err(error) => return Err(Broken::Io(error)),
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
    fn check_now_and_then(&mut self, watch: &Watch) -> Result<(), Broken> {
        if self.checked.elapsed() >= TICK {
            self.checked = Instant::now();
            watch.check()?;
        }
        Ok(())
    }
}

/// How long nothing has moved.
struct Patience {
    since: Option<Instant>,
    most: Duration,
}

impl Patience {
    fn new(most: Duration) -> Self {
        Self { since: None, most }
    }

    fn reset(&mut self) {
        self.since = None;
    }

    /// One more tick without a byte.
    fn wait(&mut self, watch: &Watch) -> Result<(), Broken> {
        watch.check()?;
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.most {
            return Err(Broken::Idle(self.most));
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
