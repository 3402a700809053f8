//! Bytes to and from the endpoint: plain or TLS, blocking, with short time-outs so that it can look up
//! from waiting a few times a second.

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::ClientConfig;

use super::{
    connect::connect,
    pace::Pace,
    resolve::Resolver,
    socket::{Socket, is_tick},
    tls_stream::TlsStream,
    transport_error::TransportError,
};
use crate::{cancel::Cancellation, limits::TICK};

#[derive(Debug)]
pub(super) struct Transport {
    stream: Stream,
    /// When the caller was last asked whether to go on.
    checked: Instant,
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream>),
}

impl Transport {
    pub(super) fn connect(
        resolver: &Resolver,
        timeout: Duration,
        cancellation: &Cancellation,
    ) -> Result<Self, TransportError> {
        let stream = connect(resolver, timeout, cancellation)?;
        let socket = Socket::new(stream, TICK).map_err(TransportError::Io)?;
        Ok(Self {
            stream: Stream::Plain(socket),
            checked: Instant::now(),
        })
    }

    /// Everything from here on is inside TLS. The handshake has to be done within `timeout`.
    pub(super) fn start_tls(
        self,
        host: String,
        config: &Arc<ClientConfig>,
        timeout: Duration,
        cancellation: &Cancellation,
    ) -> Result<Self, TransportError> {
        let Stream::Plain(socket) = self.stream else {
            unreachable!("TLS is started once, on the plain connection");
        };
        let mut stream = TlsStream::new(socket, host, config).map_err(TransportError::Handshake)?;
        let mut pace = Pace::whole(timeout);
        let mut checked = Instant::now();
        while stream.is_handshaking() {
            pace.check()?;
            let start = Instant::now();
            let result = stream.handshake();
            pace.waited(start.elapsed());
            match result {
                Ok(()) if checked.elapsed() < TICK => {}
                Ok(()) => {
                    checked = Instant::now();
                    cancellation.check()?;
                }
                Err(error) if is_tick(&error) => cancellation.check()?,
                // rustls reports what it does not accept as InvalidData; all else is the network.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Err(TransportError::Handshake(error));
                }
                Err(error) => return Err(TransportError::Io(error)),
            }
        }
        Ok(Self {
            stream: Stream::Tls(Box::new(stream)),
            ..self
        })
    }

    /// Whether the connection stands, and nobody has said anything unasked. TLS 1.3 sends session
    /// tickets whenever it likes; plain HTTP has nothing to say unasked.
    pub(super) fn is_quiet(&mut self) -> bool {
        match &mut self.stream {
            Stream::Plain(socket) => socket.is_quiet(),
            Stream::Tls(stream) => stream.is_quiet(),
        }
    }

    /// Whether bytes have arrived, and are held on this side of the socket, that nobody has read.
    pub(super) fn has_unread(&mut self) -> bool {
        match &mut self.stream {
            Stream::Plain(_) => false,
            Stream::Tls(stream) => stream.has_content(),
        }
    }

    /// Writes some of two pieces, as one segment where they are small. 0 where nothing was taken within
    /// a tick: time to look whether the other side has answered.
    pub(super) fn write(
        &mut self,
        pieces: [&[u8]; 2],
        pace: &mut Pace,
        cancellation: &Cancellation,
    ) -> Result<usize, TransportError> {
        pace.check()?;
        let start = Instant::now();
        let pieces = pieces.map(IoSlice::new);
        let result = match &mut self.stream {
            Stream::Plain(socket) if pieces[1].is_empty() => socket.write(&pieces[0]),
            Stream::Plain(socket) => socket.write_vectored(&pieces),
            Stream::Tls(stream) => match stream.flush() {
                Ok((_, true)) => stream.buffer(&pieces),
                Ok((count, false)) => {
                    pace.moved(count);
                    Ok(0)
                }
                Err(error) => Err(error),
            },
        };
        pace.waited(start.elapsed());
        match result {
            Ok(count) => {
                pace.moved(count);
                self.check_now_and_then(cancellation)?;
                Ok(count)
            }
            Err(error) if is_tick(&error) => {
                cancellation.check()?;
                Ok(0)
            }
            Err(error) => Err(TransportError::Io(error)),
        }
    }

    /// Has TLS send some of what it still holds: whether that was all.
    pub(super) fn flush(
        &mut self,
        pace: &mut Pace,
        cancellation: &Cancellation,
    ) -> Result<bool, TransportError> {
        let Stream::Tls(stream) = &mut self.stream else {
            return Ok(true);
        };
        pace.check()?;
        let start = Instant::now();
        let result = stream.flush();
        pace.waited(start.elapsed());
        match result {
            Ok((count, all)) => {
                pace.moved(count);
                self.check_now_and_then(cancellation)?;
                Ok(all)
            }
            Err(error) if is_tick(&error) => {
                cancellation.check()?;
                Ok(false)
            }
            Err(error) => Err(TransportError::Io(error)),
        }
    }

    /// Reads what is there into two pieces, and waits for the first of it. 0 at the end of the connection.
    pub(super) fn read(
        &mut self,
        [buffer, behind]: [&mut [u8]; 2],
        pace: &mut Pace,
        cancellation: &Cancellation,
    ) -> Result<usize, TransportError> {
        loop {
            pace.check()?;
            let start = Instant::now();
            let result = match &mut self.stream {
                Stream::Plain(socket) if behind.is_empty() => socket.read(buffer).map(Some),
                Stream::Plain(socket) => {
                    let mut pieces = [IoSliceMut::new(buffer), IoSliceMut::new(behind)];
                    socket.read_vectored(&mut pieces).map(Some)
                }
                // Its records are here already.
                Stream::Tls(stream) => stream.read(buffer),
            };
            pace.waited(start.elapsed());
            match result {
                Ok(count) => {
                    self.check_now_and_then(cancellation)?;
                    if let Some(count) = count {
                        return Ok(count);
                    }
                }
                Err(error) if is_tick(&error) => cancellation.check()?,
                Err(error) => return Err(TransportError::Io(error)),
            }
        }
    }

    /// Reads what is there without waiting: None where there is nothing, 0 at the end of the connection.
    pub(super) fn look(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, TransportError> {
        let result = match &mut self.stream {
            Stream::Plain(socket) => socket.without_waiting().read(buffer).map(Some),
            Stream::Tls(stream) => stream.look(buffer),
        };
        match result {
            Ok(count) => Ok(count),
            Err(error) if is_tick(&error) => Ok(None),
            Err(error) => Err(TransportError::Io(error)),
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
