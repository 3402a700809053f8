//! Linux and macOS: a TCP socket that never raises SIGPIPE, and opening one.
//!
//! Python ignores the signal; a program that has set it back to its default would be ended by the first
//! connection that the service resets.

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    net::TcpStream,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, send, sendmsg},
};

/// macOS has no such flag; there, the standard library has set the socket's own option.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

/// Reads and writes block for as long as the time-out that was set.
#[derive(Debug)]
pub(crate) struct Socket(TcpStream);

impl Socket {
    /// A socket whose reads and writes come back after `tick` at the latest.
    pub(crate) fn new(stream: TcpStream, tick: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(tick))?;
        stream.set_write_timeout(Some(tick))?;
        Ok(Self(stream))
    }

    /// The same socket, whose reads and writes do not wait.
    pub(crate) fn without_waiting(&self) -> WithoutWaiting<'_> {
        WithoutWaiting(&self.0)
    }

    /// Whether the socket stands, and the other side has said nothing.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        let peeked = recv(
            &self.0,
            &mut byte[..],
            RecvFlags::PEEK | RecvFlags::DONTWAIT,
        );
        matches!(peeked, Err(error) if error == Errno::WOULDBLOCK)
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn read_vectored(&mut self, pieces: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.read_vectored(pieces)
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
pub(crate) struct WithoutWaiting<'a>(&'a TcpStream);

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

/// Whether connecting goes on, as the socket does not wait.
pub(crate) fn is_connecting(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error())
}

/// Whether a socket is connected, or has failed to; waits so long for it.
pub(crate) fn is_connect_over(socket: &socket2::Socket, time: Duration) -> io::Result<bool> {
    let mut ready = [PollFd::new(socket, PollFlags::OUT)];
    let time = Timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    match poll(&mut ready, Some(&time)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether this machine lacks descriptors, buffers or ports: closing some, or waiting, may help.
pub(crate) fn is_socket_shortage(code: i32) -> bool {
    [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
    ]
    .iter()
    .any(|shortage| code == shortage.raw_os_error())
}
