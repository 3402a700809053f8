//! The bytes of one connection: plain or TLS, buffered up to the end of a request's head, slowed
//! down where asked.

use std::io::{self, BufReader, IoSlice, Read, Write};
use std::net::{Shutdown as Direction, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::memmem;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use crate::shutdown::Shutdown;

/// Azure allows less; more than this is an attack or a mistake.
const LARGEST_HEAD: usize = 64 << 10;
/// One read takes a head and the first bytes of a body; what follows is read into its final place.
const HEAD_BUFFER: usize = 16 << 10;
/// rustls asks for 4 KiB at a time: hand it those from a larger read.
const TLS_BUFFER: usize = 64 << 10;
/// By this much a sleep may last longer than asked for.
const OVERSLEPT: Duration = Duration::from_millis(2);

/// The socket, shared with the list of open connections.
#[derive(Clone, Debug)]
struct Socket(Arc<TcpStream>);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self.0).write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The socket as rustls wants it.
#[derive(Debug)]
struct BufferedSocket(BufReader<Socket>);

impl Read for BufferedSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for BufferedSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.get_mut().write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ServerConnection, BufferedSocket>>),
}

impl Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = match self {
                Self::Plain(socket) => socket.read(buffer),
                Self::Tls(stream) => stream.read(buffer),
            };
            match got {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                got => return got,
            }
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        loop {
            let written = match self {
                Self::Plain(socket) => socket.write_vectored(slices),
                Self::Tls(stream) => stream.write_vectored(slices),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => return written,
            }
        }
    }
}

/// Limits a connection to a number of bytes a second.
#[derive(Debug)]
struct Pace {
    bytes_per_second: u64,
    free_at: Instant,
    shutdown: Arc<Shutdown>,
}

impl Pace {
    /// What may pass at once: a fiftieth of a second's worth, so that the flow is even.
    fn portion(&self) -> usize {
        (self.bytes_per_second / 50).clamp(1, 256 << 10) as usize
    }

    /// Waits for as long as so many bytes take to pass.
    fn pass(&mut self, bytes: usize) -> io::Result<()> {
        let now = Instant::now();
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second.max(1) as f64);
        // A sleep lasts longer than asked for: what it took too long is made good, but no idle time.
        self.free_at = self.free_at.max(now.checked_sub(OVERSLEPT).unwrap_or(now)) + takes;
        self.shutdown
            .sleep(self.free_at.saturating_duration_since(now))
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Transport {
    socket: Socket,
    stream: Stream,
    received: Vec<u8>,
    start: usize,
    end: usize,
    pace: Option<Pace>,
    shutdown: Arc<Shutdown>,
    /// Memory for the heads of answers, from one to the next.
    pub(super) head_buffer: Vec<u8>,
}

impl Transport {
    /// Takes over an accepted socket; `tls` makes it the server's side of a TLS connection.
    pub(crate) fn new(
        socket: Arc<TcpStream>,
        tls: Option<Arc<ServerConfig>>,
        bandwidth: Option<u64>,
        shutdown: &Arc<Shutdown>,
    ) -> io::Result<Self> {
        let socket = Socket(socket);
        let stream = match tls {
            None => Stream::Plain(socket.clone()),
            Some(config) => {
                let session = ServerConnection::new(config).map_err(io::Error::other)?;
                let buffered = BufReader::with_capacity(TLS_BUFFER, socket.clone());
                Stream::Tls(Box::new(StreamOwned::new(
                    session,
                    BufferedSocket(buffered),
                )))
            }
        };
        let pace = bandwidth.map(|bytes_per_second| Pace {
            bytes_per_second,
            free_at: Instant::now(),
            shutdown: shutdown.clone(),
        });
        Ok(Self {
            socket,
            stream,
            received: vec![0; HEAD_BUFFER],
            start: 0,
            end: 0,
            pace,
            shutdown: shutdown.clone(),
            head_buffer: Vec::new(),
        })
    }

    /// Limits the connection to so many bytes a second from now on.
    pub(crate) fn slow_down(&mut self, bytes_per_second: u64) {
        self.pace = Some(Pace {
            bytes_per_second,
            free_at: Instant::now(),
            shutdown: self.shutdown.clone(),
        });
    }

    /// Reads up to the blank line that ends a head, and copies the head to `head`.
    /// False if the peer closed the connection, or let it idle, between requests.
    pub(crate) fn read_head(&mut self, head: &mut Vec<u8>) -> io::Result<bool> {
        head.clear();
        loop {
            if let Some(at) = memmem::find(&self.received[self.start..self.end], b"\r\n\r\n") {
                self.take(at + 4, head);
                return Ok(true);
            }
            let between_requests = !self.has_buffered();
            match self.fill() {
                Ok(()) => {}
                Err(_) if between_requests => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads a line of the chunked coding, without its end.
    pub(crate) fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            if let Some(at) = memmem::find(&self.received[self.start..self.end], b"\r\n") {
                self.take(at + 2, &mut line);
                line.truncate(at);
                return Ok(line);
            }
            self.fill()?;
        }
    }

    fn take(&mut self, count: usize, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.received[self.start..self.start + count]);
        self.start += count;
    }

    /// Receives at least one byte more.
    fn fill(&mut self) -> io::Result<()> {
        self.received.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.received.len() {
            if self.end >= LARGEST_HEAD {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the head is too large",
                ));
            }
            self.received.resize(self.end * 2, 0);
        }
        match self.stream.read(&mut self.received[self.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            got => {
                self.end += got;
                Ok(())
            }
        }
    }

    /// Whether bytes have arrived that nobody has read yet.
    pub(crate) fn has_buffered(&self) -> bool {
        self.start < self.end
    }

    /// Reads part of a body. Zero only at the end of the connection.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.has_buffered() {
            let count = buffer.len().min(self.end - self.start);
            buffer[..count].copy_from_slice(&self.received[self.start..self.start + count]);
            self.start += count;
            return Ok(count);
        }
        let limit = self
            .pace
            .as_ref()
            .map_or(buffer.len(), |pace| pace.portion().min(buffer.len()));
        let got = self.stream.read(&mut buffer[..limit])?;
        if let Some(pace) = &mut self.pace {
            pace.pass(got)?;
        }
        Ok(got)
    }

    /// Writes all of both, in as few writes as the socket allows.
    pub(crate) fn write_both(&mut self, mut first: &[u8], mut second: &[u8]) -> io::Result<()> {
        while !first.is_empty() || !second.is_empty() {
            let portion = self.pace.as_ref().map_or(usize::MAX, Pace::portion);
            let of_first = first.len().min(portion);
            let of_second = second.len().min(portion - of_first);
            if let Some(pace) = &mut self.pace {
                pace.pass(of_first + of_second)?;
            }
            let slices = [
                IoSlice::new(&first[..of_first]),
                IoSlice::new(&second[..of_second]),
            ];
            let slices = if of_first == 0 {
                &slices[1..]
            } else {
                &slices[..]
            };
            let written = self.stream.write_vectored(slices)?;
            let of_first = written.min(of_first);
            first = &first[of_first..];
            second = &second[written - of_first..];
        }
        Ok(())
    }

    /// Has everything written leave for the socket.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(_) => Ok(()),
            Stream::Tls(stream) => stream.flush(),
        }
    }

    /// Ends the connection in good order: everything written arrives, then the end of the stream.
    pub(crate) fn close(mut self) {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        let _ = self.socket.0.shutdown(Direction::Write);
    }

    /// Breaks the connection off: the peer gets a reset once the socket's last owner lets go of it.
    pub(crate) fn reset(self) {
        let _ = SockRef::from(&*self.socket.0).set_linger(Some(Duration::ZERO));
    }
}
