//! A TCP socket that never raises SIGPIPE.
//!
//! Python ignores the signal; a program that has set it back to its default would be ended by the first
//! connection that the service resets.

use std::{
    io::{self, IoSlice, Read, Write},
    net::TcpStream,
    time::Duration,
};

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, send, sendmsg};

/// macOS has no such flag; there, the standard library has set the socket's own option.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

/// Reads and writes block for as long as the time-out that was set.
#[derive(Debug)]
pub(super) struct Socket(TcpStream);

impl Socket {
    /// A socket whose reads and writes come back after `tick` at the latest.
    pub(super) fn new(stream: TcpStream, tick: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(tick))?;
        stream.set_write_timeout(Some(tick))?;
        Ok(Self(stream))
    }

    /// The same socket, whose reads and writes do not wait.
    pub(super) fn without_waiting(&self) -> WithoutWaiting<'_> {
        WithoutWaiting(&self.0)
    }

    /// Whether the socket stands, and the other side has said nothing.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        let peeked = recv(
            &self.0,
            &mut byte[..],
            RecvFlags::PEEK | RecvFlags::DONTWAIT,
        );
        matches!(peeked, Err(error) if error == rustix::io::Errno::WOULDBLOCK)
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(&self.0, bytes, NO_SIGNAL)?)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut control = SendAncillaryBuffer::default();
        Ok(sendmsg(&self.0, pieces, &mut control, NO_SIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// See [`Socket::without_waiting`].
#[derive(Debug)]
pub(super) struct WithoutWaiting<'a>(&'a TcpStream);

impl Read for WithoutWaiting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (count, _) = recv(self.0, buffer, RecvFlags::DONTWAIT)?;
        Ok(count)
    }
}

impl Write for WithoutWaiting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes, NO_SIGNAL | SendFlags::DONTWAIT)?)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut control = SendAncillaryBuffer::default();
        let flags = NO_SIGNAL | SendFlags::DONTWAIT;
        Ok(sendmsg(self.0, pieces, &mut control, flags)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket's time-out ran out, there is nothing without waiting, or a signal arrived.
pub(super) fn is_tick(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}
