//! TLS over a socket, one step at a time, so that reading goes on where writing is stuck.

use std::{
    io::{self, IoSlice, Read, Write},
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, IoState, pki_types::ServerName};

use super::socket::{Socket, is_tick};

/// Reads without waiting at a time: more than this in session tickets is no service.
const MAX_LOOKS: u32 = 8;

#[derive(Debug)]
pub(super) struct TlsStream {
    session: ClientConnection,
    socket: Socket,
}

impl TlsStream {
    pub(super) fn new(
        socket: Socket,
        host: String,
        config: &Arc<ClientConfig>,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        Ok(Self { session, socket })
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// One flight of the handshake, out or in.
    pub(super) fn handshake(&mut self) -> io::Result<()> {
        if self.session.wants_write() {
            self.session.write_tls(&mut self.socket)?;
        } else if self.session.read_tls(&mut self.socket)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.process().map(|_| ())
    }

    /// Sends some of what the session holds: how much, and whether that was all.
    pub(super) fn flush(&mut self) -> io::Result<(usize, bool)> {
        if !self.session.wants_write() {
            return Ok((0, true));
        }
        let count = self.session.write_tls(&mut self.socket)?;
        Ok((count, !self.session.wants_write()))
    }

    /// Takes bytes into the session, to be sent with the next [`flush`](Self::flush).
    pub(super) fn buffer(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.session.writer().write_vectored(pieces)
    }

    /// Content, or None where what arrived was none. 0 at a proper end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.session.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result.map(Some),
        }
        self.answer_peer();
        self.session.read_tls(&mut self.socket)?;
        self.process()?;
        match self.session.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            result => result.map(Some),
        }
    }

    /// Content that is there without waiting; None where there is none, 0 at the end.
    pub(super) fn look(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        for _ in 0..MAX_LOOKS {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
                result => return result.map(Some),
            }
            match self.session.read_tls(&mut self.socket.without_waiting()) {
                Ok(_) => self.process()?,
                Err(error) if is_tick(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(None)
    }

    /// Whether the connection stands, and the other side has said nothing but TLS's own messages.
    pub(super) fn is_quiet(&mut self) -> bool {
        for _ in 0..MAX_LOOKS {
            match self.process() {
                Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                _ => return false,
            }
            match self.session.read_tls(&mut self.socket.without_waiting()) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return is_tick(&error),
            }
        }
        false
    }

    /// Whether content has arrived that nobody has read.
    pub(super) fn has_content(&mut self) -> bool {
        self.process()
            .is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
    }

    fn process(&mut self) -> io::Result<IoState> {
        self.session.process_new_packets().map_err(|error| {
            self.answer_peer();
            io::Error::new(io::ErrorKind::InvalidData, error)
        })
    }

    /// Sends alerts and the like, as far as it goes: where the other side has ceased to read, it may
    /// have answered all the same.
    fn answer_peer(&mut self) {
        if self.session.wants_write() {
            let _ = self.session.write_tls(&mut self.socket.without_waiting());
        }
    }
}
