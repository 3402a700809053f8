//! Windows: a TCP socket, and opening one.
//!
//! The socket never blocks; waiting is done by polling. A receive or send that ran into the socket's own
//! time-out would leave it in a state that is not defined
//! (<https://learn.microsoft.com/windows/win32/winsock/sol-socket-socket-options>).

use std::{
    io::{self, IoSlice, Read, Write},
    net::TcpStream,
    os::windows::io::AsSocket,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// Reads and writes wait for as long as `tick`.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    tick: Duration,
}

impl Socket {
    /// A socket whose reads and writes come back after `tick` at the latest.
    pub(crate) fn new(stream: TcpStream, tick: Duration) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, tick })
    }

    /// The same socket, whose reads and writes do not wait.
    pub(crate) fn without_waiting(&self) -> WithoutWaiting<'_> {
        WithoutWaiting(&self.stream)
    }

    /// Whether the socket stands, and the other side has said nothing.
    pub(crate) fn is_quiet(&self) -> bool {
        let peeked = self.stream.peek(&mut [0]);
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    fn wait(&self, event: PollFlags) -> io::Result<()> {
        if is_ready(&self.stream, event, self.tick)? {
            Ok(())
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::IN)?;
        self.stream.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(PollFlags::OUT)?;
        self.stream.write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.wait(PollFlags::OUT)?;
        self.stream.write_vectored(pieces)
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
        self.0.read(buffer)
    }
}

impl Write for WithoutWaiting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether connecting goes on, as the socket does not wait.
pub(crate) fn is_connecting(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Whether a socket is connected, or has failed to; waits so long for it.
///
/// Before Windows 10 2004 a failure is not noticed, and becomes a time-out.
pub(crate) fn is_connect_over(socket: &socket2::Socket, time: Duration) -> io::Result<bool> {
    is_ready(socket, PollFlags::OUT, time)
}

fn is_ready(socket: &impl AsSocket, event: PollFlags, time: Duration) -> io::Result<bool> {
    let mut ready = [PollFd::new(socket, event)];
    let time = Timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: time.subsec_nanos().cast_signed(),
    };
    Ok(poll(&mut ready, Some(&time))? > 0)
}

/// Whether this machine lacks sockets, buffers or ports: closing some, or waiting, may help.
pub(crate) fn is_socket_shortage(code: i32) -> bool {
    [Errno::MFILE, Errno::NOBUFS, Errno::ADDRNOTAVAIL]
        .iter()
        .any(|shortage| code == shortage.raw_os_error())
}
